//! What is done to the pixels.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::{Thousandths, value, whole};

/// How far colours run into each other: 1, hardly, to 250. It is the radius in pixels of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Blur(u8);

impl Blur {
    /// 1 to 250.
    pub fn get(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Blur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Blur,
    |text| whole(text, 1, 250).map(|radius| Self(radius as u8)),
    "a radius from 1 to 250"
);

/// How much edges are stressed: 0, not at all, to 10. 1 is right for pictures that were made smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sharpen(Thousandths);

impl Sharpen {
    /// Not at all.
    pub const NONE: Self = Self(Thousandths::new(0));

    /// 0 to 10.
    pub fn get(self) -> f64 {
        self.0.get()
    }
}

impl fmt::Display for Sharpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Sharpen,
    |text| Thousandths::read(text, 10_000).map(Self),
    "a number from 0 to 10"
);

/// By what brightness, contrast, gamma or saturation is multiplied: 1 changes nothing, 100 is the most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Factor(Thousandths);

impl Factor {
    /// Changes nothing.
    pub const NEUTRAL: Self = Self(Thousandths::ONE);

    /// The factor.
    pub fn get(self) -> f64 {
        self.0.get()
    }

    /// Nothing is changed by 0 either, where 0 would leave nothing of the picture.
    pub(super) fn unless_zero(self) -> Self {
        if self.0.thousandths() == 0 {
            Self::NEUTRAL
        } else {
            self
        }
    }
}

impl Default for Factor {
    fn default() -> Self {
        Self::NEUTRAL
    }
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

value!(
    Factor,
    |text| Thousandths::read(text, 100_000).map(Self),
    "a factor from 0 to 100, of which 1 changes nothing"
);

/// The four adjustments, in the order they are made. Brightness, contrast and gamma are never 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Adjust {
    /// Above 1 is brighter.
    pub brightness: Factor,
    /// Above 1 has more contrast.
    pub contrast: Factor,
    /// Above 1 is darker in the middle tones, and the same at both ends.
    pub gamma: Factor,
    /// Above 1 is more colourful; 0 is grey.
    pub saturation: Factor,
}

impl Adjust {
    /// Whether anything is changed.
    pub fn is_neutral(self) -> bool {
        self == Self::default()
    }
}
