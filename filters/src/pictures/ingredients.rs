//! What a picture is made of, and the tag that tells it from others made of something else.

use bytes::Bytes;
use http::header::{HeaderValue, IF_NONE_MATCH};
use pingora_http::RequestHeader;
use twox_hash::XxHash3_128;

use super::wanted::Wanted;

/// Changes when the same options make another picture than they did, so that clients don't keep what was made before.
const EDITION: u8 = 1;

/// What a picture is made of.
pub(super) struct Ingredients {
    pub(super) source: Bytes,
    /// What is drawn over it.
    pub(super) overlays: Vec<Bytes>,
    /// Its weak tag.
    pub(super) etag: HeaderValue,
    /// Tells it from all others: by the bytes that it is made of, and by what is done to them.
    pub(super) key: u128,
}

impl Ingredients {
    /// Reads all of the bytes, so that this is done once for each picture.
    pub(super) fn new(source: Bytes, overlays: Vec<Bytes>, wanted: &Wanted) -> Self {
        let mix = |mixed: u128, bytes: &Bytes| mixed.rotate_left(1) ^ XxHash3_128::oneshot(bytes);
        let body = overlays.iter().fold(XxHash3_128::oneshot(&source), mix);
        let seed = u64::try_from(body >> 64).unwrap_or_default() ^ u64::from(EDITION);
        let variant = XxHash3_128::oneshot_with_seed(seed, wanted.canonical.as_bytes());
        let etag = format!("W/\"{:016x}-{:016x}\"", body as u64, variant as u64);
        Self {
            source,
            overlays,
            etag: HeaderValue::from_str(&etag).unwrap_or(HeaderValue::from_static("W/\"\"")),
            key: body ^ variant.rotate_left(1),
        }
    }

    /// Whether the cache has the picture that would be made of them, and wants to know whether it still holds.
    pub(super) fn are_those_of(&self, request: &RequestHeader) -> bool {
        let asked = request.headers.get(IF_NONE_MATCH);
        let mut tags = asked
            .into_iter()
            .flat_map(|asked| asked.as_bytes().split(|byte| *byte == b','));
        tags.any(|tag| tag.trim_ascii() == self.etag.as_bytes())
    }
}
