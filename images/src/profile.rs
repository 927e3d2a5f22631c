//! What colours mean: profiles of the ICC, after which all colours are sRGB.

use moxcms::{ColorProfile, DataColorSpace, Layout as Channels, TransformOptions};

use crate::ImageError;
use crate::picture::{Layout, Picture};

/// How a picture's colours become sRGB.
pub(crate) struct Profile(Option<ColorProfile>);

impl Profile {
    /// One that is broken is none: what shows its colours a little wrong is better than what shows nothing.
    pub(crate) fn read(icc: Option<&[u8]>) -> Self {
        let profile = icc.filter(|icc| !is_srgb(icc));
        Self(profile.and_then(|icc| ColorProfile::new_from_slice(icc).ok()))
    }

    /// The same picture in sRGB. Meant for after it was made smaller, since each pixel costs.
    pub(crate) fn apply(&self, picture: Picture) -> Result<Picture, ImageError> {
        let (from, to) = match picture.layout {
            Layout::Rgb => (Channels::Rgb, Channels::Rgb),
            Layout::Rgba => (Channels::Rgba, Channels::Rgba),
            Layout::Cmyk => (Channels::Rgba, Channels::Rgb),
        };
        let space = match picture.layout {
            Layout::Rgb | Layout::Rgba => DataColorSpace::Rgb,
            Layout::Cmyk => DataColorSpace::Cmyk,
        };
        let profile = self
            .0
            .as_ref()
            .filter(|profile| profile.color_space == space);
        let transform = profile.and_then(|profile| {
            let srgb = ColorProfile::new_srgb();
            let options = TransformOptions::default();
            profile.create_transform_8bit(from, &srgb, to, options).ok()
        });
        let Some(transform) = transform else {
            return match picture.layout {
                Layout::Rgb | Layout::Rgba => Ok(picture),
                Layout::Cmyk => without_profile(&picture),
            };
        };
        let picture = inks_of_profiles(picture);
        let layout = match picture.layout {
            Layout::Cmyk => Layout::Rgb,
            layout => layout,
        };
        let mut out = Picture::new(picture.width, picture.height, layout)?;
        transform
            .transform(&picture.pixels, &mut out.pixels)
            .map_err(ImageError::failed)?;
        Ok(out)
    }
}

/// Whether it is one of the many copies of sRGB: nothing has to be done for those.
fn is_srgb(icc: &[u8]) -> bool {
    let head = icc.get(..icc.len().min(1024)).unwrap_or_default();
    memchr::memmem::find(head, b"sRGB IEC61966-2").is_some()
        || memchr::memmem::find(head, b"s\0R\0G\0B\0 \0I\0E\0C\x006\x001\x009\x006\x006").is_some()
        || memchr::memmem::find(head, b"\0s\0R\0G\0B\0 \0b\0u\0i\0l\0t").is_some()
}

/// Profiles have 255 for full ink, JPEGs of Adobe's the other way round.
fn inks_of_profiles(mut picture: Picture) -> Picture {
    if picture.layout == Layout::Cmyk {
        picture.invert();
    }
    picture
}

/// Inks of which nothing is known take away from white, each by its share.
fn without_profile(picture: &Picture) -> Result<Picture, ImageError> {
    let mut out = Picture::new(picture.width, picture.height, Layout::Rgb)?;
    let pixels = picture.pixels.chunks_exact(4);
    for (to, from) in out.pixels.chunks_exact_mut(3).zip(pixels) {
        let black = u32::from(from[3]);
        for (to, ink) in to.iter_mut().zip(from) {
            *to = u8::try_from((u32::from(*ink) * black + 127) / 255).unwrap_or(255);
        }
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_colours_become_those_of_srgb() {
        let icc = ColorProfile::new_display_p3().encode().unwrap();
        let green = Picture::filled(2, 2, [100, 200, 100, 255]).unwrap();
        let out = Profile::read(Some(&icc)).apply(green.clone()).unwrap();
        // The same green is a stronger one in a space that has less of it.
        assert!(
            out.pixels[0] < 90 && out.pixels[1] >= 200,
            "{:?}",
            &out.pixels[..3]
        );
        let clear = green.clone().into_rgba();
        assert_eq!(
            Profile::read(Some(&icc)).apply(clear).unwrap().pixels[3],
            255
        );
        let srgb = ColorProfile::new_srgb().encode().unwrap();
        let same = Profile::read(Some(&srgb)).apply(green.clone()).unwrap();
        assert!(same.pixels[0].abs_diff(100) <= 1);
        assert_eq!(
            Profile::read(Some(b"broken")).apply(green.clone()).unwrap(),
            green
        );
    }

    #[test]
    fn inks_become_colours() {
        let mut inks = Picture::new(3, 1, Layout::Cmyk).unwrap();
        inks.pixels = vec![255, 255, 255, 255, 0, 255, 255, 255, 255, 255, 255, 0];
        let out = Profile::read(None).apply(inks).unwrap();
        assert_eq!(out.pixels, [255, 255, 255, 0, 255, 255, 0, 0, 0]);
    }
}
