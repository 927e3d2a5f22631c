//! WebP, by libwebp.
#![allow(
    unsafe_code,
    reason = "libwebp is C; the buffers that it reads are measured here, and what it allocates is freed here"
)]

mod alpha;

use std::os::raw::c_int;
use std::ptr::{self, NonNull};
use std::{mem, slice};

use libwebp_sys::{
    WEBP_MUX_ABI_VERSION, WebPAnimEncoder, WebPAnimEncoderAdd, WebPAnimEncoderAssemble,
    WebPAnimEncoderDelete, WebPAnimEncoderNewInternal, WebPAnimEncoderOptions,
    WebPAnimEncoderOptionsInitInternal, WebPCleanupTransparentArea, WebPConfig, WebPData,
    WebPDataClear, WebPEncCSP, WebPEncode, WebPMemoryWrite, WebPMemoryWriter,
    WebPMemoryWriterClear, WebPMemoryWriterInit, WebPPicture, WebPPictureFree,
    WebPPictureImportRGB, WebPPictureImportRGBA,
};

use super::Settings;
use crate::ImageError;
use crate::picture::Picture;

/// How much work goes into small files, 0 to 6. At 4 the search for good predictions begins to pay; at 2 files are a twentieth
/// larger, in half the time.
const METHOD: c_int = 4;
const FAST_METHOD: c_int = 2;

/// Of a lossless picture, the quality is how much work goes into it.
const LOSSLESS_EFFORT: f32 = 50.0;

fn config(settings: &Settings) -> Result<WebPConfig, ImageError> {
    let mut config = match settings.quality {
        100 => lossless(LOSSLESS_EFFORT)?,
        quality => lossy(quality.into())?,
    };
    config.method = if settings.fast { FAST_METHOD } else { METHOD };
    Ok(config)
}

fn lossy(quality: f32) -> Result<WebPConfig, ImageError> {
    let config = WebPConfig::new();
    let config = config.map_err(|()| ImageError::failed("libwebp is another version"))?;
    Ok(WebPConfig { quality, ..config })
}

fn lossless(effort: f32) -> Result<WebPConfig, ImageError> {
    let config = lossy(effort)?;
    Ok(WebPConfig {
        lossless: 1,
        ..config
    })
}

pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let config = config(settings)?;
    let is_lossless = config.lossless == 1;
    let mut source = Source::new(picture, is_lossless)?;
    if !is_lossless
        && source.has_alpha()
        && let Some(alpha) = alpha::of_fading(picture)?
    {
        source.leave_out_alpha();
        let size = (picture.width, picture.height);
        return alpha::beside(size, &alpha, &source.written(&config)?);
    }
    source.written(&config)
}

/// A picture in libwebp's memory.
struct Source(WebPPicture);

impl Source {
    /// `exact` keeps red, green and blue; otherwise they become brightness and colour at once, as lossy files have them.
    fn new(picture: &Picture, exact: bool) -> Result<Self, ImageError> {
        let source =
            WebPPicture::new().map_err(|()| ImageError::failed("libwebp is another version"))?;
        let mut source = Self(source);
        let side = |side: u32| c_int::try_from(side).map_err(ImageError::failed);
        source.0.width = side(picture.width)?;
        source.0.height = side(picture.height)?;
        source.0.use_argb = exact.into();
        let stride = c_int::try_from(picture.stride()).map_err(ImageError::failed)?;
        let pixels = picture.pixels.as_ptr();
        // SAFETY: there are `height` rows of `stride` bytes, each `width` pixels of as many bytes as the call reads.
        let imported = unsafe {
            if picture.has_alpha() {
                WebPPictureImportRGBA(&raw mut source.0, pixels, stride)
            } else {
                WebPPictureImportRGB(&raw mut source.0, pixels, stride)
            }
        };
        if imported == 0 {
            return Err(ImageError::failed("libwebp has no memory for it"));
        }
        Ok(source)
    }

    /// Whether some pixel is not opaque; for brightness and colour.
    fn has_alpha(&self) -> bool {
        self.0.colorspace == WebPEncCSP::WEBP_YUV420A
    }

    /// What can't be seen becomes flat, then nothing is said of transparency.
    fn leave_out_alpha(&mut self) {
        // SAFETY: the picture is whole.
        unsafe { WebPCleanupTransparentArea(&raw mut self.0) };
        // One piece of memory has all planes, which goes with the others.
        self.0.a = ptr::null_mut();
        self.0.colorspace = WebPEncCSP::WEBP_YUV420;
    }

