//! JPEG: markers and segments up to the picture, and the scans of it.

use memchr::memchr;

use super::{Cursor, Info, Kind, Metadata, cut};
use crate::{ImageError, Limits};

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;
const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP14: u8 = 0xee;
const EXIF: &[u8] = b"Exif\0\0";
const ICC: &[u8] = b"ICC_PROFILE\0";

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Info, Metadata), ImageError> {
    let mut rest = Cursor(bytes.get(2..).unwrap_or_default());
    let mut info = None;
    let mut metadata = Metadata::default();
    let mut profile = Profile::default();
    let mut adobe = None;
    loop {
        match marker(&mut rest)? {
            START_OF_SCAN => break,
            END_OF_IMAGE => return Err(ImageError::broken("it has no picture")),
            // Markers that stand alone.
            0x01 | 0xd0..=0xd8 => {}
            marker => {
                let data = segment(&mut rest)?;
                match marker {
                    0xc0..=0xc2 if info.is_some() => {
                        return Err(ImageError::broken("it has two frames"));
                    }
                    0xc0..=0xc2 => info = Some(frame(marker, data, limits)?),
                    0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                        return Err(ImageError::Unsupported(process(marker).to_owned()));
                    }
                    APP1 => exif(data, &mut metadata, limits),
                    APP2 => profile.add(data, limits)?,
                    APP14 if data.starts_with(b"Adobe") => adobe = Some(data),
                    _ => {}
                }
            }
        }
    }
    let mut info: Info = info.ok_or_else(|| ImageError::broken("a scan comes before its frame"))?;
    info.inverted = info.inks && adobe.is_some();
    let further = scans(rest.0);
    limits.check_scans(1 + further)?;
    // Adobe's programs tell whether three colours are brightness with two, which is all that is plain.
    let transform = adobe.and_then(|data| data.get(11));
    info.plain &= further == 0 && transform.is_none_or(|transform| *transform == 1);
    metadata.icc = profile.whole();
    Ok((info, metadata))
}

/// The next marker's code. Fill bytes may stand before it.
pub(crate) fn marker(rest: &mut Cursor<'_>) -> Result<u8, ImageError> {
    if rest.byte()? != 0xff {
        return Err(ImageError::broken("bytes where a marker should be"));
    }
    loop {
        match rest.byte()? {
            0xff => {}
            0x00 => return Err(ImageError::broken("bytes where a marker should be")),
            code => return Ok(code),
        }
    }
}

/// What belongs to a marker.
pub(crate) fn segment<'a>(rest: &mut Cursor<'a>) -> Result<&'a [u8], ImageError> {
    let length = usize::from(rest.u16_be()?);
    rest.take(length.checked_sub(2).ok_or_else(cut)?)
}

fn frame(marker: u8, data: &[u8], limits: &Limits) -> Result<Info, ImageError> {
    let frame = Frame::read(&mut Cursor(data))?;
    limits.check_source(frame.width.into(), frame.height.into())?;
    if frame.depth != 8 {
        let told = format!("a JPEG of {} bits a sample", frame.depth);
        return Err(ImageError::Unsupported(told));
    }
    let components = frame.parts.len();
    if !matches!(components, 1 | 3 | 4) {
        let told = format!("a JPEG of {components} components");
        return Err(ImageError::Unsupported(told));
    }
    let mut info = Info::new(Kind::Jpeg, frame.width.into(), frame.height.into());
    info.progressive = marker == 0xc2;
    info.plain = !info.progressive && frame.is_plain();
    info.inks = components == 4;
    Ok(info)
}

/// Size, depth and components of a picture.
pub(crate) struct Frame {
    pub(crate) depth: u8,
    pub(crate) width: u16,
    pub(crate) height: u16,
    pub(crate) parts: Vec<Part>,
}

/// A component: its number, how many samples it has for the least that one has, and the number of what they are multiplied by.
pub(crate) struct Part {
    pub(crate) id: u8,
    pub(crate) across: u8,
    pub(crate) down: u8,
    pub(crate) steps: u8,
}

impl Frame {
    pub(crate) fn read(data: &mut Cursor<'_>) -> Result<Self, ImageError> {
        let depth = data.byte()?;
        let (height, width) = (data.u16_be()?, data.u16_be()?);
        let mut parts = Vec::new();
        for _ in 0..data.byte()? {
            let [id, samples, steps] = data.array()?;
            let (across, down) = (samples >> 4, samples & 15);
            parts.push(Part {
                id,
                across,
                down,
                steps,
            });
        }
        Ok(Self {
            depth,
            width,
            height,
            parts,
        })
    }

    /// Whether it is gray, or brightness with two colours that have as many samples or half as many a side.
    pub(crate) fn is_plain(&self) -> bool {
        let samples = |part: &Part| (part.across, part.down);
        match &self.parts[..] {
            [gray] => matches!(samples(gray), (1..=4, 1..=4)),
            [luma, blue, red] => {
                let is_rgb = [luma.id, blue.id, red.id] == *b"RGB";
                let is_one = samples(blue) == (1, 1) && samples(red) == (1, 1);
                !is_rgb && is_one && matches!(samples(luma), (1 | 2, 1 | 2))
            }
            _ => false,
        }
    }
}

fn process(marker: u8) -> &'static str {
    match marker {
        0xc3 => "a lossless JPEG",
        0xc5..=0xc7 => "a hierarchical JPEG",
        _ => "a JPEG with arithmetic coding",
    }
}

/// The first EXIF that is not too large. What is too large is left out rather than refused: pixels don't need it.
fn exif(data: &[u8], metadata: &mut Metadata, limits: &Limits) {
    if let Some(exif) = data.strip_prefix(EXIF)
        && exif.len() <= limits.exif
        && metadata.exif.is_none()
    {
        metadata.exif = Some(exif.to_vec());
    }
}

/// A colour profile, which comes in numbered parts of 64 KiB.
#[derive(Default)]
struct Profile {
    parts: Vec<(u8, Vec<u8>)>,
    count: u8,
    length: usize,
}

impl Profile {
    fn add(&mut self, data: &[u8], limits: &Limits) -> Result<(), ImageError> {
        let Some([number, count, part @ ..]) = data.strip_prefix(ICC) else {
            return Ok(());
        };
        self.length += part.len();
        limits.check_profile(self.length)?;
        self.count = *count;
        self.parts.push((*number, part.to_vec()));
        Ok(())
    }

    /// All parts in their order; nothing when one is missing or comes twice.
    fn whole(mut self) -> Option<Vec<u8>> {
        self.parts.sort_by_key(|(number, _)| *number);
        let numbers = self.parts.iter().map(|(number, _)| *number);
        let complete = self.count > 0 && numbers.eq(1..=self.count);
        complete.then(|| self.parts.into_iter().flat_map(|(_, part)| part).collect())
    }
}

/// How many further scans there are, up to the end of the image: cameras put other images behind it. Within a picture's data `0xff` is followed
/// by zero or by a restart marker.
fn scans(mut data: &[u8]) -> u32 {
    let mut found = 0;
    while let Some(at) = memchr(0xff, data) {
        data = data.get(at + 1..).unwrap_or_default();
        match data.first() {
            Some(&START_OF_SCAN) => found += 1,
            Some(&END_OF_IMAGE) => break,
            _ => {}
        }
    }
    found
}
