//! JPEG whose rows come one after the other.

use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, SamplingFactor};

use super::Settings;
use crate::ImageError;
use crate::picture::{Layout, Picture};

/// From this quality on, colours are as fine as brightness.
pub(super) const WHOLE_COLOURS: u8 = 96;

pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::with_capacity(picture.pixels.len() / 16);
    let mut encoder = Encoder::new(&mut out, settings.quality);
    encoder.set_sampling_factor(if settings.quality >= WHOLE_COLOURS {
        SamplingFactor::F_1_1
    } else {
        SamplingFactor::F_2_2
    });
    // The crate's own choice takes one of four pixels for all of them.
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_optimized_huffman_tables(!settings.fast);
    if let Some(exif) = &settings.exif {
        encoder
            .add_exif_metadata(exif)
            .map_err(ImageError::failed)?;
    }
    let colours = match picture.layout {
        Layout::Rgb => ColorType::Rgb,
        Layout::Rgba => ColorType::Rgba,
        Layout::Cmyk => ColorType::Cmyk,
    };
    let side = |side: u32| u16::try_from(side).map_err(ImageError::failed);
    let (width, height) = (side(picture.width)?, side(picture.height)?);
    encoder
        .encode(&picture.pixels, width, height, colours)
        .map_err(ImageError::failed)?;
    Ok(out)
}
