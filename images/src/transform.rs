//! What is done to a picture, parsed once and normalised once: every syntax, preset and setting becomes
//! [`Options`], and these a [`Transform`].

mod bounds;
mod colour;
mod edges;
mod effects;
pub(crate) mod number;
mod options;
mod output;
mod overlay;
mod size;

pub use bounds::{Bounds, Ladder};
pub use colour::Colour;
pub(crate) use edges::trim_sides;
pub use edges::{Border, Length, Sides, Trim, TrimBorder, TrimSides};
pub use effects::{Adjust, Blur, Factor, Sharpen};
pub use number::{Thousandths, Wrong};
pub use options::Options;
pub use output::{
    Compression, Format, FormatChoice, Level, Metadata, OnError, Percent, Quality, Segment, Upscale,
};
pub use overlay::{Overlay, Place, Repeat};
pub use size::{Dpr, Fit, Flip, Gravity, Pixels, Point, Rotate, Share, Width, Zoom};

use serde::{Deserialize, Serialize};

/// What is done to a picture, in this order. All lengths are pixels of the device.
///
/// 1. The picture is turned as its own metadata says, and its colours are made sRGB.
/// 2. `trim` cuts off its sides, then a border that is found.
/// 3. `flip`, then `rotate`.
/// 4. `width`, `height`, `fit`, `gravity` and `zoom` choose a part and its size: [`crate::geometry`].
/// 5. `adjust`, then `blur`, then `sharpen`.
/// 6. `background` is put under what is transparent, and beside the picture for [`Fit::Pad`] (there white when none is
///    given, also around `padding`).
/// 7. `overlays` are drawn, the first one lowest.
/// 8. `padding`, then `border` outside of it, add to the size.
/// 9. `format` and what follows say how the result is written.
///
/// It is made by [`Options::resolve`] alone, which folds `dpr` in, so two that do the same are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Transform {
    /// What is cut off first.
    pub trim: Trim,
    /// How it is mirrored.
    pub flip: Flip,
    /// By how much it is turned.
    pub rotate: Rotate,
    /// The width of the box; open when there is none.
    pub width: Option<Pixels>,
    /// The height of the box; open when there is none.
    pub height: Option<Pixels>,
    /// How the picture is brought into the box.
    pub fit: Fit,
    /// What a crop keeps, or where the picture stands on its pad. The centre unless one of them happens.
    pub gravity: Gravity,
    /// How closely faces are cropped.
    pub zoom: Zoom,
    /// What is under it. Without one, what is transparent stays so where the format can hold it, and is white else.
    pub background: Option<Colour>,
    /// Room around the result.
    pub padding: Sides,
    /// A border around that, never 0 on all sides.
    pub border: Option<Border>,
    /// How far colours run into each other.
    pub blur: Option<Blur>,
    /// How much edges are stressed.
    pub sharpen: Sharpen,
    /// Brightness, contrast, gamma, saturation.
    pub adjust: Adjust,
    /// Pictures over it; whoever renders brings theirs in this order.
    pub overlays: Vec<Overlay>,
    /// The format; [`Self::in_format`] replaces the choice when it is made.
    pub format: FormatChoice,
    /// Whether a JPEG shows itself coarse first. It is so for `format=jpeg`, and not for JPEGs that nobody asked for.
    pub progressive: bool,
    /// The quality that was asked for. With one, a PNG may be reduced to a palette; without, it is
    /// [`Quality::DEFAULT`]. WebP is lossless at 100.
    pub quality: Option<Quality>,
    /// How much work goes into small files.
    pub compression: Compression,
    /// Whether what moves goes on moving; otherwise its first frame is all there is.
    pub anim: bool,
    /// What is kept beside the picture.
    pub metadata: Metadata,
    /// What happens when there is no result. The result doesn't depend on it.
    pub on_error: OnError,
}

impl Transform {
    /// Written in this format.
    pub fn in_format(&self, format: Format) -> Self {
        let progressive = self.progressive && format == Format::Jpeg;
        Self {
            format: FormatChoice::Only(format),
            progressive,
            ..self.clone()
        }
        .normalised()
    }

    /// Written in the format that suits the source.
    #[must_use]
    pub fn in_source_format(&self) -> Self {
        Self {
            format: FormatChoice::Source,
            ..self.clone()
        }
        .normalised()
    }

    /// Without a wish of what happens on errors.
    #[must_use]
    pub fn failing_as_the_route(self) -> Self {
        Self {
            on_error: OnError::Route,
            ..self
        }
    }

    /// The quality to write with.
    pub fn quality(&self) -> Quality {
        self.quality.unwrap_or(Quality::DEFAULT)
    }

    /// Whether all of the picture's pixels may stay as they are: only the writing is asked for.
    pub fn keeps_pixels(&self) -> bool {
        let Self {
            trim,
            flip,
            rotate,
            width,
            height,
            background,
            padding,
            border,
            ..
        } = self;
        *trim == Trim::default()
            && (*flip, *rotate) == (Flip::None, Rotate::None)
            && (*width, *height) == (None, None)
            && (*background, *padding, *border) == (None, Sides::default(), None)
            && (self.blur, self.sharpen) == (None, Sharpen::NONE)
            && self.adjust.is_neutral()
            && self.overlays.is_empty()
    }

