use super::*;
use crate::picture::Layout;
use crate::probe;

fn decoded(bytes: &[u8], shrink: f64) -> Result<Decoded, ImageError> {
    let limits = Limits::default();
    let info = probe(bytes, &limits)?;
    still(bytes, &info, shrink, &limits, limits.deadline())
}

/// A picture with red growing to the right and green growing down.
fn gradient(width: u16, height: u16) -> Vec<u8> {
    let shade = |at: u16, whole: u16| u8::try_from(u32::from(at) * 255 / u32::from(whole)).unwrap();
    let rows = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    rows.flat_map(|(x, y)| [shade(x, width), shade(y, height), 60])
        .collect()
}

fn jpeg(width: u16, height: u16, progressive: bool) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut out, 95);
    encoder.set_progressive(progressive);
    let pixels = gradient(width, height);
    encoder
        .encode(&pixels, width, height, jpeg_encoder::ColorType::Rgb)
        .unwrap();
    out
}

fn png(
    width: u32,
    height: u32,
    colour: ::png::ColorType,
    depth: ::png::BitDepth,
    data: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = ::png::Encoder::new(&mut out, width, height);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if colour == ::png::ColorType::Indexed {
        encoder.set_palette(&[255, 0, 0, 0, 0, 255][..]);
        encoder.set_trns(&[255, 0][..]);
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    writer.finish().unwrap();
    out
}

#[track_caller]
fn assert_near(found: &[u8], expected: [u8; 3], by: u8) {
    let near = found.iter().zip(expected).all(|(a, b)| a.abs_diff(b) <= by);
    assert!(near, "{found:?} is not near {expected:?}");
}

fn at(picture: &Picture, x: u32, y: u32) -> &[u8] {
    let channels = picture.layout.channels();
    &picture.pixels[y as usize * picture.stride() + x as usize * channels..][..channels]
}

#[test]
fn jpegs_are_decoded_smaller_when_they_are_to_be_smaller() {
    for progressive in [false, true] {
        let bytes = jpeg(101, 60, progressive);
        for (shrink, width, height, scale) in [
            (1.0, 101, 60, 1.0),
            (1.9, 101, 60, 1.0),
            (2.0, 51, 30, 0.5),
            (5.0, 26, 15, 0.25),
            (100.0, 13, 8, 0.125),
        ] {
            let Decoded {
                picture,
                scale: found,
            } = decoded(&bytes, shrink).unwrap();
            assert_eq!(
                (picture.width, picture.height, found),
                (width, height, (scale, scale))
            );
            assert_near(at(&picture, width / 2, height / 2), [128, 128, 60], 30);
        }
    }
}

#[test]
fn gray_and_inks_have_a_layout_of_their_own() {
    let mut gray = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut gray, 95);
    encoder
        .encode(&[77; 64], 8, 8, jpeg_encoder::ColorType::Luma)
        .unwrap();
    let picture = decoded(&gray, 1.0).unwrap().picture;
    assert_eq!(
        (picture.layout, at(&picture, 3, 3)),
        (Layout::Rgb, &[77; 3][..])
    );
    for colour in [
        jpeg_encoder::ColorType::Cmyk,
        jpeg_encoder::ColorType::CmykAsYcck,
    ] {
        let mut inks = Vec::new();
        let encoder = jpeg_encoder::Encoder::new(&mut inks, 95);
        encoder.encode(&[200; 256], 8, 8, colour).unwrap();
        assert_eq!(decoded(&inks, 1.0).unwrap().picture.layout, Layout::Cmyk);
    }
}

#[test]
fn what_is_cut_in_its_pixels_is_refused() {
    let gray = ::png::ColorType::Grayscale;
    let noise: Vec<u8> = (0..4096u32).map(|n| ((n * n) >> 3) as u8).collect();
    for bytes in [
        jpeg(100, 100, false),
        jpeg(100, 100, true),
        png(64, 64, gray, ::png::BitDepth::Eight, &noise),
        gif(&[(0, 0, 4, 4, ::gif::DisposalMethod::Keep, 1)]),
    ] {
        for part in [5, 7, 9] {
            let cut = &bytes[..bytes.len() * part / 10];
            assert!(decoded(cut, 1.0).is_err(), "{part}");
        }
        assert!(decoded(&bytes, 1.0).is_ok());
    }
}

