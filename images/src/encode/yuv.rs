//! Brightness and colour instead of red, green and blue: BT.601 at full range.

use crate::picture::Picture;

/// Each plane as large as the picture.
pub(super) struct Planes {
    /// Brightness, blue and red.
    pub(super) colours: [Vec<u8>; 3],
    pub(super) alpha: Option<Vec<u8>>,
}

/// Parts of 65536.
const LUMA: [i32; 3] = [19595, 38470, 7471];
const BLUE: [i32; 3] = [-11059, -21709, 32768];
const RED: [i32; 3] = [32768, -27439, -5329];

pub(super) fn planes(picture: &Picture) -> Planes {
    let plane = |weights: [i32; 3], middle: i32| -> Vec<u8> {
        let pixels = picture.pixels.chunks_exact(picture.layout.channels());
        let value = |pixel: &[u8]| {
            let parts = pixel.iter().zip(weights);
            let sum: i32 = parts.map(|(part, weight)| i32::from(*part) * weight).sum();
            ((sum + (middle << 16) + (1 << 15)) >> 16).clamp(0, 255) as u8
        };
        pixels.map(value).collect()
    };
    let alpha = picture.pixels.chunks_exact(4).map(|pixel| pixel[3]);
    Planes {
        colours: [plane(LUMA, 0), plane(BLUE, 128), plane(RED, 128)],
        alpha: picture.has_alpha().then(|| alpha.collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_those_of_jpeg() {
        for (colour, expected) in [
            ([255, 255, 255, 255], [255, 128, 128]),
            ([255, 0, 0, 255], [76, 85, 255]),
            ([0, 0, 255, 255], [29, 255, 107]),
            ([90, 90, 90, 128], [90, 128, 128]),
        ] {
            let planes = planes(&Picture::filled(3, 3, colour).unwrap());
            assert_eq!(planes.colours.each_ref().map(Vec::len), [9; 3]);
            assert_eq!(planes.colours.each_ref().map(|plane| plane[8]), expected);
            assert_eq!(planes.alpha.is_some(), colour[3] != 255);
        }
    }
}
