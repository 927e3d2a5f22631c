//! What a page's own scripts are told by.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lol_html::send::{Element, ElementContentHandlers};

use crate::exchange::Exchange;

/// 128 random bits, as they stand in a policy and in the page. A note, so that all policies of one response have the same.
#[derive(Clone)]
pub(super) struct Nonce(pub(super) Arc<str>);

impl Nonce {
    /// That of an exchange, made when it is first asked for.
    pub(super) fn of(exchange: &mut Exchange) -> Self {
        if let Some(nonce) = exchange.notes.get::<Self>() {
            return nonce.clone();
        }
        let bits: [u8; 16] = rand::random();
        let nonce = Self(STANDARD.encode(bits).into());
        exchange.notes.insert(nonce.clone());
        nonce
    }

    /// Gives it to elements.
    pub(super) fn handler(&self) -> ElementContentHandlers<'static> {
        let nonce = self.0.clone();
        ElementContentHandlers::default().element(move |element: &mut Element<'_, '_>| {
            element.set_attribute("nonce", &nonce)?;
            Ok(())
        })
    }
}