    /// The same without what makes no difference.
    fn normalised(mut self) -> Self {
        match (self.width, self.height) {
            (Some(_), Some(_)) => {}
            // With one side open there is nothing to crop, pad or distort: what is left is whether it may be enlarged.
            (None, None) => self.fit = Fit::ScaleDown,
            _ if matches!(self.fit, Fit::Crop | Fit::AspectCrop) => self.fit = Fit::ScaleDown,
            _ if self.fit != Fit::ScaleDown => self.fit = Fit::Contain,
            _ => {}
        }
        let placed = match self.fit {
            Fit::Cover | Fit::Crop | Fit::AspectCrop => true,
            Fit::Pad => matches!(self.gravity, Gravity::Point(_)),
            Fit::ScaleDown | Fit::Contain | Fit::Squeeze => false,
        };
        if !placed {
            (self.gravity, self.zoom) = (Gravity::default(), Zoom::default());
        }
        (self.flip, self.rotate) = self.flip.and_turn(self.rotate);
        if self.quality == Some(Quality::DEFAULT) && self.is_lossy() {
            self.quality = None;
        }
        if matches!(self.format, FormatChoice::Only(format) if format != Format::Jpeg) {
            (self.progressive, self.metadata) = (false, Metadata::default());
        }
        self
    }

    fn is_lossy(&self) -> bool {
        matches!(
            self.format,
            FormatChoice::Only(Format::Avif | Format::Webp | Format::Jpeg)
        )
    }

    /// The one way to write it, in the syntax of [`crate::syntax::cloudflare`]: without defaults, `dpr` multiplied
    /// out. Two transforms that do the same are written alike, so that it tells variants apart.
    pub fn canonical(&self) -> String {
        let mut text = Canonical(String::new());
        text.put("width", self.width);
        text.put("height", self.height);
        text.differs("fit", self.fit, Fit::default());
        text.differs("gravity", self.gravity, Gravity::default());
        text.differs("zoom", self.zoom, Zoom::default());
        self.write_edges(&mut text);
        text.put("blur", self.blur);
        text.differs("sharpen", self.sharpen, Sharpen::NONE);
        for (name, factor) in [
            ("brightness", self.adjust.brightness),
            ("contrast", self.adjust.contrast),
            ("gamma", self.adjust.gamma),
            ("saturation", self.adjust.saturation),
        ] {
            text.differs(name, factor, Factor::NEUTRAL);
        }
        for overlay in &self.overlays {
            text.put("draw", Some(overlay));
        }
        self.write_output(&mut text);
        text.0
    }

    fn write_edges(&self, text: &mut Canonical) {
        let sides = &self.trim.sides;
        for (name, length) in [
            ("trim.top", sides.top),
            ("trim.right", sides.right),
            ("trim.bottom", sides.bottom),
            ("trim.left", sides.left),
        ] {
            text.differs(name, length, Length::default());
        }
        text.put("trim.width", sides.width);
        text.put("trim.height", sides.height);
        if let Some(border) = &self.trim.border {
            text.put("trim", Some("border"));
            text.put("trim.border.color", border.colour);
            text.differs(
                "trim.border.tolerance",
                border.tolerance,
                TrimBorder::TOLERANCE,
            );
            text.differs("trim.border.keep", border.keep, 0);
        }
        text.differs("rotate", self.rotate, Rotate::None);
        text.differs("flip", self.flip, Flip::None);
        text.put("background", self.background);
        text.differs("padding", self.padding, Sides::default());
        if let Some(border) = &self.border {
            text.put("border", Some(border.width));
            text.differs("border.color", border.colour, Colour::BLACK);
        }
    }

    fn write_output(&self, text: &mut Canonical) {
        let format = match (self.format, self.progressive) {
            (FormatChoice::Source, _) => None,
            (FormatChoice::Auto, _) => Some("auto"),
            (FormatChoice::Json, _) => Some("json"),
            (FormatChoice::Only(Format::Jpeg), false) => Some("baseline-jpeg"),
            (FormatChoice::Only(format), _) => Some(format.word()),
        };
        text.put("format", format);
        if self.progressive && self.format != FormatChoice::Only(Format::Jpeg) {
            text.put("progressive", Some(true));
        }
        text.put("quality", self.quality);
        text.differs("compression", self.compression, Compression::default());
        text.differs("anim", self.anim, true);
        text.differs("metadata", self.metadata, Metadata::default());
    }
}

/// Options on their way into one text.
struct Canonical(String);

impl Canonical {
    fn put(&mut self, name: &str, value: Option<impl std::fmt::Display>) {
        let Some(value) = value else { return };
        let comma = if self.0.is_empty() { "" } else { "," };
        self.0 += &format!("{comma}{name}={value}");
    }

    fn differs<T: PartialEq + std::fmt::Display>(&mut self, name: &str, value: T, from: T) {
        if value != from {
            self.put(name, Some(value));
        }
    }
}
