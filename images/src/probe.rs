//! What an image's header tells, and the gate that it has to pass before anything is decoded.
//!
//! What an image is, its first bytes say: names and `Content-Type` are not asked. Sizes, frames and scans are counted
//! without a pixel being allocated, and what is over a limit goes no further.

mod exif;
mod gif;
pub(crate) mod jpeg;
mod png;
mod webp;

use serde::{Deserialize, Serialize};

use crate::{ImageError, Limits};

pub(crate) use exif::{copyright_only, without_orientation};

/// A kind of image that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// JPEG, baseline or progressive, gray, YCbCr, RGB, CMYK or YCCK.
    Jpeg,
    /// PNG, of any depth and colour type, interlaced or not.
    Png,
    /// GIF, animated or not.
    Gif,
    /// WebP, lossy or lossless, animated or not.
    Webp,
}

impl Kind {
    /// What the first bytes say that it is.
    #[must_use]
    pub fn sniff(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::Webp),
            _ => None,
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
        }
    }
}

/// How a picture lies in its file, as EXIF numbers it: what has to be done for it to be seen upright.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Orientation {
    /// 1: it is upright.
    #[default]
    Upright,
    /// 2: flip it from left to right.
    FlipHorizontal,
    /// 3: turn it by 180 degrees.
    Rotate180,
    /// 4: flip it from top to bottom.
    FlipVertical,
    /// 5: swap its axes.
    Transpose,
    /// 6: turn it by 90 degrees clockwise.
    Rotate90,
    /// 7: swap its axes and turn it by 180 degrees.
    Transverse,
    /// 8: turn it by 270 degrees clockwise.
    Rotate270,
}

impl Orientation {
    pub(crate) fn from_exif(value: u16) -> Self {
        match value {
            2 => Self::FlipHorizontal,
            3 => Self::Rotate180,
            4 => Self::FlipVertical,
            5 => Self::Transpose,
            6 => Self::Rotate90,
            7 => Self::Transverse,
            8 => Self::Rotate270,
            _ => Self::Upright,
        }
    }

    /// Whether width and height change places.
    #[must_use]
    pub fn swaps_axes(self) -> bool {
        matches!(
            self,
            Self::Transpose | Self::Rotate90 | Self::Transverse | Self::Rotate270
        )
    }
}

/// What a header tells of an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Info {
    /// What it is.
    pub kind: Kind,
    /// Pixels from left to right, as the file has them: `orientation` is not applied.
    pub width: u32,
    /// Pixels from top to bottom, as the file has them.
    pub height: u32,
    /// How many frames it has; 1 when it does not move.
    pub frames: u32,
    /// How the picture lies in the file.
    pub orientation: Orientation,
    /// Whether pixels can be transparent.
    pub alpha: bool,
    /// Whether it comes in passes over the whole picture, which decoding has to keep in memory.
    pub progressive: bool,
    /// Whether it is a JPEG as nearly all photos are: baseline, in one scan, gray or brightness with two colours.
    pub plain: bool,
    /// Whether its colours are inks: cyan, magenta, yellow and black.
    pub inks: bool,
    /// Whether no ink is 255, as in the JPEGs of Adobe's programs, rather than 0.
    pub inverted: bool,
    /// The file's bytes.
    pub bytes: usize,
}

impl Info {
    /// Width and height as they are seen, with `orientation` applied.
    #[must_use]
    pub fn upright(&self) -> (u32, u32) {
        if self.orientation.swaps_axes() {
            (self.height, self.width)
        } else {
            (self.width, self.height)
        }
    }

    pub(crate) fn new(kind: Kind, width: u32, height: u32) -> Self {
        Self {
            kind,
            width,
            height,
            frames: 1,
            orientation: Orientation::Upright,
            alpha: false,
            progressive: false,
            plain: false,
            inks: false,
            inverted: false,
            bytes: 0,
        }
    }
}

/// What lies beside the pixels. Borrowed from the file, or inflated within the limits.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    /// An ICC profile that tells what the colours mean.
    pub(crate) icc: Option<Vec<u8>>,
    /// EXIF from its TIFF header on.
    pub(crate) exif: Option<Vec<u8>>,
}

/// Reads the header of an image and holds it to the limits. No pixel is allocated.
///
/// # Errors
/// When it is no image, is broken as far as that can be seen without decoding, or is over a limit.
pub fn probe(bytes: &[u8], limits: &Limits) -> Result<Info, ImageError> {
    Ok(read(bytes, limits)?.0)
}

/// The same, with what lies beside the pixels.
pub(crate) fn read(bytes: &[u8], limits: &Limits) -> Result<(Info, Metadata), ImageError> {
    limits.check_bytes(bytes.len())?;
    let kind = Kind::sniff(bytes).ok_or(ImageError::NotAnImage)?;
    let (mut info, metadata) = match kind {
        Kind::Jpeg => jpeg::read(bytes, limits),
        Kind::Png => png::read(bytes, limits),
        Kind::Gif => gif::read(bytes, limits),
        Kind::Webp => webp::read(bytes, limits),
    }?;
    info.bytes = bytes.len();
    if let Some(exif) = &metadata.exif {
        info.orientation = exif::orientation(exif);
    }
    Ok((info, metadata))
}

/// What ends before it should.
fn cut() -> ImageError {
    ImageError::broken("it ends too soon")
}

/// Bytes that are taken from the front, each step of which can find that there are none left.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a>(pub(crate) &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], ImageError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(cut)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ImageError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or_else(cut)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(crate) fn byte(&mut self) -> Result<u8, ImageError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16_be(&mut self) -> Result<u16, ImageError> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    fn u16_le(&mut self) -> Result<u16, ImageError> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u24_le(&mut self) -> Result<u32, ImageError> {
        let [low, middle, high] = self.array()?;
        Ok(u32::from_le_bytes([low, middle, high, 0]))
    }

    fn u32_be(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    fn u32_le(&mut self) -> Result<u32, ImageError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
