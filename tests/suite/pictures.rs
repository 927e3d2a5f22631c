//! Pictures that tests send and get.

use rimward_images::{Info, Limits, probe};
use rimward_tests::Response;

/// A picture of one colour that turns into another from left to right.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let pixel = |at: u32| [(at % width * 255 / width) as u8, 128, 64];
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    png_of(width, height, &pixels)
}

/// A picture of nothing but noise, which takes about three bytes a pixel.
pub(crate) fn noise(width: u32, height: u32) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let pixels: Vec<u8> = (0..width * height * 3).map(|_| next()).collect();
    png_of(width, height, &pixels)
}

fn png_of(width: u32, height: u32, pixels: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// What a response holds, which is a picture.
pub(crate) fn info(response: &Response) -> Info {
    assert_eq!(response.status, 200, "{response:?}");
    probe(&response.body, &Limits::default()).unwrap()
}
