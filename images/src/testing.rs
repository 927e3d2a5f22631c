//! Images that are odd and files that are none, made here so that none has to be kept: for tests.

mod decoders;

use gif::DisposalMethod;
use png::{BitDepth, ColorType};

use crate::encode::{self, Settings};
use crate::picture::{Layout, Picture};
use crate::transform::Format;

pub use decoders::compare_decoders;

/// A file that somebody may send.
#[derive(Debug)]
pub struct Sample {
    /// What it is called, which may lie.
    pub name: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
    /// Whether an image can be made of it; otherwise it is refused.
    pub is_readable: bool,
}

/// All of them. Upright, each that can be read is twice as wide as high, with red at the upper left, green at the upper right, blue at the lower
/// left and a light colour at the lower right.
#[must_use]
pub fn samples() -> Vec<Sample> {
    let sample = |is_readable| {
        move |(name, bytes)| Sample {
            name,
            bytes,
            is_readable,
        }
    };
    let readable = odd_jpegs().into_iter().chain(odd_pngs()).chain(moving());
    let refused = no_images().into_iter().chain(cut_off()).chain(bombs());
    readable
        .map(sample(true))
        .chain(refused.map(sample(false)))
        .collect()
}

type Named = (&'static str, Vec<u8>);

fn settings(quality: u8) -> Settings {
    Settings {
        quality,
        may_reduce: false,
        progressive: false,
        fast: false,
        exif: None,
    }
}

fn written(picture: Picture, format: Format, settings: &Settings) -> Vec<u8> {
    encode::still(picture, format, settings).unwrap_or_default()
}

/// The colours that all samples have, on 64 by 32 pixels.
fn quarters() -> Picture {
    coloured(64, 32, |x, y| match (x < 32, y < 16) {
        (true, true) => [255, 0, 0],
        (false, true) => [0, 255, 0],
        (true, false) => [0, 0, 255],
        (false, false) => [250, 250, 250],
    })
}

fn coloured(width: u32, height: u32, colour: impl Fn(u32, u32) -> [u8; 3]) -> Picture {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    Picture {
        width,
        height,
        layout: Layout::Rgb,
        pixels: places.flat_map(|(x, y)| colour(x, y)).collect(),
    }
}

fn odd_jpegs() -> Vec<Named> {
    let plain = settings(95);
    let progressive = Settings {
        progressive: true,
        ..settings(95)
    };
    // Of a camera that was held on its side: turned by 270 degrees, it is what was seen.
    let turned = coloured(32, 64, |x, y| match (x < 16, y < 32) {
        (true, true) => [0, 0, 255],
        (false, true) => [255, 0, 0],
        (true, false) => [250, 250, 250],
        (false, false) => [0, 255, 0],
    });
    let exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0".to_vec();
    let plain_jpeg = written(quarters(), Format::Jpeg, &plain);
    vec![
        (
            "progressive.jpg",
            written(quarters(), Format::Jpeg, &progressive),
        ),
        (
            "rotated.jpg",
            written(
                turned,
                Format::Jpeg,
                &Settings {
                    exif: Some(exif),
                    ..plain.clone()
                },
            ),
        ),
        ("cmyk.jpg", inks(jpeg_encoder::ColorType::Cmyk)),
        ("ycck.jpg", inks(jpeg_encoder::ColorType::CmykAsYcck)),
        (
            "broken_profile.jpg",
            with_segment(&plain_jpeg, 0xe2, b"ICC_PROFILE\0\x01\x01no profile at all"),
        ),
        (
            "broken_exif.jpg",
            with_segment(&plain_jpeg, 0xe1, b"Exif\0\0MM\0*\xff\xff\xff\xff"),
        ),
        ("called_png.png", plain_jpeg),
    ]
}

/// The colours by inks, of which 255 is all.
fn inks(kind: jpeg_encoder::ColorType) -> Vec<u8> {
    let picture = quarters();
    let inks = picture.pixels.chunks_exact(3);
    let inks: Vec<u8> = inks
        .flat_map(|p| [255 - p[0], 255 - p[1], 255 - p[2], 0])
        .collect();
    let mut out = Vec::new();
    let encoder = jpeg_encoder::Encoder::new(&mut out, 95);
    encoder.encode(&inks, 64, 32, kind).ok();
    out
}

fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let (start, rest) = jpeg.split_at(2.min(jpeg.len()));
    let length = u16::try_from(data.len() + 2).unwrap_or(2).to_be_bytes();
    [start, &[0xff, marker], &length, data, rest].concat()
}

