use super::*;
use crate::decode::jpeg::{self, Shrink};
use crate::decode::still;
use crate::testing::compare_decoders;
use crate::{Limits, probe};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};
use proptest::prelude::*;

/// A picture whose colours change slowly, so that of all its cosines few are more than nothing.
fn smooth(width: u16, height: u16) -> Vec<u8> {
    let wave = |at: u16, length: f32| (100.0 + 90.0 * (f32::from(at) / length).sin()) as u8;
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| [wave(x, 23.0), wave(y, 31.0), wave(x / 2 + y, 37.0)])
        .collect()
}

fn file(width: u16, height: u16, change: impl Fn(&mut Encoder<&mut Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&mut out, 95);
    change(&mut encoder);
    let pixels = smooth(width, height);
    encoder
        .encode(&pixels, width, height, ColorType::Rgb)
        .unwrap();
    out
}

fn gray(width: u16, height: u16) -> Vec<u8> {
    let mut out = Vec::new();
    let pixels: Vec<u8> = smooth(width, height).into_iter().step_by(3).collect();
    Encoder::new(&mut out, 95)
        .encode(&pixels, width, height, ColorType::Luma)
        .unwrap();
    out
}

fn shrunk(bytes: &[u8], factor: f64) -> Option<Decoded> {
    decode(bytes, factor, Limits::default().deadline()).unwrap()
}

/// All factors that a decoder of ours knows, from the half on.
const FACTORS: [f64; 4] = [2.0, 8.0 / 3.0, 4.0, 8.0];

/// How far each number of a picture is from that of the same one decoded whole: of those pixels that it stands for, the mean.
fn distances(bytes: &[u8], decoded: &Decoded) -> Vec<f64> {
    let limits = Limits::default();
    let whole = jpeg::decode(bytes, Shrink::None, &limits, limits.deadline()).unwrap();
    let whole = whole.picture;
    let span = |at: usize, end: u32| {
        let edge = |at: usize| (at as f64 / decoded.scale.0).round() as usize;
        edge(at)..edge(at + 1).min(end as usize)
    };
    let mean = |x: usize, y: usize, channel: usize| {
        let rows = span(y, whole.height).map(|y| &whole.pixels[y * whole.stride()..]);
        let values = rows.flat_map(|row| span(x, whole.width).map(|x| row[x * 3 + channel]));
        let values: Vec<f64> = values.map(f64::from).collect();
        values.iter().sum::<f64>() / values.len() as f64
    };
    let picture = &decoded.picture;
    let numbers = picture.pixels.iter().enumerate();
    let distance = |(at, value): (usize, &u8)| {
        let (y, x) = (at / picture.stride(), at % picture.stride());
        (f64::from(*value) - mean(x / 3, y, x % 3)).abs()
    };
    numbers.map(distance).collect()
}

/// Also at the right and at the bottom, where blocks end that are not whole.
#[track_caller]
fn assert_like_the_whole(bytes: &[u8], what: &str) {
    for factor in FACTORS {
        let decoded = shrunk(bytes, factor).expect(what);
        assert_eq!(decoded.scale, (1.0 / factor, 1.0 / factor));
        let distances = distances(bytes, &decoded);
        let mean = distances.iter().sum::<f64>() / distances.len() as f64;
        let most = distances.iter().copied().fold(0.0, f64::max);
        assert!(mean < 1.0 && most < 9.0, "{what} {factor}: {mean} {most}");
    }
}

#[test]
fn pictures_are_the_whole_ones_made_smaller() {
    for sampling in [
        SamplingFactor::F_1_1,
        SamplingFactor::F_2_1,
        SamplingFactor::F_1_2,
        SamplingFactor::F_2_2,
    ] {
        for (width, height) in [(96, 64), (77, 45), (9, 70), (70, 9), (17, 33), (1, 1)] {
            let bytes = file(width, height, |encoder| {
                encoder.set_sampling_factor(sampling)
            });
            assert_like_the_whole(&bytes, &format!("{sampling:?} {width}×{height}"));
        }
    }
    let bytes = file(77, 45, |encoder| encoder.set_restart_interval(2));
    assert_like_the_whole(&bytes, "with restarts");
    let gray = gray(77, 45);
    assert_like_the_whole(&gray, "gray");
}

