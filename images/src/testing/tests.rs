use std::time::{Duration, Instant};

use super::*;
use crate::syntax::cloudflare;
use crate::transform::Bounds;
use crate::{ImageError, Limits, decode, probe, render};

fn corners(bytes: &[u8]) -> Vec<&'static str> {
    let limits = Limits::default();
    let info = probe(bytes, &limits).unwrap();
    let picture = decode::still(bytes, &info, 1.0, &limits, limits.deadline())
        .unwrap()
        .picture;
    let picture = picture.into_rgba();
    let at = |x: u32, y: u32| {
        let at = (y * picture.width + x) as usize * 4;
        match picture.pixels[at..at + 3] {
            [r, g, b] if r > 200 && g > 200 && b > 200 => "light",
            [r, ..] if r > 200 => "red",
            [_, g, _] if g > 200 => "green",
            [_, _, b] if b > 200 => "blue",
            _ => "other",
        }
    };
    let (right, bottom) = (picture.width - 3, picture.height - 3);
    vec![at(2, 2), at(right, 2), at(2, bottom), at(right, bottom)]
}

#[test]
fn what_can_be_read_is_and_all_else_is_refused() {
    let png = cloudflare::parse("width=32,format=png")
        .unwrap()
        .resolve(&Bounds::default())
        .unwrap();
    for Sample {
        name,
        bytes,
        is_readable,
    } in samples()
    {
        let begin = Instant::now();
        let made = render(&bytes, &png, &Limits::default(), &[]);
        assert!(begin.elapsed() < Duration::from_secs(5), "{name}");
        match made {
            Ok(made) => {
                assert!(is_readable, "{name} was made");
                assert_eq!((made.width, made.height), (32, 16), "{name}");
                assert_eq!(
                    corners(&made.bytes),
                    ["red", "green", "blue", "light"],
                    "{name}"
                );
            }
            Err(error) => {
                assert!(!is_readable, "{name}: {error}");
                assert!(error.is_lasting(), "{name}: {error}");
            }
        }
    }
}

/// Whatever becomes of a file on its way: never a panic, never a long wait.
#[test]
fn changed_bytes_are_an_image_or_an_error() {
    let limits = Limits {
        time: Duration::from_secs(2),
        ..Limits::default()
    };
    let options = [
        "width=16,format=webp",
        "width=40,height=40,fit=cover,gravity=auto,format=baseline-jpeg",
    ];
    let transforms = options.map(|options| {
        cloudflare::parse(options)
            .unwrap()
            .resolve(&Bounds::default())
            .unwrap()
    });
    let mut state = 7u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below.max(1)
    };
    for Sample { name, bytes, .. } in samples() {
        for round in 0..60 {
            let mut changed = bytes.clone();
            for _ in 0..next(8) {
                let at = next(changed.len());
                if let Some(byte) = changed.get_mut(at) {
                    *byte = next(256) as u8;
                }
            }
            if round % 3 == 0 {
                changed.truncate(next(changed.len()));
            }
            let begin = Instant::now();
            let made = render(&changed, &transforms[round % 2], &limits, &[]);
            assert!(begin.elapsed() < Duration::from_secs(10), "{name}");
            assert!(
                !matches!(made, Err(ImageError::Failed(_))),
                "{name}: {made:?}"
            );
        }
    }
}
