//! Turning and mirroring, as one step for all that is asked for.

use crate::Orientation;
use crate::geometry::{Rect, Size};
use crate::transform::{Flip, Rotate};

/// One of the eight ways to lay a picture: its axes change places or not, then it is mirrored, or not, across and down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Turn {
    pub(crate) swaps_axes: bool,
    /// Left and right change places.
    pub(crate) across: bool,
    /// Top and bottom change places.
    pub(crate) down: bool,
}

impl Turn {
    const fn new(swaps_axes: bool, across: bool, down: bool) -> Self {
        Self {
            swaps_axes,
            across,
            down,
        }
    }

    /// First flipped, then rotated.
    pub(crate) fn of(flip: Flip, rotate: Rotate) -> Self {
        let flip = Self::new(false, flip.is_horizontal(), flip.is_vertical());
        flip.then(match rotate {
            Rotate::None => Self::default(),
            Rotate::Quarter => Orientation::Rotate90.into(),
            Rotate::Half => Orientation::Rotate180.into(),
            Rotate::ThreeQuarters => Orientation::Rotate270.into(),
        })
    }

    /// This, and then another.
    pub(crate) fn then(self, next: Self) -> Self {
        let (across, down) = if next.swaps_axes {
            (self.down, self.across)
        } else {
            (self.across, self.down)
        };
        Self {
            swaps_axes: self.swaps_axes ^ next.swaps_axes,
            across: across ^ next.across,
            down: down ^ next.down,
        }
    }

    /// Where a part of the turned picture, which has this size, is in the picture that is yet to be turned.
    pub(crate) fn undone(self, part: Rect, turned: Size) -> Rect {
        let part = self.mirrored(part, turned);
        if self.swaps_axes { swapped(part) } else { part }
    }

    /// Where a part of the picture, which has this size, is when it is turned.
    pub(crate) fn done(self, part: Rect, picture: Size) -> Rect {
        let (part, size) = if self.swaps_axes {
            let size = Size::new(picture.height(), picture.width());
            (swapped(part), size.unwrap_or(picture))
        } else {
            (part, picture)
        };
        self.mirrored(part, size)
    }

    fn mirrored(self, mut part: Rect, size: Size) -> Rect {
        if self.across {
            part.x = f64::from(size.width()) - part.x - part.width;
        }
        if self.down {
            part.y = f64::from(size.height()) - part.y - part.height;
        }
        part
    }
}

fn swapped(part: Rect) -> Rect {
    Rect {
        x: part.y,
        y: part.x,
        width: part.height,
        height: part.width,
    }
}

impl From<Orientation> for Turn {
    fn from(orientation: Orientation) -> Self {
        match orientation {
            Orientation::Upright => Self::new(false, false, false),
            Orientation::FlipHorizontal => Self::new(false, true, false),
            Orientation::Rotate180 => Self::new(false, true, true),
            Orientation::FlipVertical => Self::new(false, false, true),
            Orientation::Transpose => Self::new(true, false, false),
            Orientation::Rotate90 => Self::new(true, true, false),
            Orientation::Transverse => Self::new(true, true, true),
            Orientation::Rotate270 => Self::new(true, false, true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::picture::{Layout, Picture};

    fn all() -> impl Iterator<Item = Turn> {
        (1..=8).map(|number| Orientation::from_exif(number).into())
    }

    #[test]
    fn two_turns_are_one() {
        let mut picture = Picture::new(3, 2, Layout::Rgb).unwrap();
        for (number, byte) in (0..).zip(&mut picture.pixels) {
            *byte = number;
        }
        for first in all() {
            for second in all() {
                let twice = picture
                    .clone()
                    .turned(first)
                    .unwrap()
                    .turned(second)
                    .unwrap();
                let once = picture.clone().turned(first.then(second)).unwrap();
                assert_eq!(twice, once, "{first:?} {second:?}");
            }
        }
    }

    #[test]
    fn parts_are_found_before_and_after() {
        let mut picture = Picture::new(5, 4, Layout::Rgb).unwrap();
        picture.pixels[(2 * 5 + 3) * 3] = 255;
        let part = |x, y| Rect {
            x,
            y,
            width: 1.0,
            height: 1.0,
        };
        for turn in all() {
            let turned = picture.clone().turned(turn).unwrap();
            let at = turned.pixels.iter().position(|byte| *byte == 255).unwrap() / 3;
            let at = part(
                (at % turned.width as usize) as f64,
                (at / turned.width as usize) as f64,
            );
            let size = Size::new(turned.width, turned.height).unwrap();
            assert_eq!(turn.undone(at, size), part(3.0, 2.0), "{turn:?}");
            assert_eq!(
                turn.done(part(3.0, 2.0), Size::new(5, 4).unwrap()),
                at,
                "{turn:?}"
            );
        }
    }
}
