//! Blurring and sharpening.

use crate::ImageError;
use crate::picture::Picture;

/// Lets colours run into each other as far as `radius`, with weights that are nearly those of Gauss: averages of averages of
/// averages are, and cost the same however far they reach.
pub(crate) fn blur(picture: Picture, radius: u8) -> Result<Picture, ImageError> {
    let mut picture = premultiplied(picture);
    let sigma = f64::from(radius) / 2.0;
    for reach in reaches(sigma) {
        average_rows(&mut picture, reach);
        average_columns(&mut picture, reach)?;
    }
    Ok(unmultiplied(picture))
}

/// How far each of three averages reaches to both sides, so that together they have the spread that is asked for.
fn reaches(sigma: f64) -> [usize; 3] {
    let width = (4.0 * sigma * sigma + 1.0).sqrt();
    let small = ((width - 1.0) / 2.0).floor().max(0.0);
    let spread = |reach: f64| ((2.0 * reach + 1.0).powi(2) - 1.0) / 12.0;
    let missing = sigma * sigma - 3.0 * spread(small);
    let larger = (missing / (spread(small + 1.0) - spread(small)))
        .round()
        .clamp(0.0, 3.0);
    std::array::from_fn(|number| small as usize + usize::from((number as f64) < larger))
}

/// Each pixel becomes the average of those around it; beyond an edge is what the edge has.
fn average(line: &mut [u8], copy: &mut Vec<u8>, channels: usize, reach: usize) {
    copy.clear();
    copy.extend_from_slice(line);
    let last = copy.len() / channels - 1;
    let width = 2 * reach as u32 + 1;
    for channel in 0..channels {
        let at = |position: usize| u32::from(copy[position.min(last) * channels + channel]);
        let mut sum = at(0) * (reach as u32 + 1) + (1..=reach).map(at).sum::<u32>();
        for position in 0..=last {
            line[position * channels + channel] = ((sum + width / 2) / width) as u8;
            sum += at(position + reach + 1);
            sum -= at(position.saturating_sub(reach));
        }
    }
}

fn average_rows(picture: &mut Picture, reach: usize) {
    if reach == 0 {
        return;
    }
    let (stride, channels) = (picture.stride(), picture.layout.channels());
    let mut copy = Vec::with_capacity(stride);
    for row in picture.pixels.chunks_exact_mut(stride) {
        average(row, &mut copy, channels, reach);
    }
}

/// All columns at once, row by row, with a sum for each byte of a row.
fn average_columns(picture: &mut Picture, reach: usize) -> Result<(), ImageError> {
    if reach == 0 {
        return Ok(());
    }
    let (stride, last) = (picture.stride(), picture.height as usize - 1);
    let from = std::mem::replace(
        picture,
        Picture::new(picture.width, picture.height, picture.layout)?,
    );
    let row = |number: usize| &from.pixels[number.min(last) * stride..][..stride];
    let width = 2 * reach as u32 + 1;
    let mut sums: Vec<u32> = row(0)
        .iter()
        .map(|value| u32::from(*value) * (reach as u32 + 1))
        .collect();
    for number in 1..=reach {
        for (sum, value) in sums.iter_mut().zip(row(number)) {
            *sum += u32::from(*value);
        }
    }
    for (number, out) in picture.pixels.chunks_exact_mut(stride).enumerate() {
        let (next, gone) = (row(number + reach + 1), row(number.saturating_sub(reach)));
        let values = sums.iter_mut().zip(out).zip(next.iter().zip(gone));
        for ((sum, out), (next, gone)) in values {
            *out = ((*sum + width / 2) / width) as u8;
            *sum = *sum + u32::from(*next) - u32::from(*gone);
        }
    }
    Ok(())
}

/// Stresses edges: each pixel is moved away from the average of those around it, by half of `amount`.
pub(crate) fn sharpen(picture: Picture, amount: f64) -> Result<Picture, ImageError> {
    let amount = (amount * 128.0).round() as i32;
    let mut soft = picture.clone();
    average_rows(&mut soft, 1);
    average_columns(&mut soft, 1)?;
    let channels = picture.layout.channels();
    let pixels = soft.pixels.chunks_exact_mut(channels);
    for (soft, sharp) in pixels.zip(picture.pixels.chunks_exact(channels)) {
        for (channel, (soft, sharp)) in soft.iter_mut().zip(sharp).enumerate() {
            let value = i32::from(*sharp);
            *soft = if channel == 3 {
                *sharp
            } else {
                (value + (((value - i32::from(*soft)) * amount) >> 8)).clamp(0, 255) as u8
            };
        }
    }
    Ok(soft)
}

fn premultiplied(mut picture: Picture) -> Picture {
    if picture.has_alpha() {
        for pixel in picture.pixels.chunks_exact_mut(4) {
            let alpha = u32::from(pixel[3]);
            for value in pixel.iter_mut().take(3) {
                *value = ((u32::from(*value) * alpha + 127) / 255) as u8;
            }
        }
    }
    picture
}

fn unmultiplied(mut picture: Picture) -> Picture {
    if picture.has_alpha() {
        for pixel in picture.pixels.chunks_exact_mut(4) {
            let alpha = u32::from(pixel[3]).max(1);
            for value in pixel.iter_mut().take(3) {
                *value = ((u32::from(*value) * 255 + alpha / 2) / alpha).min(255) as u8;
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Layout;

    fn dot() -> Picture {
        let mut picture = Picture::new(41, 41, Layout::Rgb).unwrap();
        picture.pixels[(20 * 41 + 20) * 3..][..3].fill(255);
        picture
    }

    #[test]
    fn blurring_keeps_the_light_and_spreads_it_evenly() {
        let plain = Picture::filled(30, 20, [9, 99, 199, 255]).unwrap();
        for radius in [1, 2, 9, 250] {
            assert_eq!(blur(plain.clone(), radius).unwrap(), plain, "{radius}");
        }
        let out = blur(dot(), 4).unwrap();
        let at = |x: usize, y: usize| out.pixels[(y * 41 + x) * 3];
        assert!(at(20, 20) > at(22, 20) && at(22, 20) > at(26, 20));
        assert_eq!((at(18, 20), at(20, 18)), (at(22, 20), at(20, 22)));
    }

    #[test]
    fn spreads_are_as_asked_for() {
        for sigma in [1.0, 2.5, 10.0, 125.0] {
            let spread: f64 = reaches(sigma)
                .iter()
                .map(|reach| ((2 * reach + 1).pow(2) - 1) as f64 / 12.0)
                .sum();
            assert!(
                (spread.sqrt() / sigma - 1.0).abs() < 0.25,
                "{sigma}: {}",
                spread.sqrt()
            );
        }
    }

    #[test]
    fn sharpening_stresses_edges_and_leaves_plains() {
        let plain = Picture::filled(5, 5, [100, 100, 100, 128]).unwrap();
        assert_eq!(sharpen(plain.clone(), 10.0).unwrap(), plain);
        let mut edge = Picture::filled(6, 3, [100, 100, 100, 255]).unwrap();
        for pixel in edge.pixels.chunks_exact_mut(3).skip(3).step_by(6) {
            pixel.fill(150);
        }
        let out = sharpen(edge, 1.0).unwrap();
        let row = &out.pixels[18..36];
        assert!(row[9] > 150 && row[6] < 100 && row[0] == 100, "{row:?}");
    }
}