#[test]
fn three_eighths_are_between_a_quarter_and_a_half() {
    let Decoded { picture, scale } = shrunk(&file(301, 200, |_| ()), 2.7).unwrap();
    assert_eq!(
        (picture.width, picture.height, scale),
        (113, 75, (0.375, 0.375))
    );
    let middle = &picture.pixels[37 * picture.stride() + 56 * 3..][..3];
    let expected = &smooth(301, 200)[(100 * 301 + 150) * 3..][..3];
    assert!(middle.iter().zip(expected).all(|(a, b)| a.abs_diff(*b) < 8));
}

#[test]
fn what_is_unusual_or_wrong_is_left_to_libjpeg() {
    let plain = file(200, 100, |_| ());
    assert!(shrunk(&plain, 2.0).is_some());
    assert!(shrunk(&plain, 1.99).is_none());
    let progressive = file(200, 100, |encoder| encoder.set_progressive(true));
    assert!(shrunk(&progressive, 2.0).is_none());
    // This encoder gives each component a scan then.
    let of_three_scans = file(200, 100, |encoder| {
        encoder.set_optimized_huffman_tables(true)
    });
    assert!(shrunk(&of_three_scans, 2.0).is_none());
    let mut inks = Vec::new();
    let encoder = Encoder::new(&mut inks, 90);
    encoder
        .encode(&[99; 4 * 64 * 64], 64, 64, ColorType::Cmyk)
        .unwrap();
    assert!(shrunk(&inks, 2.0).is_none());
    for length in 0..plain.len() {
        assert!(shrunk(&plain[..length], 4.0).is_none(), "{length}");
    }
    let mut twice = plain[..plain.len() - 2].to_vec();
    twice.extend([9, 9, 0xff, 0xd9]);
    assert!(shrunk(&twice, 4.0).is_none());
}

#[test]
fn red_green_and_blue_as_adobe_writes_them_are_left_to_libjpeg() {
    let with_adobe = |transform| {
        let plain = file(64, 64, |_| {});
        let adobe = [
            &b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00"[..],
            &[transform],
        ]
        .concat();
        [&plain[..2], &adobe, &plain[2..]].concat()
    };
    assert!(shrunk(&with_adobe(0), 4.0).is_none());
    assert!(shrunk(&with_adobe(1), 4.0).is_some());
}

/// Files in which each kind of picture comes, small enough for many of them.
fn files() -> Vec<Vec<u8>> {
    let sampled =
        |sampling| move |encoder: &mut Encoder<&mut Vec<u8>>| encoder.set_sampling_factor(sampling);
    vec![
        file(64, 48, |encoder| encoder.set_restart_interval(3)),
        file(33, 17, sampled(SamplingFactor::F_2_2)),
        file(17, 33, sampled(SamplingFactor::F_2_1)),
        gray(21, 30),
    ]
}

#[test]
fn what_is_changed_anywhere_is_taken_only_if_libjpeg_takes_it() {
    for plain in files() {
        for at in (2..plain.len()).step_by(5) {
            for flip in [0x01, 0x80, 0xff] {
                let mut bytes = plain.clone();
                bytes[at] ^= flip;
                compare_decoders(&bytes, &Limits::default());
            }
        }
    }
}

#[test]
fn what_is_cut_off_is_an_error_at_every_size() {
    let limits = Limits::default();
    for plain in files() {
        for length in 0..plain.len() {
            let Ok(info) = probe(&plain[..length], &limits) else {
                continue;
            };
            for factor in FACTORS {
                let decoded = still(&plain[..length], &info, factor, &limits, limits.deadline());
                assert!(decoded.is_err(), "{length} {factor}");
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_damaged_is_taken_only_if_libjpeg_takes_it(
        file in 0..4_usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = files().swap_remove(file);
        for (at, value, what) in edits {
            let at = at.index(bytes.len());
            match what {
                0 => bytes[at] = value,
                1 => bytes.insert(at, value),
                2 => drop(bytes.remove(at)),
                _ => bytes.splice(at..at, [0xff, value]).for_each(drop),
            }
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        compare_decoders(&bytes, &Limits::default());
    }
}
