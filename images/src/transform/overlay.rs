//! Pictures that are drawn over the result.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::words;
use super::{Colour, Fit, Gravity, Pixels, Rotate, Share};

/// A picture that is drawn over the result, once or again and again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Overlay {
    /// Where it is had from: whoever calls [`crate::render()`] brings its bytes, one after the other.
    pub source: String,
    /// The width of its box, in pixels of the page until the transform is made.
    pub width: Option<Pixels>,
    /// The height of its box.
    pub height: Option<Pixels>,
    /// How it is brought into its box.
    pub fit: Fit,
    /// What a crop keeps of it.
    pub gravity: Gravity,
    /// How much it covers.
    pub opacity: Share,
    /// Whether it is drawn again and again.
    pub repeat: Repeat,
    /// Its distance from a side. With none across or down it is in the middle; left and top win.
    pub place: Place,
    /// What is under it, where it is transparent.
    pub background: Option<Colour>,
    /// By how much it is turned first.
    pub rotate: Rotate,
}

/// Distances from sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Place {
    /// From the top.
    pub top: Option<u32>,
    /// From the right.
    pub right: Option<u32>,
    /// From the bottom.
    pub bottom: Option<u32>,
    /// From the left.
    pub left: Option<u32>,
}

/// In which directions an overlay is drawn again and again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Repeat {
    /// Once.
    #[default]
    None,
    /// Across.
    X,
    /// Down.
    Y,
    /// Over all of the picture.
    Both,
}

words!(Repeat, "a way to repeat: none, x, y or both", "none" => None, "x" => X, "y" => Y, "both" => Both);

impl Overlay {
    /// One that is drawn once in the middle, as it is.
    pub fn new(source: impl Into<String>) -> Self {
        Self {
            source: source.into(),
            width: None,
            height: None,
            fit: Fit::default(),
            gravity: Gravity::default(),
            opacity: Share::ALL,
            repeat: Repeat::None,
            place: Place::default(),
            background: None,
            rotate: Rotate::None,
        }
    }

    /// In pixels of the device.
    pub(super) fn times(mut self, factor: f64) -> Self {
        let length = |pixels: u32| (f64::from(pixels) * factor).round() as u32;
        self.width = self.width.map(|width| width.times(factor).unwrap_or(width));
        self.height = self
            .height
            .map(|height| height.times(factor).unwrap_or(height));
        let Place {
            top,
            right,
            bottom,
            left,
        } = self.place;
        self.place = Place {
            top: top.map(length),
            right: right.map(length),
            bottom: bottom.map(length),
            left: left.map(length),
        };
        self
    }
}

/// All that tells one overlay from another, behind the length of its source, so that no two are written alike.
impl fmt::Display for Overlay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number =
            |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
        let Place {
            top,
            right,
            bottom,
            left,
        } = self.place;
        write!(f, "{}:{}", self.source.len(), self.source)?;
        write!(
            f,
            ";{};{}",
            number(self.width.map(Pixels::get)),
            number(self.height.map(Pixels::get))
        )?;
        write!(
            f,
            ";{};{};{};{}",
            self.fit, self.gravity, self.opacity, self.repeat
        )?;
        write!(
            f,
            ";{};{};{};{}",
            number(top),
            number(right),
            number(bottom),
            number(left)
        )?;
        write!(
            f,
            ";{};{}",
            self.background
                .map(|colour| colour.to_string())
                .unwrap_or_default(),
            self.rotate
        )
    }
}
