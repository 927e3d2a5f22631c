//! MMDB files as large as a bench wants them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rimward_geoip::build::{self, Value};

/// From one number to the next: neighbours in number are none in the tree.
const STEP: u32 = 7919;

/// Networks of each kind to choose from.
const ALL: u32 = 1 << 20;

/// A file that locates so many networks of IPv4 (of 24 bits, from `11.0.0.0` on) and as many of IPv6 (of 48 bits, in
/// `2001:db8::/28`) in Germany.
pub fn countries(networks: u32) -> Vec<u8> {
    file("Bench-Country", networks, |_| build::country("DE"))
}

/// A file that has as many networks in a thousand cities.
pub fn cities(networks: u32) -> Vec<u8> {
    file("Bench-City", networks, |number| {
        let city = format!("City {}", number % 1000);
        build::city("DE", ("BE", "Land Berlin"), &city, (52.5, 13.4))
    })
}

/// A file that has as many networks in a thousand autonomous systems.
pub fn systems(networks: u32) -> Vec<u8> {
    file("Bench-ASN", networks, |number| {
        build::network(64_000 + number % 1000, "Example Networks")
    })
}

fn file(kind: &str, networks: u32, value: impl Fn(u32) -> Value) -> Vec<u8> {
    let located = (0..networks).flat_map(|number| {
        let value = value(number);
        [(ipv4(number), 24, value.clone()), (ipv6(number), 48, value)]
    });
    build::large_file(kind, located)
}

/// An address of IPv4 in the network of this number.
pub fn ipv4(number: u32) -> IpAddr {
    let network = number.wrapping_mul(STEP) % ALL;
    Ipv4Addr::from_bits(0x0b00_0001 + (network << 8)).into()
}

/// An address of IPv6 in the network of this number.
pub fn ipv6(number: u32) -> IpAddr {
    let network = number.wrapping_mul(STEP) % ALL;
    Ipv6Addr::from_bits((0x2001_0db0_0000 + u128::from(network)) << 80 | 1).into()
}
