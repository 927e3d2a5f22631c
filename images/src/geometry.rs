//! Which part of a picture is seen, how large it becomes, and where it stands: arithmetic alone.
//!
//! The steps are those of [`Transform`]: [`trimmed`] says what is left of the sides, [`turned`] how large the picture
//! is then, and [`plan`] the rest. Where the pixels decide, [`window`] says how large a part is looked for.

use crate::transform::{Fit, Gravity, Pixels, Rotate, Sides, Transform, TrimSides};

/// The size of a picture, never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Size {
    width: u32,
    height: u32,
}

impl Size {
    /// If neither is 0.
    pub const fn new(width: u32, height: u32) -> Option<Self> {
        if width == 0 || height == 0 {
            None
        } else {
            Some(Self { width, height })
        }
    }

    /// The width.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// The height.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// How many pixels there are.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// As `round` has it, at least 1.
    fn rounded(width: f64, height: f64) -> Self {
        Self {
            width: width.round().max(1.0) as u32,
            height: height.round().max(1.0) as u32,
        }
    }

    fn across(self) -> f64 {
        f64::from(self.width)
    }

    fn down(self) -> f64 {
        f64::from(self.height)
    }
}

/// A part of a picture, in whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// From the left.
    pub x: u32,
    /// From the top.
    pub y: u32,
    /// How large it is.
    pub size: Size,
}

/// A part of a picture, in fractions of pixels, so that nothing is stretched by rounding.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    /// From the left.
    pub x: f64,
    /// From the top.
    pub y: f64,
    /// To the right, above 0.
    pub width: f64,
    /// Downwards, above 0.
    pub height: f64,
}

/// What to do with a picture that is trimmed, flipped and turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// The part that is seen, within the picture.
    pub source: Rect,
    /// The size that this part becomes.
    pub scaled: Size,
    /// The size of the result.
    pub canvas: Size,
    /// Where the part stands on the canvas, from the left and the top.
    pub at: (u32, u32),
    /// What of the canvas the border covers.
    pub border: Sides,
    /// Whether there are more pixels than before, across or down.
    pub enlarges: bool,
}

/// What is left of a picture when its sides are cut off, at least one pixel.
pub fn trimmed(picture: Size, sides: &TrimSides) -> Part {
    let side = |all: u32, before: u32, after: u32, kept: Option<u32>| {
        let start = before.min(all - 1);
        let left = kept.unwrap_or_else(|| all.saturating_sub(start).saturating_sub(after));
        (start, left.clamp(1, all - start))
    };
    let Size { width, height } = picture;
    let kept = sides.width.map(|kept| kept.of(width));
    let (x, across) = side(width, sides.left.of(width), sides.right.of(width), kept);
    let kept = sides.height.map(|kept| kept.of(height));
    let (y, down) = side(height, sides.top.of(height), sides.bottom.of(height), kept);
    Part {
        x,
        y,
        size: Size {
            width: across,
            height: down,
        },
    }
}

/// The size of a picture that was turned.
pub fn turned(picture: Size, rotate: Rotate) -> Size {
    match rotate.turns_sides() {
        true => Size {
            width: picture.height,
            height: picture.width,
        },
        false => picture,
    }
}

/// How large a part, across and down, `gravity` has to find in the picture; none when the pixels don't decide.
pub fn window(picture: Size, transform: &Transform) -> Option<(f64, f64)> {
    if !matches!(transform.gravity, Gravity::Auto | Gravity::Face) {
        return None;
    }
    let (width, height, _) = seen(picture, transform);
    (width < picture.across() || height < picture.down()).then_some((width, height))
}

/// What to do with a picture of this size. `found` is the top left corner of the [`window`] that was looked for; when
/// there is none, its centre is kept.
pub fn plan(picture: Size, transform: &Transform, found: Option<(f64, f64)>) -> Plan {
    let (width, height, scaled) = seen(picture, transform);
    let (across, down) = (picture.across() - width, picture.down() - height);
    let (x, y) = match (transform.gravity, found) {
        (Gravity::Point(point), _) => (across * point.x.get(), down * point.y.get()),
        (_, Some((x, y))) => (x.clamp(0.0, across), y.clamp(0.0, down)),
        (_, None) => (across / 2.0, down / 2.0),
    };
    let enlarges = scaled.across() > width.ceil() || scaled.down() > height.ceil();
    let (canvas, at, border) = canvas(scaled, transform);
    Plan {
        source: Rect {
            x,
            y,
            width,
            height,
        },
        scaled,
        canvas,
        at,
        border,
        enlarges,
    }
}

