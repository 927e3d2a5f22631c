//! The head of an HTTP/1.x request, read by the strictest reading of RFC 9112. What two parsers could take for two
//! different messages is refused here, so that nothing behind has to be careful.

use std::ops::Range;

use super::authority;
use super::refusal::Refusal;

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
}

/// How the end of a request body is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// `Content-Length`, not zero.
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
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

/// Looks for the end of a head while its bytes come in. It sees each byte once.
#[derive(Debug, Default, Clone)]
pub(super) struct Scan {
    seen: usize,
    line: usize,
    lines: usize,
}

impl Scan {
    /// Whether it has seen nothing yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.seen == 0
    }

    /// The length of the head, once it is complete. `bytes` is what came so far, from its first byte on.
    pub(super) fn end(
        &mut self,
        bytes: &[u8],
        limits: &HeadLimits,
    ) -> Result<Option<usize>, Refusal> {
        if bytes.first().is_some_and(|first| !is_token(*first)) {
            return Err(Refusal::bad("method does not begin with a letter"));
        }
        while let Some(next) = bytes
            .get(self.seen..)
            .and_then(|new| new.iter().position(|byte| *byte == b'\n'))
        {
            let lf = self.seen + next;
            if lf == 0 || bytes.get(lf - 1) != Some(&b'\r') {
                return Err(Refusal::bad("a bare LF ends a line"));
            }
            let empty = lf - 1 == self.line;
            (self.seen, self.line, self.lines) = (lf + 1, lf + 1, self.lines + 1);
            self.check_bounds(self.seen, limits)?;
            if empty {
                return Ok(Some(self.seen));
            }
        }
        self.seen = bytes.len();
        self.check_bounds(self.seen, limits)?;
        Ok(None)
    }

    fn check_bounds(&self, len: usize, limits: &HeadLimits) -> Result<(), Refusal> {
        let request_line = if self.lines == 0 { len } else { 0 };
        if request_line > limits.target.saturating_add(AROUND_TARGET) {
            return Err(Refusal::new(414, "request line is too long"));
        }
        if len > limits.bytes {
            return Err(Refusal::new(431, "head is too large"));
        }
        // The request line and the empty line are none.
        if self.lines > limits.fields.saturating_add(2) {
            return Err(Refusal::new(431, "too many header fields"));
        }
        Ok(())
    }
}

