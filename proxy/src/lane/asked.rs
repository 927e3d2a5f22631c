//! A request as far as the lane looks at it: slices of what the client sent, and a map of its fields if somebody asks for one.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri};
use pingora_http::RequestHeader;

use crate::listen::head::fields;
use crate::listen::{Connection, Plain, Streamed};
use crate::request::begin::normalise;

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
    source: Source<'a>,
    fields: OnceCell<HeaderMap>,
}

/// What a request is read from.
enum Source<'a> {
    Lines(&'a Plain<'a>),
    Stream(&'a RequestHeader),
}

impl<'a> Asked<'a> {
    /// Looks at a request of HTTP/1.1; `None` when it is another than GET or HEAD of a plain path.
    pub(super) fn of_lines(plain: &'a Plain<'a>) -> Option<Self> {
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
        let target = std::str::from_utf8(part(&head.path)?).ok()?;
        let host = std::str::from_utf8(part(head.host.as_ref()?)?).ok()?;
        let mut asked = Self::at(host, target, plain.connection, Source::Lines(plain))?;
        asked.method = method;
        asked.if_none_match = head.if_none_match.as_ref().and_then(part);
        asked.cache_control = head.cache_control;
        Some(asked)
    }

    /// Looks at a request of HTTP/2; `None` in the same cases, and when it asks for more than what is there.
    pub(super) fn of_stream(request: &'a Streamed<'a>) -> Option<Self> {
        let Streamed {
            connection, head, ..
        } = request;
        if !matches!(head.method, Method::GET | Method::HEAD) {
            return None;
        }
        let target = head.uri.path_and_query()?.as_str();
        let host = head.uri.authority()?.as_str();
        let mut asked = Self::at(host, target, connection, Source::Stream(head))?;
        asked.method = head.method.clone();
        for (name, value) in &head.headers {
            match name {
                &header::CACHE_CONTROL => asked.cache_control = true,
                &header::IF_NONE_MATCH if asked.if_none_match.is_none() => {
                    asked.if_none_match = Some(value.as_bytes());
                }
                name if ODD.contains(name) => return None,
                _ => {}
            }
        }
        Some(asked)
    }

    /// A GET of a target; `None` when that is not plain.
    fn at(
        host: &'a str,
        target: &'a str,
        connection: &'a Arc<Connection>,
        source: Source<'a>,
    ) -> Option<Self> {
        if !target.bytes().all(|byte| PLAIN[usize::from(byte)]) {
            return None;
        }
        let (path, query) = match memchr::memchr(b'?', target.as_bytes()) {
            Some(mark) => (target.get(..mark)?, target.get(mark + 1..)),
            None => (target, None),
        };
        let normalised = rimward_config::normalise_path(path);
        matches!(normalised, Ok(Cow::Borrowed(_))).then(|| Self {
            connection,
            method: Method::GET,
            host,
            target,
            path,
            query,
            if_none_match: None,
            cache_control: false,
            source,
            fields: OnceCell::new(),
        })
    }

    /// Its fields as a map.
    pub(super) fn fields(&self) -> &HeaderMap {
        self.fields.get_or_init(|| self.make_fields())
    }

    /// The same as everybody behind the lane has it; `None` when it can't be.
    pub(super) fn request(&self) -> Option<RequestHeader> {
        if let Source::Stream(head) = self.source {
            return normalised(head);
        }
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
        match self.source {
            Source::Lines(plain) => map_of(plain),
            // What can't be normalised has no target to be found by.
            Source::Stream(head) => normalised(head)
                .map(|head| head.headers.clone())
                .unwrap_or_default(),
        }
    }
}

fn map_of(plain: &Plain<'_>) -> HeaderMap {
    // One copy of all, which the values share.
    let shared = Bytes::copy_from_slice(plain.bytes);
    // Filters may add some.
    let mut map = HeaderMap::with_capacity(plain.head.count + 4);
    for (name, value) in fields(plain.head, &shared) {
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

/// A request of HTTP/2 in the form that everything behind relies on.
fn normalised(head: &RequestHeader) -> Option<RequestHeader> {
    let mut head = head.clone();
    normalise(&mut head).ok()?;
    Some(head)
}

/// Fields of HTTP/2 that make a request less than plain; those of HTTP/1.1 are noted when its head is read.
const ODD: [HeaderName; 10] = [
    header::RANGE,
    header::IF_RANGE,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_UNMODIFIED_SINCE,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::TE,
    header::TRAILER,
];

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
