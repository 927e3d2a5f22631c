//! GIF: its blocks, counted and skipped.

use super::{Cursor, Info, Kind, Metadata};
use crate::limits::area;
use crate::{ImageError, Limits};

const EXTENSION: u8 = 0x21;
const IMAGE: u8 = 0x2c;
const TRAILER: u8 = 0x3b;
const GRAPHIC_CONTROL: u8 = 0xf9;

pub(super) fn read(bytes: &[u8], limits: &Limits) -> Result<(Info, Metadata), ImageError> {
    let mut rest = Cursor(bytes.get(6..).unwrap_or_default());
    let (width, height) = (rest.u16_le()?, rest.u16_le()?);
    let [flags, _background, _aspect] = rest.array()?;
    limits.check_source(width.into(), height.into())?;
    rest.take(table(flags))?;

    let mut info = Info::new(Kind::Gif, width.into(), height.into());
    let (mut frames, mut pixels) = (0, 0);
    // Whether pixels are transparent, of a file that does not say so for its frames: those that no frame covers.
    let mut alpha = false;
    // Many files have no trailer: what ends behind a whole block is whole.
    while !rest.is_empty() {
        match rest.byte()? {
            TRAILER => break,
            IMAGE => {
                let frame = image(&mut rest)?;
                frames += 1;
                // A frame may be larger than the canvas; all of it has to be decoded.
                pixels += frame.area().max(area(info.width, info.height));
                limits.check_frames(frames, pixels)?;
                alpha |= frames == 1 && !frame.covers(&info);
            }
            EXTENSION => alpha |= extension(&mut rest)?,
            _ => return Err(ImageError::broken("bytes where a block should be")),
        }
    }
    if frames == 0 {
        return Err(ImageError::broken("it has no picture"));
    }
    info.frames = frames;
    info.alpha = alpha;
    Ok((info, Metadata::default()))
}

/// Where a frame lies on the canvas.
struct Place {
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Place {
    fn area(&self) -> u64 {
        area(self.width, self.height)
    }

    fn covers(&self, canvas: &Info) -> bool {
        self.left == 0
            && self.top == 0
            && self.width >= canvas.width
            && self.height >= canvas.height
    }
}

/// Skips a frame.
fn image(rest: &mut Cursor<'_>) -> Result<Place, ImageError> {
    let place = Place {
        left: rest.u16_le()?.into(),
        top: rest.u16_le()?.into(),
        width: rest.u16_le()?.into(),
        height: rest.u16_le()?.into(),
    };
    let flags = rest.byte()?;
    rest.take(table(flags))?;
    rest.byte()?;
    blocks(rest)?;
    Ok(place)
}

/// Skips an extension; tells whether it makes a colour transparent.
fn extension(rest: &mut Cursor<'_>) -> Result<bool, ImageError> {
    let label = rest.byte()?;
    let transparent = label == GRAPHIC_CONTROL && rest.0.get(1).is_some_and(|flags| flags & 1 == 1);
    blocks(rest)?;
    Ok(transparent)
}

fn blocks(rest: &mut Cursor<'_>) -> Result<(), ImageError> {
    loop {
        match rest.byte()? {
            0 => return Ok(()),
            length => rest.take(length.into())?,
        };
    }
}

/// Bytes of the table of colours that these flags announce.
fn table(flags: u8) -> usize {
    if flags & 0x80 == 0 {
        return 0;
    }
    3 << ((flags & 7) + 1)
}
