//! Work on images, which the edge does.

use crate::Result;
use crate::host::images;

/// What an image is to become.
///
/// ```no_run
/// # use rimward_filter::{images::Transform, Result};
/// # fn example() -> Result<()> {
/// Transform::default().width(320).format("webp").apply()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use = "nothing happens before `apply`"]
pub struct Transform<'a> {
    width: Option<u32>,
    height: Option<u32>,
    fit: Option<&'a str>,
    format: Option<&'a str>,
    quality: Option<u8>,
    dpr: Option<f32>,
}

impl<'a> Transform<'a> {
    /// So many pixels wide.
    pub fn width(mut self, pixels: u32) -> Self {
        self.width = Some(pixels);
        self
    }

    /// So many pixels high.
    pub fn height(mut self, pixels: u32) -> Self {
        self.height = Some(pixels);
        self
    }

    /// How it fits into width and height: `cover`, `contain` …
    pub fn fit(mut self, fit: &'a str) -> Self {
        self.fit = Some(fit);
        self
    }

    /// In this format: `webp`, `avif`, `jpeg` …
    pub fn format(mut self, format: &'a str) -> Self {
        self.format = Some(format);
        self
    }

    /// With this quality, 1 to 100.
    pub fn quality(mut self, quality: u8) -> Self {
        self.quality = Some(quality);
        self
    }

    /// For screens with so many pixels to one.
    pub fn dpr(mut self, ratio: f32) -> Self {
        self.dpr = Some(ratio);
        self
    }

    /// Asks for it, of the image in the response's body.
    ///
    /// # Errors
    /// When the edge can't do this, or not in this phase.
    pub fn apply(self) -> Result<()> {
        Ok(images::apply(images::Transform {
            width: self.width,
            height: self.height,
            fit: self.fit,
            format: self.format,
            quality: self.quality,
            dpr: self.dpr,
        })?)
    }
}
