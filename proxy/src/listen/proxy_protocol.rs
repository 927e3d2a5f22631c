//! The PROXY protocol, versions 1 and 2, as HAProxy specifies it: the address of the client before the first byte of its
//! own. Own code, because it must say exactly where the header ends and refuse all that the specification doesn't name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest header of version 1, with its CRLF.
const MAX_V1: usize = 107;
/// The longest header of version 2 that is read: addresses and a fair amount of TLVs, which are skipped.
const MAX_V2: usize = 4096;

/// What a PROXY header says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Its length in bytes.
    pub(super) len: usize,
    /// Client and destination; `None` when the sender speaks for itself (`LOCAL`) or doesn't know (`UNKNOWN`).
    pub(super) addresses: Option<(SocketAddr, SocketAddr)>,
}

/// Why it is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed PROXY header: {0}")]
pub(super) struct Malformed(&'static str);

/// The header that `bytes` begin with, or `None` when more bytes are needed to tell.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    if starts_like(bytes, SIGNATURE) {
        return if bytes.len() < 16 {
            Ok(None)
        } else {
            parse_v2(bytes)
        };
    }
    if starts_like(bytes, b"PROXY ") {
        parse_v1(bytes)
    } else {
        Err(Malformed("no signature of version 1 or 2"))
    }
}

/// Whether the bytes so far agree with a signature.
fn starts_like(bytes: &[u8], signature: &[u8]) -> bool {
    bytes.iter().zip(signature).all(|(a, b)| a == b)
}

/// `PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n`
fn parse_v1(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let Some(lf) = bytes.iter().take(MAX_V1).position(|byte| *byte == b'\n') else {
        return if bytes.len() < MAX_V1 {
            Ok(None)
        } else {
            Err(Malformed("longer than 107 bytes"))
        };
    };
    let line = bytes
        .get(..lf)
        .and_then(|line| line.strip_suffix(b"\r"))
        .ok_or(Malformed("line ends without CR"))?;
    let line = std::str::from_utf8(line).map_err(|_| Malformed("not ASCII"))?;
    let mut words = line.split(' ').skip(1);
    let addresses = match words.next() {
        Some("UNKNOWN") => None,
        Some("TCP4") => Some(v1_addresses::<Ipv4Addr>(&mut words)?),
        Some("TCP6") => Some(v1_addresses::<Ipv6Addr>(&mut words)?),
        _ => return Err(Malformed("family is none of TCP4, TCP6, UNKNOWN")),
    };
    if addresses.is_some() && words.next().is_some() {
        return Err(Malformed("more than two addresses and two ports"));
    }
    Ok(Some(Header {
        len: lf + 1,
        addresses,
    }))
}

fn v1_addresses<'a, Ip: FromStr + Into<IpAddr>>(
    words: &mut impl Iterator<Item = &'a str>,
) -> Result<(SocketAddr, SocketAddr), Malformed> {
    let mut ip = || {
        words
            .next()
            .and_then(|word| word.parse::<Ip>().ok())
            .map(Into::into)
    };
    let (from, to) = ip()
        .zip(ip())
        .ok_or(Malformed("addresses are not of the family"))?;
    let mut port = || words.next().and_then(decimal_port);
    let (from_port, to_port) = port()
        .zip(port())
        .ok_or(Malformed("ports are not 0 to 65535"))?;
    Ok((
        SocketAddr::new(from, from_port),
        SocketAddr::new(to, to_port),
    ))
}

/// A port without sign or leading zeros.
fn decimal_port(word: &str) -> Option<u16> {
    let plain =
        word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
    word.parse().ok().filter(|_| plain)
}

/// Signature (12), version and command (1), family and transport (1), length (2), addresses, TLVs.
fn parse_v2(bytes: &[u8]) -> Result<Option<Header>, Malformed> {
    let &[command, family, high, low] = bytes
        .get(12..16)
        .and_then(|fixed| fixed.first_chunk())
        .ok_or(Malformed("short"))?;
    let len = 16 + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_V2 {
        return Err(Malformed("longer than 4096 bytes"));
    }
    let Some(rest) = bytes.get(16..len) else {
        return Ok(None);
    };
    let addresses = match (command, family) {
        (0x20, _) => None,
        (0x21, 0x11) => Some(v2_addresses::<4>(rest)?),
        (0x21, 0x21) => Some(v2_addresses::<16>(rest)?),
        (0x21, 0x00 | 0x12 | 0x22 | 0x31 | 0x32) => None,
        (0x21, _) => return Err(Malformed("unknown family or transport")),
        _ => return Err(Malformed("unknown version or command")),
    };
    Ok(Some(Header { len, addresses }))
}

