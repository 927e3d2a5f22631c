//! What clients take, and what they tell of themselves: which format, width, density and quality follows.
//!
//! It reads the values of header fields, and knows nothing of how they came.

use crate::transform::{
    Compression, Dpr, Format, FormatChoice, Ladder, Options, Pixels, Transform, Width,
};

/// The format that `format=auto` becomes for a client with this `Accept`, the smallest first: AVIF, then WebP. A type that
/// is not named, or only by `*/*`, which every client sends, is not taken; a type of more weight wins over a smaller one.
/// None says that the client takes neither, or that it is to be fast, so that the source decides; so does a choice of the
/// source's.
pub fn negotiate(accept: Option<&str>, transform: &Transform) -> Option<Format> {
    match transform.format {
        FormatChoice::Only(format) => Some(format),
        FormatChoice::Source | FormatChoice::Json => None,
        FormatChoice::Auto if transform.compression == Compression::Fast => None,
        FormatChoice::Auto => accept.and_then(smallest),
    }
}

fn smallest(accept: &str) -> Option<Format> {
    // Bounded, since a client may send as much as a header may hold, and each part is looked at.
    let ranges = || accept.split(',').take(64).filter_map(range);
    let weight = |name: &str| {
        let named = ranges().filter(|(range, _)| range.eq_ignore_ascii_case(name));
        named.map(|(_, weight)| weight).fold(0, u16::max)
    };
    let legacy = ["image/jpeg", "image/png", "image/gif"]
        .map(weight)
        .into_iter()
        .fold(0, u16::max);
    let (avif, webp) = (weight("image/avif"), weight("image/webp"));
    match (avif, webp) {
        (0, 0) => None,
        _ if legacy > avif.max(webp) => None,
        (avif, webp) if avif >= webp => Some(Format::Avif),
        _ => Some(Format::Webp),
    }
}

/// A media range and its weight in thousandths. Parameters but `q` are passed over.
fn range(text: &str) -> Option<(&str, u16)> {
    let mut parts = text.split(';').map(str::trim);
    let range = parts.next().filter(|range| !range.is_empty())?;
    let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
    let weight = match weight {
        None => 1000,
        Some(weight) => match weight.trim().parse::<f32>() {
            Ok(weight) if (0.0..=1.0).contains(&weight) => (weight * 1000.0).round() as u16,
            _ => return None,
        },
    };
    Some((range, weight))
}

/// What a client tells of itself, as its fields have it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints<'a> {
    /// `Sec-CH-Width` or `Width`: how many pixels of the device the picture takes.
    pub width: Option<&'a str>,
    /// `Sec-CH-Viewport-Width` or `Viewport-Width`: how many pixels of the page the window is wide.
    pub viewport_width: Option<&'a str>,
    /// `Sec-CH-DPR` or `DPR`: how many pixels of the device one of the page is.
    pub dpr: Option<&'a str>,
    /// `Save-Data`.
    pub save_data: Option<&'a str>,
    /// `RTT`, in milliseconds.
    pub rtt: Option<&'a str>,
    /// `ECT`: which generation of mobile networks the connection feels like.
    pub ect: Option<&'a str>,
    /// `Downlink`, in megabits a second.
    pub downlink: Option<&'a str>,
}

