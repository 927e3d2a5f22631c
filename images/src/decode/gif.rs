//! GIF: frames drawn over each other as each says how it is to be disposed of.

use gif::{ColorOutput, DecodeOptions, Decoder, DisposalMethod, MemoryLimit, Repeat};

use super::{Frame, Frames};
use crate::picture::{Layout, Picture};
use crate::{ImageError, Limits};

/// What browsers show for a hundredth of a second or less.
const SHORTEST: u32 = 20;
const INSTEAD: u32 = 100;

pub(super) struct Animation<'a> {
    decoder: Decoder<&'a [u8]>,
    canvas: Picture,
    /// What the last frame leaves to be done before the next one is drawn.
    left_over: LeftOver,
}

enum LeftOver {
    Nothing,
    Clear(Place),
    Restore(Picture),
}

/// Where a frame lies, as far as it lies on the canvas.
#[derive(Clone, Copy)]
struct Place {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl<'a> Animation<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: &Limits) -> Result<Self, ImageError> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        let limit = std::num::NonZeroU64::new(limits.pixels);
        options.set_memory_limit(limit.map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes));
        let decoder = options.read_info(bytes).map_err(broken)?;
        let (width, height) = (decoder.width().into(), decoder.height().into());
        Ok(Self {
            canvas: Picture::new(width, height, Layout::Rgba)?,
            decoder,
            left_over: LeftOver::Nothing,
        })
    }

    fn dispose(&mut self) {
        match std::mem::replace(&mut self.left_over, LeftOver::Nothing) {
            LeftOver::Nothing => {}
            LeftOver::Restore(before) => self.canvas = before,
            LeftOver::Clear(place) => {
                let stride = self.canvas.stride();
                for y in place.top..place.bottom {
                    let row = &mut self.canvas.pixels[y * stride..][..stride];
                    row[place.left * 4..place.right * 4].fill(0);
                }
            }
        }
    }
}

impl Frames for Animation<'_> {
    fn next(&mut self) -> Result<Option<Frame>, ImageError> {
        self.dispose();
        let Some(frame) = self.decoder.read_next_frame().map_err(broken)?.cloned() else {
            return Ok(None);
        };
        let place = Place {
            left: usize::from(frame.left).min(self.canvas.width as usize),
            top: usize::from(frame.top).min(self.canvas.height as usize),
            right: (usize::from(frame.left) + usize::from(frame.width))
                .min(self.canvas.width as usize),
            bottom: (usize::from(frame.top) + usize::from(frame.height))
                .min(self.canvas.height as usize),
        };
        self.left_over = match frame.dispose {
            DisposalMethod::Any | DisposalMethod::Keep => LeftOver::Nothing,
            DisposalMethod::Background => LeftOver::Clear(place),
            DisposalMethod::Previous => LeftOver::Restore(self.canvas.clone()),
        };
        let palette = frame.palette.as_deref();
        let palette = palette.or_else(|| self.decoder.global_palette());
        let palette = palette.ok_or_else(|| ImageError::broken("a frame has no colours"))?;
        draw(&mut self.canvas, &frame, place, palette);
        let delay = u32::from(frame.delay) * 10;
        Ok(Some(Frame {
            picture: self.canvas.clone(),
            delay: if delay < SHORTEST { INSTEAD } else { delay },
        }))
    }

    fn loops(&self) -> u16 {
        match self.decoder.repeat() {
            Repeat::Infinite => 0,
            // Shown once, and then so many times again.
            Repeat::Finite(times) => times.saturating_add(1),
        }
    }
}

fn draw(canvas: &mut Picture, frame: &gif::Frame<'_>, place: Place, palette: &[u8]) {
    let stride = canvas.stride();
    let width = usize::from(frame.width).max(1);
    let rows = frame.buffer.chunks_exact(width);
    for (y, indices) in (place.top..place.bottom).zip(rows) {
        let row = &mut canvas.pixels[y * stride..][..stride];
        let row = row[place.left * 4..place.right * 4].chunks_exact_mut(4);
        for (pixel, index) in row.zip(indices) {
            if frame.transparent == Some(*index) {
                continue;
            }
            // An index that the palette lacks is black, as browsers have it.
            let colour = palette
                .get(usize::from(*index) * 3..)
                .and_then(<[u8]>::first_chunk);
            let [red, green, blue] = *colour.unwrap_or(&[0; 3]);
            pixel.copy_from_slice(&[red, green, blue, 255]);
        }
    }
}

fn broken(error: gif::DecodingError) -> ImageError {
    ImageError::Broken(error.to_string())
}
