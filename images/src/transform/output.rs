//! How the result is written.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::{value, whole, words};

/// A format that results are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Format {
    /// AVIF, made of AV1.
    Avif,
    /// WebP.
    Webp,
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// GIF.
    Gif,
}

words!(
    Format,
    "a format: avif, webp, jpeg, png or gif",
    "avif" => Avif,
    "webp" => Webp,
    "jpeg" => Jpeg,
    "png" => Png,
    "gif" => Gif,
);

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Avif => "image/avif",
            Self::Webp => "image/webp",
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
        }
    }
}

/// Which format is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FormatChoice {
    /// What suits the source: JPEG, or PNG if it may be transparent, or its own if it moves.
    #[default]
    Source,
    /// The smallest that the client takes.
    Auto,
    /// A description of the source and the result instead of the result.
    Json,
    /// This one; a picture that it can't hold is written in the next that can.
    Only(Format),
}

/// How good the result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Quality {
    /// 1 to 100, on the scale of JPEG encoders.
    Fixed(Percent),
    /// A level as the eye has it, whatever the format.
    Level(Level),
    /// The smallest file that the eye can't tell from a better one.
    Auto,
}

impl Quality {
    /// What is taken when nothing is asked for.
    pub const DEFAULT: Self = Self::Fixed(Percent(85));
}

impl fmt::Display for Quality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(percent) => percent.get().fmt(f),
            Self::Level(level) => level.fmt(f),
            Self::Auto => f.write_str("auto"),
        }
    }
}

value!(
    Quality,
    |text| Some(match text {
        "auto" => Self::Auto,
        _ => match text.parse() {
            Ok(level) => Self::Level(level),
            Err(_) => Self::Fixed(Percent(whole(text, 1, 100)? as u8)),
        },
    }),
    "a quality: 1 to 100, high, medium-high, medium-low, low or auto"
);

/// 1 to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Percent(u8);

impl Percent {
    /// If it is 1 to 100.
    pub const fn new(percent: u8) -> Option<Self> {
        if percent == 0 || percent > 100 {
            None
        } else {
            Some(Self(percent))
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }
}

/// The levels that have names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Level {
    /// Nobody sees a difference.
    High,
    /// Hardly anybody does.
    MediumHigh,
    /// One can see it.
    MediumLow,
    /// Small files first.
    Low,
}

words!(
    Level,
    "a level: high, medium-high, medium-low or low",
    "high" => High,
    "medium-high" => MediumHigh,
    "medium-low" => MediumLow,
    "low" => Low,
);

/// What is kept of what stands beside the picture in a JPEG. Other formats keep nothing. Orientation and colour
/// profile are applied in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Metadata {
    /// Whose it is.
    #[default]
    Copyright,
    /// All of it but what no longer holds, the place included.
    Keep,
    /// Nothing.
    None,
}

words!(
    Metadata,
    "a choice of metadata: copyright, keep or none",
    "copyright" => Copyright,
    "keep" => Keep,
    "none" => None,
);

/// How much work goes into small files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Compression {
    /// As the format's settings have it.
    #[default]
    Usual,
    /// As little as possible.
    Fast,
}

words!(Compression, "a compression: fast or usual", "usual" => Usual, "fast" => Fast);

/// What happens when there is no result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OnError {
    /// What the route says.
    #[default]
    Route,
    /// The client is sent to the source.
    Redirect,
}

words!(OnError, "what happens on errors: redirect or route", "route" => Route, "redirect" => Redirect);

/// What a picture is reduced to. It takes a model, so that it is accepted and not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// Without what is behind.
    Foreground,
}

words!(Segment, "`foreground`", "foreground" => Foreground);

/// How a picture is enlarged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Upscale {
    /// From what there is.
    Interpolate,
    /// By inventing details. It takes a model, so that it is accepted and not done.
    Generate,
}

words!(Upscale, "a way to enlarge: interpolate or generate", "interpolate" => Interpolate, "generate" => Generate);
