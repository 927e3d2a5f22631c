//! The head of an HTTP/1.x request, read by the strictest reading of RFC 9112. What two parsers could take for two
//! different messages is refused here, so that nothing behind has to be careful.

use std::ops::Range;

use super::authority;
use super::refusal::Refusal;
pub use crate::framing::Framing;
use crate::framing::{
    Bounds, ConnectionOptions, Field, Scan, content_length, field, is_token, once,
    transfer_encoding, trim,
};

/// A request head that is one thing to everybody. It holds offsets into the bytes it was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Its length with the empty line.
    pub len: usize,
    /// Where the method is.
    pub method: Range<usize>,
    /// Where the request target is, as it came.
    pub target: Range<usize>,
    /// Where the path and query are: the target without scheme and authority. Empty when an absolute target has none.
    pub path: Range<usize>,
    /// Where the authority of an absolute target is.
    pub authority: Option<Range<usize>>,
    /// Where the value of `Host` is; there always is one with HTTP/1.1.
    pub host: Option<Range<usize>>,
    /// Where the first field line begins.
    pub fields: usize,
    /// How many there are.
    pub count: usize,
    /// HTTP/1.1, else HTTP/1.0.
    pub http11: bool,
    /// How long the body is.
    pub framing: Framing,
    /// Whether the client wants the connection to go on.
    pub keep_alive: bool,
    /// Whether the client asks to switch protocols and may send bytes of the new one behind the head.
    pub upgrade: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expect_continue: bool,
    /// Whether no field says how the body is framed, asks for a part, switches protocols or sets a condition, but for
    /// `If-None-Match`: whether all that matters is the target, and what the cache distinguishes by.
    pub is_plain: bool,
    /// Where the value of `If-None-Match` is.
    pub if_none_match: Option<Range<usize>>,
    /// Whether there is a `Cache-Control`.
    pub cache_control: bool,
}

/// The bounds of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// All of it, in bytes.
    pub bytes: usize,
    /// Field lines.
    pub fields: usize,
    /// The target, in bytes.
    pub target: usize,
    /// The declared length of the body.
    pub body: u64,
}

/// Room for a method, a version and spaces around a target in the request line.
const AROUND_TARGET: usize = 48;
const MAX_METHOD: usize = 24;

impl HeadLimits {
    /// Those that can be told while the head comes in.
    pub(super) fn bounds(&self) -> Bounds {
        Bounds {
            first_line: self.target.saturating_add(AROUND_TARGET),
            bytes: self.bytes,
            fields: self.fields,
        }
    }
}

/// Reads a head that `Scan` found complete; `bytes` ends with the empty line.
pub fn parse(bytes: &[u8], limits: &HeadLimits) -> Result<Head, Refusal> {
    let mut scan = Scan::default();
    if scan.end(bytes, &limits.bounds())? != Some(bytes.len()) {
        return Err(Refusal::bad("head does not end with an empty line"));
    }
    parse_scanned(bytes, limits)
}

/// The same for one that was just scanned.
pub(super) fn parse_scanned(bytes: &[u8], limits: &HeadLimits) -> Result<Head, Refusal> {
    let line_end = line_end(bytes, 0).ok_or(Refusal::bad("request line has no end"))?;
    let mut head = request_line(bytes, line_end, limits)?;
    let mut seen = Seen::default();
    let mut at = line_end + 2;
    let mut count = 0;
    while let Some(end) = line_end_from(bytes, at) {
        if end == at {
            break;
        }
        count += 1;
        if count > limits.fields {
            return Err(Refusal::new(431, "too many header fields"));
        }
        field_line(bytes, at..end, &mut seen)?;
        at = end + 2;
    }
    head.count = count;
    judge(bytes, seen, limits, &mut head)?;
    Ok(head)
}

/// The fields of a head that was read, as name and value.
pub fn fields<'a>(head: &Head, bytes: &'a [u8]) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
    let lines = bytes.get(head.fields..head.len).unwrap_or_default();
    lines.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((
            line.get(..colon)?,
            trim(line.get(colon + 1..)?.strip_suffix(b"\r")?),
        ))
    })
}

/// Where the CR of the line that begins at `at` is.
fn line_end(bytes: &[u8], at: usize) -> Option<usize> {
    let lf = memchr::memchr(b'\n', bytes.get(at..)?)?;
    (at + lf).checked_sub(1)
}

