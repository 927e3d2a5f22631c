//! Compression: which responses, and the encoders.
//!
//! What is stored is encoded once for each encoding, whole, by `encoders` beside the workers. What passes by is
//! encoded piece by piece, as it comes.

mod encoder;
mod encoders;

use std::fmt;

use http::{StatusCode, header};
use pingora_http::ResponseHeader;
use rimward_cache::Encoding;
use rimward_config::MediaPattern;

pub use encoder::{Encoder, Streamed};
pub(crate) use encoders::Encoders;

/// How a route's responses are compressed.
#[derive(Debug)]
pub struct Compression {
    /// The encodings, the server's preference first.
    pub(crate) encodings: Vec<Encoding>,
    min_size: u64,
    max_size: u64,
    types: Vec<MediaPattern>,
}

impl Compression {
    /// As the operator wrote it.
    pub(crate) fn new(written: &rimward_config::Compression) -> Self {
        let encodings = written.encodings.iter().map(|encoding| match encoding {
            rimward_config::Encoding::Zstd => Encoding::Zstd,
            rimward_config::Encoding::Br => Encoding::Br,
            rimward_config::Encoding::Gzip => Encoding::Gzip,
        });
        Self {
            encodings: encodings.collect(),
            min_size: written.min_size,
            max_size: written.max_size,
            types: written.types.clone(),
        }
    }

    /// Whether a response with this head may go out in an encoding: it is whole, of a type that shrinks, neither too small nor
    /// too large as far as that is known, in no encoding already, and nobody forbids it (RFC 9111 §5.2.2.6).
    pub(crate) fn may_encode(&self, head: &ResponseHeader) -> bool {
        let fields = &head.headers;
        let size = crate::cache::declared_length(head);
        is_whole(head.status)
            && size.is_none_or(|size| (self.min_size..=self.max_size).contains(&size))
            && !fields.contains_key(header::CONTENT_ENCODING)
            && !fields.contains_key(header::CONTENT_RANGE)
            && fields
                .get(header::CONTENT_TYPE)
                .is_some_and(|kind| self.shrinks(kind.as_bytes()))
            && !forbids_transforming(head)
    }

    fn shrinks(&self, content_type: &[u8]) -> bool {
        self.types
            .iter()
            .any(|pattern| pattern.matches(content_type))
    }
}

impl fmt::Display for Compression {
    /// `zstd, br, gzip: text/*, application/json of 1024 to 16777216 bytes`
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encodings: Vec<&str> = self.encodings.iter().map(|one| one.as_str()).collect();
        let types: Vec<String> = self.types.iter().map(ToString::to_string).collect();
        write!(
            formatter,
            "{}: {} of {} to {} bytes",
            encodings.join(", "),
            types.join(", "),
            self.min_size,
            self.max_size
        )
    }
}

fn is_whole(status: StatusCode) -> bool {
    !status.is_informational() && !matches!(status.as_u16(), 204..=206 | 304 | 416)
}

fn forbids_transforming(head: &ResponseHeader) -> bool {
    let lines = head.headers.get_all(header::CACHE_CONTROL).iter();
    lines
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','))
        .any(|directive| directive.trim_ascii().eq_ignore_ascii_case(b"no-transform"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compression() -> Compression {
        Compression::new(&rimward_config::Compression {
            encodings: vec![rimward_config::Encoding::Gzip],
            min_size: 100,
            max_size: 1000,
            types: vec!["text/*".parse().unwrap()],
        })
    }

    #[test]
    fn only_what_gains_by_it_may_be_encoded() {
        type Case = (u16, &'static [(&'static str, &'static str)], bool);
        let cases: &[Case] = &[
            (200, &[], true),
            (404, &[], true),
            (503, &[], true),
            (200, &[("content-length", "100")], true),
            (200, &[("content-length", "99")], false),
            (200, &[("content-length", "1000")], true),
            (200, &[("content-length", "1001")], false),
            (204, &[], false),
            (206, &[("content-range", "bytes 0-1/2")], false),
            (304, &[], false),
            (101, &[], false),
            (200, &[("content-type", "image/png")], false),
            (200, &[("content-encoding", "gzip")], false),
            (200, &[("cache-control", "public,No-Transform")], false),
            (200, &[("cache-control", "max-age=60")], true),
        ];
        for (status, fields, may) in cases {
            let mut head = ResponseHeader::build(*status, None).unwrap();
            head.insert_header("content-type", "text/html").unwrap();
            for (name, value) in *fields {
                head.insert_header(*name, *value).unwrap();
            }
            assert_eq!(compression().may_encode(&head), *may, "{status} {fields:?}");
        }
        let shown = "gzip: text/* of 100 to 1000 bytes";
        assert_eq!(compression().to_string(), shown);
        let untyped = ResponseHeader::build(200, None).unwrap();
        assert!(!compression().may_encode(&untyped));
    }
}
