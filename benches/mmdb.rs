//! An MMDB file of countries, as large as a bench wants it.
//!
//! A binary search tree of records of four bytes, sixteen zero bytes, the data, and what describes them behind a marker
//! (MaxMind DB File Format Specification 2.0).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// From one number to the next: neighbours in number are none in the tree.
const STEP: u32 = 7919;

/// Networks of each kind to choose from.
const ALL: u32 = 1 << 20;

/// A file that locates so many networks of IPv4 (of 24 bits, from `11.0.0.0` on) and as many of IPv6 (of 48 bits, in
/// `2001:db8::/28`) in Germany.
pub fn file(networks: u32) -> Vec<u8> {
    let mut tree = Tree(vec![[Branch::Nothing; 2]]);
    for number in 0..networks {
        for (address, length) in [(ipv4(number), 96 + 24), (ipv6(number), 48)] {
            tree.insert(in_tree(address), length);
        }
    }
    let mut file = tree.records();
    file.extend([0; 16]);
    file.extend(map(&[("country", map(&[("iso_code", text("DE"))]))]));
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(map(&[
        ("node_count", number(6, tree.0.len() as u64)),
        ("record_size", number(5, 32)),
        ("ip_version", number(5, 6)),
        ("database_type", text("Bench-Country")),
        ("languages", vec![0, 4]),
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_700_000_000)),
        ("description", map(&[("en", text("made by a bench"))])),
    ]));
    file
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

/// An address as the tree has it, where those of IPv4 have 96 zeros before them.
fn in_tree(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Country,
}

struct Tree(Vec<[Branch; 2]>);

impl Tree {
    fn insert(&mut self, address: u128, length: u32) {
        let mut node = 0;
        for bit in 0..length {
            let side = usize::from(address >> (127 - bit) & 1 == 1);
            node = match self.0[node][side] {
                _ if bit == length - 1 => {
                    self.0[node][side] = Branch::Country;
                    return;
                }
                Branch::Node(next) => next,
                Branch::Nothing | Branch::Country => {
                    self.0.push([Branch::Nothing; 2]);
                    self.0[node][side] = Branch::Node(self.0.len() - 1);
                    self.0.len() - 1
                }
            };
        }
    }

    fn records(&self) -> Vec<u8> {
        let count = self.0.len();
        let value = |branch: &Branch| match branch {
            Branch::Nothing => count,
            Branch::Node(node) => *node,
            Branch::Country => count + 16,
        };
        let values = self.0.iter().flatten().map(value);
        values
            .flat_map(|value| (value as u32).to_be_bytes())
            .collect()
    }
}

fn text(value: &str) -> Vec<u8> {
    [&[2 << 5 | value.len() as u8], value.as_bytes()].concat()
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = vec![7 << 5 | pairs.len() as u8];
    for (key, value) in pairs {
        bytes.extend(text(key));
        bytes.extend(value);
    }
    bytes
}

/// An unsigned number of two, four or eight bytes, by its kind.
fn number(kind: u8, value: u64) -> Vec<u8> {
    let size: usize = match kind {
        5 => 2,
        6 => 4,
        _ => 8,
    };
    let head = match kind {
        8.. => vec![size as u8, kind - 7],
        _ => vec![kind << 5 | size as u8],
    };
    [head, value.to_be_bytes()[8 - size..].to_vec()].concat()
}