fn v2_addresses<const N: usize>(bytes: &[u8]) -> Result<(SocketAddr, SocketAddr), Malformed>
where
    [u8; N]: Into<IpAddr>,
{
    let short = Malformed("addresses are cut short");
    let (from, rest) = bytes.split_first_chunk::<N>().ok_or(short)?;
    let (to, rest) = rest.split_first_chunk::<N>().ok_or(short)?;
    let &[a, b, c, d] = rest.first_chunk().ok_or(short)?;
    let from = SocketAddr::new((*from).into(), u16::from_be_bytes([a, b]));
    let to = SocketAddr::new((*to).into(), u16::from_be_bytes([c, d]));
    Ok((from, to))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(from: &str, to: &str) -> Option<(SocketAddr, SocketAddr)> {
        Some((from.parse().unwrap(), to.parse().unwrap()))
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let mut bytes = SIGNATURE.to_vec();
        bytes.extend([command, family]);
        bytes.extend((rest.len() as u16).to_be_bytes());
        bytes.extend(rest);
        bytes
    }

    /// The header is `bytes`, whatever follows; every prefix of it wants more.
    #[track_caller]
    fn check(bytes: &[u8], addresses: Option<(SocketAddr, SocketAddr)>) {
        for end in 0..bytes.len() {
            assert_eq!(parse(&bytes[..end]), Ok(None), "prefix of {end} bytes");
        }
        let followed = [bytes, b"GET / HTTP/1.1\r\n"].concat();
        assert_eq!(
            parse(&followed),
            Ok(Some(Header {
                len: bytes.len(),
                addresses
            }))
        );
    }

    #[test]
    fn version_1() {
        check(
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n",
            pair("192.0.2.1:56324", "198.51.100.1:443"),
        );
        check(
            b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
            pair("[2001:db8::1]:1", "[::1]:65535"),
        );
        check(b"PROXY UNKNOWN\r\n", None);
        check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None);
    }

    #[test]
    fn version_2() {
        let v4 = [192, 0, 2, 1, 198, 51, 100, 1, 0, 80, 1, 187];
        check(
            &v2(0x21, 0x11, &v4),
            pair("192.0.2.1:80", "198.51.100.1:443"),
        );
        check(
            &v2(0x21, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat()),
            pair("192.0.2.1:80", "198.51.100.1:443"),
        );
        let v6 = [&[0; 15][..], &[1], &[0; 15], &[2], &[0, 1, 0, 2]].concat();
        check(&v2(0x21, 0x21, &v6), pair("[::1]:1", "[::2]:2"));
        check(&v2(0x20, 0x00, b""), None);
        check(&v2(0x20, 0x11, &v4), None);
        check(&v2(0x21, 0x31, &[0; 216]), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let cases: &[&[u8]] = &[
            b"GET / HTTP/1.1\r\n\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 056324 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 +5 443\r\n",
            b"PROXY TCP4 192.0.2.1 198.51.100.1 5 443 6\r\n",
            b"PROXY TCP4 192.0.2.1  198.51.100.1 5 443\r\n",
            b"PROXY TCP4 ::1 ::1 5 443\r\n",
            b"PROXY UDP4 192.0.2.1 198.51.100.1 5 443\r\n",
            b"PROXY \xff\r\n",
            &[b"PROXY UNKNOWN ".as_slice(), &[b'x'; 120]].concat(),
            &v2(0x22, 0x11, &[0; 12]),
            &v2(0x31, 0x11, &[0; 12]),
            &v2(0x21, 0x13, &[0; 12]),
            &v2(0x21, 0x11, &[0; 11]),
            &v2(0x21, 0x21, &[0; 35]),
            &v2(0x20, 0x00, &[0; 5000]),
        ];
        for case in cases {
            assert!(
                parse(case).is_err(),
                "{:?}",
                case.escape_ascii().to_string()
            );
        }
    }
}
