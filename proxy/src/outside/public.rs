//! Connections to hosts that others name: at public addresses only, if nothing else is said, so that nobody is led to what is behind
//! the edge.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use rimward_filters::AskError;
use tokio::net::{TcpStream, lookup_host};

use super::place::Place;

/// Connects to the first address of a host that may be connected to and can be. The address that was judged is the one that is
/// used, whatever the name means a moment later.
pub(super) async fn connect(
    place: &Place<'_>,
    may_be: fn(IpAddr) -> bool,
) -> Result<TcpStream, AskError> {
    let found = lookup_host((place.host, place.port)).await;
    let found = found.map_err(|error| AskError::Unknown(format!("`{}`: {error}", place.host)))?;
    let good: Vec<SocketAddr> = found.filter(|address| may_be(address.ip())).collect();
    if good.is_empty() {
        return Err(AskError::Private(place.host.to_owned()));
    }
    let stream = TcpStream::connect(&good[..]).await;
    stream.map_err(|error| AskError::Connect(format!("`{}`: {error}", place.authority)))
}

/// Whether an address is one of the public internet, by the registries of special addresses (RFC 6890).
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// Whether an address is a public one, or of this machine or a network that is meant to be private (RFC 1918, RFC 4193). Those of one
/// link are not: clouds tell their secrets there.
pub(super) fn is_public_or_private(ip: IpAddr) -> bool {
    let is_private = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        // AWS tells them at a private address of version 6.
        IpAddr::V6(ip) if ip.segments()[..2] == [0xfd00, 0x0ec2] => false,
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    is_private || is_public(ip)
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let is_special = match ip.octets() {
        // This network; private; loopback; link-local; private.
        [0 | 10 | 127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => true,
        // Shared by carriers; protocol assignments; relays of 6to4; benchmarks.
        [100, 64..=127, ..] | [192, 0, 0, _] | [192, 88, 99, _] | [198, 18..=19, ..] => true,
        // Documentation.
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        // Multicast, reserved, broadcast.
        [224..=255, ..] => true,
        _ => false,
    };
    !is_special
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match ip.segments() {
        // Addresses of IPv4, translated or tunnelled, lead to what they hold.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] => embedded(high, low),
        [0x2002, high, low, ..] => embedded(high, low),
        // Protocol assignments; documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => false,
        // All that is assigned otherwise is not for everybody.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_the_public_internet_are_told_from_all_others() {
        for (ip, expected) in [
            ("93.184.216.34", true),
            ("9.255.255.255", true),
            ("172.32.0.1", true),
            ("100.128.0.1", true),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.8", false),
            ("192.0.2.1", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700::1", true),
            ("2a00:1450:4001::1", true),
            ("64:ff9b::5db8:d822", true),
            ("64:ff9b::a00:1", false),
            ("2002:5db8:d822::1", true),
            ("2002:a00:1::1", false),
            ("::", false),
            ("::1", false),
            ("::ffff:10.0.0.1", false),
            ("::ffff:93.184.216.34", true),
            ("::10.0.0.1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("3fff::1", false),
            ("fc00::1", false),
            ("fd12::1", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn private_networks_may_be_let_in_and_links_never() {
        for (ip, expected) in [
            ("93.184.216.34", true),
            ("127.0.0.1", true),
            ("10.0.0.1", true),
            ("172.16.0.1", true),
            ("192.168.1.1", true),
            ("::1", true),
            ("fd12::1", true),
            ("::ffff:10.0.0.1", true),
            ("169.254.169.254", false),
            ("::ffff:169.254.169.254", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("0.0.0.0", false),
            ("::", false),
            ("224.0.0.1", false),
            ("100.100.100.200", false),
        ] {
            assert_eq!(is_public_or_private(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[tokio::test]
    async fn a_host_without_a_public_address_is_not_connected_to() {
        for uri in [
            "http://127.0.0.1/",
            "http://[::1]:8080/",
            "http://localhost/",
        ] {
            let uri = uri.parse().unwrap();
            let place = Place::of(&uri).unwrap();
            let connected = connect(&place, is_public).await.map(|_| ());
            assert_eq!(connected, Err(AskError::Private(place.host.to_owned())));
        }
    }
}
