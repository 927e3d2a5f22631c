use super::*;
use crate::picture::Layout;
use crate::{Limits, decode, probe};

pub(super) fn settings(quality: u8) -> Settings {
    Settings {
        quality,
        may_reduce: false,
        progressive: false,
        fast: false,
        exif: None,
    }
}

/// A picture with soft colours and some edges.
fn photo(alpha: bool) -> Picture {
    let mut picture = Picture::new(97, 61, Layout::Rgb).unwrap();
    for (at, pixel) in picture.pixels.chunks_exact_mut(3).enumerate() {
        let (x, y) = (at % 97, at / 97);
        let edge = if (x / 20 + y / 20) % 2 == 0 { 40 } else { 0 };
        pixel.copy_from_slice(&[(x * 2 + edge) as u8, (y * 3) as u8, (200 - x - edge) as u8]);
    }
    if !alpha {
        return picture;
    }
    let mut picture = picture.into_rgba();
    for (at, pixel) in picture.pixels.chunks_exact_mut(4).enumerate() {
        if at % 97 < 30 {
            pixel.fill(0);
        }
    }
    picture
}

pub(super) fn read(bytes: &[u8]) -> Picture {
    let limits = Limits::default();
    let info = probe(bytes, &limits).unwrap();
    decode::still(bytes, &info, 1.0, &limits, limits.deadline())
        .unwrap()
        .picture
}

/// How far bytes are apart in the middle. What is transparent in both has no colour.
fn difference(a: &Picture, b: &Picture) -> f64 {
    assert_eq!((a.width, a.height, a.layout), (b.width, b.height, b.layout));
    let channels = a.layout.channels();
    let pixels = a
        .pixels
        .chunks_exact(channels)
        .zip(b.pixels.chunks_exact(channels));
    let seen = pixels.filter(|(a, b)| a.get(3) != Some(&0) || b.get(3) != Some(&0));
    let sum: u64 = seen
        .flat_map(|(a, b)| a.iter().zip(b))
        .map(|(a, b)| u64::from(a.abs_diff(*b)))
        .sum();
    sum as f64 / a.pixels.len() as f64
}

/// The same with fine detail, which no filter foresees.
fn grainy(mut picture: Picture) -> Picture {
    let mut state = 1u32;
    let channels = picture.layout.channels();
    for pixel in picture.pixels.chunks_exact_mut(channels) {
        for value in pixel.iter_mut().take(3) {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = value.saturating_add((state >> 28) as u8);
        }
    }
    picture
}

#[test]
fn what_is_written_reads_as_it_was() {
    for (format, quality, alpha, at_most) in [
        (Format::Jpeg, 90, false, 4.0),
        (Format::Jpeg, 99, false, 2.0),
        (Format::Png, 80, false, 0.0),
        (Format::Png, 80, true, 0.0),
        (Format::Webp, 90, false, 4.0),
        (Format::Webp, 90, true, 4.0),
        (Format::Webp, 100, false, 0.0),
        (Format::Webp, 100, true, 0.0),
    ] {
        let bytes = still(photo(alpha), format, &settings(quality)).unwrap();
        let found = difference(&read(&bytes), &photo(alpha));
        assert!(found <= at_most, "{format} {quality} {alpha}: {found}");
    }
}

#[test]
fn progressive_jpegs_are_the_same_picture() {
    let progressive = Settings {
        progressive: true,
        exif: Some(b"MM\0*\0\0\0\x08\0\0".to_vec()),
        ..settings(80)
    };
    let bytes = still(photo(false), Format::Jpeg, &progressive).unwrap();
    let (info, metadata) = probe::read(&bytes, &Limits::default()).unwrap();
    assert!(info.progressive && metadata.exif == progressive.exif);
    let plain = still(photo(false), Format::Jpeg, &settings(80)).unwrap();
    assert!(difference(&read(&bytes), &read(&plain)) < 1.0);
}

#[test]
fn pngs_with_a_palette_are_smaller_and_near() {
    let plain = grainy(photo(true));
    let full = still(plain.clone(), Format::Png, &settings(80)).unwrap();
    let mut few = plain.clone();
    few.pixels[4 * 50 + 3] = 77;
    for (picture, soft) in [(plain, false), (few, true)] {
        let reduced = Settings {
            may_reduce: true,
            ..settings(80)
        };
        let bytes = still(picture.clone(), Format::Png, &reduced).unwrap();
        assert!(
            bytes.len() * 4 < full.len() * 3,
            "{} of {}",
            bytes.len(),
            full.len()
        );
        assert_eq!(bytes[25], 3, "colours are numbers");
        let found = difference(&read(&bytes), &picture);
        assert!(found < 8.0, "{soft}: {found}");
    }
}

#[test]
fn gray_and_tiny_pictures_are_written_everywhere() {
    for format in [
        Format::Jpeg,
        Format::Png,
        Format::Webp,
        Format::Gif,
        Format::Avif,
    ] {
        for (width, height) in [(1, 1), (1, 9), (7, 2)] {
            let picture = Picture::filled(width, height, [90, 90, 90, 255]).unwrap();
            let reduced = Settings {
                may_reduce: true,
                ..settings(70)
            };
            assert!(
                !still(picture, format, &reduced).unwrap().is_empty(),
                "{format}"
            );
        }
    }
}

#[test]
fn avif_holds_more_the_better_it_is_to_be() {
    for alpha in [false, true] {
        let size = |quality| {
            still(photo(alpha), Format::Avif, &settings(quality))
                .unwrap()
                .len()
        };
        let (low, high) = (size(30), size(90));
        assert!(400 < low && low * 3 < high * 2, "{low} {high}");
    }
}

#[test]
fn animations_keep_frames_delays_and_loops() {
    for format in [Format::Gif, Format::Webp] {
        let mut moving = Animation::new(format, (20, 10), 3, &settings(95)).unwrap();
        let frames: Vec<Picture> = (0..4)
            .map(|number| {
                // Opaque, a spot that moves, then most of it transparent, then opaque again.
                let ground = if number == 2 {
                    [0; 4]
                } else {
                    [200, 100, 50, 255]
                };
                let mut picture = Picture::filled(20, 10, ground).unwrap().into_rgba();
                picture.draw(
                    &Picture::filled(4, 4, [0, 0, 255, 255]).unwrap(),
                    number * 4,
                    3,
                    1.0,
                );
                picture
            })
            .collect();
        for picture in &frames {
            moving.add(picture.clone(), 70).unwrap();
        }
        let bytes = moving.finish().unwrap();
        let limits = Limits::default();
        let info = probe(&bytes, &limits).unwrap();
        assert_eq!(info.frames, 4);
        let mut read = decode::animation(&bytes, &info, &limits).unwrap();
        for picture in &frames {
            let frame = read.next().unwrap().unwrap();
            assert_eq!(frame.delay, 70);
            let found = difference(&frame.picture, picture);
            assert!(found < 6.0, "{format}: {found}");
        }
        assert!(read.next().unwrap().is_none());
        assert_eq!(read.loops(), 3);
    }
}

#[test]
fn a_format_that_cannot_hold_it_gives_way() {
    let holds =
        |format: Format, width, height, alpha| format.that_holds(width, height, alpha, 4_000_000);
    assert_eq!(holds(Format::Avif, 2000, 2000, false), Format::Avif);
    assert_eq!(holds(Format::Avif, 2001, 2000, false), Format::Webp);
    assert_eq!(holds(Format::Avif, 20_000, 1000, true), Format::Png);
    assert_eq!(holds(Format::Webp, 16_384, 10, false), Format::Jpeg);
}
