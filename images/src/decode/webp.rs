//! WebP, by libwebp.
#![allow(
    unsafe_code,
    reason = "libwebp is C; the buffers that it reads and writes are measured here"
)]

use std::os::raw::c_int;
use std::ptr::{self, NonNull};
use std::slice;

use libwebp_sys::{
    VP8StatusCode, WEBP_CSP_MODE, WebPAnimDecoder, WebPAnimDecoderDelete, WebPAnimDecoderGetInfo,
    WebPAnimDecoderGetNext, WebPAnimDecoderHasMoreFrames, WebPAnimDecoderNew,
    WebPAnimDecoderOptions, WebPAnimDecoderOptionsInit, WebPAnimInfo, WebPData, WebPDecode,
    WebPDecoderConfig, WebPRGBABuffer,
};

use super::{Decoded, Frame, Frames};
use crate::picture::{Layout, Picture};
use crate::{ImageError, Info};

/// A reduction by this or more is left to the decoder, which averages rows before they are colours: of so many pixels for one that is
/// as good as Lanczos, and a sixth faster.
pub(super) const AVERAGED: f64 = 4.0;

/// Whether the file says that it moves, if only with one frame.
pub(super) fn is_animation(bytes: &[u8]) -> bool {
    const ANIMATED: u8 = 1 << 1;
    let is_extended = bytes.get(12..16) == Some(b"VP8X");
    is_extended && bytes.get(20).is_some_and(|flags| flags & ANIMATED != 0)
}

pub(super) fn decode(bytes: &[u8], info: &Info, shrink: f64) -> Result<Decoded, ImageError> {
    let averages = shrink >= AVERAGED;
    let side = |side: u32| match averages {
        true => (f64::from(side) / shrink).round().max(1.0) as u32,
        false => side,
    };
    let (width, height) = (side(info.width), side(info.height));
    let layout = if info.alpha {
        Layout::Rgba
    } else {
        Layout::Rgb
    };
    let mut picture = Picture::new(width, height, layout)?;
    let mut config =
        WebPDecoderConfig::new().map_err(|()| ImageError::failed("libwebp is another version"))?;
    if averages {
        config.options.use_scaling = 1;
        config.options.scaled_width = int(width);
        config.options.scaled_height = int(height);
    }
    config.output.colorspace = match layout {
        Layout::Rgba => WEBP_CSP_MODE::MODE_RGBA,
        Layout::Rgb | Layout::Cmyk => WEBP_CSP_MODE::MODE_RGB,
    };
    config.output.is_external_memory = 1;
    config.output.u.RGBA = WebPRGBABuffer {
        rgba: picture.pixels.as_mut_ptr(),
        stride: c_int::try_from(picture.stride()).map_err(ImageError::failed)?,
        size: picture.pixels.len(),
    };
    // SAFETY: the input is as long as is said, and the output as large; libwebp checks that size against the picture's.
    let status = unsafe { WebPDecode(bytes.as_ptr(), bytes.len(), &raw mut config) };
    if status != VP8StatusCode::VP8_STATUS_OK {
        return Err(broken(status));
    }
    Ok(Decoded {
        picture,
        // Unlike JPEG's, this decoder makes the whole picture fit.
        scale: (
            f64::from(width) / f64::from(info.width),
            f64::from(height) / f64::from(info.height),
        ),
    })
}

fn int(value: u32) -> c_int {
    c_int::try_from(value).unwrap_or(c_int::MAX)
}

fn broken(status: VP8StatusCode) -> ImageError {
    ImageError::broken(match status {
        VP8StatusCode::VP8_STATUS_NOT_ENOUGH_DATA => "it ends too soon",
        VP8StatusCode::VP8_STATUS_OUT_OF_MEMORY => "it needs more memory than there is",
        VP8StatusCode::VP8_STATUS_UNSUPPORTED_FEATURE => "it has features that libwebp lacks",
        _ => "it is no valid WebP",
    })
}

/// An animation, whose decoder draws each frame over those before it.
pub(super) struct Animation<'a> {
    decoder: NonNull<WebPAnimDecoder>,
    info: WebPAnimInfo,
    /// When the last frame ended, in milliseconds.
    time: c_int,
    /// What the decoder points into.
    _bytes: &'a [u8],
}

impl<'a> Animation<'a> {
    pub(super) fn new(bytes: &'a [u8], expected: &Info) -> Result<Self, ImageError> {
        let data = WebPData {
            bytes: bytes.as_ptr(),
            size: bytes.len(),
        };
        // SAFETY: the options are what the library made them, and `bytes` outlives the decoder, as the type says.
        let decoder = unsafe {
            let mut options = std::mem::zeroed::<WebPAnimDecoderOptions>();
            if WebPAnimDecoderOptionsInit(&raw mut options) == 0 {
                return Err(ImageError::failed("libwebp is another version"));
            }
            options.color_mode = WEBP_CSP_MODE::MODE_RGBA;
            WebPAnimDecoderNew(&raw const data, &raw const options)
        };
        let decoder = NonNull::new(decoder)
            .ok_or_else(|| ImageError::broken("it is no valid WebP animation"))?;
        // SAFETY: plain data of C.
        let info = unsafe { std::mem::zeroed() };
        let mut animation = Self {
            decoder,
            info,
            time: 0,
            _bytes: bytes,
        };
        // SAFETY: the decoder was just made.
        let told =
            unsafe { WebPAnimDecoderGetInfo(decoder.as_ptr(), &raw mut animation.info) } != 0;
        let size = (animation.info.canvas_width, animation.info.canvas_height);
        if !told || size != (expected.width, expected.height) {
            return Err(ImageError::broken("its header and its frames differ"));
        }
        Ok(animation)
    }
}

impl Frames for Animation<'_> {
    fn next(&mut self) -> Result<Option<Frame>, ImageError> {
        // SAFETY: the decoder lives as long as `self`.
        if unsafe { WebPAnimDecoderHasMoreFrames(self.decoder.as_ptr()) } == 0 {
            return Ok(None);
        }
        let (mut pixels, mut time) = (ptr::null_mut(), 0);
        // SAFETY: as above.
        let read = unsafe {
            WebPAnimDecoderGetNext(self.decoder.as_ptr(), &raw mut pixels, &raw mut time)
        };
        if read == 0 || pixels.is_null() {
            return Err(ImageError::broken("a frame is no valid WebP"));
        }
        let mut picture = Picture::new(
            self.info.canvas_width,
            self.info.canvas_height,
            Layout::Rgba,
        )?;
        // SAFETY: the library promises a whole canvas of RGBA, until the next call; the size of both is that of its header.
        let canvas = unsafe { slice::from_raw_parts(pixels, picture.pixels.len()) };
        picture.pixels.copy_from_slice(canvas);
        let delay = (time - self.time).unsigned_abs();
        self.time = time;
        Ok(Some(Frame { picture, delay }))
    }

    fn loops(&self) -> u16 {
        u16::try_from(self.info.loop_count).unwrap_or(0)
    }
}

impl Drop for Animation<'_> {
    fn drop(&mut self) {
        // SAFETY: it was made by the library, and is not used again.
        unsafe { WebPAnimDecoderDelete(self.decoder.as_ptr()) };
    }
}
