//! Borders of one colour, found to be cut off.

use crate::picture::Picture;
use crate::transform::TrimBorder;

/// What lies within a border, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) left: u32,
    pub(crate) top: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// What is within the border around a part of a picture; the part itself when all of it is of one colour.
pub(crate) fn find_border(picture: &Picture, part: Found, border: &TrimBorder) -> Found {
    let stride = picture.stride();
    let channels = picture.layout.channels();
    let at =
        |x: u32, y: u32| &picture.pixels[y as usize * stride + x as usize * channels..][..channels];
    let colour = match border.colour {
        Some(colour) => colour.rgba(),
        None => with_alpha(at(part.left, part.top)),
    };
    let (right, bottom) = (part.left + part.width, part.top + part.height);
    let is_plain = |x: u32, y: u32| is_near(with_alpha(at(x, y)), colour, border.tolerance);
    let is_row = |y: &u32| (part.left..right).all(|x| is_plain(x, *y));
    let above = (part.top..bottom).take_while(is_row).count() as u32;
    if above == part.height {
        return part;
    }
    let below = (part.top..bottom).rev().take_while(is_row).count() as u32;
    let (top, bottom) = (part.top + above, bottom - below);
    let is_column = |x: &u32| (top..bottom).all(|y| is_plain(*x, y));
    let before = (part.left..right).take_while(is_column).count() as u32;
    let after = (part.left..right).rev().take_while(is_column).count() as u32;
    let found = Found {
        left: part.left + before,
        top,
        width: part.width - before - after,
        height: bottom - top,
    };
    widened(found, part, border.keep)
}

/// With some of the border, as far as there is.
fn widened(found: Found, part: Found, by: u32) -> Found {
    let left = found.left.saturating_sub(by).max(part.left);
    let top = found.top.saturating_sub(by).max(part.top);
    let right = (found.left + found.width)
        .saturating_add(by)
        .min(part.left + part.width);
    let bottom = (found.top + found.height)
        .saturating_add(by)
        .min(part.top + part.height);
    Found {
        left,
        top,
        width: right - left,
        height: bottom - top,
    }
}

fn with_alpha(pixel: &[u8]) -> [u8; 4] {
    match *pixel {
        [red, green, blue, alpha] => [red, green, blue, alpha],
        [red, green, blue] => [red, green, blue, 255],
        _ => [0; 4],
    }
}

/// What is transparent has no colour to differ in.
fn is_near(pixel: [u8; 4], colour: [u8; 4], tolerance: u8) -> bool {
    let both_clear = pixel[3] <= tolerance && colour[3] <= tolerance;
    both_clear
        || pixel
            .iter()
            .zip(colour)
            .all(|(a, b)| a.abs_diff(b) <= tolerance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::Layout;

    const WHOLE: Found = Found {
        left: 0,
        top: 0,
        width: 10,
        height: 8,
    };

    /// A dark box from (3, 2) to (7, 7) on a light ground with some noise.
    fn boxed() -> Picture {
        let mut picture = Picture::new(10, 8, Layout::Rgb).unwrap();
        for (at, pixel) in picture.pixels.chunks_exact_mut(3).enumerate() {
            let (x, y) = (at % 10, at / 10);
            let is_box = (3..7).contains(&x) && (2..7).contains(&y);
            pixel.fill(if is_box {
                30
            } else {
                240 + ((3 * x + 2 * y) % 5) as u8
            });
        }
        picture
    }

    #[test]
    fn what_is_within_a_border_is_found() {
        let border = |tolerance, keep| TrimBorder {
            colour: None,
            tolerance,
            keep,
        };
        let found = Found {
            left: 3,
            top: 2,
            width: 4,
            height: 5,
        };
        assert_eq!(find_border(&boxed(), WHOLE, &border(10, 0)), found);
        assert_eq!(
            find_border(&boxed(), WHOLE, &border(1, 0)),
            WHOLE,
            "noise is no border"
        );
        let kept = Found {
            left: 1,
            top: 0,
            width: 8,
            height: 8,
        };
        assert_eq!(find_border(&boxed(), WHOLE, &border(10, 2)), kept);
        assert_eq!(
            find_border(&boxed(), WHOLE, &border(255, 0)),
            WHOLE,
            "all of one colour"
        );
        let clear = Picture::new(10, 8, Layout::Rgba).unwrap();
        assert_eq!(find_border(&clear, WHOLE, &border(10, 0)), WHOLE);
    }
}
