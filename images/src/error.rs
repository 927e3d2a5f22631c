//! Why an image could not be had.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Why an image could not be read, changed or written. Each kind has the number under which Cloudflare reports it.
#[derive(Debug, Clone, PartialEq, Eq, Error, Serialize, Deserialize)]
pub enum ImageError {
    /// The options are not what they can be.
    #[error("{0}")]
    Options(String),
    /// The bytes begin like no image that is read here.
    #[error("not a JPEG, PNG, GIF or WebP image")]
    NotAnImage,
    /// It is an image, of a kind that is not read here.
    #[error("{0}, which is not read here")]
    Unsupported(String),
    /// It begins like an image and is none, or ends too soon.
    #[error("broken image: {0}")]
    Broken(String),
    /// More than the limits let through.
    #[error("too large: {found} {what}, where {limit} is the limit")]
    TooLarge {
        /// What there is too much of.
        what: Measure,
        /// How much there is.
        found: u64,
        /// How much there may be.
        limit: u64,
    },
    /// It took longer than it may.
    #[error("it took longer than {0} ms")]
    Deadline(u64),
    /// Too many wait already, or it would need more memory than there is for images.
    #[error("too much is being made already")]
    Busy,
    /// What made it failed, through no fault of the image or of the options.
    #[error("{0}")]
    Failed(String),
}

impl ImageError {
    /// The number under which Cloudflare reports it.
    #[must_use]
    pub fn code(&self) -> u16 {
        match self {
            Self::Options(_) => 9401,
            Self::NotAnImage => 9412,
            Self::TooLarge {
                what: Measure::Pixels | Measure::FramePixels | Measure::Frames,
                ..
            } => 9413,
            Self::TooLarge { .. } => 9402,
            Self::Unsupported(_) | Self::Broken(_) => 9523,
            Self::Deadline(_) | Self::Busy | Self::Failed(_) => 9524,
        }
    }

    /// Whether the same image would fail again, so that the failure may be remembered.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        !matches!(self, Self::Deadline(_) | Self::Busy | Self::Failed(_))
    }

    pub(crate) fn broken(why: impl Into<String>) -> Self {
        Self::Broken(why.into())
    }

    pub(crate) fn failed(why: impl ToString) -> Self {
        Self::Failed(why.to_string())
    }
}

/// What there can be too much of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Measure {
    /// Bytes of a source.
    Bytes,
    /// The longer side of a source.
    Side,
    /// Pixels of a source.
    Pixels,
    /// Frames of an animation.
    Frames,
    /// Pixels of all its frames together.
    FramePixels,
    /// Bytes of a colour profile.
    Profile,
    /// Scans of a JPEG.
    Scans,
    /// The longer side of a result.
    ResultSide,
    /// Pixels of a result.
    ResultPixels,
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bytes => "bytes",
            Self::Side => "pixels a side",
            Self::Pixels => "pixels",
            Self::Frames => "frames",
            Self::FramePixels => "pixels of all frames",
            Self::Profile => "bytes of colour profile",
            Self::Scans => "scans",
            Self::ResultSide => "pixels a side of what is made",
            Self::ResultPixels => "pixels of what is made",
        })
    }
}