impl Hints<'_> {
    /// The fields that a page asks for by `Accept-CH` so that clients send all of these.
    pub const ACCEPT_CH: &'static str = "Sec-CH-Width, Sec-CH-Viewport-Width, Sec-CH-DPR, Width, Viewport-Width, DPR, Save-Data, RTT, ECT, Downlink";

    /// Whether the client wants to save bytes, or has a slow connection: a round trip of more than 150 ms, 3G or less, or
    /// less than 5 megabits a second.
    pub fn is_slow(&self) -> bool {
        let number = |text: Option<&str>| text.and_then(|text| text.trim().parse::<f64>().ok());
        let is = |text: Option<&str>, word: &str| {
            text.is_some_and(|text| text.trim().eq_ignore_ascii_case(word))
        };
        is(self.save_data, "on")
            || is(self.save_data, "?1")
            || ["slow-2g", "2g", "3g"].iter().any(|ect| is(self.ect, ect))
            || number(self.rtt).is_some_and(|milliseconds| milliseconds > 150.0)
            || number(self.downlink).is_some_and(|megabits| megabits < 5.0)
    }

    /// Puts numbers where the options leave it to the client: the width of `width=auto`, from the picture's own width or
    /// else the window's, up to the next rung of `ladder`; and the quality for slow connections. A width that clients tell is
    /// of the device, so that no `dpr` is left to multiply it. Without a hint the picture keeps its width.
    pub fn apply(&self, options: &mut Options, ladder: &Ladder) {
        if options.width == Some(Width::Auto)
            && let Some(width) = self.width_of_device(options.dpr)
        {
            options.width = Some(Width::Pixels(ladder.snap(width)));
            if let (Some(height), Some(dpr)) = (options.height, options.dpr) {
                options.height = height.times(dpr.get());
            }
            options.dpr = None;
        }
        if let Some(slow) = options.slow_quality.take()
            && self.is_slow()
        {
            options.quality = Some(slow);
        }
    }

    /// Which of [`Self`] the answer depends on, by which responses vary.
    pub fn vary(options: &Options) -> impl Iterator<Item = &'static str> {
        const WIDTH: [&str; 6] = [
            "Sec-CH-Width",
            "Sec-CH-Viewport-Width",
            "Sec-CH-DPR",
            "Width",
            "Viewport-Width",
            "DPR",
        ];
        const SLOW: [&str; 4] = ["Save-Data", "RTT", "ECT", "Downlink"];
        let width = (options.width == Some(Width::Auto)).then_some(WIDTH);
        let slow = options.slow_quality.is_some().then_some(SLOW);
        width
            .into_iter()
            .flatten()
            .chain(slow.into_iter().flatten())
    }

    fn width_of_device(&self, asked: Option<Dpr>) -> Option<Pixels> {
        let pixels = |text: Option<&str>| text.and_then(|text| text.trim().parse::<Pixels>().ok());
        if let Some(width) = pixels(self.width) {
            return Some(width);
        }
        let told = self.dpr.and_then(|dpr| dpr.trim().parse::<Dpr>().ok());
        let dpr = asked.or(told).unwrap_or(Dpr::ONE).min(Dpr::LARGE);
        pixels(self.viewport_width)?.times(dpr.get())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::syntax::cloudflare;
    use crate::transform::Bounds;

    #[test]
    fn the_smallest_format_that_is_taken_is_chosen() {
        let auto = cloudflare::parse("f=auto")
            .unwrap()
            .resolve(&Bounds::default())
            .unwrap();
        for (accept, expected) in [
            (
                "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
                Some(Format::Avif),
            ),
            ("image/webp,*/*", Some(Format::Webp)),
            ("image/avif;q=0.5, image/webp", Some(Format::Webp)),
            ("image/avif;q=0, image/webp;q=0.1", Some(Format::Webp)),
            ("IMAGE/AVIF ; q=1.0", Some(Format::Avif)),
            ("image/avif;q=0.5,image/jpeg", None),
            ("image/png,image/*;q=0.8,*/*;q=0.5", None),
            ("*/*", None),
            ("image/*", None),
            ("", None),
            ("image/avif;q=2", None),
            ("text/html,,;;,image/webp;level=1;q=0.3", Some(Format::Webp)),
        ] {
            assert_eq!(negotiate(Some(accept), &auto), expected, "{accept}");
        }
        assert_eq!(negotiate(None, &auto), None);
        let fast = cloudflare::parse("f=auto,compression=fast").unwrap();
        let fast = fast.resolve(&Bounds::default()).unwrap();
        assert_eq!(negotiate(Some("image/avif,image/webp"), &fast), None);
        let png = cloudflare::parse("f=png")
            .unwrap()
            .resolve(&Bounds::default())
            .unwrap();
        assert_eq!(negotiate(Some("image/avif"), &png), Some(Format::Png));
    }

    #[test]
    fn hints_fill_in_what_is_left_open() {
        let hints = |width, viewport_width, dpr| Hints {
            width,
            viewport_width,
            dpr,
            ..Hints::default()
        };
        for (options, hints, expected) in [
            ("w=auto", hints(Some("700"), None, None), "width=768"),
            ("w=auto", hints(None, Some("390"), Some("3")), "width=1200"),
            (
                "w=auto,dpr=2",
                hints(None, Some("390"), Some("3")),
                "width=960",
            ),
            (
                "w=auto,h=100,dpr=2",
                hints(Some("700"), None, Some("3")),
                "width=768,height=200",
            ),
            ("w=auto", hints(None, Some("1000"), None), "width=1200"),
            ("w=auto", hints(Some("9000"), None, None), "width=3840"),
            (
                "w=auto,f=webp",
                hints(Some("x"), Some("-1"), Some("e")),
                "format=webp",
            ),
            ("w=50", hints(Some("700"), None, Some("2")), "width=50"),
        ] {
            let mut parsed = cloudflare::parse(options).unwrap();
            hints.apply(&mut parsed, &Ladder::of_devices());
            assert_eq!(
                parsed.resolve(&Bounds::default()).unwrap().canonical(),
                expected,
                "{options}"
            );
        }
    }

    #[test]
    fn slow_connections_get_their_quality() {
        let none = Hints::default();
        for (hints, slow) in [
            (none, false),
            (
                Hints {
                    save_data: Some("on"),
                    ..none
                },
                true,
            ),
            (
                Hints {
                    save_data: Some("off"),
                    ..none
                },
                false,
            ),
            (
                Hints {
                    ect: Some("3g"),
                    ..none
                },
                true,
            ),
            (
                Hints {
                    ect: Some("4g"),
                    ..none
                },
                false,
            ),
            (
                Hints {
                    rtt: Some("151"),
                    ..none
                },
                true,
            ),
            (
                Hints {
                    rtt: Some("150"),
                    ..none
                },
                false,
            ),
            (
                Hints {
                    downlink: Some("4.9"),
                    ..none
                },
                true,
            ),
            (
                Hints {
                    downlink: Some("5"),
                    ..none
                },
                false,
            ),
        ] {
            let mut options = cloudflare::parse("q=80,scq=30").unwrap();
            hints.apply(&mut options, &Ladder::of_devices());
            let expected = if slow { "quality=30" } else { "quality=80" };
            assert_eq!(
                options.resolve(&Bounds::default()).unwrap().canonical(),
                expected,
                "{hints:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(accept in ".{0,80}", hint in ".{0,12}") {
            let auto = cloudflare::parse("f=auto").unwrap().resolve(&Bounds::default()).unwrap();
            negotiate(Some(&accept), &auto);
            let hint = Some(hint.as_str());
            let hints = Hints { width: hint, viewport_width: hint, dpr: hint, rtt: hint, downlink: hint, ..Hints::default() };
            let mut options = cloudflare::parse("w=auto,scq=3").unwrap();
            hints.apply(&mut options, &Ladder::of_devices());
        }
    }
}
