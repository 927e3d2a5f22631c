//! What clients are let in by: where they put it, and how it is taken away from what others see.

mod secret;
mod word;

use std::borrow::Cow;

use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue};
use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::secret::Secret;
pub(crate) use self::word::Word;
use crate::exchange::Exchange;
use crate::filter::FilterError;
use crate::settings::FieldName;
use crate::target;

/// A place where clients put what they are let in by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(title = "place")]
pub(crate) enum Place {
    /// The value of a request header.
    Header(FieldName),
    /// What stands behind a scheme in `Authorization`.
    Authorization(Word),
    /// A query parameter.
    Query(Word),
    /// A cookie.
    Cookie(Word),
}

/// The places where a filter looks, in order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(try_from = "Vec<Place>")]
pub(crate) struct Places(Vec<Place>);

/// What a client put into one of the places.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found<'a> {
    /// Which of the places it is, for [`Places::strip`].
    pub(crate) place: usize,
    /// The value.
    pub(crate) value: Cow<'a, str>,
}

/// A place holds several different values, or one that is no text: which one counts is anybody's guess.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclear;

impl TryFrom<Vec<Place>> for Places {
    type Error = String;

    fn try_from(places: Vec<Place>) -> Result<Self, String> {
        match places.is_empty() {
            true => Err("there is no place to look at: `{ header = \"x-api-key\" }`".to_owned()),
            false => Ok(Self(places)),
        }
    }
}

impl Places {
    /// The one place that is looked at unless told otherwise.
    pub(crate) fn only(place: Place) -> Self {
        Self(vec![place])
    }

    /// What the first place holds that holds anything.
    pub(crate) fn find<'a>(&self, exchange: &'a Exchange) -> Result<Option<Found<'a>>, Unclear> {
        for (index, place) in self.0.iter().enumerate() {
            if let Some(value) = place.value(exchange)? {
                return Ok(Some(Found {
                    place: index,
                    value,
                }));
            }
        }
        Ok(None)
    }

    /// Takes away what the places hold, but for the one to keep: whoever reads the request next sees only what was
    /// checked.
    pub(crate) fn strip(
        &self,
        exchange: &mut Exchange,
        keep: Option<usize>,
    ) -> Result<(), FilterError> {
        for (index, place) in self.0.iter().enumerate() {
            if Some(index) != keep {
                place.strip(exchange)?;
            }
        }
        Ok(())
    }

    /// Whether one of the places is `Authorization`.
    pub(crate) fn have_authorization(&self) -> bool {
        self.0
            .iter()
            .any(|place| matches!(place, Place::Authorization(_)))
    }

    /// Whether that place is `Authorization`, which the cache's policy knows.
    pub(crate) fn is_authorization(&self, place: usize) -> bool {
        matches!(self.0.get(place), Some(Place::Authorization(_)))
    }
}

impl Place {
    fn value<'a>(&self, exchange: &'a Exchange) -> Result<Option<Cow<'a, str>>, Unclear> {
        match self {
            Self::Header(FieldName(name)) => {
                Ok(single(exchange, name)?.map(str::trim).map(Cow::Borrowed))
            }
            Self::Authorization(scheme) => {
                let mut values = exchange.request.headers.get_all(AUTHORIZATION).iter();
                match (values.next(), values.next()) {
                    (Some(lone), None) => Ok(token(lone, scheme).map(Cow::Borrowed)),
                    (None, _) => Ok(None),
                    _ => Err(Unclear),
                }
            }
            Self::Query(name) => {
                let pairs = exchange.query().unwrap_or("").split('&');
                let value = same(pairs.filter_map(|pair| value_of(pair, name)))?;
                value
                    .map(|value| percent_decode_str(value).decode_utf8().map_err(|_| Unclear))
                    .transpose()
            }
            Self::Cookie(name) => {
                let cookies = cookies(exchange).filter_map(|pair| value_of(pair, name));
                Ok(same(cookies)?.map(Cow::Borrowed))
            }
        }
    }

    fn strip(&self, exchange: &mut Exchange) -> Result<(), FilterError> {
        match self {
            Self::Header(FieldName(name)) => {
                exchange.request.remove_header(name);
            }
            Self::Authorization(scheme) => {
                let mut values = exchange.request.headers.get_all(AUTHORIZATION).iter();
                if values.any(|value| token(value, scheme).is_some()) {
                    exchange.request.remove_header(&AUTHORIZATION);
                }
            }
            Self::Query(name) => target::retain_query(exchange, |key| key != name.as_str())?,
            Self::Cookie(name) => retain_cookies(exchange, |key| key != name.as_str())?,
        }
        Ok(())
    }
}

