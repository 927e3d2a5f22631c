//! WebP: the chunks of its RIFF.

use super::{Cursor, Info, Kind, Metadata, cut};
use crate::limits::area;
use crate::{ImageError, Limits};

const ANIMATED: u8 = 1 << 1;
const ALPHA: u8 = 1 << 4;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Info, Metadata), ImageError> {
    let mut rest = Cursor(bytes.get(4..).unwrap_or_default());
    let length = rest.u32_le()? as usize;
    let mut rest = Cursor(rest.take(length)?);
    rest.take(4)?;
    let (name, data) = chunk(&mut rest)?;
    match &name {
        b"VP8 " => Ok((lossy(data, limits)?, Metadata::default())),
        b"VP8L" => Ok((lossless(data, limits)?, Metadata::default())),
        b"VP8X" => extended(data, rest, limits),
        _ => Err(ImageError::broken("it does not begin with a picture")),
    }
}

fn chunk<'a>(rest: &mut Cursor<'a>) -> Result<([u8; 4], &'a [u8]), ImageError> {
    let name = rest.array()?;
    let length = rest.u32_le()? as usize;
    let data = rest.take(length)?;
    // Odd lengths are filled up; the last chunk of some files is not.
    if length % 2 == 1 && !rest.is_empty() {
        rest.byte()?;
    }
    Ok((name, data))
}

fn lossy(data: &[u8], limits: &Limits) -> Result<Info, ImageError> {
    let mut data = Cursor(data);
    data.take(3)?;
    if data.array()? != [0x9d, 0x01, 0x2a] {
        return Err(ImageError::broken("it does not begin with a key frame"));
    }
    // Fourteen bits of size, two of a scale that is for displays.
    let (width, height) = (data.u16_le()? & 0x3fff, data.u16_le()? & 0x3fff);
    limits.check_source(width.into(), height.into())?;
    Ok(Info::new(Kind::Webp, width.into(), height.into()))
}

fn lossless(data: &[u8], limits: &Limits) -> Result<Info, ImageError> {
    let mut data = Cursor(data);
    if data.byte()? != 0x2f {
        return Err(ImageError::broken("its picture has no signature"));
    }
    let bits = data.u32_le()?;
    let (width, height) = ((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1);
    limits.check_source(width, height)?;
    let mut info = Info::new(Kind::Webp, width, height);
    info.alpha = bits & (1 << 28) != 0;
    Ok(info)
}

fn extended(
    data: &[u8],
    mut rest: Cursor<'_>,
    limits: &Limits,
) -> Result<(Info, Metadata), ImageError> {
    let mut data = Cursor(data);
    let flags = data.byte()?;
    data.take(3)?;
    let (width, height) = (data.u24_le()? + 1, data.u24_le()? + 1);
    limits.check_source(width, height)?;
    let mut info = Info::new(Kind::Webp, width, height);
    info.alpha = flags & ALPHA != 0;
    let mut metadata = Metadata::default();
    let (mut frames, mut picture) = (0, false);
    while !rest.is_empty() {
        let (name, data) = chunk(&mut rest)?;
        match &name {
            b"ANMF" => {
                frames += 1;
                limits.check_frames(frames, area(width, height) * u64::from(frames))?;
            }
            b"VP8 " | b"VP8L" => picture = true,
            b"ICCP" => {
                limits.check_profile(data.len())?;
                metadata.icc = Some(data.to_vec());
            }
            b"EXIF" if data.len() <= limits.exif => {
                let exif = data.strip_prefix(b"Exif\0\0").unwrap_or(data);
                metadata.exif = Some(exif.to_vec());
            }
            _ => {}
        }
    }
    let animated = flags & ANIMATED != 0;
    if (animated && frames == 0) || (!animated && !picture) {
        return Err(cut());
    }
    info.frames = if animated { frames } else { 1 };
    Ok((info, metadata))
}
