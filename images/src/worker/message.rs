//! What goes to a worker and back: a head of bounded length, and behind it as many bytes as the head says.
//!
//! ```text
//! length of the head, 4 bytes | head, in postcard | bytes
//! ```
//!
//! Neither side takes more than it expects at most. The worker's side is the one that may be lost to an attacker: what comes from
//! there is read as if a stranger had sent it.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::transform::Transform;
use crate::{ImageError, Limits, Rendered};

/// Bytes of a head at most.
const HEAD: usize = 1 << 20;
/// Overlays are few.
const OVERLAYS: usize = 64;

/// What is asked of a worker; then follow the bytes of the source and of each overlay.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) transform: Transform,
    pub(super) limits: Limits,
    pub(super) source: u64,
    pub(super) overlays: Vec<u64>,
}

/// What a worker answers; then follow the bytes of the result, which `rendered` is without.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Made {
    pub(super) rendered: Rendered,
    pub(super) bytes: u64,
}

pub(super) type Answer = Result<Made, ImageError>;

pub(super) fn write_head(to: &mut impl Write, head: &impl Serialize) -> io::Result<()> {
    let head = postcard::to_stdvec(head).map_err(io::Error::other)?;
    let length = u32::try_from(head.len()).map_err(io::Error::other)?;
    to.write_all(&length.to_le_bytes())?;
    to.write_all(&head)
}

/// Nothing when the other side has ended.
pub(super) fn read_head<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u32::from_le_bytes(length) as usize;
    let head = read_bytes(from, length as u64, HEAD)?;
    postcard::from_bytes(&head)
        .map(Some)
        .map_err(io::Error::other)
}

/// So many bytes, if that is not more than `most`.
pub(super) fn read_bytes(from: &mut impl Read, length: u64, most: usize) -> io::Result<Vec<u8>> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > most {
        return Err(io::Error::other(format!(
            "{length} bytes, where {most} is the limit"
        )));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Request {
    /// Source and overlays.
    pub(super) fn read_files(&self, from: &mut impl Read) -> io::Result<(Vec<u8>, Vec<Vec<u8>>)> {
        let most = self.limits.bytes;
        let source = read_bytes(from, self.source, most)?;
        let overlays = self.overlays.iter().take(OVERLAYS);
        let overlays = overlays
            .map(|length| read_bytes(from, *length, most))
            .collect::<io::Result<_>>()?;
        Ok((source, overlays))
    }
}
