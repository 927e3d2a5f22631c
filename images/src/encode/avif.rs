//! AVIF by rav1e, which is in Rust and needs nothing else to be built.
#![cfg_attr(
    feature = "libaom",
    allow(dead_code, reason = "libaom takes its place")
)]

use ravif::{BitDepth, Encoder, Img, RGB8, RGBA8};

use super::Settings;
use crate::ImageError;
use crate::picture::{Layout, Picture};

/// The fastest that there is: the next slower ones cost a multiple and save few bytes.
const SPEED: u8 = 10;

/// At this speed the encoder's scale is near to that of JPEG: photos are as far from what they were at the same number, and a quarter to a
/// half smaller.
pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let encoder = Encoder::new()
        .with_quality(settings.quality.into())
        .with_alpha_quality(settings.quality.into())
        .with_speed(SPEED)
        .with_bit_depth(BitDepth::Eight)
        .with_num_threads(Some(1));
    let (width, height) = (picture.width as usize, picture.height as usize);
    let encoded = if picture.layout == Layout::Rgba {
        let pixels = picture.pixels.chunks_exact(4);
        let pixels: Vec<RGBA8> = pixels.map(|p| RGBA8::new(p[0], p[1], p[2], p[3])).collect();
        encoder.encode_rgba(Img::new(&pixels[..], width, height))
    } else {
        let pixels = picture.pixels.chunks_exact(3);
        let pixels: Vec<RGB8> = pixels.map(|p| RGB8::new(p[0], p[1], p[2])).collect();
        encoder.encode_rgb(Img::new(&pixels[..], width, height))
    };
    Ok(encoded.map_err(ImageError::failed)?.avif_file)
}
