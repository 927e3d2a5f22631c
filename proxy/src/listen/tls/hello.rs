//! What a client offers in its first message of TLS (RFC 8446 §4.1.2), read before the handshake takes it.

/// The longest message that is looked at, with the heads of its records.
const LONGEST: usize = 16 << 10;
/// The type of a record that holds a part of a handshake, and that of the message.
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;

const SERVER_NAME: u16 = 0;
const SUPPORTED_GROUPS: u16 = 10;
const POINT_FORMATS: u16 = 11;
const SIGNATURE_ALGORITHMS: u16 = 13;
const ALPN: u16 = 16;
const SUPPORTED_VERSIONS: u16 = 43;

/// What was read of a connection so far.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::listen) enum Beginning {
    /// More has to be read.
    Part,
    /// A whole ClientHello.
    Whole(Hello),
    /// Something else, or too much.
    Other,
}

/// A ClientHello, in its own order and without the values that mean nothing (GREASE, RFC 8701).
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::listen) struct Hello {
    /// `legacy_version`.
    pub(super) version: u16,
    pub(super) ciphers: Vec<u16>,
    /// The types of its extensions.
    pub(super) extensions: Vec<u16>,
    pub(super) has_server_name: bool,
    pub(super) groups: Vec<u16>,
    pub(super) point_formats: Vec<u8>,
    pub(super) signatures: Vec<u16>,
    pub(super) versions: Vec<u16>,
    /// The first protocol of ALPN.
    pub(super) alpn: Vec<u8>,
}

/// Looks at what a connection begins with.
pub(in crate::listen) fn look(bytes: &[u8]) -> Beginning {
    let mut message = Vec::new();
    let mut rest = Reader(bytes);
    loop {
        match rest.0.first() {
            Some(&HANDSHAKE) if bytes.len() < LONGEST => {}
            None if bytes.len() < LONGEST => return Beginning::Part,
            _ => return Beginning::Other,
        }
        let mut record = rest.clone();
        let Some(part) = record.skip(3).and_then(|()| record.vector16()) else {
            return Beginning::Part;
        };
        message.extend_from_slice(part.0);
        rest = record;
        let mut whole = Reader(&message);
        match (whole.u8(), whole.vector24()) {
            (Some(CLIENT_HELLO), Some(hello)) => {
                return Hello::read(hello).map_or(Beginning::Other, Beginning::Whole);
            }
            (Some(CLIENT_HELLO) | None, _) => {}
            _ => return Beginning::Other,
        }
    }
}

impl Hello {
    fn read(mut message: Reader<'_>) -> Option<Self> {
        const RANDOM: usize = 32;
        let version = message.u16()?;
        message.skip(RANDOM)?;
        let _session = message.vector8()?;
        let ciphers = message.vector16()?.numbers()?;
        let _compression = message.vector8()?;
        let mut hello = Self {
            version,
            ciphers,
            ..Self::default()
        };
        if message.0.is_empty() {
            return Some(hello);
        }
        let mut extensions = message.vector16()?;
        while !extensions.0.is_empty() {
            let kind = extensions.u16()?;
            hello.add(kind, extensions.vector16()?)?;
        }
        Some(hello)
    }

    fn add(&mut self, kind: u16, mut content: Reader<'_>) -> Option<()> {
        if is_grease(kind) {
            return Some(());
        }
        self.extensions.push(kind);
        match kind {
            SERVER_NAME => self.has_server_name = true,
            SUPPORTED_GROUPS => self.groups = content.vector16()?.numbers()?,
            POINT_FORMATS => self.point_formats = content.vector8()?.0.to_vec(),
            SIGNATURE_ALGORITHMS => self.signatures = content.vector16()?.numbers()?,
            SUPPORTED_VERSIONS => self.versions = content.vector8()?.numbers()?,
            ALPN => self.alpn = content.vector16()?.vector8()?.0.to_vec(),
            _ => {}
        }
        Some(())
    }
}

