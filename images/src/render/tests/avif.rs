//! Reads AVIF: as much of it as is written here.

use re_rav1d::dav1d::{self, Decoder, PixelLayout, PlanarImageComponent};

use crate::picture::{Layout, Picture};

/// The item that is shown; the only other one is its alpha.
const COLOURS: u16 = 1;

/// The picture that a file holds.
pub(super) fn read(file: &[u8]) -> Picture {
    let mut colours = None;
    let mut alpha = None;
    for (id, data) in items(file) {
        *(if id == COLOURS {
            &mut colours
        } else {
            &mut alpha
        }) = Some(planes(data));
    }
    let [y, u, v] = &colours.expect("a picture")[..] else {
        panic!("it has no colours");
    };
    let layout = if alpha.is_some() {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut picture = Picture::new(y.width, y.height, layout).unwrap();
    let pixels = picture.pixels.chunks_exact_mut(layout.channels());
    for (at, pixel) in (0..).zip(pixels) {
        let (across, down) = (at % y.width, at / y.width);
        let value = |plane: &Plane| f64::from(plane.at(across, down, y));
        let colour = rgb(value(y), value(u) - 128.0, value(v) - 128.0);
        pixel[..3].copy_from_slice(&colour);
        if let Some(alpha) = &alpha {
            pixel[3] = alpha[0].at(across, down, y);
        }
    }
    picture
}

/// By the numbers of BT.601, from the full range.
fn rgb(y: f64, u: f64, v: f64) -> [u8; 3] {
    let red = v.mul_add(1.402, y);
    let green = u.mul_add(-0.344_136, v.mul_add(-0.714_136, y));
    let blue = u.mul_add(1.772, y);
    [red, green, blue].map(|value| value.round().clamp(0.0, 255.0) as u8)
}

/// One of brightness, blue and red.
struct Plane {
    width: u32,
    height: u32,
    stride: u32,
    bytes: Vec<u8>,
}

impl Plane {
    /// The value at a point of a plane that may be larger.
    fn at(&self, x: u32, y: u32, of: &Self) -> u8 {
        let (x, y) = (x * self.width / of.width, y * self.height / of.height);
        self.bytes[(y * self.stride + x) as usize]
    }
}

/// What a still of AV1 holds.
fn planes(data: &[u8]) -> Vec<Plane> {
    let mut settings = dav1d::Settings::new();
    settings.set_n_threads(1);
    settings.set_max_frame_delay(1);
    let mut decoder = Decoder::with_settings(&settings).unwrap();
    decoder.send_data(data.to_vec(), None, None, None).unwrap();
    let still = decoder.get_picture().unwrap();
    let (width, height) = (still.width(), still.height());
    let halves = |length: u32| length.div_ceil(2);
    let (wide, high) = match still.pixel_layout() {
        PixelLayout::I420 => (halves(width), halves(height)),
        PixelLayout::I422 => (halves(width), height),
        PixelLayout::I400 | PixelLayout::I444 => (width, height),
    };
    let plane = |(component, width, height)| Plane {
        width,
        height,
        stride: still.stride(component),
        bytes: still.plane(component).to_vec(),
    };
    let brightness = (PlanarImageComponent::Y, width, height);
    let colours = [PlanarImageComponent::U, PlanarImageComponent::V];
    let colours = colours.map(|component| (component, wide, high));
    let has_colours = still.pixel_layout() != PixelLayout::I400;
    let colours = colours.into_iter().filter(|_| has_colours);
    [brightness].into_iter().chain(colours).map(plane).collect()
}

/// The items of a file, by their numbers.
fn items(file: &[u8]) -> Vec<(u16, &[u8])> {
    let meta = child(file, b"meta");
    let locations = child(&meta[4..], b"iloc");
    let (head, mut rest) = locations.split_at(8);
    assert_eq!(head[..6], [0, 0, 0, 0, 0x44, 0], "the first version");
    let mut items = Vec::new();
    while !rest.is_empty() {
        assert_eq!(number(&rest[4..6]), 1, "an item is in one piece");
        let (start, length) = (number(&rest[6..10]), number(&rest[10..14]));
        let id = u16::try_from(number(&rest[..2])).unwrap();
        items.push((id, &file[start..start + length]));
        rest = &rest[14..];
    }
    items
}

/// What is in the first box of this name.
fn child<'f>(mut boxes: &'f [u8], name: &[u8; 4]) -> &'f [u8] {
    loop {
        let (this, rest) = boxes.split_at(number(&boxes[..4]));
        if this[4..8] == *name {
            return &this[8..];
        }
        boxes = rest;
    }
}

fn number(bytes: &[u8]) -> usize {
    let add = |number: usize, byte: &u8| (number << 8) | usize::from(*byte);
    bytes.iter().fold(0, add)
}
