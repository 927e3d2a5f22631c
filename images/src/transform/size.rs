//! How large the picture becomes, and which part of it is seen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::{Thousandths, value, whole, words};

/// A width or height in pixels, at least 1 and at most 65,535, which is what a JPEG can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Pixels(u32);

impl Pixels {
    /// The most that any format can have.
    pub const MOST: u32 = 65_535;

    /// So many pixels, if that is a width or height.
    pub const fn new(pixels: u32) -> Option<Self> {
        if pixels == 0 || pixels > Self::MOST {
            None
        } else {
            Some(Self(pixels))
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Multiplied, at least 1; none when it is more than any format can have.
    pub(crate) fn times(self, factor: f64) -> Option<Self> {
        let pixels = (f64::from(self.0) * factor).round().max(1.0);
        (pixels <= f64::from(Self::MOST)).then_some(Self(pixels as u32))
    }
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Pixels,
    |text| whole(text, 1, Self::MOST).map(Self),
    "a number of pixels from 1 to 65535"
);

/// A width that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Width {
    /// What the client's hints say; without hints the picture keeps its width.
    Auto,
    /// So many pixels of the page, which `dpr` multiplies.
    Pixels(Pixels),
}

impl fmt::Display for Width {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Pixels(pixels) => pixels.fmt(f),
        }
    }
}

value!(
    Width,
    |text| if text == "auto" {
        Some(Self::Auto)
    } else {
        text.parse().ok().map(Self::Pixels)
    },
    "`auto` or a number of pixels from 1 to 65535"
);

/// How many pixels of the device a pixel of the page has: 0.1 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dpr(Thousandths);

impl Dpr {
    /// A device whose pixels are those of the page.
    pub const ONE: Self = Self(Thousandths::ONE);

    /// 5, more than any device has that is sold.
    pub const LARGE: Self = Self(Thousandths::new(5000));

    /// The ratio.
    pub fn get(self) -> f64 {
        self.0.get()
    }
}

impl fmt::Display for Dpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Dpr,
    |text| Thousandths::read(text, 10_000)
        .filter(|ratio| ratio.thousandths() >= 100)
        .map(Self),
    "a ratio from 0.1 to 10"
);

/// How a picture is brought into the width and height that were asked for. With one of the two, all but `squeeze`
/// follow the picture's own shape, and so does `squeeze`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fit {
    /// Whole, within the box, never enlarged.
    #[default]
    ScaleDown,
    /// Whole, as large as the box allows.
    Contain,
    /// Exactly the box; what hangs over is cut off.
    Cover,
    /// As `cover`, never enlarged: of a picture that is smaller, what lies within the box.
    Crop,
    /// Always of the box's shape, never enlarged: of a picture that is smaller, the largest part of that shape.
    AspectCrop,
    /// As `contain`, with a background up to the box.
    Pad,
    /// Exactly the box, distorted.
    Squeeze,
}

words!(
    Fit,
    "a way to fit: scale-down, contain, cover, crop, aspect-crop, pad or squeeze",
    "scale-down" => ScaleDown,
    "contain" => Contain,
    "cover" => Cover,
    "crop" => Crop,
    "aspect-crop" => AspectCrop,
    "pad" => Pad,
    "squeeze" => Squeeze,
);

/// A point of a picture, as shares of its width and height from the top left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Point {
    /// From the left, 0 to 1.
    pub x: Thousandths,
    /// From the top, 0 to 1.
    pub y: Thousandths,
}

impl Point {
    /// The middle.
    pub const CENTRE: Self = Self::new(500, 500);

    const fn new(x: u32, y: u32) -> Self {
        Self {
            x: Thousandths::new(x),
            y: Thousandths::new(y),
        }
    }
}

/// What a crop keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Gravity {
    /// What draws attention: decided by the pixels.
    Auto,
    /// Faces. Whoever can't find faces takes it as `Auto`.
    Face,
    /// The point of the picture that lies at the same shares of what is left of it: 0x0 keeps the top left corner.
    Point(Point),
}

impl Default for Gravity {
    fn default() -> Self {
        Self::Point(Point::CENTRE)
    }
}