fn line_end_from(bytes: &[u8], at: usize) -> Option<usize> {
    line_end(bytes, at).filter(|end| *end >= at)
}

/// `GET /path HTTP/1.1`, with single spaces and nothing else.
fn request_line(bytes: &[u8], end: usize, limits: &HeadLimits) -> Result<Head, Refusal> {
    let line = bytes.get(..end).unwrap_or_default();
    let odd = Refusal::bad(
        "request line is not a method, a target and a version with single spaces between",
    );
    let first = line.iter().position(|byte| *byte == b' ').ok_or(odd)?;
    let last = line
        .iter()
        .rposition(|byte| *byte == b' ')
        .filter(|last| *last > first)
        .ok_or(odd)?;
    let (method, target, version) = (
        line.get(..first).unwrap_or_default(),
        line.get(first + 1..last).unwrap_or_default(),
        line.get(last + 1..),
    );
    check_method(method)?;
    let http11 = check_version(version.unwrap_or_default())?;
    if target.len() > limits.target {
        return Err(Refusal::new(414, "request target is too long"));
    }
    let form = check_target(method, target)?;
    let shift = |range: Range<usize>| range.start + first + 1..range.end + first + 1;
    Ok(Head {
        len: bytes.len(),
        method: 0..first,
        target: first + 1..last,
        path: shift(form.path),
        authority: form.authority.map(shift),
        host: None,
        fields: end + 2,
        count: 0,
        http11,
        framing: Framing::None,
        keep_alive: http11,
        upgrade: false,
        expect_continue: false,
        is_plain: false,
        if_none_match: None,
        cache_control: false,
    })
}

fn check_method(method: &[u8]) -> Result<(), Refusal> {
    match method {
        b"CONNECT" => Err(Refusal::new(405, "CONNECT is for proxies")),
        _ if method.is_empty() || !method.iter().copied().all(is_token) => {
            Err(Refusal::bad("method is not a token"))
        }
        _ if method.len() > MAX_METHOD => Err(Refusal::new(501, "method is unknown")),
        _ => Ok(()),
    }
}

fn check_version(version: &[u8]) -> Result<bool, Refusal> {
    match version {
        b"HTTP/1.1" => Ok(true),
        b"HTTP/1.0" => Ok(false),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(Refusal::new(
                505,
                "version is neither HTTP/1.0 nor HTTP/1.1",
            ))
        }
        _ => Err(Refusal::bad("version is not of the form HTTP/1.1")),
    }
}

/// The parts of a target, as offsets in it.
struct Target {
    path: Range<usize>,
    authority: Option<Range<usize>>,
}

fn check_target(method: &[u8], target: &[u8]) -> Result<Target, Refusal> {
    check_target_bytes(target)?;
    match target {
        b"*" if method == b"OPTIONS" => Ok(Target {
            path: 0..1,
            authority: None,
        }),
        b"*" => Err(Refusal::bad("target `*` is for OPTIONS")),
        [b'/', ..] => Ok(Target {
            path: 0..target.len(),
            authority: None,
        }),
        _ => absolute(target),
    }
}

/// What no part of a target may contain. Browsers send the backtick as it is, but in queries only.
pub(super) fn check_target_bytes(target: &[u8]) -> Result<(), Refusal> {
    let mut in_query = false;
    for byte in target {
        match byte {
            b'?' => in_query = true,
            b'#' => return Err(Refusal::bad("target has a fragment")),
            b'`' if in_query => {}
            b'"' | b'<' | b'>' | b'`' => {
                return Err(Refusal::bad(
                    "target has a character that must be percent-encoded",
                ));
            }
            0x21..=0x7e => {}
            0x80.. => return Err(Refusal::bad("target has bytes beyond ASCII")),
            _ => return Err(Refusal::bad("target has a space or control character")),
        }
    }
    Ok(())
}

