//! Colours, in the syntax of CSS.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::number::value;

/// A colour of sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Colour {
    /// Red.
    pub red: u8,
    /// Green.
    pub green: u8,
    /// Blue.
    pub blue: u8,
    /// 0 is transparent, 255 opaque.
    pub alpha: u8,
}

impl Colour {
    /// What pictures are padded with when no colour is given.
    pub const WHITE: Self = Self {
        red: 255,
        green: 255,
        blue: 255,
        alpha: 255,
    };
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self {
        red: 0,
        green: 0,
        blue: 0,
        alpha: 0,
    };
    /// What borders are drawn in when no colour is given.
    pub const BLACK: Self = Self {
        red: 0,
        green: 0,
        blue: 0,
        alpha: 255,
    };

    /// Red, green, blue, alpha.
    pub const fn rgba(self) -> [u8; 4] {
        [self.red, self.green, self.blue, self.alpha]
    }
}

/// As digits alone, which need no escaping in a path.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            red,
            green,
            blue,
            alpha,
        } = self;
        write!(f, "{red:02x}{green:02x}{blue:02x}")?;
        if *alpha == 255 {
            Ok(())
        } else {
            write!(f, "{alpha:02x}")
        }
    }
}

value!(
    Colour,
    |text| {
        let colour = (text.len() <= 64 && text.is_ascii())
            .then(|| csscolorparser::parse(text).ok())
            .flatten()?;
        let [red, green, blue, alpha] = colour.to_rgba8();
        Some(Self {
            red,
            green,
            blue,
            alpha,
        })
    },
    "a colour of CSS, as `#ff8800`, `rgb(255 136 0 / 50%)` or `orange`"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_css() {
        for (text, expected) in [
            ("#f80", "ff8800"),
            ("ff8800", "ff8800"),
            ("#FF880080", "ff880080"),
            ("orange", "ffa500"),
            ("rebeccapurple", "663399"),
            ("transparent", "00000000"),
            ("rgb(240, 40, 145)", "f02891"),
            ("rgb(240 40 145 / 50%)", "f0289180"),
            ("rgba(240,40,145,0.5)", "f0289180"),
            ("hsl(120, 100%, 50%)", "00ff00"),
            ("hwb(120 0% 0%)", "00ff00"),
        ] {
            let colour: Colour = text.parse().unwrap();
            assert_eq!(colour.to_string(), expected, "{text}");
            assert_eq!(expected.parse::<Colour>().unwrap(), colour);
        }
        for text in ["", "#", "#12345", "puce-ish", "rgb(1,2)", "url(x)", "é"] {
            assert!(text.parse::<Colour>().is_err(), "{text}");
        }
    }
}
