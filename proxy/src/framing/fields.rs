//! Field lines, and the fields that say how a message is framed.

use super::{Flaw, FlawKind, Framing};

/// A field of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    pub(crate) name: &'a [u8],
    /// Without the white space around it.
    pub(crate) value: &'a [u8],
    /// Where in the line the value begins.
    pub(crate) at: usize,
}

impl Field<'_> {
    /// Whether it is the one of this name.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }
}

/// Reads a line without its end: `name: value`, with nothing before the colon and no folding.
pub(crate) fn field(line: &[u8]) -> Result<Field<'_>, Flaw> {
    let colon = line
        .iter()
        .position(|byte| !is_token(*byte))
        .ok_or(Flaw::malformed("header field has no colon"))?;
    match line.get(colon) {
        Some(b':') if colon > 0 => {}
        Some(b':') => return Err(Flaw::malformed("header field has no name")),
        Some(b' ' | b'\t') if colon == 0 => return Err(Flaw::malformed("header field is folded")),
        Some(b' ' | b'\t') => {
            return Err(Flaw::malformed("space between header name and colon"));
        }
        _ => return Err(Flaw::malformed("header name is not a token")),
    }
    let raw = line.get(colon + 1..).unwrap_or_default();
    check_value(raw)?;
    let value = trim(raw);
    let lead = raw
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    Ok(Field {
        name: line.get(..colon).unwrap_or_default(),
        value,
        at: colon + 1 + if value.is_empty() { 0 } else { lead },
    })
}

/// Keeps the value of a field that may be there only once.
pub(crate) fn once<T>(slot: &mut Option<T>, value: T, several: &'static str) -> Result<(), Flaw> {
    if slot.replace(value).is_some() {
        Err(Flaw::malformed(several))
    } else {
        Ok(())
    }
}

/// What `Connection` says.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct ConnectionOptions {
    pub(crate) close: bool,
    pub(crate) keep_alive: bool,
    pub(crate) upgrade: bool,
    /// It names a field that every hop needs.
    pub(crate) names_framing: bool,
    /// It says something else than whether the connection goes on.
    pub(crate) is_odd: bool,
}

impl ConnectionOptions {
    /// Adds what one such field says.
    pub(crate) fn add(&mut self, value: &[u8]) -> Result<(), Flaw> {
        for option in value.split(|byte| *byte == b',').map(trim) {
            let is = |wanted: &str| option.eq_ignore_ascii_case(wanted.as_bytes());
            self.close |= is("close");
            self.keep_alive |= is("keep-alive");
            self.upgrade |= is("upgrade");
            self.names_framing |= is("content-length") || is("transfer-encoding") || is("host");
            self.is_odd |= !is("close") && !is("keep-alive");
            if !option.iter().copied().all(is_token) {
                return Err(Flaw::malformed("Connection is not a list of tokens"));
            }
        }
        Ok(())
    }
}

/// Digits and nothing else.
pub(crate) fn content_length(value: &[u8], max: u64) -> Result<Framing, Flaw> {
    let odd = Flaw::malformed("Content-Length is not a number below 2^63");
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return Err(odd);
    }
    let length = value.iter().try_fold(0u64, |sum, digit| {
        sum.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    });
    match length {
        Some(0) => Ok(Framing::None),
        Some(length) if length > i64::MAX as u64 => Err(odd),
        Some(length) if length > max => Err(Flaw::new(FlawKind::BodyTooLarge, "body is too large")),
        Some(length) => Ok(Framing::Length(length)),
        None => Err(odd),
    }
}

/// `chunked` and nothing else.
pub(crate) fn transfer_encoding(value: &[u8], http11: bool) -> Result<Framing, Flaw> {
    if !http11 {
        return Err(Flaw::malformed("Transfer-Encoding with HTTP/1.0"));
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
        return Err(Flaw::new(
            FlawKind::Unimplemented,
            "transfer codings other than chunked are not implemented",
        ));
    }
    Err(Flaw::malformed("Transfer-Encoding is not `chunked`"))
}

/// The bytes that a field value may have: visible ones, spaces, tabs and those beyond ASCII.
pub(crate) fn check_value(value: &[u8]) -> Result<(), Flaw> {
    let is_control = |byte: u8| byte == 0x7f || (byte < b' ' && byte != b'\t');
    // Looking at all of them without a way out is what the processor does many at a time.
    let has_control = value
        .iter()
        .fold(false, |has, byte| has | is_control(*byte));
    match has_control {
        false => Ok(()),
        true => Err(Flaw::malformed("header value has a control character")),
    }
}

/// Without the optional white space of RFC 9110, which is less than ASCII white space.
pub(crate) fn trim(value: &[u8]) -> &[u8] {
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
pub(crate) const fn is_token(byte: u8) -> bool {
    TOKEN[byte as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < table.len() {
        table[byte] = is_tchar(byte as u8);
        byte += 1;
    }
    table
};

const fn is_tchar(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-'
        | b'.' | b'^' | b'_' | b'`' | b'|' | b'~')
}
