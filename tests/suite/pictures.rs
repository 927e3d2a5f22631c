//! Pictures that tests send and get.

use rimward_images::{Info, Limits, probe};
use rimward_tests::Response;

/// A picture of one colour that turns into another from left to right.
pub(crate) fn png(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header().unwrap();
    let pixel = |at: u32| [(at % width * 255 / width) as u8, 128, 64];
    let pixels: Vec<u8> = (0..width * height).flat_map(pixel).collect();
    writer.write_image_data(&pixels).unwrap();
    writer.finish().unwrap();
    bytes
}

/// What a response holds, which is a picture.
pub(crate) fn info(response: &Response) -> Info {
    assert_eq!(response.status, 200, "{response:?}");
    probe(&response.body, &Limits::default()).unwrap()
}
