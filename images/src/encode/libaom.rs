//! AVIF by libaom: at speed 9 with matrices of quantisers, a fifth smaller than WebP in half the time.
#![allow(
    unsafe_code,
    reason = "libaom is C; the planes that it reads are written here, within their strides"
)]

use std::mem;
use std::os::raw::{c_int, c_uint};
use std::ptr;
use std::slice;

use avif_serialize::Aviffy;
use avif_serialize::constants::{ColorPrimaries, MatrixCoefficients, TransferCharacteristics};
use libaom_sys::{
    AOM_CODEC_CX_FRAME_PKT, AOM_CODEC_OK, AOM_CR_FULL_RANGE, AOM_ENCODER_ABI_VERSION,
    AOM_IMG_FMT_I420, AOM_IMG_FMT_I444, AOM_Q, AOM_USAGE_ALL_INTRA, AOME_SET_CPUUSED,
    AOME_SET_CQ_LEVEL, AV1E_SET_COLOR_PRIMARIES, AV1E_SET_COLOR_RANGE, AV1E_SET_ENABLE_QM,
    AV1E_SET_MATRIX_COEFFICIENTS, AV1E_SET_QM_MAX, AV1E_SET_QM_MIN,
    AV1E_SET_TRANSFER_CHARACTERISTICS, aom_codec_av1_cx, aom_codec_control, aom_codec_ctx_t,
    aom_codec_destroy, aom_codec_enc_cfg_t, aom_codec_enc_config_default, aom_codec_enc_init_ver,
    aom_codec_encode, aom_codec_get_cx_data, aom_image_t, aom_img_alloc, aom_img_free,
};

use super::Settings;
use super::yuv::{Planes, planes};
use crate::ImageError;
use crate::picture::Picture;

/// The fastest but for video. Speed 8 makes files three times as large of some pictures.
const SPEED: c_int = 9;
/// The range of the matrices, of 15: stronger ones blur fine detail.
const MATRICES: (c_int, c_int) = (2, 10);

/// The profile of AV1 that has a colour for each pixel.
const HIGH: u8 = 1;

pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let level = level(settings.quality);
    let Planes { colours, alpha } = planes(picture);
    let size = (picture.width, picture.height);
    let colours = frame(size, &colours, level)?;
    let alpha = match alpha {
        Some(alpha) => Some(frame(size, &[alpha], level)?),
        None => None,
    };
    let mut out = Vec::with_capacity(colours.len() + 512);
    Aviffy::new()
        .set_width(picture.width)
        .set_height(picture.height)
        .set_bit_depth(8)
        .set_seq_profile(HIGH)
        .set_chroma_subsampling((false, false))
        .set_color_primaries(ColorPrimaries::Bt709)
        .set_transfer_characteristics(TransferCharacteristics::Srgb)
        .set_matrix_coefficients(MatrixCoefficients::Bt601)
        .set_full_color_range(true)
        .write_slice(&mut out, &colours, alpha.as_deref())
        .map_err(ImageError::failed)?;
    Ok(out)
}

/// The level of libaom, 63 (worst) to 0, at which photos are as far from what they were as a JPEG of this quality. Below 60 JPEG loses
/// quality faster.
fn level(quality: u8) -> c_int {
    let quality = f64::from(quality);
    let alike = if quality < 60.0 {
        60.0 - (60.0 - quality) * 0.55
    } else {
        quality
    };
    63 - (alike * 0.63).round() as c_int
}

/// One key frame of three planes, or of one, as the data of AV1.
fn frame(
    (width, height): (u32, u32),
    planes: &[Vec<u8>],
    level: c_int,
) -> Result<Vec<u8>, ImageError> {
    let is_gray = planes.len() == 1;
    let image = Image::new(width, height, planes, is_gray)?;
    let mut encoder = Encoder::new(width, height, is_gray, level)?;
    encoder.run(&image)
}

fn checked(code: c_uint, what: &str) -> Result<(), ImageError> {
    if code == AOM_CODEC_OK {
        return Ok(());
    }
    Err(ImageError::Failed(format!(
        "libaom can't {what}: error {code}"
    )))
}

/// A picture in libaom's memory.
struct Image(*mut aom_image_t);

impl Image {
    fn new(width: u32, height: u32, planes: &[Vec<u8>], is_gray: bool) -> Result<Self, ImageError> {
        let format = if is_gray {
            AOM_IMG_FMT_I420
        } else {
            AOM_IMG_FMT_I444
        };
        // SAFETY: without a picture to fill in, the library allocates one.
        let image = unsafe { aom_img_alloc(ptr::null_mut(), format, width, height, 32) };
        if image.is_null() {
            return Err(ImageError::failed("libaom has no memory for it"));
        }
        let image = Self(image);
        // SAFETY: it was just made, and is ours alone.
        unsafe {
            (*image.0).range = AOM_CR_FULL_RANGE;
            (*image.0).monochrome = is_gray.into();
        }
        for number in 0..3 {
            let values = planes.get(number).map(Vec::as_slice);
            match values.is_some() {
                true => image.fill(number, width, height, values),
                false => image.fill(number, width.div_ceil(2), height.div_ceil(2), None),
            }
        }
        Ok(image)
    }