impl fmt::Display for Gravity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Face => f.write_str("face"),
            Self::Point(Point { x, y }) => write!(f, "{x}x{y}"),
        }
    }
}

value!(
    Gravity,
    |text| Some(match text {
        "auto" => Self::Auto,
        "face" => Self::Face,
        "center" | "centre" => Self::default(),
        "left" => Self::Point(Point::new(0, 500)),
        "right" => Self::Point(Point::new(1000, 500)),
        "top" => Self::Point(Point::new(500, 0)),
        "bottom" => Self::Point(Point::new(500, 1000)),
        "top-left" => Self::Point(Point::new(0, 0)),
        "top-right" => Self::Point(Point::new(1000, 0)),
        "bottom-left" => Self::Point(Point::new(0, 1000)),
        "bottom-right" => Self::Point(Point::new(1000, 1000)),
        point => {
            let (x, y) = point.split_once('x')?;
            Self::Point(Point {
                x: Thousandths::read(x, 1000)?,
                y: Thousandths::read(y, 1000)?,
            })
        }
    }),
    "a gravity: auto, face, left, right, top, bottom, center, a corner as `top-left`, or shares as `0.5x0.33`"
);

/// How closely faces are cropped: 0 keeps as much around them as there is room, 1 little but them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Zoom(Share);

impl Zoom {
    /// 0 to 1.
    pub fn get(self) -> f64 {
        self.0.get()
    }
}

impl fmt::Display for Zoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Zoom,
    |text| text.parse().ok().map(Self),
    "a number from 0 to 1"
);

/// A share of something: 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Share(Thousandths);

impl Share {
    /// All of it.
    pub const ALL: Self = Self(Thousandths::ONE);

    /// 0 to 1.
    pub fn get(self) -> f64 {
        self.0.get()
    }
}

impl Default for Share {
    fn default() -> Self {
        Self(Thousandths::new(0))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Share,
    |text| Thousandths::read(text, 1000).map(Self),
    "a number from 0 to 1"
);

/// By how much the picture is turned, clockwise, after it was flipped. Width and height are those afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rotate {
    /// Not at all.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

words!(
    Rotate,
    "a turn clockwise: 90, 180, 270 or 0",
    "0" => None,
    "90" => Quarter,
    "180" => Half,
    "270" => ThreeQuarters,
);

impl Rotate {
    /// Whether width and height change places.
    pub fn turns_sides(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }

    fn and_half(self) -> Self {
        match self {
            Self::None => Self::Half,
            Self::Quarter => Self::ThreeQuarters,
            Self::Half => Self::None,
            Self::ThreeQuarters => Self::Quarter,
        }
    }
}

/// How the picture is mirrored, before it is turned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Flip {
    /// Not at all.
    #[default]
    None,
    /// Left and right change places.
    Horizontal,
    /// Top and bottom change places.
    Vertical,
    /// Both.
    Both,
}

impl Flip {
    /// Whether left and right change places.
    pub fn is_horizontal(self) -> bool {
        matches!(self, Self::Horizontal | Self::Both)
    }

    /// Whether top and bottom change places.
    pub fn is_vertical(self) -> bool {
        matches!(self, Self::Vertical | Self::Both)
    }

    /// The same with at most left and right changing places: to mirror top and bottom is to mirror left and right, then
    /// to turn by half. So each of the eight ways has one form.
    pub(super) fn and_turn(self, rotate: Rotate) -> (Self, Rotate) {
        match self {
            Self::None | Self::Horizontal => (self, rotate),
            Self::Vertical => (Self::Horizontal, rotate.and_half()),
            Self::Both => (Self::None, rotate.and_half()),
        }
    }
}

impl fmt::Display for Flip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Horizontal => "h",
            Self::Vertical => "v",
            Self::Both => "hv",
        })
    }
}

value!(
    Flip,
    |text| Some(match text {
        "none" => Self::None,
        "h" => Self::Horizontal,
        "v" => Self::Vertical,
        "hv" | "vh" => Self::Both,
        _ => return None,
    }),
    "a way to flip: h, v or hv"
);
