//! The head of a response.

use crate::framing::{
    ConnectionOptions, Flaw, Framing, check_value, content_length, field, is_token, once,
    transfer_encoding,
};

/// What a head says of the bytes behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) http11: bool,
    pub(super) status: u16,
    /// `None` when it says nothing of a body.
    pub(super) framing: Option<Framing>,
    pub(super) keep_alive: bool,
}

#[derive(Default)]
struct Seen<'a> {
    length: Option<&'a [u8]>,
    coding: Option<&'a [u8]>,
    connection: ConnectionOptions,
}

impl Head {
    /// Reads a head that ends with its empty line, as [`crate::framing::Scan`] found it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Flaw> {
        let mut lines = bytes
            .split(|byte| *byte == b'\n')
            .map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        let (http11, status) = status_line(lines.next().unwrap_or_default())?;
        let mut seen = Seen::default();
        for line in lines.take_while(|line| !line.is_empty()) {
            note(line, &mut seen)?;
        }
        let framing = match (seen.length, seen.coding) {
            (Some(_), Some(_)) => {
                return Err(Flaw::malformed("Content-Length beside Transfer-Encoding"));
            }
            (Some(length), None) => Some(content_length(length, u64::MAX)?),
            // RFC 9112 §6.3: the body ends with the connection, which serves no other request then.
            (None, Some(coding)) if http11 && is_own_coding(coding) => {
                seen.connection.close = true;
                None
            }
            (None, Some(coding)) => Some(transfer_encoding(coding, http11)?),
            (None, None) => None,
        };
        let connection = seen.connection;
        Ok(Self {
            http11,
            status,
            framing,
            keep_alive: !connection.close && (http11 || connection.keep_alive),
        })
    }
}

/// Refuses at once what can't become a status line, so that nobody waits for the end of something else.
pub(super) fn check_start(bytes: &[u8]) -> Result<(), Flaw> {
    if bytes.iter().zip(b"HTTP/1.").all(|(a, b)| a == b) {
        Ok(())
    } else {
        Err(Flaw::malformed("it does not begin with HTTP/1."))
    }
}

/// `HTTP/1.1 200 OK`, where the reason may be missing, and with it the space before.
fn status_line(line: &[u8]) -> Result<(bool, u16), Flaw> {
    let (http11, rest) = match line.split_at_checked(9) {
        Some((b"HTTP/1.1 ", rest)) => (true, rest),
        Some((b"HTTP/1.0 ", rest)) => (false, rest),
        _ => {
            return Err(Flaw::malformed(
                "status line does not begin with HTTP/1.1 or HTTP/1.0",
            ));
        }
    };
    let odd = Flaw::malformed("status is not three digits from 100 on");
    let (code, reason) = rest.split_at_checked(3).ok_or(odd)?;
    if !code.iter().all(u8::is_ascii_digit) || code.starts_with(b"0") {
        return Err(odd);
    }
    if !matches!(reason, [] | [b' ', ..]) {
        return Err(odd);
    }
    check_value(reason).map_err(|_| Flaw::malformed("reason has a control character"))?;
    let status = code
        .iter()
        .fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    Ok((http11, status))
}

/// Whether this is one transfer coding that nobody has registered, `identity` among them, and that no reader could take for
/// `chunked`: what is sent is the content as it is. Content in a registered coding is none for the client.
fn is_own_coding(value: &[u8]) -> bool {
    const REGISTERED: [&str; 5] = ["gzip", "x-gzip", "compress", "x-compress", "deflate"];
    let is_registered = |name: &&str| value.eq_ignore_ascii_case(name.as_bytes());
    let is_like_chunked = value
        .windows(5)
        .any(|part| part.eq_ignore_ascii_case(b"chunk"));
    !value.is_empty()
        && value.iter().all(|byte| is_token(*byte))
        && !is_like_chunked
        && !REGISTERED.iter().any(is_registered)
}

/// Keeps what matters of a field.
fn note<'a>(line: &'a [u8], seen: &mut Seen<'a>) -> Result<(), Flaw> {
    let field = field(line)?;
    match field.name.len() {
        10 if field.is("connection") => seen.connection.add(field.value),
        14 if field.is("content-length") => once(
            &mut seen.length,
            field.value,
            "several Content-Length fields",
        ),
        17 if field.is("transfer-encoding") => once(
            &mut seen.coding,
            field.value,
            "several Transfer-Encoding fields",
        ),
        _ => Ok(()),
    }
}
