//! A request as far as the lane looks at it: slices of what the client sent, and a map of its fields if somebody asks for one.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use pingora_http::RequestHeader;

use crate::listen::head::fields;
use crate::listen::{Connection, Plain};

/// A plain request.
pub(super) struct Asked<'a> {
    pub(super) connection: &'a Arc<Connection>,
    pub(super) method: Method,
    /// The host as asked for, with its port if there is one.
    pub(super) host: &'a str,
    /// The path and the query, in the one form that everything relies on.
    pub(super) target: &'a str,
    pub(super) path: &'a str,
    pub(super) query: Option<&'a str>,
    pub(super) if_none_match: Option<&'a [u8]>,
    pub(super) cache_control: bool,
    plain: &'a Plain<'a>,
    fields: OnceCell<HeaderMap>,
}

impl<'a> Asked<'a> {
    /// Looks at a request; `None` when it is another than GET or HEAD of a plain path.
    pub(super) fn of(plain: &'a Plain<'a>) -> Option<Self> {
        let Plain { head, bytes, .. } = plain;
        let part = |range: &std::ops::Range<usize>| bytes.get(range.clone());
        let method = match part(&head.method)? {
            b"GET" => Method::GET,
            b"HEAD" => Method::HEAD,
            _ => return None,
        };
        if head.authority.is_some() {
            return None;
        }
        let target = part(&head.path)?;
        if !target.iter().all(|byte| PLAIN[usize::from(*byte)]) {
            return None;
        }
        let target = std::str::from_utf8(target).ok()?;
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (target, None),
        };
        let normalised = rimward_config::normalise_path(path);
        if !matches!(normalised, Ok(Cow::Borrowed(_))) {
            return None;
        }
        Some(Self {
            connection: plain.connection,
            method,
            host: std::str::from_utf8(part(head.host.as_ref()?)?).ok()?,
            target,
            path,
            query,
            if_none_match: match &head.if_none_match {
                Some(range) => Some(part(range)?),
                None => None,
            },
            cache_control: head.cache_control,
            plain,
            fields: OnceCell::new(),
        })
    }

    /// Its fields as a map.
    pub(super) fn fields(&self) -> &HeaderMap {
        self.fields.get_or_init(|| self.make_fields())
    }

    /// The same as everybody behind the lane has it; `None` when it can't be.
    pub(super) fn request(&self) -> Option<RequestHeader> {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.method = self.method.clone();
        parts.uri = Uri::from_maybe_shared(Bytes::copy_from_slice(self.target.as_bytes())).ok()?;
        parts.headers = match self.fields.get() {
            Some(fields) => fields.clone(),
            None => self.make_fields(),
        };
        Some(parts.into())
    }

    fn make_fields(&self) -> HeaderMap {
        // One copy of all, which the values share.
        let shared = Bytes::copy_from_slice(self.plain.bytes);
        let mut map = HeaderMap::with_capacity(16);
        for (name, value) in fields(self.plain.head, &shared) {
            let name = HeaderName::from_bytes(name);
            let value = HeaderValue::from_maybe_shared(shared.slice_ref(value));
            if let (Ok(name), Ok(value)) = (name, value) {
                map.append(name, value);
            } else {
                debug_assert!(false, "the listener let a field pass that is none");
            }
        }
        map
    }
}

/// What a target of the lane is made of: bytes that no parser takes for anything else.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let letters =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/-._~!$&'()*+,;=:@%?";
    let mut index = 0;
    while index < letters.len() {
        plain[letters[index] as usize] = true;
        index += 1;
    }
    plain
};
