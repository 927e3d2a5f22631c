//! A page that is a file.

use std::fmt::Write;

use bytes::Bytes;
use http::StatusCode;
use http::header::HeaderValue;

use crate::exchange::Exchange;
use crate::template::{Place, Variable};

/// A page that is a file, as it was when the configuration was read.
pub(super) struct FilePage {
    content_type: HeaderValue,
    content: Content,
}

enum Content {
    Fixed(Bytes),
    Rendered(Vec<Piece>, Place),
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Status,
    Reason,
    Variable(Variable),
}

impl FilePage {
    pub(super) fn fixed(content_type: HeaderValue, body: Bytes) -> Self {
        Self {
            content_type,
            content: Content::Fixed(body),
        }
    }

    pub(super) fn with_variables(content_type: HeaderValue, text: &str) -> Self {
        let place = Place::in_body(&content_type);
        Self {
            content_type,
            content: Content::Rendered(parse(text), place),
        }
    }

    pub(super) fn body(&self, exchange: &Exchange, status: StatusCode) -> (HeaderValue, Bytes) {
        let body = match &self.content {
            Content::Fixed(body) => body.clone(),
            Content::Rendered(pieces, place) => render(pieces, *place, exchange, status).into(),
        };
        (self.content_type.clone(), body)
    }
}

/// What stands in braces and is no variable is text: pages have braces in scripts and styles.
fn parse(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        literal.push_str(before);
        let named = after
            .split_once('}')
            .and_then(|(name, after)| Some((variable(name)?, after)));
        match named {
            Some((piece, after)) => {
                if !literal.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut literal)));
                }
                pieces.push(piece);
                rest = after;
            }
            None => {
                literal.push('{');
                rest = after;
            }
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Text(literal));
    }
    pieces
}

fn variable(name: &str) -> Option<Piece> {
    match name {
        "status" => Some(Piece::Status),
        "reason" => Some(Piece::Reason),
        name => name.parse().ok().map(Piece::Variable),
    }
}

fn render(pieces: &[Piece], place: Place, exchange: &Exchange, status: StatusCode) -> String {
    let mut out = String::new();
    for piece in pieces {
        match piece {
            Piece::Text(text) => out.push_str(text),
            // Writing into a string can't fail.
            Piece::Status => write!(out, "{}", status.as_u16()).unwrap_or_default(),
            Piece::Reason => out.push_str(status.canonical_reason().unwrap_or("Error")),
            Piece::Variable(variable) => {
                if let Some(value) = variable.value(exchange) {
                    variable.write(&value, place, &mut out);
                }
            }
        }
    }
    out
}