    /// As a file.
    fn written(&mut self, config: &WebPConfig) -> Result<Vec<u8>, ImageError> {
        let mut writer = Writer::new();
        self.0.writer = Some(WebPMemoryWrite);
        self.0.custom_ptr = (&raw mut *writer.0).cast();
        // SAFETY: the writer outlives the call, which is the only one that uses it.
        if unsafe { WebPEncode(config, &raw mut self.0) } == 0 {
            let code = self.0.error_code;
            return Err(ImageError::Failed(format!(
                "libwebp can't encode it: {code:?}"
            )));
        }
        Ok(writer.bytes().to_vec())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // SAFETY: the library made it, or it is as it was initialised.
        unsafe { WebPPictureFree(&raw mut self.0) };
    }
}

/// Where the library writes to.
struct Writer(Box<WebPMemoryWriter>);

impl Writer {
    fn new() -> Self {
        // SAFETY: plain data of C, which is then initialised by the library.
        let mut writer: Box<WebPMemoryWriter> = unsafe { Box::new(mem::zeroed()) };
        // SAFETY: as above.
        unsafe { WebPMemoryWriterInit(&raw mut *writer) };
        Self(writer)
    }

    fn bytes(&self) -> &[u8] {
        if self.0.mem.is_null() {
            return &[];
        }
        // SAFETY: the library has written so many bytes there.
        unsafe { slice::from_raw_parts(self.0.mem, self.0.size) }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // SAFETY: what it holds was allocated by the library.
        unsafe { WebPMemoryWriterClear(&raw mut *self.0) };
    }
}

/// An animation, whose frames the library compares to write what differs.
pub(crate) struct Animation {
    encoder: NonNull<WebPAnimEncoder>,
    config: WebPConfig,
    /// When the next frame begins, in milliseconds.
    time: c_int,
}

impl Animation {
    pub(super) fn new(
        width: u32,
        height: u32,
        loops: u16,
        settings: &Settings,
    ) -> Result<Self, ImageError> {
        let side = |side: u32| c_int::try_from(side).map_err(ImageError::failed);
        let version = c_int::try_from(WEBP_MUX_ABI_VERSION).map_err(ImageError::failed)?;
        // SAFETY: the options are plain data that the library initialises.
        let encoder = unsafe {
            let mut options = mem::zeroed::<WebPAnimEncoderOptions>();
            if WebPAnimEncoderOptionsInitInternal(&raw mut options, version) == 0 {
                return Err(ImageError::failed("libwebp is another version"));
            }
            options.anim_params.loop_count = loops.into();
            let (width, height) = (side(width)?, side(height)?);
            WebPAnimEncoderNewInternal(width, height, &raw const options, version)
        };
        let encoder = NonNull::new(encoder)
            .ok_or_else(|| ImageError::failed("libwebp has no memory for it"))?;
        Ok(Self {
            encoder,
            config: config(settings)?,
            time: 0,
        })
    }

    pub(super) fn add(&mut self, picture: &Picture, delay: u32) -> Result<(), ImageError> {
        // Frames are compared by their red, green and blue.
        let mut source = Source::new(picture, true)?;
        // SAFETY: encoder, picture and settings are valid; the library copies what it keeps of them.
        let added = unsafe {
            WebPAnimEncoderAdd(
                self.encoder.as_ptr(),
                &raw mut source.0,
                self.time,
                &raw const self.config,
            )
        };
        let delay = c_int::try_from(delay).unwrap_or(c_int::MAX);
        self.time = self.time.saturating_add(delay);
        if added == 0 {
            return Err(ImageError::failed("libwebp can't add a frame"));
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Vec<u8>, ImageError> {
        let mut data = WebPData::default();
        // SAFETY: no picture means that there are no more; what is assembled is freed below.
        unsafe {
            let encoder = self.encoder.as_ptr();
            let ended = WebPAnimEncoderAdd(encoder, ptr::null_mut(), self.time, ptr::null());
            if ended == 0 || WebPAnimEncoderAssemble(encoder, &raw mut data) == 0 {
                return Err(ImageError::failed("libwebp can't end the animation"));
            }
            let bytes = slice::from_raw_parts(data.bytes, data.size).to_vec();
            WebPDataClear(&mut data);
            Ok(bytes)
        }
    }
}

impl Drop for Animation {
    fn drop(&mut self) {
        // SAFETY: it was made by the library, and is not used again.
        unsafe { WebPAnimEncoderDelete(self.encoder.as_ptr()) };
    }
}
