//! JPEG, by libjpeg-turbo's code: one colour for four pixels, averaged, and tables made for the picture.
//!
//! The encoder `jpeg-encoder`, in Rust, writes the same bytes but for some rounding. It takes a third longer, which is a twentieth of the
//! way from a large photo to a small one, and has no tables of their own for progressive scans, which costs an eighth more bytes.
#![allow(
    unsafe_code,
    reason = "libjpeg is C; what it is given lives in this file, and what it reads is measured here"
)]

use std::os::raw::c_int;
use std::{mem, ptr};

use mozjpeg_sys::{
    J_COLOR_SPACE, J_INT_PARAM, JINT_COMPRESS_PROFILE_VALUE, boolean, jpeg_c_set_int_param,
    jpeg_compress_struct, jpeg_create_compress, jpeg_destination_mgr, jpeg_destroy_compress,
    jpeg_error_mgr, jpeg_finish_compress, jpeg_set_defaults, jpeg_set_quality,
    jpeg_simple_progression, jpeg_start_compress, jpeg_std_error, jpeg_write_marker,
    jpeg_write_scanlines,
};

use super::Settings;
use crate::ImageError;
use crate::decode::{guarded, on_error};
use crate::picture::{Layout, Picture};

/// Bytes that the library fills before it gives them away.
const BUFFER: usize = 16 << 10;
/// Rows that are given at once.
const ROWS: usize = 16;
/// From this quality on, colours are as fine as brightness.
const WHOLE_COLOURS: u8 = 96;
/// The second kind of data that applications add, which EXIF chose.
const APP1: c_int = 0xe1;

pub(super) fn encode(picture: &Picture, settings: &Settings) -> Result<Vec<u8>, ImageError> {
    let mut compress = Compress::new();
    guarded(|| compress.run(picture, settings))?;
    Ok(mem::take(&mut compress.sink.out))
}

/// The library's state with what it points to, which stays where it is on the heap.
struct Compress {
    state: Box<jpeg_compress_struct>,
    errors: Box<jpeg_error_mgr>,
    sink: Box<Sink>,
}

/// Where the file goes: what the library calls is its first field.
#[repr(C)]
struct Sink {
    calls: jpeg_destination_mgr,
    buffer: [u8; BUFFER],
    out: Vec<u8>,
}

impl Compress {
    fn new() -> Self {
        // SAFETY: both are plain data of C, for which zeros are what its manual says to begin with.
        let (mut state, mut errors): (Box<jpeg_compress_struct>, Box<jpeg_error_mgr>) =
            unsafe { (Box::new(mem::zeroed()), Box::new(mem::zeroed())) };
        let mut sink = Box::new(Sink {
            calls: jpeg_destination_mgr {
                next_output_byte: ptr::null_mut(),
                free_in_buffer: 0,
                init_destination: Some(on_start),
                empty_output_buffer: Some(on_full),
                term_destination: Some(on_end),
            },
            buffer: [0; BUFFER],
            out: Vec::new(),
        });
        // SAFETY: the boxes are moved into `Self`, what they hold is not; creating fails only for a version that differs.
        unsafe {
            jpeg_std_error(&mut errors);
            errors.error_exit = Some(on_error);
            state.common.err = &raw mut *errors;
            jpeg_create_compress(&raw mut *state);
            state.dest = (&raw mut *sink).cast();
        }
        Self {
            state,
            errors,
            sink,
        }
    }

    /// Encodes all of it. May unwind.
    fn run(&mut self, picture: &Picture, settings: &Settings) {
        let state = &mut *self.state;
        state.image_width = picture.width;
        state.image_height = picture.height;
        (state.input_components, state.in_color_space) = match picture.layout {
            Layout::Rgb => (3, J_COLOR_SPACE::JCS_RGB),
            Layout::Rgba => (4, J_COLOR_SPACE::JCS_EXT_RGBX),
            Layout::Cmyk => (4, J_COLOR_SPACE::JCS_CMYK),
        };
        // SAFETY: the order of these calls is that of the manual, and rows are as long as was said.
        unsafe {
            // Neither slow searches nor other tables: what libjpeg-turbo does.
            let as_turbo = JINT_COMPRESS_PROFILE_VALUE::JCP_FASTEST as c_int;
            jpeg_c_set_int_param(state, J_INT_PARAM::JINT_COMPRESS_PROFILE, as_turbo);
            jpeg_set_defaults(state);
            jpeg_set_quality(state, settings.quality.into(), 1);
            state.optimize_coding = (!settings.fast).into();
            // The defaults have one colour for four pixels, for what has colours apart from brightness.
            if settings.quality >= WHOLE_COLOURS {
                (*state.comp_info).h_samp_factor = 1;
                (*state.comp_info).v_samp_factor = 1;
            }
            if settings.progressive {
                jpeg_simple_progression(state);
            }
            jpeg_start_compress(state, 1);
            if let Some(exif) = &settings.exif {
                let data = [b"Exif\0\0", &exif[..]].concat();
                let length = u32::try_from(data.len()).unwrap_or(0);
                jpeg_write_marker(state, APP1, data.as_ptr(), length);
            }
            for rows in picture.pixels.chunks(picture.stride() * ROWS) {
                write_rows(state, rows, picture.stride());
            }
            jpeg_finish_compress(state);
        }
    }
}

/// # Safety
/// The library has to be started, with rows of `stride` bytes.
unsafe fn write_rows(state: &mut jpeg_compress_struct, rows: &[u8], stride: usize) {
    let mut pointers = [ptr::null(); ROWS];
    let mut count = 0;
    for (pointer, row) in pointers.iter_mut().zip(rows.chunks_exact(stride)) {
        *pointer = row.as_ptr();
        count += 1;
    }
    // SAFETY: so many pointers follow, each to `stride` bytes. Where a file goes is never full, so all of them are taken.
    unsafe { jpeg_write_scanlines(state, pointers.as_ptr(), count) };
}

impl Drop for Compress {
    fn drop(&mut self) {
        // SAFETY: it was created, and is not used again.
        unsafe { jpeg_destroy_compress(&mut self.state) };
        self.state.common.err = ptr::null_mut();
        let _ = &self.errors;
    }
}

fn sink(state: &mut jpeg_compress_struct) -> &mut Sink {
    // SAFETY: the destination of every compressor here is a `Sink`, which nobody else looks at meanwhile.
    unsafe { &mut *state.dest.cast::<Sink>() }
}

extern "C-unwind" fn on_start(state: &mut jpeg_compress_struct) {
    let sink = sink(state);
    sink.calls.next_output_byte = sink.buffer.as_mut_ptr();
    sink.calls.free_in_buffer = BUFFER;
}

/// Called when the whole buffer is full, whatever `free_in_buffer` says.
extern "C-unwind" fn on_full(state: &mut jpeg_compress_struct) -> boolean {
    let taken = sink(state);
    taken.out.extend_from_slice(&taken.buffer);
    on_start(state);
    1
}

extern "C-unwind" fn on_end(state: &mut jpeg_compress_struct) {
    let sink = sink(state);
    let filled = BUFFER - sink.calls.free_in_buffer.min(BUFFER);
    sink.out.extend_from_slice(&sink.buffer[..filled]);
}
