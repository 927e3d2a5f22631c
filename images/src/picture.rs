//! Pixels, in the three layouts that are worked with.

use crate::ImageError;
use crate::limits::area;
use crate::turn::Turn;

/// What the bytes of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Red, green, blue.
    Rgb,
    /// Red, green, blue and alpha, which is not multiplied into the colours.
    Rgba,
    /// Cyan, magenta, yellow and black, where 255 is no ink, as in JPEGs of Adobe's.
    Cmyk,
}

impl Layout {
    pub(crate) fn channels(self) -> usize {
        match self {
            Self::Rgb => 3,
            Self::Rgba | Self::Cmyk => 4,
        }
    }
}

/// A picture in memory, row by row without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Picture {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) layout: Layout,
    pub(crate) pixels: Vec<u8>,
}

impl Picture {
    /// A picture of zeros.
    pub(crate) fn new(width: u32, height: u32, layout: Layout) -> Result<Self, ImageError> {
        let length = usize::try_from(area(width, height) * layout.channels() as u64);
        let length = length.map_err(ImageError::failed)?;
        Ok(Self {
            width,
            height,
            layout,
            pixels: vec![0; length],
        })
    }

    /// A picture of one colour.
    pub(crate) fn filled(width: u32, height: u32, colour: [u8; 4]) -> Result<Self, ImageError> {
        let layout = if colour[3] == 255 {
            Layout::Rgb
        } else {
            Layout::Rgba
        };
        let mut picture = Self::new(width, height, layout)?;
        for pixel in picture.pixels.chunks_exact_mut(layout.channels()) {
            for (to, from) in pixel.iter_mut().zip(colour) {
                *to = from;
            }
        }
        Ok(picture)
    }

    /// Takes every byte from 255.
    pub(crate) fn invert(&mut self) {
        for byte in &mut self.pixels {
            *byte = 255 - *byte;
        }
    }

    /// Bytes of a row.
    pub(crate) fn stride(&self) -> usize {
        self.width as usize * self.layout.channels()
    }