/// How much of the picture is seen, across and down, and the size that this becomes.
fn seen(picture: Size, transform: &Transform) -> (f64, f64, Size) {
    let (width, height) = (picture.across(), picture.down());
    let (across, down) = match (transform.width, transform.height) {
        (Some(across), Some(down)) => (f64::from(across.get()), f64::from(down.get())),
        (across, down) => return (width, height, shaped(picture, across, down, transform.fit)),
    };
    let (smaller, larger) = match (across / width, down / height) {
        (x, y) if x < y => (x, y),
        (x, y) => (y, x),
    };
    // A box of the picture's own shape would lose its exact size to rounding, so what is cropped keeps to the box.
    let part = |scale: f64, across: f64, down: f64| {
        let size = Size::rounded(across, down);
        (
            (across / scale).min(width),
            (down / scale).min(height),
            size,
        )
    };
    match transform.fit {
        Fit::ScaleDown => (width, height, scaled(picture, smaller.min(1.0))),
        Fit::Contain | Fit::Pad => (width, height, scaled(picture, smaller)),
        Fit::Squeeze => (width, height, Size::rounded(across, down)),
        Fit::Cover => part(larger, across, down),
        Fit::Crop if larger > 1.0 => part(1.0, across.min(width), down.min(height)),
        Fit::Crop => part(larger, across, down),
        Fit::AspectCrop if larger > 1.0 => part(
            1.0,
            (across / larger).min(width),
            (down / larger).min(height),
        ),
        Fit::AspectCrop => part(larger, across, down),
    }
}

/// The size when at most one side is given: the other follows the picture's shape.
fn shaped(picture: Size, across: Option<Pixels>, down: Option<Pixels>, fit: Fit) -> Size {
    let scale = match (across, down) {
        (Some(across), _) => f64::from(across.get()) / picture.across(),
        (None, Some(down)) => f64::from(down.get()) / picture.down(),
        (None, None) => return picture,
    };
    scaled(
        picture,
        if fit == Fit::ScaleDown {
            scale.min(1.0)
        } else {
            scale
        },
    )
}

fn scaled(picture: Size, scale: f64) -> Size {
    Size::rounded(picture.across() * scale, picture.down() * scale)
}

