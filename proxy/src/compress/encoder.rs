//! The three encoders behind one face.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::write::GzEncoder;
use rimward_cache::Encoding;
use rimward_filters::{BodyRewriter, FilterError};

/// Bytes that an encoder of brotli hands on at a time.
const BUFFER: usize = 8 << 10;

/// Brings one body into an encoding.
pub struct Encoder(Kind);

enum Kind {
    Zstd(zstd::stream::write::Encoder<'static, Vec<u8>>),
    Br(Box<brotli::CompressorWriter<Vec<u8>>>),
    Gzip(GzEncoder<Vec<u8>>),
}

/// How hard an encoder tries. Windows are given as powers of two.
struct Effort {
    zstd: i32,
    br: u32,
    gzip: u32,
    window: u32,
}

/// For what is encoded once and served often: beyond these levels each percent costs many times the time.
const ONCE: Effort = Effort {
    zstd: 9,
    br: 5,
    gzip: 6,
    window: 22,
};
/// For what is encoded on a worker for one client: cheap, and with little memory for each response under way.
const PASSING: Effort = Effort {
    zstd: 3,
    br: 2,
    gzip: 3,
    window: 18,
};

impl Encoder {
    /// An encoder for a whole body of this length, which is served more than once.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn whole(encoding: Encoding, length: u64) -> io::Result<Self> {
        let bits = u64::BITS - length.leading_zeros();
        let mut encoder = Self::new(encoding, &ONCE, bits.clamp(16, ONCE.window))?;
        if let Kind::Zstd(encoder) = &mut encoder.0 {
            encoder.set_pledged_src_size(Some(length))?;
        }
        Ok(encoder)
    }

    /// An encoder for a body that passes by.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn streamed(encoding: Encoding) -> io::Result<Self> {
        Self::new(encoding, &PASSING, PASSING.window)
    }

    fn new(encoding: Encoding, effort: &Effort, window: u32) -> io::Result<Self> {
        let out = Vec::new();
        Ok(Self(match encoding {
            Encoding::Zstd => {
                let mut encoder = zstd::stream::write::Encoder::new(out, effort.zstd)?;
                encoder.window_log(window)?;
                Kind::Zstd(encoder)
            }
            Encoding::Br => {
                let encoder = brotli::CompressorWriter::new(out, BUFFER, effort.br, window);
                Kind::Br(Box::new(encoder))
            }
            Encoding::Gzip => {
                Kind::Gzip(GzEncoder::new(out, flate2::Compression::new(effort.gzip)))
            }
        }))
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// When the encoder fails, as none should.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.0 {
            Kind::Zstd(encoder) => encoder.write_all(bytes),
            Kind::Br(encoder) => encoder.write_all(bytes),
            Kind::Gzip(encoder) => encoder.write_all(bytes),
        }
    }

    /// Gives out all that was taken so far, so that who decodes it has all of it.
    ///
    /// # Errors
    /// When the encoder fails, as none should.
    pub fn flush(&mut self) -> io::Result<Bytes> {
        let out = match &mut self.0 {
            Kind::Zstd(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
            Kind::Br(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
            Kind::Gzip(encoder) => {
                encoder.flush()?;
                encoder.get_mut()
            }
        };
        Ok(std::mem::take(out).into())
    }

    /// Gives out the rest.
    ///
    /// # Errors
    /// When the encoder fails, as none should.
    pub fn finish(self) -> io::Result<Bytes> {
        let out = match self.0 {
            Kind::Zstd(encoder) => encoder.finish()?,
            Kind::Br(encoder) => encoder.into_inner(),
            Kind::Gzip(encoder) => encoder.finish()?,
        };
        Ok(out.into())
    }
}

/// Encodes a body as it passes. Each piece leaves at once, so that nothing that is streamed is held back.
pub struct Streamed(Option<Encoder>);

impl Streamed {
    /// For one body.
    ///
    /// # Errors
    /// When there is no memory.
    pub fn new(encoding: Encoding) -> io::Result<Self> {
        Encoder::streamed(encoding).map(|encoder| Self(Some(encoder)))
    }
}

impl BodyRewriter for Streamed {
    fn chunk(&mut self, bytes: Bytes) -> Result<Bytes, FilterError> {
        let Some(encoder) = &mut self.0 else {
            return Ok(Bytes::new());
        };
        let written = encoder.write(&bytes).and_then(|()| encoder.flush());
        written.map_err(|error| FilterError::new(error.to_string()))
    }

    fn end(&mut self) -> Result<Bytes, FilterError> {
        let finished = self.0.take().map(Encoder::finish).transpose();
        finished
            .map(Option::unwrap_or_default)
            .map_err(|error| FilterError::new(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn decoder(encoding: Encoding, bytes: &[u8]) -> Box<dyn Read + '_> {
        match encoding {
            Encoding::Zstd => Box::new(zstd::stream::read::Decoder::new(bytes).unwrap()),
            Encoding::Br => Box::new(brotli::Decompressor::new(bytes, 4096)),
            Encoding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
        }
    }

    fn decoded(encoding: Encoding, bytes: &[u8]) -> Vec<u8> {
        let mut whole = Vec::new();
        decoder(encoding, bytes).read_to_end(&mut whole).unwrap();
        whole
    }

    fn text(length: usize) -> Vec<u8> {
        let lines = (0..).flat_map(|number| format!("line {number}, ").into_bytes());
        lines.take(length).collect()
    }

    #[test]
    fn what_was_encoded_can_be_decoded() {
        for encoding in Encoding::ALL {
            for length in [0, 1, 1000, 70_000, 3_000_000] {
                let body = text(length);
                let mut encoder = Encoder::whole(encoding, body.len() as u64).unwrap();
                for piece in body.chunks(7000) {
                    encoder.write(piece).unwrap();
                }
                let encoded = encoder.finish().unwrap();
                assert!(
                    length < 1000 || encoded.len() < body.len() / 3,
                    "{encoding:?}"
                );
                assert_eq!(decoded(encoding, &encoded), body, "{encoding:?} {length}");
            }
        }
    }

    #[test]
    fn each_piece_of_a_stream_can_be_decoded_when_it_left() {
        for encoding in Encoding::ALL {
            let mut streamed = Streamed::new(encoding).unwrap();
            let (mut sent, mut body) = (Vec::new(), Vec::new());
            for piece in text(300_000).chunks(50_000) {
                sent.extend(streamed.chunk(Bytes::copy_from_slice(piece)).unwrap());
                body.extend_from_slice(piece);
                let mut so_far = vec![0; body.len()];
                decoder(encoding, &sent).read_exact(&mut so_far).unwrap();
                assert_eq!(so_far, body, "{encoding:?}");
            }
            sent.extend(streamed.end().unwrap());
            assert_eq!(decoded(encoding, &sent), body, "{encoding:?}");
        }
    }
}
