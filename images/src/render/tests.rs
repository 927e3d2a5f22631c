mod avif;

use super::*;
use crate::picture::Layout;
use crate::syntax::cloudflare;
use crate::transform::Bounds;

#[track_caller]
pub(super) fn transform(options: &str) -> Transform {
    cloudflare::parse(options)
        .unwrap()
        .resolve(&Bounds::default())
        .unwrap()
}

/// A PNG whose upper left quarter is red, upper right green, lower left blue and lower right white.
fn quarters(width: u32, height: u32) -> Vec<u8> {
    let mut picture = Picture::filled(width, height, [255; 4]).unwrap();
    let (across, down) = (i64::from(width / 2), i64::from(height / 2));
    for (colour, x, y) in [
        ([255, 0, 0, 255], 0, 0),
        ([0, 255, 0, 255], across, 0),
        ([0, 0, 255, 255], 0, down),
    ] {
        let part = Picture::filled(width / 2, height / 2, colour).unwrap();
        picture.draw(&part, x, y, 1.0);
    }
    png(picture)
}

pub(super) fn png(picture: Picture) -> Vec<u8> {
    encode::still(picture, Format::Png, &lossless()).unwrap()
}

fn lossless() -> Settings {
    Settings {
        quality: 100,
        may_reduce: false,
        progressive: false,
        fast: true,
        exif: None,
    }
}

fn pixels(bytes: &[u8]) -> Picture {
    if bytes.get(4..12) == Some(b"ftypavif") {
        return avif::read(bytes);
    }
    let limits = Limits::default();
    let info = probe::probe(bytes, &limits).unwrap();
    decode::still(bytes, &info, 1.0, &limits, limits.deadline())
        .unwrap()
        .picture
}

#[track_caller]
pub(super) fn made(source: &[u8], options: &str) -> Picture {
    let rendered = render(source, &transform(options), &Limits::default(), &[]).unwrap();
    let picture = pixels(&rendered.bytes);
    assert_eq!(
        (picture.width, picture.height),
        (rendered.width, rendered.height)
    );
    picture
}

/// A letter for the colour of a point that is given in percent.
fn at(picture: &Picture, x: u32, y: u32) -> char {
    let channels = picture.layout.channels();
    let at =
        (y * (picture.height - 1) / 100 * picture.width + x * (picture.width - 1) / 100) as usize;
    let pixel = &picture.pixels[at * channels..][..channels];
    if channels == 4 && pixel[3] < 40 {
        return '.';
    }
    match (pixel[0] > 127, pixel[1] > 127, pixel[2] > 127) {
        (true, false, false) => 'r',
        (false, true, false) => 'g',
        (false, false, true) => 'b',
        (true, true, true) => 'w',
        (false, false, false) => 'k',
        _ => '?',
    }
}

fn corners(picture: &Picture) -> String {
    [(5, 5), (95, 5), (5, 95), (95, 95)]
        .map(|(x, y)| at(picture, x, y))
        .iter()
        .collect()
}

#[track_caller]
fn check(options: &str, size: (u32, u32), expected: &str) {
    let picture = made(&quarters(80, 40), &format!("{options},format=png"));
    assert_eq!(
        ((picture.width, picture.height), &corners(&picture)[..]),
        (size, expected),
        "{options}"
    );
}

#[test]
fn every_fit_has_its_size_and_its_colours() {
    check("width=40", (40, 20), "rgbw");
    check("width=40,height=40", (40, 20), "rgbw");
    check("width=160,height=160,fit=contain", (160, 80), "rgbw");
    check("width=40,height=40,fit=cover", (40, 40), "rgbw");
    check(
        "width=20,height=20,fit=cover,gravity=left",
        (20, 20),
        "rrbb",
    );
    check(
        "width=20,height=20,fit=cover,gravity=right",
        (20, 20),
        "ggww",
    );
    check("width=40,height=10,fit=cover,gravity=top", (40, 10), "rgrg");
    check("width=40,height=10,fit=cover,gravity=0x1", (40, 10), "bwbw");
    check("width=300,height=20,fit=crop,gravity=top", (80, 20), "rgrg");
    check("width=300,height=300,fit=aspect-crop", (40, 40), "rgbw");
    check(
        "width=40,height=40,fit=pad,background=black",
        (40, 40),
        "kkkk",
    );
    check("width=40,height=40,fit=squeeze", (40, 40), "rgbw");
}

