//! Which pixels of a file become which of the result.
//!
//! A picture is made smaller first and turned then, since that is less to turn; so what `geometry` says of the picture as it
//! is seen has to be said of the file's own rows and columns.

use super::size;
use crate::decode::Decoded;
use crate::effects::{Found, attention, find_border};
use crate::geometry::{Plan, Rect, Size, plan, trimmed, turned, window};
use crate::resize::resampled;
use crate::transform::Transform;
use crate::turn::Turn;
use crate::{ImageError, Info};

/// Pixels of the longer side of the picture in which attention is looked for.
const THUMB: f64 = 96.0;

/// What is done with a file's pixels.
pub(super) struct Place {
    /// What `geometry` says.
    pub(super) plan: Plan,
    /// How it is turned, after it was made smaller.
    pub(super) turn: Turn,
    /// The part of the file that is seen.
    pub(super) source: Rect,
}

impl Place {
    /// As far as the header tells it: sizes are right unless a border is yet to be found.
    pub(super) fn expected(info: &Info, transform: &Transform) -> Result<Self, ImageError> {
        let whole = Upright::of(info, transform)?;
        whole.place(transform, None)
    }

    /// With what the pixels decide.
    pub(super) fn of(
        info: &Info,
        transform: &Transform,
        decoded: &Decoded,
    ) -> Result<Self, ImageError> {
        let mut upright = Upright::of(info, transform)?;
        if let Some(border) = &transform.trim.border {
            let part = upright.orientation.undone(upright.part, upright.size);
            let within = find_border(&decoded.picture, found(part), border);
            let file = size(info.width, info.height)?;
            upright.part = upright.orientation.done(rect(within), file);
        }
        let seen = turned(size_of(upright.part)?, transform.rotate);
        let found = match window(seen, transform) {
            None => None,
            Some(window) => Some(upright.look(transform, decoded, seen, window)?),
        };
        upright.place(transform, found)
    }

    /// By how much the part that is seen becomes smaller.
    pub(super) fn shrink(&self) -> f64 {
        let to = self.scaled();
        let across = self.source.width / f64::from(to.width());
        across.min(self.source.height / f64::from(to.height()))
    }

    /// What the part becomes, before it is turned.
    pub(super) fn scaled(&self) -> Size {
        let scaled = self.plan.scaled;
        if self.turn.swaps_axes {
            Size::new(scaled.height(), scaled.width()).unwrap_or(scaled)
        } else {
            scaled
        }
    }

    /// The result's size.
    pub(super) fn size(&self) -> (u32, u32) {
        (self.plan.canvas.width(), self.plan.canvas.height())
    }
}

/// A picture as its own metadata say it is seen, and what trimming leaves of it.
struct Upright {
    size: Size,
    orientation: Turn,
    part: Rect,
}

impl Upright {
    fn of(info: &Info, transform: &Transform) -> Result<Self, ImageError> {
        let (width, height) = info.upright();
        let size = size(width, height)?;
        let part = trimmed(size, &transform.trim.sides);
        Ok(Self {
            size,
            orientation: info.orientation.into(),
            part: Rect {
                x: part.x.into(),
                y: part.y.into(),
                width: part.size.width().into(),
                height: part.size.height().into(),
            },
        })
    }

    fn place(&self, transform: &Transform, found: Option<(f64, f64)>) -> Result<Place, ImageError> {
        let own = Turn::of(transform.flip, transform.rotate);
        let seen = turned(size_of(self.part)?, transform.rotate);
        let plan = plan(seen, transform, found);
        let source = self.in_file(own.undone(plan.source, seen));
        Ok(Place {
            plan,
            turn: self.orientation.then(own),
            source,
        })
    }

    /// Where a part of what was trimmed is in the file.
    fn in_file(&self, mut part: Rect) -> Rect {
        part.x += self.part.x;
        part.y += self.part.y;
        self.orientation.undone(part, self.size)
    }

    /// Where in the picture, turned, the window should be.
    fn look(
        &self,
        transform: &Transform,
        decoded: &Decoded,
        seen: Size,
        window: (f64, f64),
    ) -> Result<(f64, f64), ImageError> {
        let (width, height) = (f64::from(seen.width()), f64::from(seen.height()));
        let scale = (THUMB / width.max(height)).min(1.0);
        let turn = self
            .orientation
            .then(Turn::of(transform.flip, transform.rotate));
        let small = |side: f64| (side * scale).round().max(1.0) as u32;
        let (across, down) = if turn.swaps_axes {
            (small(height), small(width))
        } else {
            (small(width), small(height))
        };
        let part = self.orientation.undone(self.part, self.size);
        let to = size(across, down)?;
        let thumb = resampled(&decoded.picture, decoded.scaled(part), to)?;
        let thumb = thumb.turned(turn)?;
        let by = (
            f64::from(thumb.width) / width,
            f64::from(thumb.height) / height,
        );
        let (x, y) = attention(&thumb, window.0 * by.0, window.1 * by.1);
        Ok((x / by.0, y / by.1))
    }
}

fn size_of(part: Rect) -> Result<Size, ImageError> {
    size(part.width.round() as u32, part.height.round() as u32)
}

fn found(part: Rect) -> Found {
    Found {
        left: part.x.round() as u32,
        top: part.y.round() as u32,
        width: part.width.round() as u32,
        height: part.height.round() as u32,
    }
}

fn rect(found: Found) -> Rect {
    Rect {
        x: found.left.into(),
        y: found.top.into(),
        width: found.width.into(),
        height: found.height.into(),
    }
}