/// `http://host/path`
fn absolute(target: &[u8]) -> Result<Target, Refusal> {
    let scheme = [b"http://".as_slice(), b"https://"]
        .into_iter()
        .find(|scheme| {
            target
                .get(..scheme.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
        })
        .ok_or(Refusal::bad(
            "target is neither a path nor an http or https URL",
        ))?;
    let start = scheme.len();
    let rest = target.get(start..).unwrap_or_default();
    let end = rest
        .iter()
        .position(|byte| matches!(byte, b'/' | b'?'))
        .map_or(target.len(), |at| start + at);
    authority::check(target.get(start..end).unwrap_or_default())?;
    Ok(Target {
        path: end..target.len(),
        authority: Some(start..end),
    })
}

/// What the fields said so far, of those that matter.
#[derive(Default)]
struct Seen {
    host: Option<Range<usize>>,
    length: Option<Range<usize>>,
    coding: Option<Range<usize>>,
    expect: Option<Range<usize>>,
    upgrade: bool,
    connection: ConnectionOptions,
    if_none_match: Option<Range<usize>>,
    cache_control: bool,
    /// Something that makes a request less than plain.
    is_odd: bool,
}

fn field_line(bytes: &[u8], line: Range<usize>, seen: &mut Seen) -> Result<(), Refusal> {
    let field = field(bytes.get(line.clone()).unwrap_or_default())?;
    let start = line.start + field.at;
    note(&field, start..start + field.value.len(), seen)
}

/// Keeps what matters of a field.
fn note(field: &Field<'_>, at: Range<usize>, seen: &mut Seen) -> Result<(), Refusal> {
    match field.name.len() {
        4 if field.is("host") => once(&mut seen.host, at, "several Host fields")?,
        6 if field.is("expect") => once(&mut seen.expect, at, "several Expect fields")?,
        7 if field.is("upgrade") => seen.upgrade = true,
        10 if field.is("connection") => seen.connection.add(field.value)?,
        14 if field.is("content-length") => {
            once(&mut seen.length, at, "several Content-Length fields")?;
        }
        17 if field.is("transfer-encoding") => {
            once(&mut seen.coding, at, "several Transfer-Encoding fields")?;
        }
        14 if field.is("content_length") => {
            return Err(Refusal::bad("Content_Length looks like a framing field"));
        }
        17 if field.is("transfer_encoding") => {
            return Err(Refusal::bad("Transfer_Encoding looks like a framing field"));
        }
        13 if field.is("if-none-match") => {
            seen.is_odd |= seen.if_none_match.replace(at).is_some();
        }
        13 if field.is("cache-control") => seen.cache_control = true,
        2 | 5 | 7 | 8 | 16 | 17 | 19 => {
            seen.is_odd |= ODD.iter().any(|name| field.is(name));
        }
        _ => {}
    }
    Ok(())
}

/// Fields that ask for more than what is at a target, but for those that are noted one by one.
const ODD: [&str; 8] = [
    "te",
    "range",
    "trailer",
    "if-range",
    "if-match",
    "if-modified-since",
    "if-unmodified-since",
    "proxy-connection",
];

/// Draws the conclusions from all fields together.
fn judge(bytes: &[u8], seen: Seen, limits: &HeadLimits, head: &mut Head) -> Result<(), Refusal> {
    let value = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    head.framing = match (&seen.length, &seen.coding) {
        (Some(_), Some(_)) => return Err(Refusal::bad("Content-Length beside Transfer-Encoding")),
        (Some(length), None) => content_length(value(length), limits.body)?,
        (None, Some(coding)) => transfer_encoding(value(coding), head.http11)?,
        (None, None) => Framing::None,
    };
    if seen.connection.names_framing {
        return Err(Refusal::bad(
            "Connection names a field that is not for one hop",
        ));
    }
    if let Some(host) = &seen.host {
        authority::check(value(host))?;
    } else if head.http11 {
        return Err(Refusal::bad("Host is missing"));
    }
    if let (Some(host), Some(authority)) = (&seen.host, &head.authority)
        && !value(host).eq_ignore_ascii_case(value(authority))
    {
        return Err(Refusal::bad(
            "Host differs from the authority of the target",
        ));
    }
    if let Some(expect) = &seen.expect {
        if !value(expect).eq_ignore_ascii_case(b"100-continue") {
            return Err(Refusal::new(417, "only 100-continue can be expected"));
        }
        head.expect_continue = head.http11 && head.framing != Framing::None;
    }
    head.host = seen.host;
    head.is_plain = !seen.is_odd
        && !seen.upgrade
        && !seen.connection.is_odd
        && seen.expect.is_none()
        && seen.length.is_none()
        && seen.coding.is_none();
    head.if_none_match = seen.if_none_match;
    head.cache_control = seen.cache_control;
    head.keep_alive = !seen.connection.close && (head.http11 || seen.connection.keep_alive);
    head.upgrade =
        head.http11 && seen.upgrade && seen.connection.upgrade && head.framing == Framing::None;
    Ok(())
}

#[cfg(test)]
mod tests;