#[test]
fn pngs_of_all_kinds_become_eight_bits_of_colour() {
    use ::png::{BitDepth, ColorType};
    for (colour, depth, data, layout, expected) in [
        (
            ColorType::Grayscale,
            BitDepth::Eight,
            &[9][..],
            Layout::Rgb,
            &[9, 9, 9][..],
        ),
        (
            ColorType::Grayscale,
            BitDepth::One,
            &[0x80],
            Layout::Rgb,
            &[255, 255, 255],
        ),
        (
            ColorType::GrayscaleAlpha,
            BitDepth::Eight,
            &[9, 8],
            Layout::Rgba,
            &[9, 9, 9, 8],
        ),
        (
            ColorType::Rgb,
            BitDepth::Sixteen,
            &[1, 0, 2, 0, 3, 0],
            Layout::Rgb,
            &[1, 2, 3],
        ),
        (
            ColorType::Indexed,
            BitDepth::One,
            &[0x80],
            Layout::Rgba,
            &[0, 0, 255, 0],
        ),
        (
            ColorType::Indexed,
            BitDepth::Eight,
            &[0],
            Layout::Rgba,
            &[255, 0, 0, 255],
        ),
    ] {
        let picture = decoded(&png(1, 1, colour, depth, data), 1.0)
            .unwrap()
            .picture;
        assert_eq!((picture.layout, &picture.pixels[..]), (layout, expected));
    }
}

/// A GIF on a canvas of 4 x 4: left, top, width, height, disposal and colour of each frame.
fn gif(frames: &[(u16, u16, u16, u16, ::gif::DisposalMethod, u8)]) -> Vec<u8> {
    let mut out = Vec::new();
    let palette = [0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255];
    let mut encoder = ::gif::Encoder::new(&mut out, 4, 4, &palette).unwrap();
    encoder.set_repeat(::gif::Repeat::Finite(2)).unwrap();
    for &(left, top, width, height, dispose, colour) in frames {
        let buffer = vec![colour; usize::from(width) * usize::from(height)].into();
        let frame = ::gif::Frame {
            left,
            top,
            width,
            height,
            dispose,
            buffer,
            delay: 5,
            ..Default::default()
        };
        encoder.write_frame(&frame).unwrap();
    }
    drop(encoder);
    out
}

#[test]
fn frames_are_disposed_of_as_they_say() {
    use ::gif::DisposalMethod::{Background, Keep, Previous};
    let bytes = gif(&[
        (0, 0, 4, 4, Keep, 1),
        (0, 0, 2, 2, Previous, 2),
        (1, 1, 2, 2, Background, 3),
        (3, 3, 4, 4, Keep, 2),
    ]);
    let limits = Limits::default();
    let info = probe(&bytes, &limits).unwrap();
    assert_eq!(info.frames, 4);
    let mut frames = animation(&bytes, &info, &limits).unwrap();
    let mut next = || frames.next().unwrap();
    let (red, green, blue, clear) = ([255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255], [0; 4]);
    for (corner, middle, end) in [
        (red, red, red),
        (green, green, red),
        (red, blue, red),
        (red, clear, green),
    ] {
        let Frame { picture, delay } = next().unwrap();
        assert_eq!(delay, 50);
        assert_eq!(
            [at(&picture, 0, 0), at(&picture, 1, 1), at(&picture, 3, 3)],
            [corner, middle, end]
        );
    }
    assert!(next().is_none());
    assert_eq!(frames.loops(), 3);
}

#[test]
fn a_jpeg_of_many_scans_is_refused_by_the_decoder_too() {
    let limits = Limits {
        scans: 3,
        ..Limits::default()
    };
    let bytes = jpeg(100, 100, true);
    let info = probe(&bytes, &Limits::default()).unwrap();
    let error = still(&bytes, &info, 1.0, &limits, limits.deadline()).err();
    assert!(
        matches!(
            error,
            Some(ImageError::TooLarge {
                what: crate::Measure::Scans,
                ..
            })
        ),
        "{error:?}"
    );
}

#[test]
fn a_deadline_ends_decoding() {
    let limits = Limits {
        time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let bytes = jpeg(100, 100, false);
    let info = probe(&bytes, &limits).unwrap();
    let error = still(&bytes, &info, 1.0, &limits, limits.deadline()).err();
    assert_eq!(error, Some(ImageError::Deadline(0)));
}
