//! Few colours instead of many: at most 256, by the eye's own measure, with what is lost spread over the neighbours.

use quantette::deps::palette::Srgb;
use quantette::deps::palette::cast::{from_component_slice, into_component_slice};
use quantette::{ImageRef, PaletteSize, Pipeline};

use crate::ImageError;
use crate::picture::Picture;

/// What is less opaque than this is transparent, where there is no half of it.
const OPAQUE: u8 = 128;

/// A picture whose pixels are numbers of colours.
pub(super) struct Indexed {
    /// Red, green and blue of each colour.
    pub(super) palette: Vec<u8>,
    pub(super) indices: Vec<u8>,
    /// The number that is transparent, behind all colours.
    pub(super) transparent: Option<u8>,
}

/// Whether the picture has pixels that are neither transparent nor opaque.
pub(super) fn has_halves(picture: &Picture) -> bool {
    picture.has_alpha()
        && picture
            .pixels
            .chunks_exact(4)
            .any(|pixel| !matches!(pixel[3], 0 | 255))
}

/// Reduces a picture to so many colours, one of which is transparent if the picture has pixels that are.
pub(super) fn indexed(picture: &Picture, colours: u16) -> Result<Indexed, ImageError> {
    let is_clear = |pixel: &[u8]| pixel.get(3).is_some_and(|alpha| *alpha < OPAQUE);
    let channels = picture.layout.channels();
    let pixels = || picture.pixels.chunks_exact(channels);
    let has_clear = picture.has_alpha() && pixels().any(is_clear);
    let colours = if has_clear { colours.min(255) } else { colours };
    let opaque = picture.has_alpha().then(|| without_clear(picture));
    let source = opaque.as_deref().unwrap_or(&picture.pixels);
    let source: &[Srgb<u8>] = from_component_slice(source);
    let image = ImageRef::new(picture.width, picture.height, source);
    let size = PaletteSize::try_from(colours).map_err(ImageError::failed)?;
    let reduced = Pipeline::new()
        .palette_size(size)
        .input_image(image.map_err(ImageError::failed)?)
        .output_srgb8_indexed_image();
    let (palette, mut indices) = reduced.into_parts();
    let transparent = if has_clear {
        let number = u8::try_from(palette.len()).map_err(ImageError::failed)?;
        for (index, pixel) in indices.iter_mut().zip(pixels()) {
            if is_clear(pixel) {
                *index = number;
            }
        }
        Some(number)
    } else {
        None
    };
    let mut palette = into_component_slice(&palette[..]).to_vec();
    if transparent.is_some() {
        palette.extend([0; 3]);
    }
    Ok(Indexed {
        palette,
        indices,
        transparent,
    })
}

/// Colours alone, where each transparent pixel has that of the last one that is not: so no colour is found for what is not seen.
fn without_clear(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::with_capacity(picture.pixels.len() / 4 * 3);
    let pixels = || picture.pixels.chunks_exact(4);
    let first = pixels().find(|pixel| pixel[3] >= OPAQUE);
    let mut last = first.map_or([0; 3], |pixel| [pixel[0], pixel[1], pixel[2]]);
    for pixel in pixels() {
        if pixel[3] >= OPAQUE {
            last = [pixel[0], pixel[1], pixel[2]];
        }
        out.extend(last);
    }
    out
}
