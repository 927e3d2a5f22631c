//! Distinguished names: as certificates hold them, and as RFC 4514 writes them.

use std::fmt::{self, Write};
use std::str::FromStr;

use x509_parser::asn1_rs::{Tag, ToDer};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// Attributes that have a short name, and their object identifiers.
const KINDS: &[(&str, &str)] = &[
    ("CN", "2.5.4.3"),
    ("SN", "2.5.4.4"),
    ("serialNumber", "2.5.4.5"),
    ("C", "2.5.4.6"),
    ("L", "2.5.4.7"),
    ("ST", "2.5.4.8"),
    ("STREET", "2.5.4.9"),
    ("O", "2.5.4.10"),
    ("OU", "2.5.4.11"),
    ("title", "2.5.4.12"),
    ("GN", "2.5.4.42"),
    ("organizationIdentifier", "2.5.4.97"),
    ("UID", "0.9.2342.19200300.100.1.1"),
    ("DC", "0.9.2342.19200300.100.1.25"),
    ("emailAddress", "1.2.840.113549.1.9.1"),
];

/// What separates attributes, or has another meaning in a name.
const SPECIAL: &[u8] = b"\"+,;<>\\";

/// The kind of an attribute: a short name such as `CN`, or an object identifier that has none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AttributeKind(String);

impl FromStr for AttributeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = KINDS
            .iter()
            .find(|(name, oid)| name.eq_ignore_ascii_case(text) || *oid == text);
        let is_oid = || {
            text.contains('.')
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        match known {
            Some((name, _)) => Ok(Self((*name).to_owned())),
            None if is_oid() => Ok(Self(text.to_owned())),
            None => {
                let names: Vec<_> = KINDS.iter().map(|(name, _)| format!("`{name}`")).collect();
                Err(format!(
                    "`{text}` is not an attribute of a name: {} or an object identifier",
                    names.join(", ")
                ))
            }
        }
    }
}

/// A distinguished name. Shown as RFC 4514 writes it, the most specific attribute first, in plain ASCII.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DistinguishedName {
    /// Attributes that belong together, mostly one, in the order they are written in.
    parts: Vec<Vec<(AttributeKind, String)>>,
}

impl DistinguishedName {
    pub(super) fn of(name: &X509Name<'_>) -> Self {
        let part = |attributes: Vec<_>| attributes.into_iter().map(read).collect();
        let mut parts: Vec<Vec<_>> = name
            .iter_rdn()
            .map(|attributes| part(attributes.iter().collect()))
            .collect();
        parts.reverse();
        Self { parts }
    }

    /// Whether it has no attribute.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// The first value of an attribute.
    pub fn get(&self, kind: &str) -> Option<&str> {
        self.attributes()
            .find_map(|(known, value)| (known.0 == kind).then_some(value.as_str()))
    }

    /// Whether one of its attributes has this value.
    pub fn has(&self, kind: &AttributeKind, value: &str) -> bool {
        self.attributes()
            .any(|(known, held)| known == kind && held == value)
    }

    /// Whether it has the same attributes as another that was written with the most specific one first or last.
    pub fn is_like(&self, other: &Self) -> bool {
        self.attributes().eq(other.attributes()) || self.attributes().eq(other.attributes().rev())
    }

    fn attributes(&self) -> impl DoubleEndedIterator<Item = &(AttributeKind, String)> {
        self.parts.iter().flatten()
    }
}

fn read(attribute: &AttributeTypeAndValue<'_>) -> (AttributeKind, String) {
    let oid = attribute.attr_type().to_id_string();
    let kind = KINDS
        .iter()
        .find(|(_, known)| *known == oid)
        .map_or(oid, |(name, _)| (*name).to_owned());
    let value = match attribute.as_str() {
        Ok(text) => text.to_owned(),
        Err(_) => read_odd(attribute),
    };
    (AttributeKind(kind), value)
}

/// Strings of older kinds; what is no string is written as RFC 4514, section 2.4, has it.
fn read_odd(attribute: &AttributeTypeAndValue<'_>) -> String {
    let value = attribute.attr_value();
    let bytes = attribute.as_slice();
    match value.tag() {
        Tag::BmpString => {
            let units = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
            char::decode_utf16(units)
                .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect()
        }
        Tag::T61String => bytes.iter().copied().map(char::from).collect(),
        _ => {
            let der = value.to_der_vec().unwrap_or_default();
            der.iter().fold("#".to_owned(), |mut text, byte| {
                // Writing into a string never fails.
                let _written = write!(text, "{byte:02x}");
                text
            })
        }
    }
}

impl fmt::Display for DistinguishedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.parts.iter().enumerate() {
            for (within, (kind, value)) in part.iter().enumerate() {
                f.write_str(match (index, within) {
                    (0, 0) => "",
                    (_, 0) => ",",
                    _ => "+",
                })?;
                write!(f, "{}={}", kind.0, Escaped(value))?;
            }
        }
        Ok(())
    }
}

/// A value as it stands in a name. Bytes that are not plain ASCII are escaped, so that it can stand in a header.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.len().saturating_sub(1);
        for (index, byte) in self.0.bytes().enumerate() {
            let is_at_edge =
                (index == 0 && matches!(byte, b' ' | b'#')) || (index == last && byte == b' ');
            match byte {
                _ if is_at_edge || SPECIAL.contains(&byte) => write!(f, "\\{}", char::from(byte))?,
                b' '..=b'~' => f.write_char(char::from(byte))?,
                _ => write!(f, "\\{byte:02X}")?,
            }
        }
        Ok(())
    }
}

