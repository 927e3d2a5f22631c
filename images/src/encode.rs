//! From pixels to a file's bytes.

mod avif;
mod gif;
mod jpeg;
#[cfg(feature = "libaom")]
mod libaom;
mod palette;
mod png;
mod webp;
#[cfg(feature = "libaom")]
mod yuv;

use crate::picture::Picture;
use crate::transform::Format;
use crate::{ImageError, WEBP_SIDE};

/// How to write a picture.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// 1 to 100, on the scale of JPEG.
    pub(crate) quality: u8,
    /// Whether somebody asked for that quality, who may get a PNG with a palette.
    pub(crate) may_reduce: bool,
    pub(crate) progressive: bool,
    /// As little work as possible.
    pub(crate) fast: bool,
    /// EXIF, for JPEG.
    pub(crate) exif: Option<Vec<u8>>,
}

impl Format {
    /// Whether it can hold more than one frame, as it is written here.
    pub(crate) fn moves(self) -> bool {
        matches!(self, Self::Gif | Self::Webp)
    }

    pub(crate) fn has_alpha(self) -> bool {
        self != Self::Jpeg
    }

    /// This one, or the next that can hold a picture of this size.
    pub(crate) fn that_holds(self, width: u32, height: u32, alpha: bool, avif: u64) -> Self {
        let pixels = u64::from(width) * u64::from(height);
        match self {
            Self::Avif if pixels > avif => Self::Webp.that_holds(width, height, alpha, avif),
            Self::Webp if width.max(height) > WEBP_SIDE => {
                if alpha {
                    Self::Png
                } else {
                    Self::Jpeg
                }
            }
            format => format,
        }
    }
}

/// Writes a picture.
pub(crate) fn still(
    picture: Picture,
    format: Format,
    settings: &Settings,
) -> Result<Vec<u8>, ImageError> {
    match format {
        Format::Jpeg => jpeg::encode(&picture, settings),
        Format::Png => png::encode(&picture, settings),
        Format::Webp => webp::encode(&picture, settings),
        #[cfg(feature = "libaom")]
        Format::Avif => libaom::encode(&picture, settings),
        #[cfg(not(feature = "libaom"))]
        Format::Avif => avif::encode(&picture, settings),
        Format::Gif => {
            let mut gif = gif::Animation::new(picture.width, picture.height, None)?;
            gif.add(picture, 0)?;
            gif.finish()
        }
    }
}

/// A file that gets a frame after the other.
pub(crate) enum Animation {
    Gif(gif::Animation),
    Webp(webp::Animation),
}

impl Animation {
    /// `loops` is how often all of it is shown; 0 is without end.
    pub(crate) fn new(
        format: Format,
        (width, height): (u32, u32),
        loops: u16,
        settings: &Settings,
    ) -> Result<Self, ImageError> {
        Ok(match format {
            Format::Webp => Self::Webp(webp::Animation::new(width, height, loops, settings)?),
            _ => Self::Gif(gif::Animation::new(width, height, Some(loops))?),
        })
    }

    /// Adds a frame, which is seen for so many milliseconds.
    pub(crate) fn add(&mut self, picture: Picture, delay: u32) -> Result<(), ImageError> {
        match self {
            Self::Gif(gif) => gif.add(picture, delay),
            Self::Webp(webp) => webp.add(&picture, delay),
        }
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, ImageError> {
        match self {
            Self::Gif(gif) => gif.finish(),
            Self::Webp(webp) => webp.finish(),
        }
    }
}

#[cfg(test)]
mod tests;
