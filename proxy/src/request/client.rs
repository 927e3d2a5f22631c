//! Who asks: the client's address and scheme, when proxies that are trusted tell them.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use rimward_filters::Scheme;

/// What is believed about a client.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) ip: IpAddr,
    pub(crate) scheme: Scheme,
    /// Whether the other end of the connection is a trusted proxy.
    pub(crate) trusted: bool,
}

/// Tells the client from the other end of the connection and the fields that trusted proxies add.
///
/// `Forwarded` (RFC 7239) is believed before `X-Forwarded-For`. Both are read from the right: the first address that is
/// not a trusted proxy's is the client's, whatever stands to the left of it.
pub(crate) fn identify<'h>(
    peer: SocketAddr,
    tls: bool,
    headers: impl FnOnce() -> &'h HeaderMap,
    trusted_proxies: &[IpNet],
) -> Identity {
    let connection = if tls { Scheme::Https } else { Scheme::Http };
    let peer = peer.ip().to_canonical();
    let trusts = |address: IpAddr| {
        trusted_proxies
            .iter()
            .any(|network| network.contains(&address))
    };
    if trusted_proxies.is_empty() || !trusts(peer) {
        return Identity {
            ip: peer,
            scheme: connection,
            trusted: false,
        };
    }
    let headers = headers();
    let told = if headers.contains_key("forwarded") {
        forwarded(headers, "for")
    } else {
        list(headers, "x-forwarded-for")
    };
    let mut ip = peer;
    for address in told.iter().rev() {
        let Some(address) = parse_address(address) else {
            break;
        };
        ip = address;
        if !trusts(address) {
            break;
        }
    }
    let scheme = match forwarded(headers, "proto")
        .last()
        .copied()
        .or_else(|| last(headers, "x-forwarded-proto"))
    {
        Some(proto) if proto.eq_ignore_ascii_case("https") => Scheme::Https,
        Some(proto) if proto.eq_ignore_ascii_case("http") => Scheme::Http,
        _ => connection,
    };
    Identity {
        ip,
        scheme,
        trusted: true,
    }
}

fn list<'h>(headers: &'h HeaderMap, name: &str) -> Vec<&'h str> {
    let values = headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .collect()
}

fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    list(headers, name).last().copied()
}

/// The values of one parameter of each element of `Forwarded`, unquoted.
fn forwarded<'h>(headers: &'h HeaderMap, parameter: &str) -> Vec<&'h str> {
    let pairs = |element: &'h str| {
        element
            .split(';')
            .filter_map(|pair| pair.trim().split_once('='))
    };
    list(headers, "forwarded")
        .into_iter()
        .filter_map(|element| pairs(element).find(|(name, _)| name.eq_ignore_ascii_case(parameter)))
        .map(|(_, value)| value.trim_matches('"'))
        .collect()
}

/// An address, with or without a port, an IPv6 address with or without brackets.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map_or(text, |(address, _)| address);
    let address = bare
        .parse::<IpAddr>()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()));
    address.map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[track_caller]
    fn check(peer: &str, fields: &[(&str, &str)], ip: &str, scheme: Scheme) {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let peer = SocketAddr::new(peer.parse().unwrap(), 4711);
        let found = identify(peer, false, || &headers, &trusted);
        assert_eq!(
            (found.ip, found.scheme),
            (ip.parse().unwrap(), scheme),
            "{fields:?}"
        );
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let xff = "x-forwarded-for";
        let proto = ("x-forwarded-proto", "https");
        check(
            "203.0.113.1",
            &[(xff, "198.51.100.1"), proto],
            "203.0.113.1",
            Scheme::Http,
        );
        check(
            "::ffff:10.0.0.1",
            &[(xff, "198.51.100.1")],
            "198.51.100.1",
            Scheme::Http,
        );
        check(
            "10.0.0.1",
            &[(xff, "1.1.1.1, 198.51.100.1, 10.0.0.9"), proto],
            "198.51.100.1",
            Scheme::Https,
        );
        check(
            "10.0.0.1",
            &[(xff, "1.1.1.1"), (xff, "198.51.100.1:80")],
            "198.51.100.1",
            Scheme::Http,
        );
        check("10.0.0.1", &[(xff, "nonsense")], "10.0.0.1", Scheme::Http);
        check(
            "10.0.0.1",
            &[(xff, "198.51.100.1, nonsense")],
            "10.0.0.1",
            Scheme::Http,
        );
        check(
            "10.0.0.1",
            &[(xff, "10.0.0.3, 10.0.0.2")],
            "10.0.0.3",
            Scheme::Http,
        );
        check("10.0.0.1", &[], "10.0.0.1", Scheme::Http);
        check(
            "10.0.0.1",
            &[("forwarded", r#"for="[2001:db8::1]:80";proto=https"#)],
            "2001:db8::1",
            Scheme::Https,
        );
        check(
            "fd00::1",
            &[
                ("forwarded", "for=1.1.1.1, for=198.51.100.2"),
                (xff, "1.2.3.4"),
            ],
            "198.51.100.2",
            Scheme::Http,
        );
    }
}
