//! PNG: the chunks that stand before the picture.

use super::{Cursor, Info, Kind, Metadata};
use crate::{ImageError, Limits};

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Info, Metadata), ImageError> {
    let mut rest = Cursor(bytes.get(8..).unwrap_or_default());
    let (name, header) = chunk(&mut rest)?;
    if name != *b"IHDR" {
        return Err(ImageError::broken("it does not begin with its header"));
    }
    let mut info = header_of(header, limits)?;
    let mut metadata = Metadata::default();
    loop {
        let (name, data) = chunk(&mut rest)?;
        match &name {
            b"IDAT" => return Ok((info, metadata)),
            b"IEND" => return Err(ImageError::broken("it has no picture")),
            b"tRNS" => info.alpha = true,
            b"iCCP" => metadata.icc = profile(data, limits)?,
            b"eXIf" if data.len() <= limits.exif => metadata.exif = Some(data.to_vec()),
            _ => {}
        }
    }
}

/// A chunk's name and data; its checksum is left to the decoder.
fn chunk<'a>(rest: &mut Cursor<'a>) -> Result<([u8; 4], &'a [u8]), ImageError> {
    let length = rest.u32_be()?;
    let name = rest.array()?;
    if name == *b"IDAT" {
        return Ok((name, &[]));
    }
    let data = rest.take(length as usize)?;
    rest.take(4)?;
    Ok((name, data))
}

fn header_of(data: &[u8], limits: &Limits) -> Result<Info, ImageError> {
    let mut data = Cursor(data);
    let (width, height) = (data.u32_be()?, data.u32_be()?);
    let [_depth, colour, _compression, _filter, interlace] = data.array()?;
    limits.check_source(width, height)?;
    let mut info = Info::new(Kind::Png, width, height);
    info.alpha = matches!(colour, 4 | 6);
    info.progressive = interlace == 1;
    Ok(info)
}

/// A name, a zero, the method (zero) and the profile, deflated. One that is broken is left out.
fn profile(data: &[u8], limits: &Limits) -> Result<Option<Vec<u8>>, ImageError> {
    let Some(end) = memchr::memchr(0, data) else {
        return Ok(None);
    };
    let Some([0, deflated @ ..]) = data.get(end + 1..) else {
        return Ok(None);
    };
    match fdeflate::decompress_to_vec_bounded(deflated, limits.icc) {
        Ok(profile) => Ok(Some(profile)),
        Err(fdeflate::BoundedDecompressionError::OutputTooLarge { .. }) => {
            limits.check_profile(limits.icc + 1).map(|()| None)
        }
        Err(_) => Ok(None),
    }
}
