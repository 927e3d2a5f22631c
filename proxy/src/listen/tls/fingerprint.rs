//! Digests of what a client offers in its ClientHello, which tell one software from another: JA3 (by Salesforce) and JA4 (by
//! FoxIO, whose licence leaves this one free).

use aws_lc_rs::digest::{SHA256, digest};
use md5::{Digest, Md5};
use rimward_filters::Fingerprint;

use super::hello::Hello;

/// The hexadecimal digits of each part of a JA4.
const DIGITS: usize = 12;
/// Extensions that JA4 counts and does not list: the server's name and ALPN.
const UNLISTED: [u16; 2] = [0, 16];

impl Hello {
    /// Both fingerprints.
    pub(in crate::listen) fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            ja3: self.ja3().into(),
            ja4: self.ja4().into(),
        }
    }

    fn ja3(&self) -> String {
        let points: Vec<u16> = self
            .point_formats
            .iter()
            .map(|&point| point.into())
            .collect();
        let lists = [&self.ciphers, &self.extensions, &self.groups, &points];
        let lists = lists.map(|list| {
            let numbers: Vec<String> = list.iter().map(u16::to_string).collect();
            numbers.join("-")
        });
        hex(&Md5::digest(format!(
            "{},{}",
            self.version,
            lists.join(",")
        )))
    }

    fn ja4(&self) -> String {
        let mut ciphers = self.ciphers.clone();
        ciphers.sort_unstable();
        let mut extensions = self.extensions.clone();
        extensions.retain(|kind| !UNLISTED.contains(kind));
        extensions.sort_unstable();
        let mut offered = list(&extensions);
        if !self.signatures.is_empty() {
            offered = format!("{offered}_{}", list(&self.signatures));
        }
        let offered = match extensions.is_empty() {
            true => "0".repeat(DIGITS),
            false => short(&offered),
        };
        let ciphers = match ciphers.is_empty() {
            true => "0".repeat(DIGITS),
            false => short(&list(&ciphers)),
        };
        format!("{}_{ciphers}_{offered}", self.summary())
    }

    /// The first part of a JA4: TCP, the version, whether a server is named, how many ciphers and extensions, and the protocol.
    fn summary(&self) -> String {
        let highest = self.versions.iter().max().unwrap_or(&self.version);
        let version = match highest {
            0x0304 => "13",
            0x0303 => "12",
            0x0302 => "11",
            0x0301 => "10",
            0x0300 => "s3",
            _ => "00",
        };
        let named = if self.has_server_name { 'd' } else { 'i' };
        let (ciphers, extensions) = (self.ciphers.len().min(99), self.extensions.len().min(99));
        format!(
            "t{version}{named}{ciphers:02}{extensions:02}{}",
            self.protocol()
        )
    }

    /// The first and the last character of the first protocol.
    fn protocol(&self) -> String {
        let (Some(&first), Some(&last)) = (self.alpn.first(), self.alpn.last()) else {
            return "00".to_owned();
        };
        match first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
            true => [first, last].map(char::from).iter().collect(),
            false => format!("{:x}{:x}", first >> 4, last & 0xf),
        }
    }
}

/// Numbers of four hexadecimal digits.
fn list(numbers: &[u16]) -> String {
    let numbers: Vec<String> = numbers
        .iter()
        .map(|number| format!("{number:04x}"))
        .collect();
    numbers.join(",")
}

fn short(text: &str) -> String {
    let mut digits = hex(digest(&SHA256, text.as_bytes()).as_ref());
    digits.truncate(DIGITS);
    digits
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of JA3's own description.
    #[test]
    fn a_ja3_is_what_its_makers_say() {
        let hello = Hello {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 11],
            groups: vec![23, 24, 25],
            point_formats: vec![0],
            ..Hello::default()
        };
        assert_eq!(hello.ja3(), "ada70206e40642a3e4461f35503241d5");
        let bare = Hello {
            version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..Hello::default()
        };
        assert_eq!(bare.ja3(), "de350869b8c85de67a350c8d186f11e6");
    }

    /// The example of JA4's own description.
    #[test]
    fn a_ja4_is_what_its_makers_say() {
        let hello = Hello {
            version: 0x0303,
            ciphers: vec![
                0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
                0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005, 0x0023,
                0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            has_server_name: true,
            signatures: vec![
                0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
            ],
            versions: vec![0x0304, 0x0303],
            alpn: b"h2".to_vec(),
            ..Hello::default()
        };
        assert_eq!(hello.ja4(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }

    #[test]
    fn what_is_not_offered_shows() {
        assert_eq!(
            Hello::default().ja4(),
            "t00i000000_000000000000_000000000000"
        );
        for (alpn, expected) in [
            (&b"http/1.1"[..], "h1"),
            (b"h", "hh"),
            (b"\xab\xcd", "ad"),
            (b"0\xab", "3b"),
            (b"", "00"),
        ] {
            let hello = Hello {
                alpn: alpn.to_vec(),
                ..Hello::default()
            };
            assert_eq!(hello.protocol(), expected, "{alpn:?}");
        }
    }
}
