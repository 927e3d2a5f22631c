//! Where an address is: a handle on an MMDB file with countries.
//!
//! A database is read whole when a configuration is compiled, so a file that is replaced or truncated later can't hurt
//! requests in flight; the next reload reads the new one, or keeps the old one when it is broken.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use maxminddb::{PathElement, Reader};

/// A database of countries, held in memory.
pub struct Countries {
    reader: Reader<Vec<u8>>,
}

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file can't be read, or is not an MMDB file.
    #[error("`{}` can't be used as an MMDB file: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: Box<maxminddb::MaxMindDbError>,
    },
}

impl Countries {
    /// Reads a whole database. A file that was cut off is noticed, since what describes it stands at its end; damage
    /// within makes single addresses unknown and nothing worse.
    ///
    /// # Errors
    /// When the file can't be read or is no MMDB file.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let reader = Reader::open_readfile(path).map_err(|source| OpenError::Unreadable {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        Ok(Self { reader })
    }

    /// The ISO 3166 code of the country an address is in; `None` when it is unknown.
    ///
    /// An IPv4-mapped IPv6 address is looked up as the IPv4 address it holds. Allocates nothing.
    pub fn country(&self, address: IpAddr) -> Option<[u8; 2]> {
        const CODE: [PathElement<'_>; 2] =
            [PathElement::Key("country"), PathElement::Key("iso_code")];
        let found = self.reader.lookup(address.to_canonical()).ok()?;
        let code: &str = found.decode_path(&CODE).ok()??;
        <[u8; 2]>::try_from(code.as_bytes())
            .ok()
            .filter(|code| code.iter().all(u8::is_ascii_uppercase))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// An MMDB of IPv6 with one network, `2001:db8::/32`, in Germany, and IPv4 `203.0.113.0/24` in France.
    ///
    /// The format: a binary search tree of records, sixteen zero bytes, the data section, then the metadata behind its
    /// marker (MaxMind DB File Format Specification 2.0).
    fn database() -> Vec<u8> {
        let networks = [
            (
                0x2001_0db8_u128 << 96,
                32,
                map(&[("country", map(&[("iso_code", text("DE"))]))]),
            ),
            (
                0xcb00_7100_u128,
                120,
                map(&[("country", map(&[("iso_code", text("FR"))]))]),
            ),
        ];
        let mut nodes: Vec<[Option<Entry>; 2]> = vec![[None, None]];
        let mut data = Vec::new();
        for (network, length, value) in networks {
            insert(&mut nodes, network, length, data.len());
            data.extend(value);
        }
        let count = nodes.len() as u32;
        let mut file = Vec::new();
        for record in nodes.iter().flatten() {
            let value = match record {
                None => count,
                Some(Entry::Node(node)) => *node as u32,
                Some(Entry::Data(offset)) => count + 16 + *offset as u32,
            };
            file.extend(value.to_be_bytes());
        }
        file.extend([0; 16]);
        file.extend(data);
        file.extend(b"\xab\xcd\xefMaxMind.com");
        file.extend(map(&[
            ("node_count", number(6, count.into())),
            ("record_size", number(5, 32)),
            ("ip_version", number(5, 6)),
            ("database_type", text("Test-Country")),
            ("languages", vec![0, 4]),
            ("binary_format_major_version", number(5, 2)),
            ("binary_format_minor_version", number(5, 0)),
            ("build_epoch", number(9, 1_700_000_000)),
            ("description", map(&[("en", text("made by a test"))])),
        ]));
        file
    }

    #[derive(Clone, Copy)]
    enum Entry {
        Node(usize),
        Data(usize),
    }

    fn insert(nodes: &mut Vec<[Option<Entry>; 2]>, network: u128, length: u32, data: usize) {
        let mut node = 0;
        for bit in 0..length {
            let side = (network >> (127 - bit) & 1) as usize;
            if bit == length - 1 {
                nodes[node][side] = Some(Entry::Data(data));
            } else if let Some(Entry::Node(next)) = nodes[node][side] {
                node = next;
            } else {
                nodes.push([None, None]);
                let next = nodes.len() - 1;
                nodes[node][side] = Some(Entry::Node(next));
                node = next;
            }
        }
    }

    fn text(value: &str) -> Vec<u8> {
        assert!(value.len() < 29);
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

    fn number(kind: u8, value: u64) -> Vec<u8> {
        let bytes = value.to_be_bytes();
        let size = match kind {
            5 => 2,
            6 => 4,
            _ => 8,
        };
        let head = if kind > 7 {
            vec![size, kind - 7]
        } else {
            vec![kind << 5 | size]
        };
        [head, bytes[8 - size as usize..].to_vec()].concat()
    }

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn addresses_are_located_also_when_mapped() {
        let file = file(&database());
        let countries = Countries::open(file.path()).unwrap_or_else(|error| panic!("{error}"));
        for (address, code) in [
            ("2001:db8::1", Some(*b"DE")),
            ("203.0.113.7", Some(*b"FR")),
            ("::ffff:203.0.113.7", Some(*b"FR")),
            ("198.51.100.1", None),
            ("::1", None),
        ] {
            assert_eq!(
                countries.country(address.parse().unwrap()),
                code,
                "{address}"
            );
        }
    }

    #[test]
    fn truncated_and_foreign_files_are_refused() {
        let whole = database();
        for bytes in [&b""[..], b"not a database", &whole[..whole.len() / 2]] {
            assert!(
                Countries::open(file(bytes).path()).is_err(),
                "{} bytes",
                bytes.len()
            );
        }
    }

    #[test]
    fn damage_makes_addresses_unknown_and_nothing_worse() {
        let whole = database();
        for position in (0..whole.len()).step_by(3) {
            let mut bytes = whole.clone();
            bytes[position] ^= 0xff;
            let Ok(countries) = Countries::open(file(&bytes).path()) else {
                continue;
            };
            for address in ["2001:db8::1", "203.0.113.7", "::1"] {
                countries.country(address.parse().unwrap());
            }
        }
    }
}
