//! What is cut off at the edges before, and added afterwards.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Colour;
use super::number::{Thousandths, Wrong, value, whole};

/// A length along a side: so many pixels, or a share of the side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Length {
    /// Pixels, multiplied by `dpr`.
    Pixels(u32),
    /// A share, below 1.
    Share(Thousandths),
}

impl Length {
    /// The length on a side of `side` pixels, at most all of it.
    pub fn of(self, side: u32) -> u32 {
        match self {
            Self::Pixels(pixels) => pixels.min(side),
            Self::Share(share) => (f64::from(side) * share.get()).round() as u32,
        }
    }

    fn times(self, factor: f64) -> Self {
        match self {
            Self::Pixels(pixels) => Self::Pixels(times(pixels, factor)),
            share => share,
        }
    }
}

impl Default for Length {
    fn default() -> Self {
        Self::Pixels(0)
    }
}

impl fmt::Display for Length {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pixels(pixels) => pixels.fmt(f),
            Self::Share(share) => share.fmt(f),
        }
    }
}

value!(
    Length,
    |text| match whole(text, 0, 65_535) {
        Some(pixels) => Some(Self::Pixels(pixels)),
        None if !text.contains('.') => None,
        None => match Thousandths::read(text, 999)? {
            nothing if nothing.thousandths() == 0 => Some(Self::default()),
            share => Some(Self::Share(share)),
        },
    },
    "a number of pixels up to 65535, or a share of the side below 1 as `0.25`"
);

/// What is cut off before anything else: the sides, then a border that is found by its colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trim {
    /// Cut off by length.
    pub sides: TrimSides,
    /// A border that is looked for.
    pub border: Option<TrimBorder>,
}

/// What is cut off each side. A width or height counts from what is cut off left or top, and wins over right and bottom.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrimSides {
    /// Cut off at the top.
    pub top: Length,
    /// Cut off on the right.
    pub right: Length,
    /// Cut off at the bottom.
    pub bottom: Length,
    /// Cut off on the left.
    pub left: Length,
    /// What is kept from the left on.
    pub width: Option<Length>,
    /// What is kept from the top on.
    pub height: Option<Length>,
}

/// A border of one colour that is looked for and cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TrimBorder {
    /// Its colour; when none is given, that of the picture's corners.
    pub colour: Option<Colour>,
    /// By how much a pixel may differ in each channel and still be of the border.
    pub tolerance: u8,
    /// How many pixels of the border are kept.
    pub keep: u32,
}

impl TrimBorder {
    /// By how much pixels may differ when nothing is said: what compression does to a plain colour.
    pub const TOLERANCE: u8 = 10;
}

impl Default for TrimBorder {
    fn default() -> Self {
        Self {
            colour: None,
            tolerance: Self::TOLERANCE,
            keep: 0,
        }
    }
}

impl Trim {
    pub(super) fn times(mut self, factor: f64) -> Self {
        let sides = &mut self.sides;
        for length in [
            &mut sides.top,
            &mut sides.right,
            &mut sides.bottom,
            &mut sides.left,
        ] {
            *length = length.times(factor);
        }
        sides.width = sides.width.map(|width| width.times(factor));
        sides.height = sides.height.map(|height| height.times(factor));
        if let Some(border) = &mut self.border {
            border.keep = times(border.keep, factor);
        }
        self
    }
}

/// Pixels on each side of a picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sides {
    /// Above.
    pub top: u32,
    /// On the right.
    pub right: u32,
    /// Below.
    pub bottom: u32,
    /// On the left.
    pub left: u32,
}

impl Sides {
    /// The most on any side.
    pub const MOST: u32 = 4096;

    /// The same on all sides.
    pub const fn all(pixels: u32) -> Self {
        Self {
            top: pixels,
            right: pixels,
            bottom: pixels,
            left: pixels,
        }
    }

    /// The largest of the four.
    pub fn largest(self) -> u32 {
        self.top.max(self.right).max(self.bottom).max(self.left)
    }

    /// What the sides add to a width.
    pub fn across(self) -> u32 {
        self.left + self.right
    }

    /// What the sides add to a height.
    pub fn down(self) -> u32 {
        self.top + self.bottom
    }

    pub(super) fn times(self, factor: f64) -> Self {
        let Self {
            top,
            right,
            bottom,
            left,
        } = self;
        Self {
            top: times(top, factor),
            right: times(right, factor),
            bottom: times(bottom, factor),
            left: times(left, factor),
        }
    }
}

impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            top,
            right,
            bottom,
            left,
        } = self;
        if *self == Self::all(*top) {
            write!(f, "{top}")
        } else {
            write!(f, "{top};{right};{bottom};{left}")
        }
    }
}

value!(
    Sides,
    |text| {
        let numbers: Option<Vec<u32>> = text
            .split(';')
            .take(5)
            .map(|side| whole(side, 0, Self::MOST))
            .collect();
        match *numbers?.as_slice() {
            [all] => Some(Self::all(all)),
            [top, right, bottom, left] => Some(Self {
                top,
                right,
                bottom,
                left,
            }),
            _ => None,
        }
    },
    "a number of pixels up to 4096, or four as `top;right;bottom;left`"
);

/// A border that is drawn around the picture and adds to its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Border {
    /// Its width on each side.
    pub width: Sides,
    /// Its colour.
    pub colour: Colour,
}

/// Reads `top;right;bottom;left` of what is trimmed.
pub(crate) fn trim_sides(text: &str) -> Result<TrimSides, Wrong> {
    let lengths: Result<Vec<Length>, Wrong> = text.split(';').take(5).map(str::parse).collect();
    match *lengths?.as_slice() {
        [top, right, bottom, left] => Ok(TrimSides {
            top,
            right,
            bottom,
            left,
            ..TrimSides::default()
        }),
        _ => Err(Wrong::not(
            text,
            "`border` or what is cut off as `top;right;bottom;left`",
        )),
    }
}

fn times(pixels: u32, factor: f64) -> u32 {
    (f64::from(pixels) * factor).round() as u32
}