impl FromStr for DistinguishedName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut parts = vec![Vec::new()];
        let mut rest = text;
        loop {
            let Some((kind, after)) = rest.split_once('=') else {
                return Err(format!(
                    "`{rest}` is not an attribute with a value, such as `CN=ann`"
                ));
            };
            let (value, end) = read_value(after)?;
            if let Some(part) = parts.last_mut() {
                part.push((kind.trim().parse()?, value));
            }
            let Some(separator) = end.chars().next() else {
                return Ok(Self { parts });
            };
            if separator != '+' {
                parts.push(Vec::new());
            }
            rest = end.get(1..).unwrap_or_default();
        }
    }
}

/// A value up to what separates it from the next attribute, without the spaces around it, and the rest.
fn read_value(text: &str) -> Result<(String, &str), String> {
    let text = text.trim_start_matches(' ');
    let mut bytes = Vec::new();
    let mut kept = 0;
    let mut at = 0;
    while let Some(&byte) = text.as_bytes().get(at) {
        match byte {
            b',' | b';' | b'+' => break,
            b'\\' => {
                let (escaped, length) =
                    unescape(text.as_bytes().get(at + 1..).unwrap_or_default())?;
                bytes.push(escaped);
                at += 1 + length;
                kept = bytes.len();
                continue;
            }
            _ => bytes.push(byte),
        }
        at += 1;
        if byte != b' ' {
            kept = bytes.len();
        }
    }
    bytes.truncate(kept);
    let value = String::from_utf8(bytes)
        .map_err(|_| format!("the escapes in `{text}` do not make UTF-8 text"))?;
    Ok((value, text.get(at..).unwrap_or_default()))
}

/// The byte that an escape stands for, and the length of what is behind its backslash.
fn unescape(behind: &[u8]) -> Result<(u8, usize), String> {
    let digit = |at: usize| {
        let digit = char::from(*behind.get(at)?).to_digit(16)?;
        u8::try_from(digit).ok()
    };
    match (behind.first(), digit(0), digit(1)) {
        (_, Some(high), Some(low)) => Ok((high << 4 | low, 2)),
        (Some(&byte), ..) if SPECIAL.contains(&byte) || b" #=".contains(&byte) => Ok((byte, 1)),
        _ => Err(
            "behind `\\` stands one of ` #=\"+,;<>\\`, or two hexadecimal digits of a byte"
                .to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> DistinguishedName {
        text.parse().unwrap()
    }

    #[test]
    fn names_are_read_and_written() {
        for (written, shown) in [
            ("CN=ann", "CN=ann"),
            ("cn = ann , o=Example Inc. ", "CN=ann,O=Example Inc."),
            ("2.5.4.3=ann;1.2.3.4=x", "CN=ann,1.2.3.4=x"),
            ("CN=ann+UID=7,DC=example", "CN=ann+UID=7,DC=example"),
            (r"O=Example\, Inc.,C=DE", r"O=Example\, Inc.,C=DE"),
            (r"O=Example\2C Inc.", r"O=Example\, Inc."),
            ("O=Bäcker", r"O=B\C3\A4cker"),
            (r"O=B\C3\A4cker", r"O=B\C3\A4cker"),
            (r"CN=\ a\ ", r"CN=\ a\ "),
            (r"CN=\#a\0D\0A", r"CN=\#a\0D\0A"),
            ("CN=a=b", "CN=a=b"),
            ("CN=", "CN="),
        ] {
            assert_eq!(name(written).to_string(), shown, "{written}");
            assert_eq!(name(shown), name(written), "{written}");
        }
    }

    #[test]
    fn wrong_names_are_told() {
        for (written, expected) in [
            ("", "is not an attribute with a value"),
            ("ann", "`ann` is not an attribute with a value"),
            ("CN=ann,", "is not an attribute with a value"),
            ("XY=ann", "`XY` is not an attribute of a name: `CN`, "),
            (r"CN=a\z", "behind `\\`"),
            (r"CN=a\", "behind `\\`"),
            (r"CN=\FF", "do not make UTF-8"),
        ] {
            let told = written.parse::<DistinguishedName>().unwrap_err();
            assert!(told.contains(expected), "{written}: {told}");
        }
    }

    #[test]
    fn names_are_alike_in_either_order_and_as_a_whole() {
        let ann = name("CN=ann,O=Example,C=DE");
        for (other, is_like) in [
            ("CN=ann, O=Example, C=DE", true),
            ("C=DE, O=Example, CN=ann", true),
            ("CN=ann,O=Example", false),
            ("CN=Ann,O=Example,C=DE", false),
            ("O=Example,CN=ann,C=DE", false),
        ] {
            assert_eq!(ann.is_like(&name(other)), is_like, "{other}");
        }
        assert!(ann.has(&"O".parse().unwrap(), "Example"));
        assert!(!ann.has(&"OU".parse().unwrap(), "Example"));
        assert_eq!(ann.get("CN"), Some("ann"));
    }
}
