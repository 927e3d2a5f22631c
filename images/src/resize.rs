//! Fewer pixels, or more, of a part of a picture.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};

use crate::ImageError;
use crate::geometry::{Rect, Size};
use crate::picture::{Layout, Picture};

/// Makes a part of a picture this large. What keeps its size keeps its pixels.
pub(crate) fn resize(picture: Picture, part: Rect, to: Size) -> Result<Picture, ImageError> {
    match whole_pixels(&picture, part, to) {
        Some(_) if (picture.width, picture.height) == (to.width(), to.height()) => Ok(picture),
        Some((left, top)) => picture.part(left, top, to.width(), to.height()),
        None => resampled(&picture, part, to),
    }
}

/// The same by Lanczos with three lobes. The part lies in fractions of pixels: rounded, it would stretch the picture by up
/// to half a pixel.
///
/// Colours are multiplied with their alpha meanwhile, so that those of transparent pixels don't bleed into others; for
/// pictures without alpha that would cost as much again.
pub(crate) fn resampled(picture: &Picture, part: Rect, to: Size) -> Result<Picture, ImageError> {
    let kind = match picture.layout {
        Layout::Rgb => PixelType::U8x3,
        Layout::Rgba | Layout::Cmyk => PixelType::U8x4,
    };
    let mut out = Picture::new(to.width(), to.height(), picture.layout)?;
    let from = ImageRef::new(picture.width, picture.height, &picture.pixels, kind);
    let from = from.map_err(ImageError::failed)?;
    let mut onto = Image::from_slice_u8(to.width(), to.height(), &mut out.pixels, kind)
        .map_err(ImageError::failed)?;
    let part = within(part, picture);
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .crop(part.x, part.y, part.width, part.height)
        .use_alpha(picture.has_alpha());
    Resizer::new()
        .resize(&from, &mut onto, &options)
        .map_err(ImageError::failed)?;
    Ok(out)
}

/// Where the part begins, if it is made of whole pixels that become as many.
fn whole_pixels(picture: &Picture, part: Rect, to: Size) -> Option<(u32, u32)> {
    let is_whole = |at: f64| (at - at.round()).abs() < 1e-6;
    let same = (part.width - f64::from(to.width())).abs() < 1e-6
        && (part.height - f64::from(to.height())).abs() < 1e-6;
    let (left, top) = (part.x.round().max(0.0), part.y.round().max(0.0));
    let fits = left + f64::from(to.width()) <= f64::from(picture.width)
        && top + f64::from(to.height()) <= f64::from(picture.height);
    (same && fits && is_whole(part.x) && is_whole(part.y)).then_some((left as u32, top as u32))
}

/// The part without what arithmetic let stand out by a hair.
fn within(part: Rect, picture: &Picture) -> Rect {
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let x = part.x.clamp(0.0, width - 1e-3);
    let y = part.y.clamp(0.0, height - 1e-3);
    Rect {
        x,
        y,
        width: part.width.min(width - x),
        height: part.height.min(height - y),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32) -> Picture {
        let mut picture = Picture::new(width, 8, Layout::Rgb).unwrap();
        let stride = picture.stride();
        for row in picture.pixels.chunks_exact_mut(stride) {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                pixel.fill(u8::try_from(x * 2).unwrap());
            }
        }
        picture
    }

    fn part(x: f64, width: f64) -> Rect {
        Rect {
            x,
            y: 0.0,
            width,
            height: 8.0,
        }
    }

    #[test]
    fn fractions_of_pixels_are_not_stretched() {
        // The middle of a part from 10.5 on is half a pixel to the right of that of a part from 10 on.
        let at = |x: f64| {
            let out = resize(ramp(100), part(x, 40.0), Size::new(10, 2).unwrap()).unwrap();
            out.pixels[5 * 3]
        };
        assert_eq!((at(10.0), at(10.5), at(11.0)), (63, 64, 65));
    }

    #[test]
    fn what_keeps_its_size_keeps_its_pixels() {
        let out = resize(ramp(100), part(10.0, 40.0), Size::new(40, 8).unwrap()).unwrap();
        assert_eq!((out.width, out.pixels[0]), (40, 20));
        assert_eq!(
            resize(ramp(9), part(0.0, 9.0), Size::new(9, 8).unwrap()).unwrap(),
            ramp(9)
        );
    }

    #[test]
    fn colours_of_transparent_pixels_do_not_bleed() {
        let mut picture = Picture::filled(8, 8, [0, 255, 0, 0]).unwrap();
        for pixel in picture.pixels.chunks_exact_mut(4).step_by(2) {
            pixel.copy_from_slice(&[255, 0, 0, 255]);
        }
        let whole = Rect {
            x: 0.0,
            y: 0.0,
            width: 8.0,
            height: 8.0,
        };
        let out = resize(picture, whole, Size::new(2, 2).unwrap()).unwrap();
        assert_eq!(out.pixels[..3], [255, 0, 0]);
    }
}
