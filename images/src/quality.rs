//! How good a result has to be: a number that was asked for, a level, or what the eye can't tell from better.

use crate::encode::{self, Settings};
use crate::limits::Deadline;
use crate::picture::{Layout, Picture};
use crate::transform::{Format, Level, Quality};
use crate::{ImageError, Info, Kind, Limits, decode};

/// Qualities that `auto` chooses among, from good to better.
const CHOICES: [u8; 7] = [60, 65, 70, 75, 80, 85, 90];
/// The least likeness of a picture and its JPEG, of which most people see no difference: structural similarity, in the middle of the
/// quarter of the picture that suffers most. The middle of all of it would let a sky hide what becomes of the trees.
const ALIKE: f64 = 0.92;
/// Tiles that are looked at, and pixels a side of each.
const TILES: u32 = 4;
const TILE: u32 = 96;

/// The quality to write a picture with, 1 to 100 on the scale of JPEG.
pub(crate) fn choose(
    quality: Quality,
    picture: &Picture,
    limits: &Limits,
    deadline: Deadline,
) -> Result<u8, ImageError> {
    match quality {
        Quality::Fixed(percent) => Ok(percent.get()),
        Quality::Level(Level::High) => Ok(90),
        Quality::Level(Level::MediumHigh) => Ok(80),
        Quality::Level(Level::MediumLow) => Ok(65),
        Quality::Level(Level::Low) => Ok(50),
        Quality::Auto => measure(picture, limits, deadline),
    }
}

/// Writes tiles of the picture as JPEG and reads them again, in a search for the least quality that keeps them alike. Other formats
/// have scales of their own, which their encoders translate from this one.
fn measure(picture: &Picture, limits: &Limits, deadline: Deadline) -> Result<u8, ImageError> {
    let sample = sample(picture)?;
    let (mut low, mut high) = (0, CHOICES.len() - 1);
    while low < high {
        deadline.check()?;
        let middle = usize::midpoint(low, high);
        if likeness(&sample, CHOICES[middle], limits, deadline)? >= ALIKE {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(CHOICES[low])
}

/// Tiles from all over the picture, side by side; the picture itself if it is no larger.
fn sample(picture: &Picture) -> Result<Picture, ImageError> {
    let flat = picture.clone().flatten([255; 3]);
    let side = TILES * TILE;
    if flat.width <= side && flat.height <= side {
        return Ok(flat);
    }
    let (across, down) = (flat.width.min(side), flat.height.min(side));
    let mut out = Picture::new(across, down, Layout::Rgb)?;
    let place = |number: u32, from: u32, to: u32| {
        let (room, own) = (from - to, number * TILE);
        (own + room * number / (TILES - 1), own)
    };
    for row in 0..down.div_ceil(TILE) {
        for column in 0..across.div_ceil(TILE) {
            let (x, left) = place(column, flat.width, across);
            let (y, top) = place(row, flat.height, down);
            let tile = flat.part(x, y, TILE.min(across - left), TILE.min(down - top))?;
            out.draw(&tile, left.into(), top.into(), 1.0);
        }
    }
    Ok(out)
}

fn likeness(
    picture: &Picture,
    quality: u8,
    limits: &Limits,
    deadline: Deadline,
) -> Result<f64, ImageError> {
    let settings = Settings {
        quality,
        may_reduce: false,
        progressive: false,
        fast: true,
        exif: None,
    };
    let bytes = encode::still(picture.clone(), Format::Jpeg, &settings)?;
    let info = Info::new(Kind::Jpeg, picture.width, picture.height);
    let read = decode::still(&bytes, &info, 1.0, limits, deadline)?;
    Ok(similarity(
        &luma(picture),
        &luma(&read.picture),
        picture.width as usize,
    ))
}

pub(crate) fn luma(picture: &Picture) -> Vec<f32> {
    let pixels = picture.pixels.chunks_exact(3);
    pixels
        .map(|pixel| {
            0.299 * f32::from(pixel[0]) + 0.587 * f32::from(pixel[1]) + 0.114 * f32::from(pixel[2])
        })
        .collect()
}

/// The structural similarity (Wang et al., 2004) of windows of eight by eight, four pixels apart: the mean of the lowest quarter.
pub(crate) fn similarity(a: &[f32], b: &[f32], width: usize) -> f64 {
    const WINDOW: usize = 8;
    let height = a.len() / width;
    let (across, down) = (WINDOW.min(width), WINDOW.min(height));
    let mut found = Vec::new();
    for top in (0..=height - down).step_by(WINDOW / 2) {
        for left in (0..=width - across).step_by(WINDOW / 2) {
            let rows = (top..top + down).map(|row| row * width + left);
            let pairs = rows.flat_map(|at| a[at..at + across].iter().zip(&b[at..at + across]));
            found.push(window(pairs, (across * down) as f64));
        }
    }
    found.sort_unstable_by(f64::total_cmp);
    found.truncate(found.len().div_ceil(4));
    found.iter().sum::<f64>() / found.len() as f64
}

fn window<'a>(pairs: impl Iterator<Item = (&'a f32, &'a f32)>, count: f64) -> f64 {
    const C1: f64 = 6.5025;
    const C2: f64 = 58.5225;
    let [mut a, mut b, mut aa, mut bb, mut ab] = [0.0f64; 5];
    for (x, y) in pairs {
        let (x, y) = (f64::from(*x), f64::from(*y));
        a += x;
        b += y;
        aa += x * x;
        bb += y * y;
        ab += x * y;
    }
    let (a, b) = (a / count, b / count);
    let (spread_a, spread_b) = (aa / count - a * a, bb / count - b * b);
    let together = ab / count - a * b;
    (2.0 * a * b + C1) * (2.0 * together + C2) / ((a * a + b * b + C1) * (spread_a + spread_b + C2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn textured(strength: i32) -> Picture {
        let mut picture = Picture::new(700, 300, Layout::Rgb).unwrap();
        let mut state = 1u32;
        for (at, pixel) in picture.pixels.chunks_exact_mut(3).enumerate() {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = ((state >> 24) as i32 - 128) * strength / 128;
            pixel.fill((at as i32 % 700 / 4 + 40 + noise).clamp(0, 255) as u8);
        }
        picture
    }

    #[test]
    fn smooth_pictures_need_less_than_those_with_fine_detail() {
        let limits = Limits::default();
        let auto =
            |picture: &Picture| choose(Quality::Auto, picture, &limits, limits.deadline()).unwrap();
        let (smooth, fine) = (auto(&textured(0)), auto(&textured(12)));
        assert!(smooth < fine, "{smooth} {fine}");
        assert_eq!(
            auto(&Picture::filled(1, 1, [1, 2, 3, 9]).unwrap()),
            CHOICES[0]
        );
    }

    #[test]
    fn a_picture_is_like_itself_alone() {
        let (a, b) = (luma(&textured(20)), luma(&textured(60)));
        assert!((similarity(&a, &a, 700) - 1.0).abs() < 1e-9);
        assert!(similarity(&a, &b, 700) < 0.9);
    }
}