#[test]
fn what_is_turned_flipped_and_trimmed_is_so() {
    check("rotate=90", (40, 80), "brwg");
    check("rotate=180", (80, 40), "wbgr");
    check("rotate=270", (40, 80), "gwrb");
    check("flip=h", (80, 40), "grwb");
    check("flip=v", (80, 40), "bwrg");
    check("flip=h,rotate=90", (40, 80), "wgbr");
    check("rotate=90,width=20", (20, 40), "brwg");
    check(
        "rotate=90,width=40,height=40,fit=cover,gravity=top",
        (40, 40),
        "brbr",
    );
    check("trim=0;40;0;0", (40, 40), "rrbb");
    check("trim=0;40;0;0,rotate=90,width=20", (20, 20), "brbr");
    check("trim=10;0;0;0,flip=h,width=40", (40, 15), "grwb");
}

#[test]
fn edges_are_added() {
    check("width=40,border=5,border.color=black", (50, 30), "kkkk");
    check("width=40,padding=10", (60, 40), "wwww");
    let picture = made(
        &quarters(80, 40),
        "padding=10,border=10,border.color=blue,background=red,format=png",
    );
    assert_eq!((picture.width, picture.height), (120, 80));
    let across: String = [4, 12, 30, 70, 88, 96]
        .map(|x| at(&picture, x, 40))
        .iter()
        .collect();
    assert_eq!(across, "brrgrb");
}

#[test]
fn borders_are_found_and_cut_off() {
    let mut picture = Picture::filled(60, 50, [250, 250, 250, 255]).unwrap();
    picture.draw(&pixels(&quarters(20, 10)), 10, 30, 1.0);
    let source = encode::still(picture, Format::Png, &lossless()).unwrap();
    let found = made(&source, "trim=border,trim.border.tolerance=3,format=png");
    // White is the border's colour too, so the last quarter still bounds it by the two beside.
    assert_eq!(
        (found.width, found.height, &corners(&found)[..]),
        (20, 10, "rgbw")
    );
    let turned = made(
        &source,
        "trim=border,trim.border.tolerance=3,rotate=90,width=5,format=png",
    );
    assert_eq!(
        (turned.width, turned.height, &corners(&turned)[..]),
        (5, 10, "brwg")
    );
}

