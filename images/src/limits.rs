//! How much of everything there may be, so that no image costs more than was meant.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::ImageError;
use crate::error::Measure;

/// The longest side of a WebP image: its format has fourteen bits for it.
pub const WEBP_SIDE: u32 = 16383;

/// Bounds on what is read and made. All of them are held before a pixel is allocated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of a source, 20 MiB by default.
    pub bytes: usize,
    /// Pixels of a source, and of all frames of an animation together, 50 million by default.
    pub pixels: u64,
    /// The longer side of a source, and of what is made, 12,000 by default.
    pub side: u32,
    /// Frames of an animation, 256 by default.
    pub frames: u32,
    /// Pixels of what is made, of all its frames together, 25 million by default.
    pub output_pixels: u64,
    /// Pixels up to which AVIF is made, 4 million by default; beyond it would take too long.
    pub avif_pixels: u64,
    /// Scans of a JPEG, 100 by default: each costs a pass over the whole image, however few bytes it has.
    pub scans: u32,
    /// Bytes of a colour profile, 4 MiB by default.
    pub icc: usize,
    /// Bytes of EXIF that are looked at, 64 KiB by default.
    pub exif: usize,
    /// How long one image may take, ten seconds by default.
    pub time: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 20 << 20,
            pixels: 50_000_000,
            side: 12_000,
            frames: 256,
            output_pixels: 25_000_000,
            avif_pixels: 4_000_000,
            scans: 100,
            icc: 4 << 20,
            exif: 64 << 10,
            time: Duration::from_secs(10),
        }
    }
}

impl Limits {
    pub(crate) fn check_bytes(&self, bytes: usize) -> Result<(), ImageError> {
        at_most(Measure::Bytes, bytes as u64, self.bytes as u64)
    }

    /// The size that a header tells.
    pub(crate) fn check_source(&self, width: u32, height: u32) -> Result<(), ImageError> {
        if width == 0 || height == 0 {
            return Err(ImageError::broken("it has no width or no height"));
        }
        at_most(Measure::Side, width.max(height).into(), self.side.into())?;
        at_most(Measure::Pixels, area(width, height), self.pixels)
    }

    /// Frames and the pixels of them all, counted while they are found.
    pub(crate) fn check_frames(&self, frames: u32, pixels: u64) -> Result<(), ImageError> {
        at_most(Measure::Frames, frames.into(), self.frames.into())?;
        at_most(Measure::FramePixels, pixels, self.pixels)
    }

    /// Bytes of a result at most: more than its pixels have, no format makes of them.
    pub(crate) fn result_bytes(&self) -> usize {
        let pixels = usize::try_from(self.output_pixels).unwrap_or(usize::MAX);
        pixels.saturating_mul(5).saturating_add(1 << 20)
    }

    /// What to say when the time is over.
    pub(crate) fn over(&self) -> ImageError {
        ImageError::Deadline(u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX))
    }

    pub(crate) fn check_profile(&self, bytes: usize) -> Result<(), ImageError> {
        at_most(Measure::Profile, bytes as u64, self.icc as u64)
    }

    pub(crate) fn check_scans(&self, scans: u32) -> Result<(), ImageError> {
        at_most(Measure::Scans, scans.into(), self.scans.into())
    }

    /// What is to be made.
    pub(crate) fn check_output(
        &self,
        width: u32,
        height: u32,
        frames: u32,
    ) -> Result<(), ImageError> {
        at_most(
            Measure::ResultSide,
            width.max(height).into(),
            self.side.into(),
        )?;
        let all = area(width, height).saturating_mul(frames.max(1).into());
        at_most(Measure::ResultPixels, all, self.output_pixels)
    }

    pub(crate) fn deadline(&self) -> Deadline {
        Deadline {
            end: Instant::now() + self.time,
            time: self.time,
        }
    }
}

pub(crate) fn area(width: u32, height: u32) -> u64 {
    u64::from(width) * u64::from(height)
}

fn at_most(what: Measure, found: u64, limit: u64) -> Result<(), ImageError> {
    if found > limit {
        return Err(ImageError::TooLarge { what, found, limit });
    }
    Ok(())
}

/// When one image has to be ready. Looked at between its stages and its frames.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    end: Instant,
    time: Duration,
}

impl Deadline {
    pub(crate) fn check(&self) -> Result<(), ImageError> {
        if self.is_past() {
            let time = u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX);
            return Err(ImageError::Deadline(time));
        }
        Ok(())
    }

    pub(crate) fn is_past(&self) -> bool {
        Instant::now() >= self.end
    }
}
