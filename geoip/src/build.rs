//! Makes MMDB files for tests and benches.
//!
//! The format: a binary search tree of records of four bytes, sixteen zero bytes, the data, and what describes them behind a
//! marker (MaxMind DB File Format Specification 2.0).

use std::collections::HashMap;
use std::net::IpAddr;

/// A value in the data of a file.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// A whole number.
    Number(u32),
    /// A number with a fraction.
    Fraction(f64),
    /// Yes or no.
    Flag(bool),
    /// Values by name.
    Map(Vec<(String, Self)>),
    /// Values in order.
    List(Vec<Self>),
}

/// Values by name.
pub fn map<const N: usize>(pairs: [(&str, Value); N]) -> Value {
    Value::Map(pairs.map(|(key, value)| (key.to_owned(), value)).into())
}

/// A country as MaxMind writes it.
pub fn country(code: &str) -> Value {
    map([("country", map([("iso_code", code.into())]))])
}

/// A city as MaxMind writes it: `city`, `region` with its code, and the place's latitude and longitude.
pub fn city(code: &str, region: (&str, &str), city: &str, at: (f64, f64)) -> Value {
    let named = |name: &str| map([("de", "anders".into()), ("en", name.into())]);
    map([
        ("city", map([("names", named(city))])),
        ("country", map([("iso_code", code.into())])),
        (
            "location",
            map([("latitude", at.0.into()), ("longitude", at.1.into())]),
        ),
        (
            "subdivisions",
            Value::List(vec![map([
                ("iso_code", region.0.into()),
                ("names", named(region.1)),
            ])]),
        ),
    ])
}

/// An autonomous system as MaxMind writes it.
pub fn network(asn: u32, organisation: &str) -> Value {
    map([
        ("autonomous_system_number", asn.into()),
        ("autonomous_system_organization", organisation.into()),
    ])
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Fraction(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// A file of IPv6 of this type, with a value for each network such as `203.0.113.0/24`. Of networks within each other the
/// larger one comes first.
///
/// # Panics
/// When a network is not one.
pub fn file<'n>(kind: &str, networks: impl IntoIterator<Item = (&'n str, Value)>) -> Vec<u8> {
    let parsed = networks.into_iter().map(|(network, value)| {
        let (address, length) = network.split_once('/').expect("ADDRESS/LENGTH");
        let address = address.parse().expect("an address");
        (address, length.parse().expect("a length"), value)
    });
    large_file(kind, parsed)
}

/// The same, for networks that are many.
pub fn large_file(kind: &str, networks: impl IntoIterator<Item = (IpAddr, u32, Value)>) -> Vec<u8> {
    let mut tree = Tree(vec![[Branch::Nothing; 2]]);
    let mut data = Data::default();
    for (address, length, value) in networks {
        let place = data.put(&value);
        // Addresses of IPv4 have 96 zeros before them.
        match address {
            IpAddr::V4(address) => tree.insert(address.to_bits().into(), 96 + length, place),
            IpAddr::V6(address) => tree.insert(address.to_bits(), length, place),
        }
    }
    let mut file = tree.records();
    file.extend([0; 16]);
    file.extend(data.bytes);
    file.extend(b"\xab\xcd\xefMaxMind.com");
    file.extend(head(7, 9));
    let described = map([("en", "made by a test".into())]);
    for (key, value) in [
        ("node_count", number(6, tree.0.len() as u64)),
        ("record_size", number(5, 32)),
        ("ip_version", number(5, 6)),
        ("database_type", bytes(&kind.into())),
        ("languages", bytes(&Value::List(vec!["en".into()]))),
        ("binary_format_major_version", number(5, 2)),
        ("binary_format_minor_version", number(5, 0)),
        ("build_epoch", number(9, 1_700_000_000)),
        ("description", bytes(&described)),
    ] {
        file.extend(bytes(&key.into()));
        file.extend(value);
    }
    file
}

#[derive(Clone, Copy)]
enum Branch {
    Nothing,
    Node(usize),
    Value(usize),
}

struct Tree(Vec<[Branch; 2]>);

impl Tree {
    fn insert(&mut self, address: u128, length: u32, value: usize) {
        let mut node = 0;
        for bit in 0..length {
            let side = usize::from(address >> (127 - bit) & 1 == 1);
            if bit == length - 1 {
                self.0[node][side] = Branch::Value(value);
                return;
            }
            node = match self.0[node][side] {
                Branch::Node(next) => next,
                // What held for the whole network holds for both halves.
                whole => {
                    self.0.push([whole; 2]);
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
            Branch::Value(place) => count + 16 + place,
        };
        let values = self.0.iter().flatten().map(value);
        values
            .flat_map(|value| (value as u32).to_be_bytes())
            .collect()
    }
}

/// The values, each written once.
#[derive(Default)]
struct Data {
    bytes: Vec<u8>,
    places: HashMap<Vec<u8>, usize>,
}

impl Data {
    fn put(&mut self, value: &Value) -> usize {
        let encoded = bytes(value);
        if let Some(place) = self.places.get(&encoded) {
            return *place;
        }
        let place = self.bytes.len();
        self.bytes.extend(&encoded);
        self.places.insert(encoded, place);
        place
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => [head(2, text.len()), text.as_bytes().to_vec()].concat(),
        Value::Number(value) => number(6, (*value).into()),
        Value::Fraction(value) => [head(3, 8), value.to_be_bytes().to_vec()].concat(),
        Value::Flag(flag) => head(14, usize::from(*flag)),
        Value::Map(pairs) => pairs
            .iter()
            .fold(head(7, pairs.len()), |mut all, (key, value)| {
                all.extend([head(2, key.len()), key.as_bytes().to_vec(), bytes(value)].concat());
                all
            }),
        Value::List(values) => values
            .iter()
            .fold(head(11, values.len()), |mut all, value| {
                all.extend(bytes(value));
                all
            }),
    }
}

/// An unsigned number of two, four or eight bytes, by its kind.
fn number(kind: u8, value: u64) -> Vec<u8> {
    let size: usize = match kind {
        5 => 2,
        6 => 4,
        _ => 8,
    };
    [head(kind, size), value.to_be_bytes()[8 - size..].to_vec()].concat()
}

/// What stands before a value: its kind and its size, of at most 284.
fn head(kind: u8, size: usize) -> Vec<u8> {
    let (size, more) = match size {
        0..29 => (size as u8, None),
        _ => (29, Some(u8::try_from(size - 29).expect("a short value"))),
    };
    let mut head = match kind {
        8.. => vec![size, kind - 7],
        _ => vec![kind << 5 | size],
    };
    head.extend(more);
    head
}