    pub(crate) fn rows(&self) -> std::slice::ChunksExact<'_, u8> {
        self.pixels.chunks_exact(self.stride())
    }

    pub(crate) fn has_alpha(&self) -> bool {
        self.layout == Layout::Rgba
    }

    /// With an alpha channel, if it has none.
    pub(crate) fn into_rgba(self) -> Self {
        if self.layout != Layout::Rgb {
            return self;
        }
        let mut pixels = Vec::with_capacity(self.pixels.len() / 3 * 4);
        for pixel in self.pixels.chunks_exact(3) {
            pixels.extend_from_slice(pixel);
            pixels.push(255);
        }
        Self {
            layout: Layout::Rgba,
            pixels,
            ..self
        }
    }

    /// Without its alpha channel, if every pixel is opaque.
    pub(crate) fn without_idle_alpha(self) -> Self {
        let is_opaque = || self.pixels.chunks_exact(4).all(|pixel| pixel[3] == 255);
        if self.layout != Layout::Rgba || !is_opaque() {
            return self;
        }
        self.drop_alpha()
    }

    /// On a ground of one colour, where it is transparent.
    pub(crate) fn flatten(mut self, ground: [u8; 3]) -> Self {
        if self.layout != Layout::Rgba {
            return self;
        }
        for pixel in self.pixels.chunks_exact_mut(4) {
            let alpha = u32::from(pixel[3]);
            if alpha == 255 {
                continue;
            }
            for (over, under) in pixel.iter_mut().zip(ground) {
                *over = mix(*over, under, alpha);
            }
        }
        self.drop_alpha()
    }

    fn drop_alpha(mut self) -> Self {
        let count = self.pixels.len() / 4;
        for at in 0..count {
            self.pixels.copy_within(at * 4..at * 4 + 3, at * 3);
        }
        self.pixels.truncate(count * 3);
        self.layout = Layout::Rgb;
        self
    }

    /// Turned and mirrored.
    pub(crate) fn turned(self, turn: Turn) -> Result<Self, ImageError> {
        let mut picture = if turn.swaps_axes {
            self.transpose()?
        } else {
            self
        };
        if turn.across {
            picture.flip_horizontal();
        }
        if turn.down {
            picture.flip_vertical();
        }
        Ok(picture)
    }

    fn flip_horizontal(&mut self) {
        let (stride, channels) = (self.stride(), self.layout.channels());
        for row in self.pixels.chunks_exact_mut(stride) {
            let (mut left, mut right) = (0, row.len() - channels);
            while left < right {
                for channel in 0..channels {
                    row.swap(left + channel, right + channel);
                }
                left += channels;
                right -= channels;
            }
        }
    }

    fn flip_vertical(&mut self) {
        let (stride, height) = (self.stride(), self.height as usize);
        for row in 0..height / 2 {
            let (upper, lower) = self.pixels.split_at_mut((height - 1 - row) * stride);
            upper[row * stride..][..stride].swap_with_slice(&mut lower[..stride]);
        }
    }

    /// Rows become columns. In tiles, so that what is read and what is written stay near each other.
    fn transpose(self) -> Result<Self, ImageError> {
        const TILE: usize = 32;
        let mut out = Self::new(self.height, self.width, self.layout)?;
        let (width, height) = (self.width as usize, self.height as usize);
        let channels = self.layout.channels();
        for top in (0..height).step_by(TILE) {
            for left in (0..width).step_by(TILE) {
                for y in top..(top + TILE).min(height) {
                    for x in left..(left + TILE).min(width) {
                        let from = (y * width + x) * channels;
                        let to = (x * height + y) * channels;
                        out.pixels[to..to + channels]
                            .copy_from_slice(&self.pixels[from..from + channels]);
                    }
                }
            }
        }
        Ok(out)
    }

    /// The part that begins at a point; as much of it as there is.
    pub(crate) fn part(
        &self,
        left: u32,
        top: u32,
        width: u32,
        height: u32,
    ) -> Result<Self, ImageError> {
        let width = width.min(self.width.saturating_sub(left)).max(1);
        let height = height.min(self.height.saturating_sub(top)).max(1);
        let (left, top) = (left.min(self.width - 1), top.min(self.height - 1));
        let mut out = Self::new(width, height, self.layout)?;
        let (from, stride) = (left as usize * self.layout.channels(), out.stride());
        let rows = self.rows().skip(top as usize);
        for (to, row) in out.pixels.chunks_exact_mut(stride).zip(rows) {
            to.copy_from_slice(&row[from..from + stride]);
        }
        Ok(out)
    }

    /// Makes a part of it transparent, whose upper left corner is within it.
    pub(crate) fn clear(&mut self, left: i64, top: i64, width: u32, height: u32) {
        let at = |at: i64| usize::try_from(at).unwrap_or(0);
        let (left, stride) = (at(left) * 4, self.stride());
        let right = (left + width as usize * 4).min(stride);
        let rows = self.pixels.chunks_exact_mut(stride);
        for row in rows.skip(at(top)).take(height as usize) {
            row[left.min(right)..right].fill(0);
        }
    }

    /// Draws another one over it, whose upper left corner is at a point that may lie outside.
    pub(crate) fn draw(&mut self, other: &Self, left: i64, top: i64, opacity: f32) {
        let (channels, from_channels) = (self.layout.channels(), other.layout.channels());
        let (stride, alpha_at) = (self.stride(), self.has_alpha());
        let skip = usize::try_from(-left.min(0)).unwrap_or(usize::MAX);
        let start = usize::try_from(left.max(0)).unwrap_or(usize::MAX);
        let opacity = (opacity.clamp(0.0, 1.0) * 256.0) as u32;
        for (y, row) in other.rows().enumerate() {
            let Some(to) = usize::try_from(top + y as i64)
                .ok()
                .filter(|y| *y < self.height as usize)
                .and_then(|y| self.pixels.get_mut(y * stride..(y + 1) * stride))
            else {
                continue;
            };
            let to = to.chunks_exact_mut(channels).skip(start);
            for (under, over) in to.zip(row.chunks_exact(from_channels).skip(skip)) {
                let alpha = over.get(3).map_or(255, |alpha| u32::from(*alpha));
                let alpha = if from_channels == 3 { 255 } else { alpha } * opacity / 256;
                blend(under, over, alpha, alpha_at);
            }
        }
    }
}

