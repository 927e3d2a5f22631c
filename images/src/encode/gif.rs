//! GIF: a palette a frame, and of each frame only what differs from the one before.

use gif::{DisposalMethod, Encoder, Frame, Repeat};

use super::palette::indexed;
use crate::ImageError;
use crate::picture::Picture;

/// An animation. A frame waits for the next one, which decides how it is disposed of.
pub(crate) struct Animation {
    encoder: Encoder<Vec<u8>>,
    waiting: Option<Waiting>,
}

struct Waiting {
    picture: Picture,
    frame: Frame<'static>,
    is_whole: bool,
}

impl Animation {
    /// `loops` is how often it is shown, 0 is without end; none for what does not move.
    pub(super) fn new(width: u32, height: u32, loops: Option<u16>) -> Result<Self, ImageError> {
        let side = |side: u32| u16::try_from(side).map_err(ImageError::failed);
        let (width, height) = (side(width)?, side(height)?);
        let mut encoder =
            Encoder::new(Vec::new(), width, height, &[]).map_err(ImageError::failed)?;
        let repeat = match loops {
            None | Some(1) => None,
            Some(0) => Some(Repeat::Infinite),
            Some(times) => Some(Repeat::Finite(times - 1)),
        };
        if let Some(repeat) = repeat {
            encoder.set_repeat(repeat).map_err(ImageError::failed)?;
        }
        Ok(Self {
            encoder,
            waiting: None,
        })
    }

    pub(super) fn add(&mut self, picture: Picture, delay: u32) -> Result<(), ImageError> {
        let before = match self.waiting.take() {
            None => None,
            Some(mut waiting) => {
                let uncovers = uncovers(&waiting.picture, &picture);
                if uncovers {
                    // What is cleared is the frame's own place, which then has to be all of it.
                    if !waiting.is_whole {
                        let delay = waiting.frame.delay;
                        waiting.frame = frame(&waiting.picture, None, delay)?.0;
                    }
                    waiting.frame.dispose = DisposalMethod::Background;
                }
                self.write(&waiting.frame)?;
                (!uncovers).then_some(waiting.picture)
            }
        };
        let delay = u16::try_from((delay + 5) / 10).unwrap_or(u16::MAX);
        let (frame, is_whole) = frame(&picture, before.as_ref(), delay)?;
        self.waiting = Some(Waiting {
            picture,
            frame,
            is_whole,
        });
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<u8>, ImageError> {
        if let Some(waiting) = self.waiting.take() {
            self.write(&waiting.frame)?;
        }
        self.encoder.into_inner().map_err(ImageError::failed)
    }

    fn write(&mut self, frame: &Frame<'_>) -> Result<(), ImageError> {
        self.encoder.write_frame(frame).map_err(ImageError::failed)
    }
}

fn is_clear(pixel: &[u8]) -> bool {
    pixel.get(3).is_some_and(|alpha| *alpha < 128)
}

/// Whether a pixel that is seen is not in the next frame.
fn uncovers(before: &Picture, next: &Picture) -> bool {
    if !next.has_alpha() {
        return false;
    }
    let before = before.pixels.chunks_exact(before.layout.channels());
    before
        .zip(next.pixels.chunks_exact(4))
        .any(|(before, next)| is_clear(next) && !is_clear(before))
}

/// A frame that is drawn over another, and whether it covers all of it.
fn frame(
    picture: &Picture,
    before: Option<&Picture>,
    delay: u16,
) -> Result<(Frame<'static>, bool), ImageError> {
    let before = before.filter(|before| before.layout == picture.layout);
    let place = before.map_or_else(
        || Place::whole(picture),
        |before| Place::changed(before, picture),
    );
    let is_whole = place == Place::whole(picture);
    let Place {
        left,
        top,
        width,
        height,
    } = place;
    let mut part = picture.part(left, top, width, height)?;
    if let Some(before) = before {
        part = part.into_rgba();
        clear_what_stays(&mut part, &before.part(left, top, width, height)?);
    }
    let reduced = indexed(&part, 256)?;
    let side = |side: u32| u16::try_from(side).map_err(ImageError::failed);
    let frame = Frame {
        delay,
        transparent: reduced.transparent,
        left: side(left)?,
        top: side(top)?,
        width: side(part.width)?,
        height: side(part.height)?,
        palette: Some(reduced.palette),
        buffer: reduced.indices.into(),
        ..Frame::default()
    };
    Ok((frame, is_whole))
}

/// A part of the canvas.
#[derive(PartialEq, Eq)]
struct Place {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Place {
    fn whole(picture: &Picture) -> Self {
        Self {
            left: 0,
            top: 0,
            width: picture.width,
            height: picture.height,
        }
    }

    /// What differs between two frames, at least one pixel.
    fn changed(before: &Picture, picture: &Picture) -> Self {
        let channels = picture.layout.channels();
        let mut rows = before.rows().zip(picture.rows());
        let differs = |(before, now): (&[u8], &[u8])| before != now;
        let Some(top) = rows.position(differs) else {
            return Self {
                left: 0,
                top: 0,
                width: 1,
                height: 1,
            };
        };
        let mut rows = before.rows().zip(picture.rows());
        let last = rows.rposition(differs).unwrap_or(top);
        let (mut left, mut right) = (picture.width as usize, 0);
        let rows = before.rows().zip(picture.rows());
        for (before, now) in rows.skip(top).take(last + 1 - top) {
            let pixels = || {
                before
                    .chunks_exact(channels)
                    .zip(now.chunks_exact(channels))
            };
            if let Some(first) = pixels().position(differs) {
                left = left.min(first);
                right = right.max(pixels().rposition(differs).unwrap_or(first) + 1);
            }
        }
        Self {
            left: left as u32,
            top: top as u32,
            width: (right - left) as u32,
            height: (last + 1 - top) as u32,
        }
    }
}

/// Pixels that are as they were need not be drawn: the same number for all of them makes long repetitions.
fn clear_what_stays(part: &mut Picture, before: &Picture) {
    let before = before.pixels.chunks_exact(before.layout.channels());
    for (now, before) in part.pixels.chunks_exact_mut(4).zip(before) {
        if now[..3] == before[..3] && before.get(3).is_none_or(|alpha| *alpha == now[3]) {
            now[3] = 0;
        }
    }
}
