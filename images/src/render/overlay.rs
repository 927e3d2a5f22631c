//! Pictures that are drawn over the result.

use super::frame::Steps;
use super::place::Place;
use crate::decode;
use crate::limits::Deadline;
use crate::picture::Picture;
use crate::probe;
use crate::profile::Profile;
use crate::transform::{Bounds, Format, Options, Overlay, Pixels, Repeat, Transform, Width};
use crate::{ImageError, Limits};

/// An overlay, ready to be drawn.
pub(super) struct Stamp {
    picture: Picture,
    overlay: Overlay,
}

impl Stamp {
    /// All overlays of a transform, of their files.
    pub(super) fn all(
        transform: &Transform,
        files: &[&[u8]],
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Vec<Self>, ImageError> {
        let overlays = &transform.overlays;
        if files.len() != overlays.len() {
            let told = format!("{} files for {} overlays", files.len(), overlays.len());
            return Err(ImageError::Failed(told));
        }
        let pairs = overlays.iter().zip(files);
        pairs
            .map(|(overlay, file)| {
                deadline.check()?;
                Self::new(overlay, file, limits, deadline)
            })
            .collect()
    }

    fn new(
        overlay: &Overlay,
        file: &[u8],
        limits: &Limits,
        deadline: Deadline,
    ) -> Result<Self, ImageError> {
        let (info, metadata) = probe::read(file, limits)?;
        let transform = own_transform(overlay)?;
        let expected = Place::expected(&info, &transform)?;
        let decoded = decode::still(file, &info, expected.shrink(), limits, deadline)?;
        let place = Place::of(&info, &transform, &decoded)?;
        let (width, height) = place.size();
        limits.check_output(width, height, 1)?;
        let steps = Steps {
            place: &place,
            transform: &transform,
            profile: &Profile::read(metadata.icc.as_deref()),
            stamps: &[],
            format: Format::Png,
        };
        Ok(Self {
            picture: steps.run(decoded, deadline)?,
            overlay: overlay.clone(),
        })
    }

    /// Draws it, once or in rows and columns that reach over all of the picture.
    pub(super) fn draw(&self, onto: &mut Picture) {
        let (width, height) = (
            i64::from(self.picture.width),
            i64::from(self.picture.height),
        );
        let (left, top) = self.place(onto);
        let opacity = self.overlay.opacity.get() as f32;
        let across = matches!(self.overlay.repeat, Repeat::X | Repeat::Both);
        let down = matches!(self.overlay.repeat, Repeat::Y | Repeat::Both);
        for y in starts(top, height, onto.height.into(), down) {
            for x in starts(left, width, onto.width.into(), across) {
                onto.draw(&self.picture, x, y, opacity);
            }
        }
    }

    /// Its distance from a side; in the middle where none is given.
    fn place(&self, onto: &Picture) -> (i64, i64) {
        let side = |before: Option<u32>, after: Option<u32>, own: u32, whole: u32| {
            let room = i64::from(whole) - i64::from(own);
            match (before, after) {
                (Some(before), _) => i64::from(before),
                (None, Some(after)) => room - i64::from(after),
                (None, None) => room / 2,
            }
        };
        let place = self.overlay.place;
        (
            side(place.left, place.right, self.picture.width, onto.width),
            side(place.top, place.bottom, self.picture.height, onto.height),
        )
    }
}

/// Where it begins each time, from before the edge to the other one.
fn starts(at: i64, length: i64, whole: i64, repeats: bool) -> impl Iterator<Item = i64> {
    let (first, count) = if repeats {
        let first = at.rem_euclid(length);
        let first = if first > 0 { first - length } else { first };
        (first, (whole - first + length - 1) / length)
    } else {
        (at, 1)
    };
    (0..count).map(move |number| first + number * length)
}

/// What is done to an overlay before it is drawn.
fn own_transform(overlay: &Overlay) -> Result<Transform, ImageError> {
    let bounds = Bounds::default();
    let within = |pixels: Pixels, most: Pixels| pixels.min(most);
    let options = Options {
        width: overlay
            .width
            .map(|width| Width::Pixels(within(width, bounds.max_width))),
        height: overlay
            .height
            .map(|height| within(height, bounds.max_height)),
        fit: Some(overlay.fit),
        gravity: Some(overlay.gravity),
        rotate: Some(overlay.rotate),
        background: overlay.background,
        ..Options::default()
    };
    options
        .resolve(&bounds)
        .map_err(|wrong| ImageError::Options(wrong.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repetitions_reach_over_everything() {
        let all =
            |at, length, whole, repeats| starts(at, length, whole, repeats).collect::<Vec<_>>();
        assert_eq!(all(5, 4, 10, false), [5]);
        assert_eq!(all(5, 4, 10, true), [-3, 1, 5, 9]);
        assert_eq!(all(0, 5, 10, true), [0, 5]);
        assert_eq!(all(-7, 5, 6, true), [-2, 3]);
    }
}
