//! Cookies of the edge's own: set in responses, and taken out of requests before anybody else sees them.

use std::time::Duration;

use http::HeaderValue;
use http::header::COOKIE;

use crate::exchange::{Exchange, Scheme};
use crate::filter::FilterError;

/// A cookie for the whole host that scripts can't read, kept for so long; no time removes it.
///
/// # Errors
/// When name or value have characters that a header can't have.
pub(crate) fn set(
    scheme: Scheme,
    name: &str,
    value: &str,
    time: Duration,
) -> Result<HeaderValue, FilterError> {
    let secure = match scheme {
        Scheme::Https => "; Secure",
        Scheme::Http => "",
    };
    let time = time.as_secs();
    let cookie = format!("{name}={value}; Path=/; Max-Age={time}; HttpOnly; SameSite=Lax{secure}");
    HeaderValue::try_from(cookie).map_err(|_| FilterError::new("a cookie can't be set"))
}

/// Takes the cookies out of a request whose names are ours.
pub(crate) fn take_out(exchange: &mut Exchange, is_ours: impl Fn(&[u8]) -> bool) {
    let is_ours = |pair: &&[u8]| {
        let mut parts = pair.splitn(2, |byte| *byte == b'=');
        parts.next().is_some_and(|name| is_ours(name.trim_ascii()))
    };
    if !pairs(exchange).any(|pair| is_ours(&pair)) {
        return;
    }
    let others: Vec<_> = pairs(exchange).filter(|pair| !is_ours(pair)).collect();
    let others = HeaderValue::from_bytes(&others.join(&b"; "[..]));
    exchange.request.remove_header(&COOKIE);
    if let Ok(others) = others
        && !others.is_empty()
    {
        // What was there before can't be too much.
        let put = exchange.request.insert_header(COOKIE, others);
        put.unwrap_or_default();
    }
}

fn pairs(exchange: &Exchange) -> impl Iterator<Item = &[u8]> {
    let fields = exchange.request.headers.get_all(COOKIE).iter();
    let pairs = fields.flat_map(|field| field.as_bytes().split(|byte| *byte == b';'));
    pairs
        .map(<[u8]>::trim_ascii)
        .filter(|pair| !pair.is_empty())
}
