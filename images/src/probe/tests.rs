use super::*;

/// A JPEG's frame of so many pixels, and so many scans.
fn jpeg(width: u16, height: u16, components: u8, scans: usize) -> Vec<u8> {
    let mut out = vec![0xff, 0xd8, 0xff, 0xc2, 0, 8 + 3 * components, 8];
    out.extend(height.to_be_bytes());
    out.extend(width.to_be_bytes());
    out.push(components);
    for number in 0..components {
        out.extend([number, 0x11, 0]);
    }
    for _ in 0..scans {
        out.extend([0xff, 0xda, 0, 2, 0xff, 0, 1, 2, 3]);
    }
    out.extend([0xff, 0xd9]);
    out
}

fn png(width: u32, height: u32, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([8, 2, 0, 0, 0]);
    let chunks = [(b"IHDR", &header[..])]
        .into_iter()
        .chain(chunks.iter().copied());
    for (name, data) in chunks {
        out.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
        out.extend(name);
        out.extend(data);
        out.extend([0; 4]);
    }
    out.extend(b"\0\0\0\x05IDAT");
    out
}

fn gif(width: u16, height: u16, frames: usize) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    out.extend(width.to_le_bytes());
    out.extend(height.to_le_bytes());
    out.extend([0x80, 0, 0, 0, 0, 0, 255, 255, 255]);
    for _ in 0..frames {
        out.extend(b"\x21\xf9\x04\x01\0\0\0\0");
        out.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0");
    }
    out.push(0x3b);
    out
}

fn webp(chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut body = b"WEBP".to_vec();
    for (name, data) in chunks {
        body.extend_from_slice(*name);
        body.extend(u32::try_from(data.len()).unwrap().to_le_bytes());
        body.extend_from_slice(data);
    }
    let mut out = b"RIFF".to_vec();
    out.extend(u32::try_from(body.len()).unwrap().to_le_bytes());
    out.extend(body);
    out
}

fn told(bytes: &[u8]) -> String {
    probe(bytes, &Limits::default()).unwrap_err().to_string()
}

#[test]
fn headers_tell_size_frames_and_kind() {
    let extended = [0x12, 0, 0, 0, 9, 0, 0, 4, 0, 0];
    let lossy = [0, 0, 0, 0x9d, 0x01, 0x2a, 40, 0, 30, 0];
    let lossless = [0x2f, 39, 0x40, 7, 0x10];
    for (bytes, kind, width, height, frames) in [
        (jpeg(40, 30, 3, 10), Kind::Jpeg, 40, 30, 1),
        (png(40, 30, &[]), Kind::Png, 40, 30, 1),
        (gif(40, 30, 3), Kind::Gif, 40, 30, 3),
        (webp(&[(b"VP8 ", &lossy)]), Kind::Webp, 40, 30, 1),
        (webp(&[(b"VP8L", &lossless)]), Kind::Webp, 40, 30, 1),
        (
            webp(&[(b"VP8X", &extended), (b"ANMF", &[]), (b"ANMF", &[])]),
            Kind::Webp,
            10,
            5,
            2,
        ),
    ] {
        let info = probe(&bytes, &Limits::default()).unwrap();
        let found = (info.kind, info.width, info.height, info.frames);
        assert_eq!(found, (kind, width, height, frames));
    }
}

#[test]
fn transparency_is_seen_before_pixels_are() {
    let limits = Limits::default();
    assert!(!probe(&png(1, 1, &[]), &limits).unwrap().alpha);
    assert!(
        probe(&png(1, 1, &[(b"tRNS", &[0; 6])]), &limits)
            .unwrap()
            .alpha
    );
    assert!(probe(&gif(1, 1, 1), &limits).unwrap().alpha);
    let lossless = [0x2f, 0, 0, 0, 0x10];
    assert!(
        probe(&webp(&[(b"VP8L", &lossless)]), &limits)
            .unwrap()
            .alpha
    );
}

#[test]
fn what_is_no_image_is_told_from_what_is_broken_and_what_is_too_large() {
    for (bytes, expected) in [
        (b"".to_vec(), "not a JPEG, PNG, GIF or WebP image"),
        (
            b"<!doctype html><p>Not found".to_vec(),
            "not a JPEG, PNG, GIF or WebP image",
        ),
        (
            b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec(),
            "not a JPEG, PNG, GIF or WebP image",
        ),
        (jpeg(40, 30, 3, 0), "broken image: it has no picture"),
        (
            jpeg(0, 30, 3, 1),
            "broken image: it has no width or no height",
        ),
        (
            jpeg(40, 30, 2, 1),
            "a JPEG of 2 components, which is not read here",
        ),
        (
            jpeg(12_001, 30, 3, 1),
            "too large: 12001 pixels a side, where 12000 is the limit",
        ),
        (
            jpeg(12_000, 12_000, 3, 1),
            "too large: 144000000 pixels, where 50000000 is the limit",
        ),
        (
            jpeg(40, 30, 3, 101),
            "too large: 101 scans, where 100 is the limit",
        ),
        (png(0, 1, &[]), "broken image: it has no width or no height"),
        (
            png(30_000, 30_000, &[]),
            "too large: 30000 pixels a side, where 12000 is the limit",
        ),
        (gif(40, 30, 0), "broken image: it has no picture"),
        (
            gif(40, 30, 300),
            "too large: 257 frames, where 256 is the limit",
        ),
        (
            gif(5000, 5000, 3),
            "too large: 75000000 pixels of all frames, where 50000000 is the limit",
        ),
        (
            webp(&[(b"ALPH", &[])]),
            "broken image: it does not begin with a picture",
        ),
    ] {
        assert_eq!(told(&bytes), expected);
    }
}

#[test]
fn what_is_cut_anywhere_in_its_header_is_refused() {
    for bytes in [
        jpeg(40, 30, 3, 1),
        png(40, 30, &[(b"tRNS", &[0; 6])]),
        gif(40, 30, 1),
        webp(&[(b"VP8L", &[0x2f, 39, 0x40, 7, 0x10])]),
    ] {
        // The whole of it is taken, and so is a GIF without its trailer; a JPEG is whole, for its header, with its scan.
        for length in 0..bytes.len() - 10 {
            assert!(
                probe(&bytes[..length], &Limits::default()).is_err(),
                "{length}"
            );
        }
    }
}

#[test]
fn profiles_are_inflated_up_to_a_bound() {
    let mut chunk = b"name\0\0".to_vec();
    chunk.extend(fdeflate::compress_to_vec(&vec![0; 5 << 20]));
    assert_eq!(
        told(&png(1, 1, &[(b"iCCP", &chunk)])),
        "too large: 4194305 bytes of colour profile, where 4194304 is the limit"
    );
    let mut chunk = b"name\0\0".to_vec();
    chunk.extend(fdeflate::compress_to_vec(b"profile"));
    let (_, metadata) = read(&png(1, 1, &[(b"iCCP", &chunk)]), &Limits::default()).unwrap();
    assert_eq!(metadata.icc.as_deref(), Some(&b"profile"[..]));
}

#[test]
fn numbers_of_errors_are_cloudflares() {
    let code = |bytes: &[u8]| probe(bytes, &Limits::default()).unwrap_err().code();
    assert_eq!(code(b"<html>"), 9412);
    assert_eq!(code(&jpeg(12_000, 12_000, 3, 1)), 9413);
    assert_eq!(code(&jpeg(12_001, 1, 3, 1)), 9402);
    assert_eq!(code(&jpeg(40, 30, 3, 0)), 9523);
}
