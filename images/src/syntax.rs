//! The ways in which options are written.

pub mod cloudflare;
mod draw;
pub mod query;

pub use draw::draw;

use crate::transform::{Format, FormatChoice, Length, Options, Quality, Trim, Wrong, trim_sides};

/// What is wrong with options.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionError {
    /// There is no such option.
    #[error("`{name}` is not an option; {hint}", hint = hint(.name))]
    Unknown {
        /// What it was called.
        name: String,
    },
    /// The option has no value.
    #[error("`{name}` has no value: options are written as `width=80`")]
    Bare {
        /// Its name.
        name: String,
    },
    /// The value is not one of this option.
    #[error("{name}: {wrong}")]
    Value {
        /// The option.
        name: String,
        /// What is wrong with it.
        wrong: Wrong,
    },
    /// There is no option at all.
    #[error("there is no option: one at least has to be given, as `width=80`")]
    Empty,
}

/// The options by the names that all syntaxes share, and the other names that they have.
pub const NAMES: [&str; 49] = [
    "width",
    "w",
    "height",
    "h",
    "dpr",
    "fit",
    "gravity",
    "g",
    "zoom",
    "face-zoom",
    "trim",
    "trim.top",
    "trim.right",
    "trim.bottom",
    "trim.left",
    "trim.width",
    "trim.height",
    "trim.border.color",
    "trim.border.tolerance",
    "trim.border.keep",
    "rotate",
    "flip",
    "background",
    "padding",
    "border",
    "border.color",
    "blur",
    "sharpen",
    "brightness",
    "contrast",
    "gamma",
    "saturation",
    "format",
    "f",
    "progressive",
    "quality",
    "q",
    "slow-connection-quality",
    "scq",
    "compression",
    "anim",
    "metadata",
    "onerror",
    "segment",
    "upscale",
    "border.top",
    "border.right",
    "border.bottom",
    "border.left",
];

fn hint(name: &str) -> String {
    let near = NAMES
        .iter()
        .map(|known| (strsim::jaro_winkler(known, name), known));
    match near.max_by(|(a, _), (b, _)| a.total_cmp(b)) {
        Some((likeness, known)) if likeness > 0.8 => format!("did you mean `{known}`?"),
        _ => "there are width, height, fit, gravity, quality, format and others that the manual tells of".to_owned(),
    }
}

/// The option that a name is of, as it is allowed or not: `width` for `w`, `trim` for `trim.left`. None for other names.
pub fn option(name: &str) -> Option<&'static str> {
    let name = match name {
        "w" => "width",
        "h" => "height",
        "g" | "crop" => "gravity",
        "face-zoom" => "zoom",
        "f" | "fm" | "auto" => "format",
        "q" => "quality",
        "scq" => "slow-connection-quality",
        "bg" | "bg-color" => "background",
        "rot" => "rotate",
        "pad" => "padding",
        name => name.split_once('.').map_or(name, |(option, _)| option),
    };
    NAMES.into_iter().find(|known| *known == name)
}

/// Puts the option of this name into `options`. Its value is not escaped.
///
/// # Errors
/// When there is no such option, or it has no such value.
pub fn set(options: &mut Options, name: &str, value: &str) -> Result<(), OptionError> {
    assign(options, name, value).map_err(|wrong| match wrong {
        Some(wrong) => OptionError::Value {
            name: name.to_owned(),
            wrong,
        },
        None => OptionError::Unknown {
            name: name
                .chars()
                .take(40)
                .collect::<String>()
                .escape_debug()
                .to_string(),
        },
    })
}

