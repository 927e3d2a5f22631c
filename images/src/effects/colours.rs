//! Brightness, contrast, gamma and saturation.

use crate::picture::Picture;
use crate::transform::{Adjust, Factor};

/// Shares of the colours in how bright they look (ITU-R BT.709), of 65536.
const LUMA: [i32; 3] = [13933, 46871, 4732];

/// Changes all colours, in the order that `Adjust` has.
pub(crate) fn adjust(picture: &mut Picture, adjust: Adjust) {
    if adjust.is_neutral() {
        return;
    }
    let table = table(adjust);
    let saturation = (adjust.saturation.get() * 65536.0) as i64;
    let saturates = adjust.saturation != Factor::NEUTRAL;
    for pixel in picture.pixels.chunks_exact_mut(picture.layout.channels()) {
        for value in pixel.iter_mut().take(3) {
            *value = table[usize::from(*value)];
        }
        if saturates {
            saturate(pixel, saturation);
        }
    }
}

/// What becomes of each value by brightness, contrast and gamma.
fn table(adjust: Adjust) -> [u8; 256] {
    let (brightness, contrast) = (adjust.brightness.get(), adjust.contrast.get());
    let gamma = adjust.gamma.get();
    std::array::from_fn(|value| {
        let value = value as f64 / 255.0 * brightness;
        let value = (value - 0.5) * contrast + 0.5;
        (value.clamp(0.0, 1.0).powf(gamma) * 255.0).round() as u8
    })
}

/// Moves the colours away from the gray that is as bright, or towards it.
fn saturate(pixel: &mut [u8], by: i64) {
    let luma: i32 = pixel
        .iter()
        .zip(LUMA)
        .map(|(value, share)| i32::from(*value) * share)
        .sum();
    let gray = i64::from(luma >> 16);
    for value in pixel.iter_mut().take(3) {
        let moved = gray + (((i64::from(*value) - gray) * by) >> 16);
        *value = moved.clamp(0, 255) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::cloudflare;
    use crate::transform::Bounds;

    #[track_caller]
    fn check(options: &str, colour: [u8; 3], expected: [u8; 3]) {
        let transform = cloudflare::parse(options)
            .unwrap()
            .resolve(&Bounds::default())
            .unwrap();
        let [red, green, blue] = colour;
        let mut picture = Picture::filled(1, 1, [red, green, blue, 255]).unwrap();
        adjust(&mut picture, transform.adjust);
        assert_eq!(picture.pixels, expected, "{options}");
    }

    #[test]
    fn each_factor_does_what_it_says() {
        check("brightness=1.5,w=1", [100, 0, 200], [150, 0, 255]);
        check("contrast=2,w=1", [128, 100, 250], [129, 73, 255]);
        check("gamma=2,w=1", [0, 128, 255], [0, 64, 255]);
        check("saturation=0,w=1", [200, 200, 200], [200, 200, 200]);
        check("saturation=2,w=1", [100, 150, 200], [58, 158, 255]);
        check("saturation=1,brightness=0,w=1", [1, 2, 3], [1, 2, 3]);
    }
}