/// The result's size, where the picture stands on it, and the border.
fn canvas(scaled: Size, transform: &Transform) -> (Size, (u32, u32), Sides) {
    let pads = transform.fit == Fit::Pad;
    let side = |asked: Option<Pixels>, side: u32| {
        asked
            .filter(|_| pads)
            .map_or(side, |asked| asked.get().max(side))
    };
    let (width, height) = (
        side(transform.width, scaled.width),
        side(transform.height, scaled.height),
    );
    let beside = match transform.gravity {
        Gravity::Point(point) => (point.x.get(), point.y.get()),
        Gravity::Auto | Gravity::Face => (0.5, 0.5),
    };
    let within = |room: u32, share: f64| (f64::from(room) * share).floor() as u32;
    let x = within(width - scaled.width, beside.0);
    let y = within(height - scaled.height, beside.1);
    let (padding, border) = (
        transform.padding,
        transform
            .border
            .map(|border| border.width)
            .unwrap_or_default(),
    );
    let canvas = Size {
        width: width.saturating_add(padding.across() + border.across()),
        height: height.saturating_add(padding.down() + border.down()),
    };
    (
        canvas,
        (x + padding.left + border.left, y + padding.top + border.top),
        border,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::cloudflare;
    use crate::transform::Bounds;

    fn transform(options: &str) -> Transform {
        cloudflare::parse(options)
            .unwrap()
            .resolve(&Bounds::default())
            .unwrap()
    }

    fn planned(size: (u32, u32), options: &str) -> Plan {
        plan(
            Size::new(size.0, size.1).unwrap(),
            &transform(options),
            None,
        )
    }

    #[track_caller]
    fn check(size: (u32, u32), options: &str, expected: (u32, u32)) {
        let canvas = planned(size, options).canvas;
        assert_eq!(
            (canvas.width, canvas.height),
            expected,
            "{size:?} {options}"
        );
    }

    #[test]
    fn each_fit_has_the_size_that_its_users_know() {
        // The examples of Cloudflare's manual.
        check((1080, 720), "w=500,h=500,fit=contain", (500, 333));
        check((1080, 720), "w=500,h=500,fit=cover", (500, 500));
        check((1080, 720), "w=1296,h=1296,fit=crop", (1080, 720));
        check((1080, 720), "w=1080,h=1080,fit=pad", (1080, 1080));
        check((1080, 720), "w=1080,h=540,fit=squeeze", (1080, 540));
        check((612, 613), "w=1920,h=1120,fit=aspect-crop", (612, 357));
        // Smaller pictures.
        check((100, 50), "w=400,h=400", (100, 50));
        check((100, 50), "w=400,h=400,fit=contain", (400, 200));
        check((100, 50), "w=400,h=400,fit=cover", (400, 400));
        check((100, 50), "w=400,h=400,fit=crop", (100, 50));
        check((100, 50), "w=400,h=400,fit=aspect-crop", (50, 50));
        check((100, 50), "w=400,h=400,fit=pad", (400, 400));
        check((100, 50), "w=400,h=400,fit=squeeze", (400, 400));
        // Wider but lower than the box.
        check((1000, 50), "w=400,h=400,fit=crop", (400, 50));
        check((1000, 50), "w=400,h=400,fit=aspect-crop", (50, 50));
        // Larger pictures.
        check((1920, 1120), "w=612,h=613,fit=crop", (612, 613));
        check((1920, 1120), "w=612,h=613,fit=aspect-crop", (612, 613));
        check((1920, 1120), "w=80", (80, 47));
        check((1920, 1120), "h=80", (137, 80));
        check((1920, 1120), "w=80,dpr=2", (160, 93));
        // One side, none, extremes.
        check((100, 50), "w=200,fit=cover", (200, 100));
        check((100, 50), "w=200,fit=crop", (100, 50));
        check((100, 50), "h=200,fit=squeeze", (400, 200));
        check((100, 50), "fit=cover", (100, 50));
        check((10_000, 1), "w=10", (10, 1));
        check((10_000, 1), "w=10,h=10,fit=cover", (10, 10));
    }

    #[test]
    fn gravity_keeps_its_side() {
        for (gravity, x) in [
            ("left", 0.0),
            ("right", 360.0),
            ("0.25x0", 90.0),
            ("0.5x0.5", 180.0),
            ("auto", 180.0),
        ] {
            let plan = planned(
                (1080, 720),
                &format!("w=100,h=100,fit=cover,gravity={gravity}"),
            );
            assert_eq!(
                plan.source,
                Rect {
                    x,
                    y: 0.0,
                    width: 720.0,
                    height: 720.0
                },
                "{gravity}"
            );
        }
        let found = plan(
            Size::new(1080, 720).unwrap(),
            &transform("w=9,h=9,fit=cover,g=auto"),
            Some((900.0, 7.0)),
        );
        assert_eq!(
            (found.source.x, found.source.y),
            (360.0, 0.0),
            "what was found is kept within the picture"
        );
    }

    #[test]
    fn borders_and_padding_add_to_the_size() {
        let plan = planned((100, 100), "w=50,padding=1;2;3;4,border=10,dpr=2");
        assert_eq!(
            (plan.canvas.width, plan.canvas.height),
            (100 + 12 + 40, 100 + 8 + 40)
        );
        assert_eq!((plan.at, plan.border), ((28, 22), Sides::all(20)));
        let pad = planned((100, 50), "w=100,h=100,fit=pad");
        assert_eq!((pad.at, pad.scaled), ((0, 25), Size::new(100, 50).unwrap()));
    }

    #[test]
    fn trims_leave_a_pixel_at_least() {
        for (options, expected) in [
            ("trim=20;30;10;5", (5, 20, 165, 70)),
            ("trim=0.1;0.2;0.1;0.2", (40, 10, 120, 80)),
            ("trim.left=10,trim.width=50", (10, 0, 50, 100)),
            ("trim=500;500;500;500", (199, 99, 1, 1)),
            ("trim.width=900", (0, 0, 200, 100)),
        ] {
            let Part { x, y, size } =
                trimmed(Size::new(200, 100).unwrap(), &transform(options).trim.sides);
            assert_eq!((x, y, size.width, size.height), expected, "{options}");
        }
    }

    proptest! {
        #[test]
        fn plans_stay_within_the_picture_and_the_box(
            width in 1u32..20_000, height in 1u32..20_000, across in 0u32..12_000, down in 0u32..12_000,
            fit in prop::sample::select(vec!["scale-down", "contain", "cover", "crop", "aspect-crop", "pad", "squeeze"]),
            gravity in prop::sample::select(vec!["auto", "left", "right", "top", "bottom", "0.33x0.9"]),
        ) {
            let side = |name: &str, pixels: u32| if pixels == 0 { String::new() } else { format!(",{name}={pixels}") };
            let options = format!("fit={fit},gravity={gravity}{}{}", side("w", across), side("h", down));
            let transform = transform(&options);
            let picture = Size::new(width, height).unwrap();
            let Plan { source, scaled, canvas, at, enlarges, .. } = plan(picture, &transform, None);
            prop_assert!(source.width > 0.0 && source.height > 0.0);
            prop_assert!(source.x >= 0.0 && source.x + source.width <= f64::from(width) + 1e-6);
            prop_assert!(source.y >= 0.0 && source.y + source.height <= f64::from(height) + 1e-6);
            prop_assert!(scaled.width >= 1 && scaled.height >= 1);
            prop_assert!(at.0 + scaled.width <= canvas.width && at.1 + scaled.height <= canvas.height);
            if across > 0 && down > 0 {
                prop_assert!(canvas.width <= across && canvas.height <= down, "{canvas:?}");
            }
            if across > 0 && down > 0 && matches!(fit, "cover" | "pad" | "squeeze") {
                prop_assert_eq!((canvas.width, canvas.height), (across, down));
            }
            if matches!(fit, "scale-down" | "crop" | "aspect-crop") {
                prop_assert!(!enlarges && canvas.width <= width && canvas.height <= height);
            }
            if let Some((seen, _)) = window(picture, &transform) {
                prop_assert!((seen - source.width).abs() < 1e-6);
            }
        }
    }
}
