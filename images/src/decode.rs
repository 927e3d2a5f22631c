//! From a file's bytes to pixels.

mod gif;
mod jpeg;
mod png;
pub(crate) mod shrunk;
mod webp;

pub(crate) use jpeg::{guarded, on_error};

use crate::geometry::Rect;
use crate::limits::Deadline;
use crate::picture::Picture;
use crate::{ImageError, Info, Kind, Limits};

/// A picture that was decoded, perhaps smaller than it is in its file.
pub(crate) struct Decoded {
    pub(crate) picture: Picture,
    /// How many of these pixels are one pixel of the file, across and down, at most 1. Of 2725 pixels at a half there are 1362.5: the last
    /// of the 1363 that were decoded reaches beyond the picture, and whoever takes them for all of it stretches it.
    pub(crate) scale: (f64, f64),
}

impl Decoded {
    /// All of its pixels are those of the file.
    pub(crate) fn whole(picture: Picture) -> Self {
        Self {
            picture,
            scale: (1.0, 1.0),
        }
    }

    /// Where a part of the file is in this picture.
    pub(crate) fn scaled(&self, part: Rect) -> Rect {
        Rect {
            x: part.x * self.scale.0,
            y: part.y * self.scale.1,
            width: part.width * self.scale.0,
            height: part.height * self.scale.1,
        }
    }
}

/// A frame of an animation, with those before it under it.
pub(crate) struct Frame {
    pub(crate) picture: Picture,
    /// How long it is seen, in milliseconds.
    pub(crate) delay: u32,
}

/// The frames of an animation, one after the other.
pub(crate) trait Frames {
    /// The next frame, if there is one.
    fn next(&mut self) -> Result<Option<Frame>, ImageError>;
    /// How often all of them are shown; 0 is without end.
    fn loops(&self) -> u16;
}

/// Decodes a picture, or an animation's first frame. `shrink` is how much smaller it may become on the way, since it
/// will be made smaller anyway: JPEG can leave out the work for what would be thrown away.
pub(crate) fn still(
    bytes: &[u8],
    info: &Info,
    shrink: f64,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Decoded, ImageError> {
    match info.kind {
        Kind::Jpeg => {
            if info.plain
                && let Some(decoded) = shrunk::decode(bytes, shrink, deadline)?
            {
                return Ok(decoded);
            }
            by_libjpeg(bytes, info, shrink, limits, deadline)
        }
        Kind::Png => png::decode(bytes, limits).map(Decoded::whole),
        Kind::Webp if !webp::is_animation(bytes) => webp::decode(bytes, info, shrink),
        Kind::Gif | Kind::Webp => {
            let mut frames = animation(bytes, info, limits)?;
            let first = frames.next()?;
            let first = first.ok_or_else(|| ImageError::broken("it has no picture"))?;
            Ok(Decoded::whole(first.picture))
        }
    }
}

/// A JPEG of any kind.
pub(crate) fn by_libjpeg(
    bytes: &[u8],
    info: &Info,
    shrink: f64,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Decoded, ImageError> {
    let shrink = jpeg::Shrink::at_most(shrink);
    let mut decoded = jpeg::decode(bytes, shrink, limits, deadline)?;
    if info.inks && !info.inverted {
        decoded.picture.invert();
    }
    Ok(decoded)
}

/// How much smaller a picture becomes while it is decoded, if it may become smaller by `shrink`.
pub(crate) fn shrink(info: &Info, shrink: f64) -> f64 {
    match info.kind {
        Kind::Jpeg if info.plain => shrunk::side(shrink).map_or(1.0, |side| 8.0 / side as f64),
        Kind::Jpeg => f64::from(jpeg::Shrink::at_most(shrink) as u8),
        Kind::Webp if info.frames == 1 && shrink >= webp::AVERAGED => shrink,
        Kind::Webp | Kind::Png | Kind::Gif => 1.0,
    }
}

/// Decodes an animation, a frame at a time.
pub(crate) fn animation<'a>(
    bytes: &'a [u8],
    info: &Info,
    limits: &Limits,
) -> Result<Box<dyn Frames + 'a>, ImageError> {
    Ok(match info.kind {
        Kind::Gif => Box::new(gif::Animation::new(bytes, limits)?),
        Kind::Webp => Box::new(webp::Animation::new(bytes, info)?),
        Kind::Jpeg | Kind::Png => return Err(ImageError::failed("it does not move")),
    })
}

#[cfg(test)]
mod tests;
