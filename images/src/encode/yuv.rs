//! Brightness and colour instead of red, green and blue: BT.601 at full range, one colour for four pixels.

use crate::picture::Picture;

pub(super) struct Planes {
    pub(super) luma: Vec<u8>,
    /// Blue and red, of half the width and height, rounded up.
    pub(super) chroma: [Vec<u8>; 2],
    pub(super) alpha: Option<Vec<u8>>,
}

/// Parts of 65536.
const LUMA: [i32; 3] = [19595, 38470, 7471];
const BLUE: [i32; 3] = [-11059, -21709, 32768];
const RED: [i32; 3] = [32768, -27439, -5329];

pub(super) fn planes(picture: &Picture) -> Planes {
    let channels = picture.layout.channels();
    let weigh = |pixel: &[u8], weights: [i32; 3]| -> i32 {
        pixel
            .iter()
            .zip(weights)
            .map(|(value, weight)| i32::from(*value) * weight)
            .sum()
    };
    let luma = picture.pixels.chunks_exact(channels);
    let luma = luma
        .map(|pixel| ((weigh(pixel, LUMA) + 32768) >> 16) as u8)
        .collect();
    let half = (picture.width.div_ceil(2) * picture.height.div_ceil(2)) as usize;
    let mut chroma = [Vec::with_capacity(half), Vec::with_capacity(half)];
    for pair in picture.pixels.chunks(2 * picture.stride()) {
        let (upper, lower) = pair.split_at(picture.stride());
        // An odd last row or column stands for the one that is not there.
        let lower = if lower.is_empty() { upper } else { lower };
        let rows = upper.chunks(2 * channels).zip(lower.chunks(2 * channels));
        for (upper, lower) in rows {
            let right = upper.len() - channels;
            let four: [i32; 3] = std::array::from_fn(|channel| {
                let both = |row: &[u8]| i32::from(row[channel]) + i32::from(row[right + channel]);
                both(upper) + both(lower)
            });
            for (plane, weights) in chroma.iter_mut().zip([BLUE, RED]) {
                let sum: i32 = four
                    .iter()
                    .zip(weights)
                    .map(|(value, weight)| value * weight)
                    .sum();
                let value = (sum + (128 << 18) + (1 << 17)) >> 18;
                plane.push(value.clamp(0, 255) as u8);
            }
        }
    }
    let alpha = picture
        .has_alpha()
        .then(|| picture.pixels.chunks_exact(4).map(|p| p[3]).collect());
    Planes {
        luma,
        chroma,
        alpha,
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
            let [blue, red] = &planes.chroma;
            assert_eq!((planes.luma.len(), blue.len(), red.len()), (9, 4, 4));
            assert_eq!([planes.luma[8], blue[3], red[3]], expected);
            assert_eq!(planes.alpha.is_some(), colour[3] != 255);
        }
    }
}
