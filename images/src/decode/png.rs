//! PNG: all depths to eight bits, palettes and gray to colours.

use std::io::Cursor;

use png::{ColorType, Decoder, Transformations};

use crate::picture::{Layout, Picture};
use crate::{ImageError, Limits};

pub(super) fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, ImageError> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    // What lies beside the pixels was read by the probe, and must not cost memory twice.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    // Room for a few rows and small chunks: pixels go to a buffer of ours.
    let row = limits.side as usize * 8;
    decoder.set_limits(png::Limits {
        bytes: (16 * row).max(1 << 20),
    });
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(broken)?;
    let (width, height) = (reader.info().width, reader.info().height);
    limits.check_source(width, height)?;
    let length = reader.output_buffer_size();
    let length = length.ok_or_else(|| ImageError::failed("more pixels than there is memory"))?;
    let mut pixels = vec![0; length];
    let output = reader.next_frame(&mut pixels).map_err(broken)?;
    pixels.truncate(output.buffer_size());
    let (layout, pixels) = match output.color_type {
        ColorType::Rgb => (Layout::Rgb, pixels),
        ColorType::Rgba => (Layout::Rgba, pixels),
        ColorType::Grayscale => (Layout::Rgb, coloured::<1, 3>(&pixels)),
        ColorType::GrayscaleAlpha => (Layout::Rgba, coloured::<2, 4>(&pixels)),
        ColorType::Indexed => return Err(ImageError::failed("a palette was not expanded")),
    };
    Ok(Picture {
        width,
        height,
        layout,
        pixels,
    })
}

/// Gray three times, with the alpha behind it if there is one.
fn coloured<const FROM: usize, const TO: usize>(gray: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(gray.len() / FROM * TO);
    for pixel in gray.chunks_exact(FROM) {
        let value = pixel[0];
        out.extend_from_slice(&[value, value, value]);
        out.extend_from_slice(&pixel[1..]);
    }
    out
}

fn broken(error: png::DecodingError) -> ImageError {
    match error {
        png::DecodingError::LimitsExceeded => ImageError::broken("its chunks are too large"),
        error => ImageError::Broken(error.to_string()),
    }
}