fn odd_pngs() -> Vec<Named> {
    let picture = quarters();
    let wide: Vec<u8> = picture
        .pixels
        .iter()
        .flat_map(|value| [*value, 7])
        .collect();
    let indices: Vec<u8> = (0..64 * 32)
        .map(|at| (at % 64 / 32 + at / 64 / 16 * 2) as u8)
        .collect();
    vec![
        (
            "sixteen_bits.png",
            png(64, 32, ColorType::Rgb, BitDepth::Sixteen, &wide),
        ),
        (
            "palette.png",
            png(64, 32, ColorType::Indexed, BitDepth::Eight, &indices),
        ),
        ("interlaced.png", interlaced(&picture)),
        (
            "alpha.png",
            written(picture.into_rgba(), Format::Png, &settings(100)),
        ),
    ]
}

fn png(width: u32, height: u32, colours: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(colours);
    encoder.set_depth(depth);
    if colours == ColorType::Indexed {
        encoder.set_palette(&[255, 0, 0, 0, 255, 0, 0, 0, 255, 250, 250, 250][..]);
        encoder.set_trns(&[255, 255, 255, 254][..]);
    }
    if let Ok(mut writer) = encoder.write_header() {
        writer.write_image_data(data).ok();
    }
    out
}

/// Seven passes (Adam7), each of which begins somewhere and leaves out as many pixels across and down.
fn interlaced(picture: &Picture) -> Vec<u8> {
    let mut data = Vec::new();
    for (left, top, across, down) in [
        (0, 0, 8, 8),
        (4, 0, 8, 8),
        (0, 4, 4, 8),
        (2, 0, 4, 4),
        (0, 2, 2, 4),
        (1, 0, 2, 2),
        (0, 1, 1, 2),
    ] {
        for row in picture.rows().skip(top).step_by(down) {
            data.push(0);
            let pixels = row.chunks_exact(3).skip(left).step_by(across);
            data.extend(pixels.flatten());
        }
    }
    let header = [
        &64u32.to_be_bytes()[..],
        &32u32.to_be_bytes(),
        &[8, 2, 0, 0, 1],
    ]
    .concat();
    chunks(&[
        (b"IHDR", &header),
        (b"IDAT", &fdeflate::compress_to_vec(&data)),
        (b"IEND", &[]),
    ])
}

/// A PNG of these chunks.
fn chunks(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, data) in chunks {
        out.extend(u32::try_from(data.len()).unwrap_or(0).to_be_bytes());
        let named = [&name[..], data].concat();
        out.extend(&named);
        out.extend(checksum(&named).to_be_bytes());
    }
    out
}

