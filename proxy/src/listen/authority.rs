//! `Host` and `:authority`: the one form that every hop reads alike.

use std::net::Ipv6Addr;

use super::refusal::Refusal;

/// Refuses an authority that is not a plain host name or address with an optional port. Underscores are tolerated,
/// since host names in the wild have them.
pub(crate) fn check(authority: &[u8]) -> Result<(), Refusal> {
    let text =
        std::str::from_utf8(authority).map_err(|_| Refusal::bad("host has bytes beyond ASCII"))?;
    if text.is_empty() {
        return Err(Refusal::bad("host is empty"));
    }
    if text.len() > 255 {
        return Err(Refusal::bad("host is longer than 255 bytes"));
    }
    let port = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest
                .split_once(']')
                .ok_or(Refusal::bad("host has `[` without `]`"))?;
            address
                .parse::<Ipv6Addr>()
                .map_err(|_| Refusal::bad("host in brackets is not an IPv6 address"))?;
            check_after_brackets(after)?
        }
        None => {
            let (name, port) = text
                .split_once(':')
                .map_or((text, None), |(name, port)| (name, Some(port)));
            check_name(name)?;
            port
        }
    };
    port.map_or(Ok(()), check_port)
}

fn check_after_brackets(after: &str) -> Result<Option<&str>, Refusal> {
    match after.strip_prefix(':') {
        Some(port) => Ok(Some(port)),
        None if after.is_empty() => Ok(None),
        None => Err(Refusal::bad("host has more than a port behind `]`")),
    }
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if !name.bytes().all(plain) {
        return Err(Refusal::bad("host has a character that no host name has"));
    }
    // One dot at the end stands for the root of the DNS.
    if name
        .strip_suffix('.')
        .unwrap_or(name)
        .split('.')
        .any(str::is_empty)
    {
        return Err(Refusal::bad("host has an empty label"));
    }
    Ok(())
}

fn check_port(port: &str) -> Result<(), Refusal> {
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port.parse::<u16>() {
        Ok(_) if digits => Ok(()),
        _ => Err(Refusal::bad("port is not a number from 0 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_hosts_pass() {
        for host in [
            "a",
            "www.example.com",
            "a_b.example",
            "example.com.",
            "EXAMPLE.com:8080",
            "192.0.2.1:0",
            "[::1]",
            "[2001:db8::1]:443",
        ] {
            assert_eq!(check(host.as_bytes()), Ok(()), "{host}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let cases = [
            "",
            "a b",
            "a/b",
            "a,b",
            "a, b",
            "a:abc",
            "a:",
            "a:80:80",
            "a:65536",
            "a:-1",
            "a:+1",
            "\"a\"",
            "a#b",
            "a?b",
            "a\\b",
            "user@a",
            "a;b",
            "a%00",
            "a%41",
            "[::1",
            "::1",
            "[::1]x",
            "[::1]:x",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[a]",
            "[127.0.0.1]",
            "a..b",
            ".a",
            ".",
            "é",
            "a\0",
            "a\tb",
            "{a}",
            "*",
            "a'b",
        ];
        for host in cases {
            assert!(check(host.as_bytes()).is_err(), "{host:?}");
        }
        assert!(check(&[b'a', 0xe9]).is_err());
        assert!(check(&[b'a'; 256]).is_err());
    }
}