/// Reads a head that [`Scan`] found complete; `bytes` ends with the empty line.
pub fn parse(bytes: &[u8], limits: &HeadLimits) -> Result<Head, Refusal> {
    let mut scan = Scan::default();
    if scan.end(bytes, limits)? != Some(bytes.len()) {
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
    let lf = bytes.get(at..)?.iter().position(|byte| *byte == b'\n')?;
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
        http11,
        framing: Framing::None,
        keep_alive: http11,
        upgrade: false,
        expect_continue: false,
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
}

#[derive(Default)]
struct ConnectionOptions {
    close: bool,
    keep_alive: bool,
    upgrade: bool,
}

/// `name: value`, with nothing before the colon and no folding.
fn field_line(bytes: &[u8], line: Range<usize>, seen: &mut Seen) -> Result<(), Refusal> {
    let text = bytes.get(line.clone()).unwrap_or_default();
    let colon = text
        .iter()
        .position(|byte| !is_token(*byte))
        .ok_or(Refusal::bad("header field has no colon"))?;
    match text.get(colon) {
        Some(b':') if colon > 0 => {}
        Some(b':') => return Err(Refusal::bad("header field has no name")),
        Some(b' ' | b'\t') if colon == 0 => return Err(Refusal::bad("header field is folded")),
        Some(b' ' | b'\t') => return Err(Refusal::bad("space between header name and colon")),
        _ => return Err(Refusal::bad("header name is not a token")),
    }
    let name = text.get(..colon).unwrap_or_default();
    let raw = text.get(colon + 1..).unwrap_or_default();
    check_value(raw)?;
    let value = trim(raw);
    let lead = raw
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    let start = line.start + colon + 1 + if value.is_empty() { 0 } else { lead };
    note(name, value, start..start + value.len(), seen)
}

/// Keeps what matters of a field.
fn note(name: &[u8], value: &[u8], at: Range<usize>, seen: &mut Seen) -> Result<(), Refusal> {
    let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
    match name.len() {
        4 if is("host") => once(&mut seen.host, at, "several Host fields")?,
        6 if is("expect") => once(&mut seen.expect, at, "several Expect fields")?,
        7 if is("upgrade") => seen.upgrade = true,
        10 if is("connection") => connection_options(value, &mut seen.connection)?,
        14 if is("content-length") => once(&mut seen.length, at, "several Content-Length fields")?,
        17 if is("transfer-encoding") => {
            once(&mut seen.coding, at, "several Transfer-Encoding fields")?
        }
        14 if is("content_length") => {
            return Err(Refusal::bad("Content_Length looks like a framing field"));
        }
        17 if is("transfer_encoding") => {
            return Err(Refusal::bad("Transfer_Encoding looks like a framing field"));
        }
        _ => {}
    }
    Ok(())
}

fn once(
    slot: &mut Option<Range<usize>>,
    at: Range<usize>,
    several: &'static str,
) -> Result<(), Refusal> {
    if slot.replace(at).is_some() {
        Err(Refusal::bad(several))
    } else {
        Ok(())
    }
}

fn connection_options(value: &[u8], options: &mut ConnectionOptions) -> Result<(), Refusal> {
    for option in value.split(|byte| *byte == b',').map(trim) {
        let is = |wanted: &str| option.eq_ignore_ascii_case(wanted.as_bytes());
        options.close |= is("close");
        options.keep_alive |= is("keep-alive");
        options.upgrade |= is("upgrade");
        if is("content-length") || is("transfer-encoding") || is("host") {
            return Err(Refusal::bad(
                "Connection names a field that is not for one hop",
            ));
        }
        if !option.iter().copied().all(is_token) {
            return Err(Refusal::bad("Connection is not a list of tokens"));
        }
    }
    Ok(())
}

/// Draws the conclusions from all fields together.
fn judge(bytes: &[u8], seen: Seen, limits: &HeadLimits, head: &mut Head) -> Result<(), Refusal> {
    let value = |range: &Range<usize>| bytes.get(range.clone()).unwrap_or_default();
    head.framing = match (&seen.length, &seen.coding) {
        (Some(_), Some(_)) => return Err(Refusal::bad("Content-Length beside Transfer-Encoding")),
        (Some(length), None) => content_length(value(length), limits.body)?,
        (None, Some(coding)) => transfer_encoding(value(coding), head.http11)?,
        (None, None) => Framing::None,
    };
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
    head.keep_alive = !seen.connection.close && (head.http11 || seen.connection.keep_alive);
    head.upgrade =
        head.http11 && seen.upgrade && seen.connection.upgrade && head.framing == Framing::None;
    Ok(())
}

/// Digits and nothing else.
pub(super) fn content_length(value: &[u8], max: u64) -> Result<Framing, Refusal> {
    let odd = Refusal::bad("Content-Length is not a number below 2^63");
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(odd);
    }
    let length = value.iter().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    match length {
        Some(0) => Ok(Framing::None),
        Some(length) if length > i64::MAX as u64 => Err(odd),
        Some(length) if length > max => Err(Refusal::new(413, "body is too large")),
        Some(length) => Ok(Framing::Length(length)),
        None => Err(odd),
    }
}

/// `chunked` and nothing else.
fn transfer_encoding(value: &[u8], http11: bool) -> Result<Framing, Refusal> {
    if !http11 {
        return Err(Refusal::bad("Transfer-Encoding with HTTP/1.0"));
    }
    if value.eq_ignore_ascii_case(b"chunked") {
        return Ok(Framing::Chunked);
    }
    let mut codings = value.split(|byte| *byte == b',').map(trim);
    let known = |coding: &[u8]| {
        ["gzip", "x-gzip", "compress", "x-compress", "deflate"]
            .iter()
            .any(|name| coding.eq_ignore_ascii_case(name.as_bytes()))
    };
    let last_is_chunked = codings
        .next_back()
        .is_some_and(|last| last.eq_ignore_ascii_case(b"chunked"));
    if last_is_chunked && codings.all(known) {
        return Err(Refusal::new(
            501,
            "transfer codings other than chunked are not implemented",
        ));
    }
    Err(Refusal::bad("Transfer-Encoding is not `chunked`"))
}

/// The bytes that a field value may have: visible ones, spaces, tabs and those beyond ASCII.
pub(super) fn check_value(value: &[u8]) -> Result<(), Refusal> {
    if value
        .iter()
        .all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
    {
        return Ok(());
    }
    Err(Refusal::bad("header value has a control character"))
}

/// Without the optional white space of RFC 9110, which is less than ASCII white space.
fn trim(value: &[u8]) -> &[u8] {
    let space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = value
        .iter()
        .position(|byte| !space(byte))
        .unwrap_or(value.len());
    let end = value
        .iter()
        .rposition(|byte| !space(byte))
        .map_or(start, |last| last + 1);
    value.get(start..end).unwrap_or_default()
}

/// `tchar` of RFC 9110.
pub(super) const fn is_token(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}

#[cfg(test)]
mod tests;
