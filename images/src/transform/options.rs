//! What was asked for: every option that can be given, none of which need be.

use super::number::Wrong;
use super::{
    Adjust, Blur, Border, Bounds, Colour, Compression, Dpr, Factor, Fit, Flip, Format,
    FormatChoice, Gravity, Metadata, OnError, Overlay, Pixels, Quality, Rotate, Segment, Sharpen,
    Sides, Transform, Trim, Upscale, Width, Zoom,
};

/// Options as they were given, by an address, a preset or a route. Layers of them become one, and that a
/// [`Transform`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "each is told of where its type is, and in the manual of the options"
)]
pub struct Options {
    pub width: Option<Width>,
    pub height: Option<Pixels>,
    pub dpr: Option<Dpr>,
    pub fit: Option<Fit>,
    pub gravity: Option<Gravity>,
    pub zoom: Option<Zoom>,
    pub trim: Option<Trim>,
    pub rotate: Option<Rotate>,
    pub flip: Option<Flip>,
    pub background: Option<Colour>,
    pub padding: Option<Sides>,
    pub border_width: Option<Sides>,
    pub border_colour: Option<Colour>,
    pub blur: Option<Blur>,
    pub sharpen: Option<Sharpen>,
    pub brightness: Option<Factor>,
    pub contrast: Option<Factor>,
    pub gamma: Option<Factor>,
    pub saturation: Option<Factor>,
    pub overlays: Option<Vec<Overlay>>,
    pub format: Option<FormatChoice>,
    pub progressive: Option<bool>,
    pub quality: Option<Quality>,
    pub slow_quality: Option<Quality>,
    pub compression: Option<Compression>,
    pub anim: Option<bool>,
    pub metadata: Option<Metadata>,
    pub on_error: Option<OnError>,
    pub segment: Option<Segment>,
    pub upscale: Option<Upscale>,
}

macro_rules! layered {
    ($above:ident, $below:ident, $($field:ident),+ $(,)?) => {
        Options { $($field: $above.$field.or($below.$field)),+ }
    };
}

impl Options {
    /// These, and where these say nothing, what `below` says.
    pub fn over(self, below: Self) -> Self {
        let above = self;
        layered!(
            above,
            below,
            width,
            height,
            dpr,
            fit,
            gravity,
            zoom,
            trim,
            rotate,
            flip,
            background,
            padding,
            border_width,
            border_colour,
            blur,
            sharpen,
            brightness,
            contrast,
            gamma,
            saturation,
            overlays,
            format,
            progressive,
            quality,
            slow_quality,
            compression,
            anim,
            metadata,
            on_error,
            segment,
            upscale,
        )
    }

    /// Whether nothing at all was asked for.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What was asked for that takes a model of the world, which there is none of here: the result is made without.
    pub fn unmet(&self) -> impl Iterator<Item = &'static str> {
        let face = (self.gravity == Some(Gravity::Face)).then_some("gravity=face");
        let segment = self.segment.map(|Segment::Foreground| "segment=foreground");
        let upscale = (self.upscale == Some(Upscale::Generate)).then_some("upscale=generate");
        [face, segment, upscale].into_iter().flatten()
    }

    /// The trim, for those who add to it.
    pub(crate) fn trim_mut(&mut self) -> &mut Trim {
        self.trim.get_or_insert_default()
    }

    /// What they mean: defaults filled in, `dpr` multiplied out, everything within bounds.
    ///
    /// A width of `auto` leaves the width open, so whoever knows the client's hints puts a number there first. The same
    /// holds for `slow_quality`, which this drops.
    pub fn resolve(self, bounds: &Bounds) -> Result<Transform, Wrong> {
        let dpr = self.dpr.unwrap_or(Dpr::ONE).min(bounds.max_dpr);
        let asked = match self.width {
            Some(Width::Pixels(pixels)) => Some(pixels),
            Some(Width::Auto) | None => None,
        };
        let (width, height) = bounds.size(asked, self.height, dpr)?;
        let quality = self
            .quality
            .map(|quality| bounds.quality(quality))
            .transpose()?;
        let factor = |factor: Option<Factor>| factor.unwrap_or_default();
        let trim = self.trim.unwrap_or_default().times(dpr.get());
        let border = self.border_width.map(|width| Border {
            width: width.times(dpr.get()),
            colour: self.border_colour.unwrap_or(Colour::BLACK),
        });
        let gravity = self.gravity.unwrap_or_default();
        let format = self.format.unwrap_or_default();
        let is_jpeg = format == FormatChoice::Only(Format::Jpeg);
        let transform = Transform {
            trim,
            flip: self.flip.unwrap_or_default(),
            rotate: self.rotate.unwrap_or_default(),
            width,
            height,
            fit: self.fit.unwrap_or_default(),
            gravity,
            zoom: self
                .zoom
                .filter(|_| gravity == Gravity::Face)
                .unwrap_or_default(),
            background: self.background,
            padding: self.padding.unwrap_or_default().times(dpr.get()),
            border: border.filter(|border| border.width != Sides::default()),
            blur: self.blur,
            sharpen: self.sharpen.unwrap_or(Sharpen::NONE),
            adjust: Adjust {
                brightness: factor(self.brightness).unless_zero(),
                contrast: factor(self.contrast).unless_zero(),
                gamma: factor(self.gamma).unless_zero(),
                saturation: factor(self.saturation),
            },
            overlays: self
                .overlays
                .unwrap_or_default()
                .into_iter()
                .map(|overlay| overlay.times(dpr.get()))
                .collect(),
            progressive: self.progressive.unwrap_or(is_jpeg),
            format,
            quality,
            compression: self.compression.unwrap_or_default(),
            anim: self.anim.unwrap_or(true),
            metadata: self.metadata.unwrap_or_default(),
            on_error: self.on_error.unwrap_or_default(),
        };
        Ok(transform.normalised())
    }
}
