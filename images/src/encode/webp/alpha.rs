//! Transparency beside lossy colours.
//!
//! libwebp writes it as it is or as differences from what surrounding pixels let expect, whichever is smaller, after a long search for what
//! repeats. That is right for what is cut out. Where a picture fades nothing repeats, and differences from the pixel to the left, written without a
//! search, are smaller by a fifth and cost a fifth. They are a lossless picture, which is the same stream behind another header.

use libwebp_sys::WebPConfig;

use super::{Source, lossless};
use crate::ImageError;
use crate::picture::{Layout, Picture};

/// How different neighbours are at most where a picture fades.
const SLOPE: u8 = 4;
/// A file's first bytes up to the data of its first chunk.
const START: usize = 20;
/// What a lossless picture has before its stream: a mark, and its size.
const LOSSLESS_HEADER: usize = 5;
/// Says of a chunk `ALPH` that it is a lossless stream of differences from the left.
const COMPRESSED_FROM_LEFT: u8 = 1 | 1 << 2;
/// Says of a file that it has transparency.
const HAS_ALPHA: u8 = 1 << 4;

/// For a picture that fades, the chunk that says how opaque each pixel is.
pub(super) fn of_fading(picture: &Picture) -> Result<Option<Vec<u8>>, ImageError> {
    let differences = differences(picture);
    let is_slope = |by: u8| (1..=SLOPE).contains(&by.min(by.wrapping_neg()));
    let slopes = differences.iter().filter(|by| is_slope(**by)).count();
    if slopes * 2 < differences.len() {
        return Ok(None);
    }
    // Of a stream's colours, green counts.
    let green = Picture {
        layout: Layout::Rgb,
        pixels: differences.into_iter().flat_map(|by| [0, by, 0]).collect(),
        ..*picture
    };
    let config = WebPConfig {
        method: 0,
        ..lossless(0.0)?
    };
    let file = Source::new(&green, true)?.written(&config)?;
    let stream = data(&file)?.get(LOSSLESS_HEADER..).unwrap_or_default();
    Ok(Some([&[COMPRESSED_FROM_LEFT], stream].concat()))
}

/// By how much more opaque each pixel is than the one to the left; the first of a row, than the one above.
fn differences(picture: &Picture) -> Vec<u8> {
    let mut out = Vec::with_capacity(picture.pixels.len() / 4);
    let mut above = 0;
    for row in picture.rows() {
        let mut left = above;
        above = row[3];
        for pixel in row.chunks_exact(4) {
            out.push(pixel[3].wrapping_sub(left));
            left = pixel[3];
        }
    }
    out
}

/// A file of transparency and of the colours that another file has alone.
pub(super) fn beside(
    (width, height): (u32, u32),
    alpha: &[u8],
    colours: &[u8],
) -> Result<Vec<u8>, ImageError> {
    let mut extended = [HAS_ALPHA, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    extended[4..7].copy_from_slice(&(width - 1).to_le_bytes()[..3]);
    extended[7..].copy_from_slice(&(height - 1).to_le_bytes()[..3]);
    let mut chunks = b"WEBP".to_vec();
    add(&mut chunks, b"VP8X", &extended)?;
    add(&mut chunks, b"ALPH", alpha)?;
    add(&mut chunks, b"VP8 ", data(colours)?)?;
    let mut file = Vec::with_capacity(chunks.len() + 8);
    add(&mut file, b"RIFF", &chunks)?;
    Ok(file)
}

/// Adds a chunk, which ends at an even place.
fn add(file: &mut Vec<u8>, name: &[u8; 4], data: &[u8]) -> Result<(), ImageError> {
    let length = u32::try_from(data.len()).map_err(ImageError::failed)?;
    file.extend_from_slice(name);
    file.extend(length.to_le_bytes());
    file.extend_from_slice(data);
    file.extend_from_slice(&[0][..data.len() % 2]);
    Ok(())
}

/// The data of the chunk that is all that a file has.
fn data(file: &[u8]) -> Result<&[u8], ImageError> {
    let (start, rest) = file
        .split_first_chunk::<START>()
        .unwrap_or((&[0; START], &[]));
    let length = u32::from_le_bytes([start[16], start[17], start[18], start[19]]);
    let data = rest.get(..length as usize);
    data.ok_or_else(|| ImageError::failed("libwebp wrote another file than it should"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encode::tests::{read, settings};
    use crate::encode::webp::encode;

    fn transparent(alpha: impl Fn(u32, u32) -> u32) -> Picture {
        let places = (0..41).flat_map(|y| (0..75).map(move |x| (x, y)));
        let pixels = places.flat_map(|(x, y)| [200, 90, 30, alpha(x, y) as u8]);
        Picture {
            width: 75,
            height: 41,
            layout: Layout::Rgba,
            pixels: pixels.collect(),
        }
    }

    #[test]
    fn what_fades_is_as_transparent_as_it_was() {
        for (fades, picture) in [
            (true, transparent(|x, y| x * 3 + y % 5)),
            (true, transparent(|x, y| 255 - x * 2 - y)),
            (false, transparent(|x, y| if x > y { 255 } else { 0 })),
            (false, transparent(|_, _| 128)),
        ] {
            assert_eq!(of_fading(&picture).unwrap().is_some(), fades);
            let file = encode(&picture, &settings(75)).unwrap();
            let found = read(&file);
            assert_eq!((found.width, found.height), (75, 41));
            let alphas = |picture: &Picture| -> Vec<u8> {
                picture
                    .pixels
                    .chunks_exact(4)
                    .map(|pixel| pixel[3])
                    .collect()
            };
            assert_eq!(alphas(&found), alphas(&picture));
        }
    }
}
