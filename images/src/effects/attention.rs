//! What of a picture draws attention, cheaply: where there are edges, strong colours and skin.

use crate::picture::Picture;

/// Where a window of this size, in the picture's pixels, has most of what draws attention: its upper left corner. Meant for
/// pictures of a hundred pixels a side.
pub(crate) fn attention(picture: &Picture, width: f64, height: f64) -> (f64, f64) {
    let sums = Sums::of(picture);
    let all = (f64::from(picture.width), f64::from(picture.height));
    let across = positions(all.0 - width);
    let down = positions(all.1 - height);
    let places = down.flat_map(|y| across.clone().map(move |x| (x, y)));
    let scored = places.map(|(x, y)| {
        let score = sums.within(x, y, width, height);
        // Of places that are nearly as good, the one in the middle.
        let off = |at: f64, room: f64| {
            if room > 0.0 {
                (at / room - 0.5).abs()
            } else {
                0.0
            }
        };
        let off = off(x, all.0 - width) + off(y, all.1 - height);
        ((x, y), score * (1.0 - 0.1 * off))
    });
    let best = scored.max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or((0.0, 0.0), |(place, _)| place)
}

/// Places from 0 to `room`, a pixel or less apart, the middle among them.
fn positions(room: f64) -> impl Iterator<Item = f64> + Clone {
    let room = room.max(0.0);
    let steps = (room.ceil() as u32 * 2).max(1);
    (0..=steps).map(move |step| room * f64::from(step) / f64::from(steps))
}

/// Sums of all scores to the left of and above each corner of a pixel.
struct Sums {
    sums: Vec<f64>,
    stride: usize,
}

impl Sums {
    fn of(picture: &Picture) -> Self {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let stride = width + 1;
        let mut sums = vec![0.0; stride * (height + 1)];
        for y in 0..height {
            let mut row = 0.0;
            for x in 0..width {
                row += score(picture, x, y);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row;
            }
        }
        Self { sums, stride }
    }

    /// Rounded to whole pixels.
    fn within(&self, x: f64, y: f64, width: f64, height: f64) -> f64 {
        let rows = self.sums.len() / self.stride - 1;
        let column = |at: f64| (at.round() as usize).min(self.stride - 1);
        let row = |at: f64| (at.round() as usize).min(rows);
        let at = |x: f64, y: f64| self.sums[row(y) * self.stride + column(x)];
        at(x + width, y + height) - at(x, y + height) - at(x + width, y) + at(x, y)
    }
}

fn pixel(picture: &Picture, x: usize, y: usize) -> [f64; 3] {
    let x = x.min(picture.width as usize - 1);
    let y = y.min(picture.height as usize - 1);
    let channels = picture.layout.channels();
    let pixel = &picture.pixels[y * picture.stride() + x * channels..][..channels];
    let alpha = pixel.get(3).map_or(1.0, |alpha| f64::from(*alpha) / 255.0);
    std::array::from_fn(|channel| f64::from(pixel[channel]) * alpha / 255.0)
}

fn luma([red, green, blue]: [f64; 3]) -> f64 {
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

fn score(picture: &Picture, x: usize, y: usize) -> f64 {
    let here = pixel(picture, x, y);
    let bright = |x, y| luma(pixel(picture, x, y));
    let beside = bright(x.saturating_sub(1), y) + bright(x + 1, y);
    let around = beside + bright(x, y.saturating_sub(1)) + bright(x, y + 1);
    let edge = (4.0 * luma(here) - around).abs();
    let [red, green, blue] = here;
    let most = red.max(green).max(blue);
    let strength = most - red.min(green).min(blue);
    // What is dark or glaring is looked at less, whatever its colour.
    let lit = if (0.05..=0.95).contains(&luma(here)) {
        1.0
    } else {
        0.2
    };
    edge * 1.0 + lit * (strength * 0.3 + skin(here) * 0.6)
}

/// How near a colour is to those of skin, light or dark: their direction is much the same.
fn skin([red, green, blue]: [f64; 3]) -> f64 {
    let length = (red * red + green * green + blue * blue).sqrt();
    if length < 0.25 {
        return 0.0;
    }
    let away = [
        red / length - 0.78,
        green / length - 0.52,
        blue / length - 0.36,
    ];
    let distance = away.iter().map(|part| part * part).sum::<f64>().sqrt();
    (1.0 - distance / 0.2).max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_goes_where_there_is_something_to_see() {
        let mut picture = Picture::filled(90, 30, [90, 110, 130, 255]).unwrap();
        for y in 8..22 {
            for x in 60..74 {
                let at = (y * 90 + x) * 3;
                let colour = if (x + y) % 3 == 0 {
                    [220, 150, 110]
                } else {
                    [180, 110, 80]
                };
                picture.pixels[at..at + 3].copy_from_slice(&colour);
            }
        }
        let (x, y) = attention(&picture, 30.0, 30.0);
        assert!(x <= 60.0 && x + 30.0 >= 74.0, "{x}");
        assert_eq!(y, 0.0);
    }

    #[test]
    fn where_nothing_is_to_be_seen_the_middle_is_kept() {
        let plain = Picture::filled(90, 30, [90, 110, 130, 255]).unwrap();
        assert_eq!(attention(&plain, 30.0, 30.0), (30.0, 0.0));
    }
}
