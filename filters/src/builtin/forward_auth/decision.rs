//! What an answer of the auth origin means.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, CACHE_CONTROL, CONNECTION, SET_COOKIE};
use http::{HeaderMap, HeaderName, HeaderValue, Response};

use crate::apart::key_of;
use crate::filter::{Answer, FilterError};
use crate::settings::refuse_framing;

/// Header fields in order.
pub(super) type Fields = Vec<(HeaderName, HeaderValue)>;

/// The longest body of a refusal that is remembered.
const MAX_REMEMBERED: usize = 4 << 10;

/// What an answer of the auth origin means.
pub(super) struct Decision {
    pub(super) verdict: Verdict,
    /// What the response to a request that passes gets.
    pub(super) to_client: Fields,
    /// Whether it may hold for other requests like this one.
    pub(super) can_be_shared: bool,
}

/// Whether a request may pass.
pub(super) enum Verdict {
    /// It may, with these fields; `key` tells what is made of them from other responses in the cache.
    Allowed { to_origin: Fields, key: Arc<str> },
    /// It may not: this is the answer.
    Refused(Box<Answer>),
}

impl Decision {
    /// What an answer means.
    ///
    /// # Errors
    /// When it means nothing: its status is neither of success, nor of a redirect, nor of a refusal.
    pub(super) fn of(
        response: Response<Bytes>,
        to_origin: &[HeaderName],
        to_client: &[HeaderName],
    ) -> Result<Self, FilterError> {
        let status = response.status();
        let headers = response.headers();
        if status.is_success() {
            let to_origin = picked(headers, to_origin);
            let to_client = picked(headers, to_client);
            let sets_cookie = to_client.iter().any(|(name, _)| *name == SET_COOKIE);
            return Ok(Self {
                can_be_shared: !sets_cookie && !is_private(headers),
                verdict: Verdict::Allowed {
                    key: key_of(&to_origin),
                    to_origin,
                },
                to_client,
            });
        }
        if !(300..500).contains(&status.as_u16()) || status == 304 {
            let message = format!("the auth origin answers with status {}", status.as_u16());
            return Err(FilterError::new(message));
        }
        let can_be_shared = matches!(status.as_u16(), 401 | 403)
            && !headers.contains_key(SET_COOKIE)
            && !is_private(headers)
            && response.body().len() <= MAX_REMEMBERED;
        Ok(Self {
            verdict: Verdict::Refused(Box::new(refusal(response)?)),
            to_client: Fields::new(),
            can_be_shared,
        })
    }
}

fn picked(headers: &HeaderMap, names: &[HeaderName]) -> Fields {
    let of = |name: &HeaderName| {
        let values = headers.get_all(name).iter().cloned();
        values
            .map(|value| (name.clone(), value))
            .collect::<Vec<_>>()
    };
    names.iter().flat_map(of).collect()
}

fn is_private(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(CACHE_CONTROL).iter();
    values.any(|value| {
        let text = value.to_str().unwrap_or("no-store");
        let mut directives = text.split(',').map(str::trim);
        directives.any(|directive| directive.eq_ignore_ascii_case("no-store"))
    })
}

/// The auth origin's answer as the client gets it. Nobody is to store it unless it says so.
fn refusal(response: Response<Bytes>) -> Result<Answer, FilterError> {
    let (head, body) = response.into_parts();
    let mut answer = Answer::new(head.status.as_u16())?.with_body(body);
    for (name, value) in &head.headers {
        if is_for_the_client(name, &head.headers) {
            let appended = answer.head.append_header(name, value.clone());
            appended.map_err(|error| FilterError::new(format!("`{name}`: {error}")))?;
        }
    }
    if !head.headers.contains_key(CACHE_CONTROL) {
        answer = answer.header(CACHE_CONTROL, "no-store")?;
    }
    Ok(answer)
}

/// Whether a field is about the answer, not about the connection to the auth origin or about its server.
fn is_for_the_client(name: &HeaderName, headers: &HeaderMap) -> bool {
    let connection = headers.get_all(CONNECTION).iter();
    let mut named = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    refuse_framing(name).is_ok()
        && !named.any(|named| named.trim().eq_ignore_ascii_case(name.as_str()))
        && ![header::DATE, header::SERVER, header::ALT_SVC].contains(name)
}
