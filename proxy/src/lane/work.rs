//! What was done for a request until it turns out whether the lane can answer it.

use http::Extensions;
use rimward_cache::encoding::Accepted;
use rimward_filters::{Exchange, WayThere};

use super::asked::Asked;
use super::place::Place;
use crate::listen::Notes;
use crate::request::{Edits, Overtaken, Travelling};

/// What was done for a request.
#[derive(Default)]
pub(super) struct Work {
    /// What filters and the log see, once somebody does.
    pub(super) exchange: Option<Box<Exchange>>,
    /// How far the request phase has come, when filters take part.
    pub(super) way: Option<WayThere>,
    /// Which encoding the client takes.
    pub(super) accepted: Option<Accepted>,
}

impl Work {
    /// Hands it over to the engine, where the request goes on.
    pub(super) fn hand_over(self, place: &Place<'_, '_>, asked: &Asked<'_>) -> Notes {
        let Self {
            exchange,
            way,
            accepted,
        } = self;
        let (Some(exchange), Some(way), Some(before)) = (exchange, way, asked.request()) else {
            return Notes::default();
        };
        let mut notes = Extensions::new();
        notes.insert(Travelling::new(Overtaken {
            runtime: place.runtime.clone(),
            route: place.route.clone(),
            trusted_peer: place.identity.trusted,
            edits: Edits::between(&before, &exchange.request),
            exchange,
            way,
            accepted,
        }));
        Notes(notes)
    }
}
