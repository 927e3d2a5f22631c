//! What is done to each frame, in its order.

use super::overlay::Stamp;
use super::place::Place;
use crate::ImageError;
use crate::decode::Decoded;
use crate::effects::{adjust, blur, sharpen};
use crate::limits::Deadline;
use crate::picture::Picture;
use crate::profile::Profile;
use crate::resize::resize;
use crate::transform::{Colour, Fit, Format, Sharpen, Transform};

/// The steps from a decoded frame to one that can be written; the same for all frames.
pub(super) struct Steps<'a> {
    pub(super) place: &'a Place,
    pub(super) transform: &'a Transform,
    pub(super) profile: &'a Profile,
    pub(super) stamps: &'a [Stamp],
    pub(super) format: Format,
}

impl Steps<'_> {
    pub(super) fn run(&self, decoded: Decoded, deadline: Deadline) -> Result<Picture, ImageError> {
        let transform = self.transform;
        let part = decoded.scaled(self.place.source);
        let picture = resize(decoded.picture, part, self.place.scaled())?;
        deadline.check()?;
        let mut picture = self.profile.apply(picture)?.turned(self.place.turn)?;
        adjust(&mut picture, transform.adjust);
        if let Some(radius) = transform.blur {
            picture = blur(picture, radius.get())?;
        }
        if transform.sharpen != Sharpen::NONE {
            picture = sharpen(picture, transform.sharpen.get())?;
        }
        deadline.check()?;
        let picture = self.on_background(picture)?;
        let picture = self.on_canvas(picture)?;
        deadline.check()?;
        Ok(self.ground(picture, self.format))
    }

    /// Formats without alpha have white where nothing is.
    pub(super) fn ground(&self, picture: Picture, format: Format) -> Picture {
        if format.has_alpha() {
            picture
        } else {
            picture.flatten([255; 3])
        }
    }

    fn on_background(&self, picture: Picture) -> Result<Picture, ImageError> {
        let Some(colour) = self.transform.background.filter(|_| picture.has_alpha()) else {
            return Ok(picture);
        };
        let mut ground = Picture::filled(picture.width, picture.height, colour.rgba())?;
        ground.draw(&picture, 0, 0, 1.0);
        Ok(ground)
    }

    /// With its padding, its overlays and its border.
    fn on_canvas(&self, mut picture: Picture) -> Result<Picture, ImageError> {
        let plan = &self.place.plan;
        let (width, height) = self.place.size();
        let is_all = (picture.width, picture.height) == (width, height);
        if is_all {
            for stamp in self.stamps {
                stamp.draw(&mut picture);
            }
            return Ok(picture);
        }
        let border = plan.border;
        let inner = (width - border.across(), height - border.down());
        let beside = self.transform.background.unwrap_or(Colour::WHITE);
        // Overlays belong to the box that was asked for, which padding is outside of.
        let padding = self.transform.padding;
        let boxed = (inner.0 - padding.across(), inner.1 - padding.down());
        let at = (
            i64::from(plan.at.0) - i64::from(border.left + padding.left),
            i64::from(plan.at.1) - i64::from(border.top + padding.top),
        );
        let pads = self.transform.fit == Fit::Pad && boxed != (picture.width, picture.height);
        let mut picture = if pads {
            laid(&picture, boxed, at, beside)?
        } else {
            picture
        };
        for stamp in self.stamps {
            stamp.draw(&mut picture);
        }
        let offset = (padding.left.into(), padding.top.into());
        if inner != boxed {
            picture = laid(&picture, inner, offset, beside)?;
        }
        match &self.transform.border {
            Some(frame) => {
                let offset = (border.left.into(), border.top.into());
                laid(&picture, (width, height), offset, frame.colour)
            }
            None => Ok(picture),
        }
    }
}

/// A picture on a larger ground of one colour. What of it is transparent stays so.
fn laid(
    picture: &Picture,
    (width, height): (u32, u32),
    (left, top): (i64, i64),
    colour: Colour,
) -> Result<Picture, ImageError> {
    let mut ground = Picture::filled(width, height, colour.rgba())?;
    if picture.has_alpha() {
        ground = ground.into_rgba();
        ground.clear(left, top, picture.width, picture.height);
    }
    ground.draw(picture, left, top, 1.0);
    Ok(ground)
}
