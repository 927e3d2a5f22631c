//! Every option gives the same picture from every format in every format, as near as they can hold it.

use crate::quality::{luma, similarity};
use crate::render::tests::{made, transform};
use crate::{Limits, render};

/// What is asked for, beside the format.
const OPTIONS: [&str; 22] = [
    "width=96",
    "width=96,height=96,fit=cover",
    "width=96,height=96,fit=pad,background=%23336699",
    "width=96,height=40,fit=squeeze",
    "width=80,height=80,fit=crop,gravity=left",
    "width=80,height=80,fit=aspect-crop,gravity=0.2x0.8",
    "width=300,fit=contain",
    "width=48,dpr=2",
    "rotate=90",
    "flip=h",
    "flip=hv,rotate=180",
    "trim=8;16;8;16",
    "blur=4",
    "sharpen=2",
    "brightness=1.2",
    "contrast=0.8",
    "gamma=1.3",
    "saturation=0",
    "border=6,border.color=navy",
    "padding=8,background=white",
    "metadata=none",
    "width=96,compression=fast",
];

/// How like the picture has to be to the same one that nothing was lost of: a palette loses more than JPEG
/// does. Structural similarity, of the quarter that suffers most.
const FORMATS: [(&str, f64); 6] = [
    ("jpeg", 0.98),
    ("baseline-jpeg", 0.98),
    ("png", 0.98),
    ("webp", 0.97),
    ("gif", 0.3),
    ("avif", 0.97),
];

/// Soft hills of colour, as PNG.
fn hills() -> Vec<u8> {
    let (width, height) = (192, 128);
    let mut picture = crate::picture::Picture::filled(width, height, [255; 4]).unwrap();
    for y in 0..height {
        for x in 0..width {
            let wave =
                |from: u32, to: f64| (f64::from(from) / to).sin().mul_add(100.0, 128.0) as u8;
            let colour = [wave(x, 17.0), wave(y, 13.0), wave(x + y, 29.0), 255];
            let point = crate::picture::Picture::filled(1, 1, colour).unwrap();
            picture.draw(&point, x.into(), y.into(), 1.0);
        }
    }
    super::tests::png(picture)
}

/// As an option; a PNG of a quality would have a palette.
fn quality(format: &str, quality: u8) -> String {
    match format {
        "png" => String::new(),
        _ => format!("quality={quality},"),
    }
}

#[test]
fn every_option_looks_the_same_from_and_in_every_format() {
    let hills = hills();
    // AVIF is written and not read; and it takes so long that what it is made of is of one format.
    for (from, kept) in FORMATS.into_iter().filter(|(from, _)| *from != "avif") {
        let options = transform(&format!("{}format={from}", quality(from, 95)));
        let source = render(&hills, &options, &Limits::default(), &[]).unwrap();
        for asked in OPTIONS {
            let reference = made(&hills, &format!("{asked},format=png")).flatten([255; 3]);
            let formats = FORMATS.into_iter();
            for (to, held) in formats.filter(|(to, _)| *to != "avif" || from == "png") {
                let result = made(
                    &source.bytes,
                    &format!("{}{asked},format={to}", quality(to, 90)),
                );
                let result = result.flatten([255; 3]);
                let likeness =
                    similarity(&luma(&reference), &luma(&result), reference.width as usize);
                assert_eq!(
                    (result.width, result.height),
                    (reference.width, reference.height),
                    "{asked}: {from} to {to}"
                );
                assert!(
                    likeness > kept.min(held),
                    "{asked}: {from} to {to}: {likeness:.3}"
                );
            }
        }
    }
}