/// The only value of a header.
fn single<'a>(exchange: &'a Exchange, name: &HeaderName) -> Result<Option<&'a str>, Unclear> {
    let mut values = exchange.request.headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Unclear),
        _ => Err(Unclear),
    }
}

/// What stands behind the scheme.
fn token<'a>(value: &'a HeaderValue, scheme: &Word) -> Option<&'a str> {
    let (word, token) = value.to_str().ok()?.split_once(' ')?;
    word.eq_ignore_ascii_case(scheme.as_str())
        .then(|| token.trim())
}

/// The value of all of them.
fn same<'a>(mut values: impl Iterator<Item = &'a str>) -> Result<Option<&'a str>, Unclear> {
    let Some(first) = values.next() else {
        return Ok(None);
    };
    match values.all(|value| value == first) {
        true => Ok(Some(first)),
        false => Err(Unclear),
    }
}

fn value_of<'a>(pair: &'a str, name: &Word) -> Option<&'a str> {
    let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
    (key == name.as_str()).then_some(value)
}

/// The `name=value` of each cookie.
pub(crate) fn cookies(exchange: &Exchange) -> impl Iterator<Item = &str> {
    let lines = exchange.request.headers.get_all(COOKIE).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
}

/// Keeps the cookies whose name stays; those that are no text go with those that don't.
pub(crate) fn retain_cookies(
    exchange: &mut Exchange,
    stays: impl Fn(&str) -> bool,
) -> Result<(), FilterError> {
    let stays = |pair: &&str| stays(pair.split_once('=').map_or(*pair, |(name, _)| name));
    if cookies(exchange).all(|pair| stays(&pair)) {
        return Ok(());
    }
    let kept: Vec<&str> = cookies(exchange).filter(stays).collect();
    let line = kept.join("; ");
    exchange.request.remove_header(&COOKIE);
    if !line.is_empty() {
        let fails = |_| FilterError::new("`cookie` can't be put together again");
        exchange
            .request
            .insert_header(COOKIE, line)
            .map_err(fails)?;
    }
    Ok(())
}

/// Removes what the client sent under names that the edge vouches for, also written with `_` for `-`, which some
/// servers take for the same.
pub(crate) fn remove_claimed(exchange: &mut Exchange, names: &[HeaderName]) {
    for name in names {
        exchange.request.remove_header(name);
    }
    let folds = |sent: &str, name: &HeaderName| {
        let name = name.as_str();
        let is_alike = |(a, b): (u8, u8)| a == b || (a == b'_' && b == b'-');
        sent.len() == name.len() && sent.bytes().zip(name.bytes()).all(is_alike)
    };
    let is_claimed = |sent: &&HeaderName| {
        sent.as_str().contains('_') && names.iter().any(|name| folds(sent.as_str(), name))
    };
    let claimed: Vec<HeaderName> = exchange
        .request
        .headers
        .keys()
        .filter(is_claimed)
        .cloned()
        .collect();
    for name in claimed {
        exchange.request.remove_header(&name);
    }
}

/// A line of a file of keys without blanks around it and its comment. A `#` within a key begins none.
pub(crate) fn without_comment(line: &str) -> &str {
    let begins = |(at, _): &(usize, &str)| *at == 0 || line[..*at].ends_with(char::is_whitespace);
    let comment = line.match_indices('#').find(begins);
    comment.map_or(line, |(at, _)| &line[..at]).trim()
}

/// Text between quotes in a header, as RFC 9110 §5.6.4 has it.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests;