/// None for a name that no option has.
fn assign(options: &mut Options, name: &str, value: &str) -> Result<(), Option<Wrong>> {
    match name {
        "width" | "w" => options.width = Some(value.parse()?),
        "height" | "h" => options.height = Some(value.parse()?),
        "dpr" => options.dpr = Some(value.parse()?),
        "fit" => options.fit = Some(value.parse()?),
        "gravity" | "g" => options.gravity = Some(value.parse()?),
        "zoom" | "face-zoom" => options.zoom = Some(value.parse()?),
        "rotate" => options.rotate = Some(value.parse()?),
        "flip" => options.flip = Some(value.parse()?),
        "background" => options.background = Some(value.parse()?),
        "padding" => options.padding = Some(value.parse()?),
        "blur" => options.blur = Some(value.parse()?),
        "sharpen" => options.sharpen = Some(value.parse()?),
        "brightness" => options.brightness = Some(value.parse()?),
        "contrast" => options.contrast = Some(value.parse()?),
        "gamma" => options.gamma = Some(value.parse()?),
        "saturation" => options.saturation = Some(value.parse()?),
        "format" | "f" => format(options, value)?,
        "progressive" => options.progressive = Some(switch(value)?),
        "quality" | "q" => options.quality = Some(value.parse()?),
        "slow-connection-quality" | "scq" => options.slow_quality = Some(value.parse::<Quality>()?),
        "compression" => options.compression = Some(value.parse()?),
        "anim" => options.anim = Some(switch(value)?),
        "metadata" => options.metadata = Some(value.parse()?),
        "onerror" => options.on_error = Some(value.parse()?),
        "segment" => options.segment = Some(value.parse()?),
        "upscale" => options.upscale = Some(value.parse()?),
        "trim" => trim(options.trim_mut(), value)?,
        _ => match name.split_once('.') {
            Some(("trim", part)) => trim_part(options.trim_mut(), part, value)?,
            Some(("border", part)) => border_part(options, part, value)?,
            None if name == "border" => options.border_width = Some(value.parse()?),
            _ => return Err(None),
        },
    }
    Ok(())
}

/// A format tells of a JPEG's kind too, unless that is said apart.
fn format(options: &mut Options, value: &str) -> Result<(), Wrong> {
    options.format = Some(match value {
        "auto" => FormatChoice::Auto,
        "json" => FormatChoice::Json,
        "baseline-jpeg" => {
            options.progressive = Some(false);
            FormatChoice::Only(Format::Jpeg)
        }
        "jpg" => FormatChoice::Only(Format::Jpeg),
        _ => FormatChoice::Only(value.parse().map_err(|_| {
            Wrong::not(
                value,
                "a format: auto, avif, webp, jpeg, baseline-jpeg, png, gif or json",
            )
        })?),
    });
    Ok(())
}

fn trim(trim: &mut Trim, value: &str) -> Result<(), Wrong> {
    if value == "border" {
        trim.border.get_or_insert_default();
    } else {
        trim.sides = trim_sides(value)?;
    }
    Ok(())
}

fn trim_part(trim: &mut Trim, part: &str, value: &str) -> Result<(), Option<Wrong>> {
    let length = || value.parse::<Length>();
    match part {
        "top" => trim.sides.top = length()?,
        "right" => trim.sides.right = length()?,
        "bottom" => trim.sides.bottom = length()?,
        "left" => trim.sides.left = length()?,
        "width" => trim.sides.width = Some(length()?),
        "height" => trim.sides.height = Some(length()?),
        "border.color" => trim.border.get_or_insert_default().colour = Some(value.parse()?),
        "border.tolerance" => {
            trim.border.get_or_insert_default().tolerance = number(value, 255)? as u8
        }
        "border.keep" => trim.border.get_or_insert_default().keep = number(value, 65_535)?,
        _ => return Err(None),
    }
    Ok(())
}

fn border_part(options: &mut Options, part: &str, value: &str) -> Result<(), Option<Wrong>> {
    if part == "color" {
        options.border_colour = Some(value.parse()?);
        return Ok(());
    }
    let width = options.border_width.get_or_insert_default();
    let side = match part {
        "top" => &mut width.top,
        "right" => &mut width.right,
        "bottom" => &mut width.bottom,
        "left" => &mut width.left,
        _ => return Err(None),
    };
    *side = number(value, crate::transform::Sides::MOST)?;
    Ok(())
}

fn number(value: &str, most: u32) -> Result<u32, Wrong> {
    let expected = || Wrong::not(value, &format!("a number from 0 to {most}"));
    crate::transform::number::whole(value, 0, most).ok_or_else(expected)
}

fn switch(value: &str) -> Result<bool, Wrong> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(Wrong::not(value, "`true` or `false`")),
    }
}