/// One colour over another.
fn mix(over: u8, under: u8, alpha: u32) -> u8 {
    let sum = u32::from(over) * alpha + u32::from(under) * (255 - alpha);
    // Divides by 255 and rounds.
    let sum = sum + 128;
    u8::try_from((sum + (sum >> 8)) >> 8).unwrap_or(255)
}

/// One pixel over another, which may be transparent itself.
fn blend(under: &mut [u8], over: &[u8], alpha: u32, has_alpha: bool) {
    if alpha == 0 {
        return;
    }
    if !has_alpha || under[3] == 255 || alpha == 255 {
        for (under, over) in under.iter_mut().zip(over).take(3) {
            *under = mix(*over, *under, alpha);
        }
        if has_alpha && alpha == 255 {
            under[3] = 255;
        }
        return;
    }
    let below = u32::from(under[3]) * (255 - alpha);
    let whole = alpha * 255 + below;
    for (under, over) in under.iter_mut().zip(over).take(3) {
        let sum = u32::from(*over) * alpha * 255 + u32::from(*under) * below;
        *under = u8::try_from((sum + whole / 2) / whole).unwrap_or(255);
    }
    under[3] = u8::try_from((whole + 127) / 255).unwrap_or(255);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Orientation;

    /// Two rows of three pixels, whose red tells them apart.
    fn six() -> Picture {
        let mut picture = Picture::new(3, 2, Layout::Rgb).unwrap();
        for (number, pixel) in (1..).zip(picture.pixels.chunks_exact_mut(3)) {
            pixel[0] = number;
        }
        picture
    }

    fn reds(picture: &Picture) -> Vec<Vec<u8>> {
        let channels = picture.layout.channels();
        let row = |row: &[u8]| row.chunks_exact(channels).map(|pixel| pixel[0]).collect();
        picture.rows().map(row).collect()
    }

    #[test]
    fn a_picture_is_turned_as_exif_says() {
        for (number, expected) in [
            (1, [&[1, 2, 3][..], &[4, 5, 6]].as_slice()),
            (2, &[&[3, 2, 1], &[6, 5, 4]]),
            (3, &[&[6, 5, 4], &[3, 2, 1]]),
            (4, &[&[4, 5, 6], &[1, 2, 3]]),
            (5, &[&[1, 4], &[2, 5], &[3, 6]]),
            (6, &[&[4, 1], &[5, 2], &[6, 3]]),
            (7, &[&[6, 3], &[5, 2], &[4, 1]]),
            (8, &[&[3, 6], &[2, 5], &[1, 4]]),
        ] {
            let turned = six().turned(Orientation::from_exif(number).into()).unwrap();
            assert_eq!(reds(&turned), expected, "{number}");
        }
    }

    #[test]
    fn a_part_is_as_much_as_there_is() {
        assert_eq!(reds(&six().part(1, 1, 2, 1).unwrap()), [[5, 6]]);
        assert_eq!(reds(&six().part(2, 0, 9, 9).unwrap()), [[3], [6]]);
    }

    #[test]
    fn what_is_drawn_over_is_blended_and_clipped() {
        let mut ground = Picture::filled(2, 1, [100, 100, 100, 255]).unwrap();
        let half = Picture::filled(3, 3, [200, 0, 0, 128]).unwrap();
        ground.draw(&half, 1, -1, 1.0);
        assert_eq!(ground.pixels, [100, 100, 100, 150, 50, 50]);
        let mut clear = Picture::new(1, 1, Layout::Rgba).unwrap();
        clear.draw(&half, -2, 0, 1.0);
        assert_eq!(clear.pixels, [200, 0, 0, 128]);
        clear.draw(&six(), 0, 0, 1.0);
        assert_eq!(clear.pixels, [1, 0, 0, 255]);
    }

    #[test]
    fn alpha_goes_when_it_does_nothing_or_has_a_ground() {
        let clear = Picture::filled(1, 1, [0, 0, 0, 0]).unwrap();
        assert_eq!(clear.clone().without_idle_alpha(), clear);
        assert_eq!(clear.flatten([1, 2, 3]).pixels, [1, 2, 3]);
        let opaque = six().into_rgba();
        assert_eq!(opaque.without_idle_alpha(), six());
    }
}