#[test]
fn pictures_stand_upright_whatever_their_file_says() {
    for orientation in 1..=8u8 {
        let upright = pixels(&quarters(64, 32));
        // What the file has is the upright picture, turned back.
        let turn: crate::turn::Turn = crate::Orientation::from_exif(orientation.into()).into();
        let back = (1..=8)
            .map(|number| crate::turn::Turn::from(crate::Orientation::from_exif(number)))
            .find(|back| back.then(turn) == crate::turn::Turn::default());
        let file = upright.turned(back.unwrap()).unwrap();
        let exif = [
            &b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0"[..],
            &[orientation, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        let settings = Settings {
            quality: 98,
            exif: Some(exif),
            ..lossless()
        };
        let source = encode::still(file, Format::Jpeg, &settings).unwrap();
        for (options, size, expected) in [
            ("format=png", (64, 32), "rgbw"),
            ("format=png,width=32", (32, 16), "rgbw"),
            ("format=png,trim=0;32;0;0", (32, 32), "rrbb"),
            (
                "format=png,width=16,height=16,fit=cover,gravity=right",
                (16, 16),
                "ggww",
            ),
            ("format=png,rotate=90,width=8", (8, 16), "brwg"),
            (
                "format=png,trim=border,trim.border.tolerance=40,trim.border.color=white",
                (64, 32),
                "rgbw",
            ),
        ] {
            let picture = made(&source, options);
            let found = ((picture.width, picture.height), corners(&picture));
            assert_eq!(
                found,
                (size, expected.to_owned()),
                "{orientation} {options}"
            );
        }
        let kept = render(
            &source,
            &transform("metadata=keep,format=jpeg"),
            &Limits::default(),
            &[],
        )
        .unwrap();
        let info = probe::probe(&kept.bytes, &Limits::default()).unwrap();
        assert_eq!(
            (info.width, info.height, info.orientation),
            (64, 32, crate::Orientation::Upright)
        );
    }
}

#[test]
fn overlays_lie_where_they_are_put() {
    use crate::transform::{Options, Overlay};
    let dot = encode::still(
        Picture::filled(8, 8, [0, 0, 0, 255]).unwrap(),
        Format::Png,
        &lossless(),
    )
    .unwrap();
    let put = |change: &dyn Fn(&mut Overlay)| {
        let mut overlay = Overlay::new("dot");
        change(&mut overlay);
        let options = Options {
            overlays: Some(vec![overlay]),
            ..cloudflare::parse("format=png").unwrap()
        };
        let transform = options.resolve(&Bounds::default()).unwrap();
        let rendered = render(&quarters(80, 40), &transform, &Limits::default(), &[&dot]).unwrap();
        pixels(&rendered.bytes)
    };
    let middle = put(&|_| {});
    assert_eq!(
        (corners(&middle), at(&middle, 50, 50)),
        ("rgbw".to_owned(), 'k')
    );
    let corner = put(&|overlay| (overlay.place.right, overlay.place.bottom) = (Some(0), Some(0)));
    assert_eq!(corners(&corner), "rgbk");
    let rows = put(&|overlay| {
        overlay.place.top = Some(0);
        overlay.repeat = crate::transform::Repeat::X;
    });
    assert_eq!(corners(&rows), "kkbw");
    let error = render(
        &quarters(8, 8),
        &transform("format=png"),
        &Limits::default(),
        &[&dot],
    );
    assert!(error.is_err());
}

#[test]
fn what_is_transparent_stays_so_where_it_can() {
    let clear = Picture::filled(20, 20, [255, 0, 0, 0]).unwrap();
    let source = encode::still(clear, Format::Png, &lossless()).unwrap();
    for (options, expected) in [
        ("format=png", "...."),
        ("format=webp,width=10", "...."),
        ("format=gif", "...."),
        ("format=avif", "...."),
        ("format=baseline-jpeg", "wwww"),
        ("format=png,background=blue", "bbbb"),
        ("format=jpeg,background=blue", "bbbb"),
        ("format=png,width=40,height=20,fit=pad", "wwww"),
        ("format=png,border=3", "kkkk"),
    ] {
        assert_eq!(corners(&made(&source, options)), expected, "{options}");
    }
    let bordered = made(&source, "format=png,border=3");
    assert_eq!(at(&bordered, 50, 50), '.');
}

#[test]
fn every_format_becomes_every_format() {
    let flags = quarters(64, 32);
    for from in ["jpeg", "baseline-jpeg", "png", "webp", "gif"] {
        let source = render(
            &flags,
            &transform(&format!("format={from}")),
            &Limits::default(),
            &[],
        )
        .unwrap();
        for to in ["jpeg", "baseline-jpeg", "png", "webp", "gif", "avif"] {
            let options = transform(&format!("width=32,format={to}"));
            let rendered = render(&source.bytes, &options, &Limits::default(), &[]).unwrap();
            assert_eq!((rendered.width, rendered.height), (32, 16));
            assert_eq!(corners(&pixels(&rendered.bytes)), "rgbw", "{from} to {to}");
        }
    }
}

fn moving() -> Vec<u8> {
    let settings = lossless();
    let mut animation = encode::Animation::new(Format::Gif, (40, 20), 0, &settings).unwrap();
    for number in 0..5 {
        let mut picture = Picture::filled(40, 20, [255; 4]).unwrap();
        picture.draw(
            &Picture::filled(8, 20, [255, 0, 0, 255]).unwrap(),
            number * 8,
            0,
            1.0,
        );
        animation.add(picture, 100).unwrap();
    }
    animation.finish().unwrap()
}

#[test]
fn what_moves_goes_on_moving_unless_it_may_not() {
    for (options, frames) in [
        ("width=20", 5),
        ("width=20,format=webp", 5),
        ("width=20,format=webp,anim=false", 1),
        ("width=20,format=jpeg", 1),
    ] {
        let rendered = render(&moving(), &transform(options), &Limits::default(), &[]).unwrap();
        let info = probe::probe(&rendered.bytes, &Limits::default()).unwrap();
        assert_eq!(
            (rendered.frames, info.frames, info.width, info.height),
            (frames, frames, 20, 10),
            "{options}"
        );
    }
}

#[test]
fn results_have_limits_too() {
    let limits = Limits {
        output_pixels: 10_000,
        ..Limits::default()
    };
    let error =
        |options: &str| render(&quarters(80, 40), &transform(options), &limits, &[]).unwrap_err();
    assert_eq!(
        error("width=200,fit=contain").to_string(),
        "too large: 20000 pixels of what is made, where 10000 is the limit"
    );
    let limits = Limits {
        time: std::time::Duration::ZERO,
        ..Limits::default()
    };
    let late = render(&quarters(80, 40), &transform("width=20"), &limits, &[]).unwrap_err();
    assert_eq!(late, ImageError::Deadline(0));
}

#[test]
fn large_avif_becomes_webp() {
    let limits = Limits {
        avif_pixels: 1000,
        ..Limits::default()
    };
    let rendered = render(&quarters(80, 40), &transform("format=avif"), &limits, &[]).unwrap();
    assert_eq!(rendered.format, Format::Webp);
}

#[test]
fn a_description_tells_both_sides() {
    let rendered = render(
        &quarters(80, 40),
        &transform("width=20,format=webp"),
        &Limits::default(),
        &[],
    )
    .unwrap();
    let told = rendered.describe();
    let start = r#"{"width":20,"height":10,"format":"image/webp","file_size":"#;
    assert!(told.starts_with(start), "{told}");
    assert!(
        told.contains(r#""original":{"width":80,"height":40,"format":"image/png","file_size":"#),
        "{told}"
    );
}

#[test]
fn costs_follow_what_has_to_be_kept() {
    let info = |kind, progressive| {
        let mut info = Info::new(kind, 4000, 3000);
        info.progressive = progressive;
        info
    };
    let small = transform("width=800");
    let jpeg = cost(&info(crate::Kind::Jpeg, false), &small);
    assert!(jpeg < 8 << 20, "{jpeg}");
    let avif = cost(
        &info(crate::Kind::Jpeg, false),
        &transform("width=800,format=avif"),
    );
    assert_eq!(avif - jpeg, 800 * 600 * AVIF_ENCODER);
    assert!(cost(&info(crate::Kind::Jpeg, true), &small) > 36_000_000);
    // Three eighths of its sides, if it is plain; half of them otherwise.
    let by_three_eighths = transform("width=1400");
    let unusual = info(crate::Kind::Jpeg, false);
    let plain = Info {
        plain: true,
        ..unusual.clone()
    };
    let more = cost(&unusual, &by_three_eighths) - cost(&plain, &by_three_eighths);
    assert_eq!(more, 3 * (2000 * 1500 - 1500 * 1125));
    assert_eq!(
        cost(&plain, &transform("width=1600")),
        cost(&unusual, &transform("width=1600"))
    );
    assert!(cost(&info(crate::Kind::Png, false), &small) > 36_000_000);
    assert!(cost(&info(crate::Kind::Jpeg, false), &transform("quality=80")) > 36_000_000);
}

#[test]
fn layouts_of_inks_become_colours() {
    let mut inks = Picture::new(16, 16, Layout::Cmyk).unwrap();
    for pixel in inks.pixels.chunks_exact_mut(4) {
        pixel.copy_from_slice(&[255, 0, 0, 255]);
    }
    let source = encode::still(
        inks,
        Format::Jpeg,
        &Settings {
            quality: 95,
            ..lossless()
        },
    )
    .unwrap();
    assert_eq!(corners(&made(&source, "format=png,width=8")), "rrrr");
}