    /// Copies a plane; the middle of all values where there is none, which are of half the width and height then.
    fn fill(&self, number: usize, width: u32, height: u32, values: Option<&[u8]>) {
        let width = width as usize;
        // SAFETY: the library has for each plane as many rows as the picture (or half as many), a stride apart, of which each is at
        // least as long as is written.
        let (start, stride) = unsafe { ((*self.0).planes[number], (*self.0).stride[number]) };
        for row in 0..height as usize {
            // SAFETY: as above.
            let to = unsafe {
                slice::from_raw_parts_mut(start.add(row * stride.unsigned_abs() as usize), width)
            };
            match values {
                Some(values) => to.copy_from_slice(&values[row * width..][..width]),
                None => to.fill(128),
            }
        }
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        // SAFETY: it was made by the library, and is not used again.
        unsafe { aom_img_free(self.0) };
    }
}

struct Encoder(Box<aom_codec_ctx_t>);

impl Encoder {
    fn new(width: u32, height: u32, is_gray: bool, level: c_int) -> Result<Self, ImageError> {
        // SAFETY: both are plain data of C; the settings are filled in by the library before they are changed.
        let (mut context, config) = unsafe {
            let mut config = mem::zeroed::<aom_codec_enc_cfg_t>();
            let usage = AOM_USAGE_ALL_INTRA;
            let code = aom_codec_enc_config_default(aom_codec_av1_cx(), &raw mut config, usage);
            checked(code, "begin")?;
            (Box::new(mem::zeroed::<aom_codec_ctx_t>()), config)
        };
        let config = aom_codec_enc_cfg_t {
            g_w: width,
            g_h: height,
            g_threads: 1,
            g_limit: 1,
            g_lag_in_frames: 0,
            rc_end_usage: AOM_Q,
            rc_min_quantizer: 0,
            rc_max_quantizer: 63,
            g_profile: if is_gray { 0 } else { HIGH.into() },
            monochrome: is_gray.into(),
            ..config
        };
        // SAFETY: the context stays where it is on the heap, and is destroyed when it was made.
        unsafe {
            let version = AOM_ENCODER_ABI_VERSION as c_int;
            let interface = aom_codec_av1_cx();
            let code =
                aom_codec_enc_init_ver(&raw mut *context, interface, &raw const config, 0, version);
            checked(code, "begin")?;
        }
        let mut encoder = Self(context);
        for (name, value) in [
            (AOME_SET_CPUUSED, SPEED),
            (AOME_SET_CQ_LEVEL, level),
            (AV1E_SET_ENABLE_QM, 1),
            (AV1E_SET_QM_MIN, MATRICES.0),
            (AV1E_SET_QM_MAX, MATRICES.1),
            (AV1E_SET_COLOR_RANGE, 1),
            (AV1E_SET_COLOR_PRIMARIES, 1),
            (AV1E_SET_TRANSFER_CHARACTERISTICS, 13),
            (AV1E_SET_MATRIX_COEFFICIENTS, 6),
        ] {
            // SAFETY: each of these takes one number.
            let code = unsafe { aom_codec_control(&raw mut *encoder.0, name as c_int, value) };
            checked(code, "be set")?;
        }
        Ok(encoder)
    }

    /// The whole of it, in as many packets as the library likes: those of a frame, then those of the end.
    fn run(&mut self, image: &Image) -> Result<Vec<u8>, ImageError> {
        let mut out = Vec::new();
        for picture in [image.0.cast_const(), ptr::null()] {
            // SAFETY: context and picture are valid, and outlive the call.
            let code = unsafe { aom_codec_encode(&raw mut *self.0, picture, 0, 1, 0) };
            checked(code, "encode it")?;
            let mut position = ptr::null();
            // SAFETY: packets and what they hold are valid until the next picture is given.
            while let Some(packet) =
                unsafe { aom_codec_get_cx_data(&raw mut *self.0, &raw mut position).as_ref() }
            {
                if packet.kind == AOM_CODEC_CX_FRAME_PKT {
                    // SAFETY: it is a frame, which has so many bytes.
                    out.extend_from_slice(unsafe {
                        let frame = packet.data.frame;
                        slice::from_raw_parts(frame.buf.cast(), frame.sz)
                    });
                }
            }
        }
        Ok(out)
    }
}

impl Drop for Encoder {
    fn drop(&mut self) {
        // SAFETY: it was made by the library, and is not used again.
        unsafe { aom_codec_destroy(&raw mut *self.0) };
    }
}
