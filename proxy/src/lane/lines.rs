//! The head of a hit that no filter changes, written line by line from the object as it lies in memory.

use std::fmt::Write;
use std::time::Duration;

use bytes::BytesMut;
use rimward_cache::Object;
use rimward_cache::object::Line;

use super::find::Found;
use super::sending::Body;
use super::{COPIED, Ends, Reply};
use crate::cache::CacheStatus;
use crate::metrics::CacheResult;
use crate::request::caching::Timing;

/// Room for a head; few are longer.
const HEAD: usize = 1024;

/// Writes the head, after filters spent some time on the request; `None` when the object is one that needs more than this.
pub(super) fn write(
    found: &Found<'_, '_, '_>,
    spent: Duration,
    ends: &Ends,
    output: &mut BytesMut,
) -> Option<Reply> {
    let object = &*found.fresh.object;
    let status = if found.not_modified {
        304
    } else {
        object.status().as_u16()
    };
    output.reserve(room(object.body.len()));
    write_status(status, object, found.not_modified, output);
    let stored = Stored::write(found, output)?;
    put(
        output,
        "Age: ",
        itoa::Buffer::new().format(found.fresh.age()),
    );
    if status == 200 && found.place.route.ranges {
        output.extend_from_slice(b"Accept-Ranges: bytes\r\n");
    }
    write_cache_status(found, stored.cache_status, output).ok()?;
    if found.place.runtime.config.pop.server_timing {
        let timing = timing(spent, ends);
        write!(output, "server-timing: {timing}\r\n").ok()?;
    }
    end(ends, output);
    Some(Reply {
        status,
        body: ends
            .has_body(found)
            .then(|| Body::Stored(found.fresh.object.clone())),
    })
}

/// Room for a head and for the body if that is copied.
pub(super) fn room(length: u64) -> usize {
    match length {
        small @ ..=COPIED => HEAD + usize::try_from(small).unwrap_or_default(),
        _ => HEAD,
    }
}

/// Ends a head by what the client is told of the connection.
pub(super) fn end(ends: &Ends, output: &mut BytesMut) {
    output.extend_from_slice(match ends.is_last {
        true => b"Connection: close\r\n\r\n",
        false => b"Connection: keep-alive\r\n\r\n",
    });
}

/// Where the time of a hit went.
pub(super) fn timing(filters: Duration, ends: &Ends) -> Timing {
    Timing {
        cache: CacheResult::Hit,
        filters: Some(filters),
        origin: None,
        total: ends.began.elapsed(),
    }
}

/// What `Cache-Status` says of a hit.
pub(super) fn cache_status(found: &Found<'_, '_, '_>) -> CacheStatus {
    CacheStatus {
        ttl: Some(found.fresh.ttl()),
        key: found.key.clone(),
        ..CacheStatus::default()
    }
}

fn write_status(status: u16, object: &Object, not_modified: bool, output: &mut BytesMut) {
    if not_modified {
        return output.extend_from_slice(b"HTTP/1.1 304 Not Modified\r\n");
    }
    output.extend_from_slice(b"HTTP/1.1 ");
    output.extend_from_slice(itoa::Buffer::new().format(status).as_bytes());
    output.extend_from_slice(b" ");
    output.extend_from_slice(object.reason().unwrap_or_default().as_bytes());
    output.extend_from_slice(b"\r\n");
}

/// What was seen of a stored head while it was written.
#[derive(Default)]
struct Stored {
    /// How many fields other caches told what they did in.
    cache_status: usize,
    has_date: bool,
    has_length: bool,
}

impl Stored {
    /// Writes the fields; `None` when those are missing that the engine would make.
    fn write(found: &Found<'_, '_, '_>, output: &mut BytesMut) -> Option<Self> {
        let mut stored = Self::default();
        for Line { name, line, .. } in found.fresh.object.lines() {
            if stored.passes(name, found) {
                output.extend_from_slice(line);
            }
        }
        (stored.has_date && (stored.has_length || found.not_modified)).then_some(stored)
    }

    /// Whether a field goes to the client as it is.
    fn passes(&mut self, name: &[u8], found: &Found<'_, '_, '_>) -> bool {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        match name.len() {
            4 if is("date") => self.has_date = true,
            12 if is("cache-status") => {
                self.cache_status += 1;
                return false;
            }
            // What a 304 does not say, as the engine has it.
            12 if found.not_modified && is("content-type") => return false,
            14 if is("content-length") => {
                self.has_length = true;
                return !found.not_modified;
            }
            16 if found.not_modified && is("content-encoding") => return false,
            13 if is("accept-ranges") => {
                let is_told = found.place.route.ranges && found.fresh.object.status() == 200;
                return !is_told && !found.not_modified;
            }
            _ => {}
        }
        let kept_back = &found.place.route.rules.kept_back;
        !kept_back.iter().any(|kept| is(kept.as_str()))
    }
}

/// `Cache-Status` with our member behind those of the caches that are nearer to the origin (RFC 9211 §2).
fn write_cache_status(
    found: &Found<'_, '_, '_>,
    others: usize,
    output: &mut BytesMut,
) -> std::fmt::Result {
    output.extend_from_slice(b"cache-status: ");
    if others > 0 {
        let fields = found.fresh.object.fields();
        for (_, value) in fields.filter(|(name, _)| name.eq_ignore_ascii_case(b"cache-status")) {
            output.extend_from_slice(value);
            output.extend_from_slice(b", ");
        }
    }
    cache_status(found).write(&found.place.runtime.config.pop.name, output)?;
    output.extend_from_slice(b"\r\n");
    Ok(())
}

fn put(output: &mut BytesMut, name: &str, value: &str) {
    output.extend_from_slice(name.as_bytes());
    output.extend_from_slice(value.as_bytes());
    output.extend_from_slice(b"\r\n");
}