/// The CRC that PNG has.
fn checksum(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

fn moving() -> Vec<Named> {
    let webp = |frames| {
        let animation = encode::Animation::new(Format::Webp, (64, 32), 0, &settings(100));
        let Ok(mut animation) = animation else {
            return Vec::new();
        };
        for number in 0..frames {
            let mut picture = quarters();
            // What is the same twice is one frame.
            picture.pixels[0] -= number;
            animation.add(picture, 50).ok();
        }
        animation.finish().unwrap_or_default()
    };
    vec![
        ("disposal.gif", disposal()),
        ("moving.webp", webp(3)),
        ("one_frame.webp", webp(1)),
    ]
}

/// Each way to dispose of a frame. The first frame is what the samples have.
fn disposal() -> Vec<u8> {
    let palette = [255, 0, 0, 0, 255, 0, 0, 0, 255, 250, 250, 250];
    let mut out = Vec::new();
    let Ok(mut encoder) = gif::Encoder::new(&mut out, 64, 32, &palette) else {
        return out;
    };
    let whole: Vec<u8> = (0..64 * 32)
        .map(|at| (at % 64 / 32 + at / 64 / 16 * 2) as u8)
        .collect();
    for (side, dispose) in [
        (None, DisposalMethod::Keep),
        (Some(20), DisposalMethod::Previous),
        (Some(10), DisposalMethod::Background),
        (Some(5), DisposalMethod::Any),
    ] {
        let (width, height) = side.map_or((64, 32), |side| (side, side));
        let buffer = side.map_or_else(|| whole.clone(), |side| vec![3; usize::from(side * side)]);
        let frame = gif::Frame {
            width,
            height,
            dispose,
            delay: 5,
            buffer: buffer.into(),
            ..gif::Frame::default()
        };
        encoder.write_frame(&frame).ok();
    }
    drop(encoder);
    out
}

fn no_images() -> Vec<Named> {
    let jpeg = written(quarters(), Format::Jpeg, &settings(80));
    let as_process = |marker: u8| {
        let mut bytes = jpeg.clone();
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]);
        if let Some(code) = frame.and_then(|at| bytes.get_mut(at + 1)) {
            *code = marker;
        }
        bytes
    };
    vec![
        ("empty.jpg", Vec::new()),
        ("page.jpg", b"<!doctype html><title>Not found</title>".to_vec()),
        ("script.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>".to_vec()),
        ("arithmetic.jpg", as_process(0xc9)),
        ("lossless.jpg", as_process(0xc3)),
        ("zero.jpg", b"\xff\xd8\xff\xc0\0\x0b\x08\0\0\0\0\x01\x01\x11\0\xff\xda\0\x08\x01\x01\0\0\x3f\0\xff\xd9".to_vec()),
        ("zero.png", chunks(&[(b"IHDR", &[0, 0, 0, 0, 0, 0, 0, 1, 8, 2, 0, 0, 0]), (b"IDAT", &[]), (b"IEND", &[])])),
        ("zero.gif", b"GIF89a\0\0\0\0\0\0\0;".to_vec()),
    ]
}

/// Half of each kind of file.
fn cut_off() -> Vec<Named> {
    let half = |mut bytes: Vec<u8>| {
        bytes.truncate(bytes.len() / 2);
        bytes
    };
    let file = |format| half(written(quarters(), format, &settings(95)));
    let progressive = Settings {
        progressive: true,
        ..settings(95)
    };
    vec![
        ("half.jpg", file(Format::Jpeg)),
        (
            "half_progressive.jpg",
            half(written(quarters(), Format::Jpeg, &progressive)),
        ),
        ("half.png", file(Format::Png)),
        ("half.webp", file(Format::Webp)),
        ("half.gif", half(disposal())),
    ]
}

/// Small files of much work.
fn bombs() -> Vec<Named> {
    let header = |width: u32, height: u32| {
        [
            &width.to_be_bytes()[..],
            &height.to_be_bytes(),
            &[1, 0, 0, 0, 0],
        ]
        .concat()
    };
    let zeros = fdeflate::compress_to_vec(&vec![0; 12_000 * 1501]);
    let huge = |width, height, data: &[u8]| {
        chunks(&[
            (b"IHDR", &header(width, height)),
            (b"IDAT", data),
            (b"IEND", &[]),
        ])
    };
    let profile = [
        b"name\0\0",
        &fdeflate::compress_to_vec(&vec![0; 8 << 20])[..],
    ]
    .concat();
    let with_profile = chunks(&[
        (b"IHDR", &header(8, 8)),
        (b"iCCP", &profile),
        (b"IDAT", &[]),
    ]);
    vec![
        ("pixels.png", huge(12_000, 12_000, &zeros)),
        ("sides.png", huge(30_000, 30_000, &zeros)),
        ("profile.png", with_profile),
        ("scans.jpg", scans()),
        ("frames.gif", frames(300, 100)),
        ("canvas.gif", frames(40, 2000)),
    ]
}

/// Scans that say of each block that it stays as it is.
fn scans() -> Vec<u8> {
    let progressive = Settings {
        progressive: true,
        ..settings(80)
    };
    let mut bytes = written(quarters(), Format::Jpeg, &progressive);
    bytes.truncate(bytes.len().saturating_sub(2));
    for _ in 0..200 {
        bytes.extend(b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10\0");
    }
    bytes.extend(b"\xff\xd9");
    bytes
}

/// So many frames of one pixel, on a canvas of so many a side.
fn frames(count: usize, side: u16) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend(side.to_le_bytes());
    out.extend(side.to_le_bytes());
    out.extend(b"\x80\0\0\0\0\0\xff\xff\xff");
    for _ in 0..count {
        out.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    out.push(b';');
    out
}

#[cfg(test)]
mod tests;
