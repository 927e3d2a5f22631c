//! A head as it lies in memory: the lines of its fields one after the other.
//!
//! The maps of a [`ResponseHeader`] take a hundred bytes a field, and as much again for the case of the names; and what
//! came from an origin keeps alive all that was read with it. A hit makes the maps again; values are not copied for it.

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode, Version};
use pingora_http::{HeaderNameVariant, ResponseHeader};

/// A field of a stored head.
#[derive(Debug, Clone, Copy)]
pub struct Line<'a> {
    /// Its name, in the case in which it is sent.
    pub name: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// Both as HTTP/1.1 has them, with the end of the line.
    pub line: &'a [u8],
}

/// A head as it is served, but for `Age`.
#[derive(Debug, Clone)]
pub(crate) struct StoredHead {
    status: StatusCode,
    version: Version,
    /// Whether the names are written in another case than pingora gives them.
    keeps_case: bool,
    /// Its fields, without those that have a name again.
    count: u16,
    /// The phrase, when it is not the one that goes with the status.
    reason: Option<Box<str>>,
    /// Its fields as they are sent over HTTP/1.1, a line each: neither a name nor a value has the end of a line in it.
    lines: Bytes,
}

impl StoredHead {
    pub(crate) fn of(head: &ResponseHeader) -> Self {
        let names = names(head);
        let keeps_case = head.has_case() && names != titled(head);
        let mut lines = Vec::new();
        for (name, value) in names.iter().zip(head.headers.values()) {
            for part in [name, &b": "[..], value.as_bytes(), b"\r\n"] {
                lines.extend_from_slice(part);
            }
        }
        let reason = head.get_reason_phrase();
        Self {
            status: head.status,
            version: head.version,
            keeps_case,
            count: u16::try_from(head.headers.keys_len()).unwrap_or(u16::MAX),
            reason: reason
                .filter(|reason| Some(*reason) != head.status.canonical_reason())
                .map(Box::from),
            lines: lines.into_boxed_slice().into(),
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    pub(crate) fn reason(&self) -> Option<&str> {
        let told = self.reason.as_deref();
        told.or_else(|| self.status.canonical_reason())
    }

    /// Names, in the case in which they are sent, and values.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.lines().map(|line| (line.name, line.value))
    }

    /// The same with the lines that they are sent as.
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let mut rest = &*self.lines;
        std::iter::from_fn(move || {
            let name = rest.get(..memchr::memchr(b':', rest)?)?;
            let after = name.len() + 2;
            let value = rest.get(after..)?;
            let value = value.get(..memchr::memchr(b'\r', value)?)?;
            let line = rest.split_off(..after + value.len() + 2)?;
            Some(Line { name, value, line })
        })
    }

    /// The head as pingora has it.
    pub(crate) fn unpack(&self) -> ResponseHeader {
        let mut head = self.empty();
        for (name, value) in self.fields() {
            let value = HeaderValue::from_maybe_shared(self.lines.slice_ref(value));
            let Ok(value) = value else { continue };
            let added = head.append_header(self.lines.slice_ref(name), value);
            debug_assert!(added.is_ok(), "they come from such a map");
        }
        if self.reason.is_some() {
            let told = head.set_reason_phrase(self.reason());
            debug_assert!(told.is_ok(), "pingora takes any");
        }
        head
    }

