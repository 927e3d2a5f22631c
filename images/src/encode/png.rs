//! PNG, in full colours or, where a quality was asked for, with a palette.

use png::{BitDepth, ColorType, Compression, Encoder};

use super::Settings;
use super::palette::{has_halves, indexed};
use crate::ImageError;
use crate::picture::{Layout, Picture};

pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    if settings.may_reduce && settings.quality < 100 {
        if has_halves(picture) {
            return with_soft_palette(picture, settings);
        }
        return with_palette(picture, settings);
    }
    let colours = match picture.layout {
        Layout::Rgba => ColorType::Rgba,
        Layout::Rgb | Layout::Cmyk => ColorType::Rgb,
    };
    write(
        picture,
        settings,
        colours,
        BitDepth::Eight,
        None,
        &picture.pixels,
    )
}

/// As many colours as the quality is of a hundred.
fn colours(settings: &Settings) -> u16 {
    (u16::from(settings.quality) * 256 / 100).clamp(4, 256)
}

fn with_palette(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let reduced = indexed(picture, colours(settings))?;
    let alphas = reduced.transparent.map(|number| {
        let mut alphas = vec![255; usize::from(number)];
        alphas.push(0);
        alphas
    });
    write_indexed(picture, settings, reduced.palette, alphas, &reduced.indices)
}

/// Colours that are half transparent, found by a net of neurons, which has no need of knowing what its four dimensions are.
fn with_soft_palette(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    const SAMPLE: i32 = 10;
    let net = color_quant::NeuQuant::new(SAMPLE, colours(settings).into(), &picture.pixels);
    let indices: Vec<u8> = picture
        .pixels
        .chunks_exact(4)
        .map(|pixel| net.index_of(pixel) as u8)
        .collect();
    let map = net.color_map_rgba();
    let palette = map
        .chunks_exact(4)
        .flat_map(|colour| [colour[0], colour[1], colour[2]]);
    let alphas = map.chunks_exact(4).map(|colour| colour[3]).collect();
    write_indexed(picture, settings, palette.collect(), Some(alphas), &indices)
}

fn write_indexed(
    picture: &Picture,
    settings: &Settings,
    palette: Vec<u8>,
    alphas: Option<Vec<u8>>,
    indices: &[u8],
) -> Result<Vec<u8>, ImageError> {
    let (depth, bits) = match palette.len() / 3 {
        0..=2 => (BitDepth::One, 1),
        3..=4 => (BitDepth::Two, 2),
        5..=16 => (BitDepth::Four, 4),
        _ => (BitDepth::Eight, 8),
    };
    let packed = packed(indices, picture.width as usize, bits);
    let palette = Some((palette, alphas));
    write(
        picture,
        settings,
        ColorType::Indexed,
        depth,
        palette,
        &packed,
    )
}

/// So many bits an index, each row from a byte on.
fn packed(indices: &[u8], width: usize, bits: usize) -> Vec<u8> {
    if bits == 8 {
        return indices.to_vec();
    }
    let rows = indices.chunks_exact(width);
    rows.flat_map(|row| {
        row.chunks(8 / bits).map(move |pixels| {
            let places = (0..8 / bits).map(|place| 8 - bits - place * bits);
            pixels
                .iter()
                .zip(places)
                .fold(0, |byte, (index, place)| byte | index << place)
        })
    })
    .collect()
}

fn write(
    picture: &Picture,
    settings: &Settings,
    colours: ColorType,
    depth: BitDepth,
    palette: Option<(Vec<u8>, Option<Vec<u8>>)>,
    data: &[u8],
) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::with_capacity(data.len() / 2);
    let mut encoder = Encoder::new(&mut out, picture.width, picture.height);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if let Some((palette, alphas)) = palette {
        encoder.set_palette(palette);
        if let Some(alphas) = alphas {
            encoder.set_trns(alphas);
        }
        // Numbers of colours have no likeness to those beside them: no filter helps, and only whole repetitions do.
        encoder.set_compression(if settings.fast {
            Compression::Fast
        } else {
            Compression::Balanced
        });
        encoder.set_filter(png::Filter::NoFilter);
    } else {
        encoder.set_compression(Compression::Fast);
    }
    let mut writer = encoder.write_header().map_err(ImageError::failed)?;
    writer.write_image_data(data).map_err(ImageError::failed)?;
    writer.finish().map_err(ImageError::failed)?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_are_packed_row_by_row() {
        assert_eq!(
            packed(&[1, 0, 1, 1, 1, 0], 3, 1),
            [0b1010_0000, 0b1100_0000]
        );
        assert_eq!(packed(&[3, 1, 2, 0, 1], 5, 2), [0b1101_1000, 0b0100_0000]);
        assert_eq!(packed(&[9, 8, 7], 3, 4), [0x98, 0x70]);
    }
}