/// Values that clients send so that servers don't get used to what there is (RFC 8701).
fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// Bytes in the presentation language of TLS (RFC 8446 §3).
#[derive(Clone)]
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn skip(&mut self, count: usize) -> Option<()> {
        self.take(count).map(drop)
    }

    fn take(&mut self, count: usize) -> Option<Self> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(Self(taken))
    }

    fn u8(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from(self.u8()?) << 8 | u16::from(self.u8()?))
    }

    fn vector8(&mut self) -> Option<Self> {
        let length = self.u8()?.into();
        self.take(length)
    }

    fn vector16(&mut self) -> Option<Self> {
        let length = self.u16()?.into();
        self.take(length)
    }

    fn vector24(&mut self) -> Option<Self> {
        let length = usize::from(self.u8()?) << 16 | usize::from(self.u16()?);
        self.take(length)
    }

    /// Its numbers, without GREASE.
    fn numbers(mut self) -> Option<Vec<u16>> {
        let mut numbers = Vec::with_capacity(self.0.len() / 2);
        while !self.0.is_empty() {
            numbers.push(self.u16()?);
        }
        numbers.retain(|number| !is_grease(*number));
        Some(numbers)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A vector with a length of so many bytes before it.
    fn vector(bytes: usize, content: &[u8]) -> Vec<u8> {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&length[4 - bytes..], content].concat()
    }

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let ciphers = vector(2, &[0x1a, 0x1a, 0x13, 0x01, 0xc0, 0x2f]);
        let body = [&[3, 3][..], &[7; 32], &[0], &ciphers, &[1, 0], extensions].concat();
        [vec![1], vector(3, &body)].concat()
    }

    fn record(part: &[u8]) -> Vec<u8> {
        [vec![22, 3, 1], vector(2, part)].concat()
    }

    fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
        [kind.to_be_bytes().to_vec(), vector(2, content)].concat()
    }

    fn usual() -> Vec<u8> {
        let extensions = [
            extension(0x2a2a, &[]),
            extension(0, &[0, 4, 0, 0, 1, b'a']),
            extension(10, &vector(2, &[0x3a, 0x3a, 0, 29])),
            extension(11, &[1, 0]),
            extension(13, &vector(2, &[4, 3, 8, 4])),
            extension(16, &vector(2, &[2, b'h', b'2'])),
            extension(43, &vector(1, &[0x4a, 0x4a, 3, 4, 3, 3])),
        ];
        hello(&vector(2, &extensions.concat()))
    }

    fn expected() -> Hello {
        Hello {
            version: 0x0303,
            ciphers: vec![0x1301, 0xc02f],
            extensions: vec![0, 10, 11, 13, 16, 43],
            has_server_name: true,
            groups: vec![29],
            point_formats: vec![0],
            signatures: vec![0x0403, 0x0804],
            versions: vec![0x0304, 0x0303],
            alpn: b"h2".to_vec(),
        }
    }

    #[test]
    fn a_hello_is_read_whole_in_one_record_or_several() {
        let message = usual();
        let (one, two) = message.split_at(3);
        for bytes in [record(&message), [record(one), record(two)].concat()] {
            assert_eq!(look(&bytes), Beginning::Whole(expected()));
            for end in 0..bytes.len() {
                assert_eq!(look(&bytes[..end]), Beginning::Part, "{end}");
            }
        }
    }

    #[test]
    fn one_without_extensions_is_one_as_well() {
        let Beginning::Whole(read) = look(&record(&hello(&[]))) else {
            panic!("no hello");
        };
        assert_eq!((read.version, read.extensions.len()), (0x0303, 0));
    }

    #[test]
    fn what_is_none_is_left_alone() {
        let mut broken = usual();
        let last = broken.len() - 1;
        broken.truncate(last);
        let length = u32::try_from(broken.len() - 4).unwrap().to_be_bytes();
        broken[1..4].copy_from_slice(&length[1..]);
        for bytes in [
            b"GET / HTTP/1.1\r\n".to_vec(),
            record(&[2, 0, 0, 1, 0]),
            record(&broken),
            [vec![22, 3, 1], vector(2, &[1; LONGEST])].concat(),
        ] {
            assert_eq!(look(&bytes), Beginning::Other, "{:?}", &bytes[..6]);
        }
    }
}