    /// The head without the case of its names, and room for so many fields more.
    pub(crate) fn unpack_names(&self, room: usize) -> ResponseHeader {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = self.status;
        parts.version = self.version;
        parts.headers = HeaderMap::with_capacity(usize::from(self.count) + room);
        for (name, value) in self.fields() {
            let value = HeaderValue::from_maybe_shared(self.lines.slice_ref(value));
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), value) else {
                continue;
            };
            parts.headers.append(name, value);
        }
        let mut head = ResponseHeader::from(parts);
        if self.reason.is_some() {
            let told = head.set_reason_phrase(self.reason());
            debug_assert!(told.is_ok(), "pingora takes any");
        }
        head
    }

    fn empty(&self) -> ResponseHeader {
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = self.status;
        parts.version = self.version;
        if !self.keeps_case {
            parts.headers = HeaderMap::with_capacity(self.count.into());
            return parts.into();
        }
        let with_case = ResponseHeader::build(self.status, Some(self.count.into()));
        let mut head = with_case.unwrap_or_else(|_| parts.into());
        head.set_version(self.version);
        head
    }

    /// What it takes beside itself, in bytes.
    pub(super) fn weight(&self) -> u64 {
        let length = self.lines.len() + self.reason.as_deref().map_or(0, str::len);
        u64::try_from(length).unwrap_or(u64::MAX)
    }
}

/// The names in the case in which they are sent.
fn names(head: &ResponseHeader) -> Vec<Vec<u8>> {
    let mut names = Vec::with_capacity(head.headers.len());
    let named = head.map(|name, _| {
        names.push(match name {
            HeaderNameVariant::Case(name) => name.as_slice().to_vec(),
            HeaderNameVariant::Titled(name) => name.as_bytes().to_vec(),
        });
        Ok(())
    });
    debug_assert!(named.is_ok(), "collecting names can't fail");
    names
}

/// The names in the case that pingora gives to a head without case.
fn titled(head: &ResponseHeader) -> Vec<Vec<u8>> {
    names(&head.as_owned_parts().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any line should be.
    const LONG: &str = match str::from_utf8(&[b'a'; 70_000]) {
        Ok(long) => long,
        Err(_) => "",
    };

    fn head(fields: &[(&'static str, &'static str)]) -> ResponseHeader {
        let mut head = ResponseHeader::build(404, None).unwrap();
        for (name, value) in fields {
            head.append_header(*name, *value).unwrap();
        }
        head
    }

    fn wire(head: &ResponseHeader) -> Vec<u8> {
        let mut wire = Vec::new();
        head.header_to_h1_wire(&mut wire);
        wire
    }

    #[test]
    fn a_head_comes_out_as_it_went_in() {
        for (fields, keeps_case) in [
            (&[][..], false),
            (&[("Content-Type", "a/b"), ("Server", "a")], false),
            (&[("Content-Type", "a/b"), ("ETag", "1")], true),
            (&[("content-type", LONG)], true),
            (&[("X-Own", ""), ("x-oWN", "2"), ("Date", "\u{e4}")], true),
            (&[("Server", "a"), ("Date", "b"), ("Server", "c")], false),
        ] {
            let mut head = head(fields);
            head.set_version(Version::HTTP_2);
            let stored = StoredHead::of(&head);
            let unpacked = stored.unpack();
            assert_eq!(stored.keeps_case, keeps_case, "{fields:?}");
            assert_eq!(wire(&unpacked), wire(&head), "{fields:?}");
            assert_eq!(unpacked.headers, head.headers, "{fields:?}");
            let told = |head: &ResponseHeader| (head.status, head.version);
            assert_eq!(told(&unpacked), told(&head), "{fields:?}");
            let names = stored.unpack_names(3);
            assert_eq!(names.headers, head.headers, "{fields:?}");
            assert_eq!((told(&names), names.has_case()), (told(&head), false));
        }
    }

    #[test]
    fn names_without_case_and_the_phrase_stay() {
        let mut plain = ResponseHeader::build_no_case(200, None).unwrap();
        plain.append_header("x-own", "1").unwrap();
        plain.set_reason_phrase(Some("Fine")).unwrap();
        let stored = StoredHead::of(&plain);
        let unpacked = stored.unpack();
        assert_eq!(wire(&unpacked), wire(&plain));
        assert_eq!(
            (unpacked.has_case(), stored.reason()),
            (false, Some("Fine"))
        );
        assert_eq!(unpacked.get_reason_phrase(), Some("Fine"));
    }
}
