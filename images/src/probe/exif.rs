//! EXIF, as far as pictures need it: how they lie, and whose they are.
//!
//! It is a TIFF: `II*\0` (numbers end first) or `MM\0*`, where the directory begins, and there twelve bytes an entry:
//! tag, type, count, and the value or where it is.

use super::Orientation;

const ORIENTATION: u16 = 0x0112;
const ARTIST: u16 = 0x013b;
const COPYRIGHT: u16 = 0x8298;
const ASCII: u16 = 2;
const SHORT: u16 = 3;
/// Entries of a directory that are looked at.
const MAX_ENTRIES: usize = 512;
/// Bytes of a text that are kept.
const MAX_TEXT: usize = 4096;

struct Tiff<'a> {
    bytes: &'a [u8],
    little: bool,
}

/// One entry of the first directory, and where in the file it lies.
struct Entry {
    tag: u16,
    kind: u16,
    count: usize,
    value_at: usize,
}

impl<'a> Tiff<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let little = match bytes.get(..4)? {
            b"II*\0" => true,
            b"MM\0*" => false,
            _ => return None,
        };
        Some(Self { bytes, little })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.little {
            u16::from_le_bytes(bytes)
        } else {
            u16::from_be_bytes(bytes)
        })
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let bytes = *self.bytes.get(at..)?.first_chunk()?;
        let value = if self.little {
            u32::from_le_bytes(bytes)
        } else {
            u32::from_be_bytes(bytes)
        };
        Some(value as usize)
    }

    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        let start = self.u32(4).unwrap_or(usize::MAX);
        let count = self.u16(start).map_or(0, usize::from).min(MAX_ENTRIES);
        (0..count).map_while(move |number| {
            let at = start.checked_add(2 + 12 * number)?;
            Some(Entry {
                tag: self.u16(at)?,
                kind: self.u16(at + 2)?,
                count: self.u32(at + 4)?,
                value_at: at + 8,
            })
        })
    }

    fn text(&self, tag: u16) -> Option<&'a [u8]> {
        let is_it = |entry: &Entry| entry.tag == tag && entry.kind == ASCII;
        let entry = self.entries().find(is_it)?;
        if entry.count > MAX_TEXT {
            return None;
        }
        let at = if entry.count <= 4 {
            entry.value_at
        } else {
            self.u32(entry.value_at)?
        };
        let text = self.bytes.get(at..at.checked_add(entry.count)?)?;
        let end = memchr::memchr(0, text).unwrap_or(text.len());
        text.get(..end).filter(|text| !text.is_empty())
    }

    fn orientation(&self) -> Option<Entry> {
        let is_it = |entry: &Entry| entry.tag == ORIENTATION && entry.kind == SHORT;
        self.entries().find(is_it)
    }
}

pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let found = || {
        let tiff = Tiff::new(exif)?;
        tiff.u16(tiff.orientation()?.value_at)
    };
    found().map_or(Orientation::Upright, Orientation::from_exif)
}

/// The same EXIF, of a picture that has been turned upright.
pub(crate) fn without_orientation(exif: &[u8]) -> Vec<u8> {
    let mut bytes = exif.to_vec();
    let found = Tiff::new(exif).and_then(|tiff| Some((tiff.orientation()?.value_at, tiff.little)));
    if let Some((at, little)) = found
        && let Some(value) = bytes.get_mut(at..at + 2)
    {
        value.copy_from_slice(&if little { [1, 0] } else { [0, 1] });
    }
    bytes
}

/// An EXIF that tells the copyright and the artist alone; nothing when neither is told.
pub(crate) fn copyright_only(exif: &[u8]) -> Option<Vec<u8>> {
    let tiff = Tiff::new(exif)?;
    let texts: Vec<_> = [ARTIST, COPYRIGHT]
        .into_iter()
        .filter_map(|tag| Some((tag, tiff.text(tag)?)))
        .collect();
    (!texts.is_empty()).then(|| write(&texts))
}

fn write(texts: &[(u16, &[u8])]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap_or(0).to_be_bytes();
    let mut out = b"MM\0*\0\0\0\x08".to_vec();
    let behind = 8 + 2 + 12 * texts.len() + 4;
    let mut values = Vec::new();
    out.extend([0, u8::try_from(texts.len()).unwrap_or(0)]);
    for (tag, text) in texts {
        let count = text.len() + 1;
        out.extend(tag.to_be_bytes());
        out.extend(ASCII.to_be_bytes());
        out.extend(number(count));
        if count <= 4 {
            let mut value = [0; 4];
            for (to, from) in value.iter_mut().zip(*text) {
                *to = *from;
            }
            out.extend(value);
        } else {
            out.extend(number(behind + values.len()));
            values.extend_from_slice(text);
            values.push(0);
            if values.len() % 2 == 1 {
                values.push(0);
            }
        }
    }
    out.extend([0; 4]);
    out.extend(values);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exif_tells_whose_it_is_after_all_else_is_gone() {
        for texts in [
            vec![(ARTIST, &b"Ada"[..]), (COPYRIGHT, b"(c) Ada Lovelace")],
            vec![(COPYRIGHT, b"(c) Ada")],
        ] {
            let exif = write(&texts);
            assert_eq!(copyright_only(&exif), Some(exif.clone()));
            assert_eq!(
                Tiff::new(&exif).unwrap().text(COPYRIGHT),
                Some(texts.last().unwrap().1)
            );
        }
        assert_eq!(copyright_only(b"II*\0\x08\0\0\0\0\0"), None);
    }

    #[test]
    fn orientation_is_read_in_both_byte_orders_and_taken_out() {
        let little = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        let big = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
        for exif in [&little[..], &big[..]] {
            assert_eq!(orientation(exif), Orientation::Rotate90);
            assert_eq!(
                orientation(&without_orientation(exif)),
                Orientation::Upright
            );
        }
        for broken in [&b""[..], b"II*\0", b"II*\0\xff\xff\xff\xff", &little[..12]] {
            assert_eq!(orientation(broken), Orientation::Upright);
            assert_eq!(without_orientation(broken), broken);
            assert_eq!(copyright_only(broken), None);
        }
    }
}
