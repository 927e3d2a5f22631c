//! JPEG, by libjpeg-turbo's code.
//!
//! It can leave out cosines while it decodes, which makes a picture of a half, a quarter or an eighth at half the cost.
//! Other factors it knows as well, but without SIMD, which makes them dearer than the whole.
//!
//! The library leaves by its call-backs when something is wrong. Here those unwind, through C that is compiled for it,
//! to `guarded`. What the library only warns of, such as data that ends too soon, is an error here: otherwise the rest of the
//! picture would be gray, and be kept as if it were right.
#![allow(
    unsafe_code,
    reason = "libjpeg is C; what it is given lives in this file, and what it writes to is measured here"
)]

use std::any::Any;
use std::os::raw::{c_int, c_ulong};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::{mem, ptr};

use mozjpeg_sys::{
    J_COLOR_SPACE, JDIMENSION, jpeg_calc_output_dimensions, jpeg_common_struct,
    jpeg_create_decompress, jpeg_decompress_struct, jpeg_destroy_decompress, jpeg_error_mgr,
    jpeg_finish_decompress, jpeg_mem_src, jpeg_progress_mgr, jpeg_read_header, jpeg_read_scanlines,
    jpeg_start_decompress, jpeg_std_error,
};

use super::Decoded;
use crate::error::Measure;
use crate::limits::Deadline;
use crate::picture::{Layout, Picture};
use crate::{ImageError, Limits};

/// Rows that are asked for at once.
const ROWS: usize = 16;

/// How much smaller a picture is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shrink {
    None = 1,
    Half = 2,
    Quarter = 4,
    Eighth = 8,
}

impl Shrink {
    /// The most of it that leaves at least as many pixels as a reduction by `factor` needs.
    pub(super) fn at_most(factor: f64) -> Self {
        match factor {
            8.0.. => Self::Eighth,
            4.0.. => Self::Quarter,
            2.0.. => Self::Half,
            _ => Self::None,
        }
    }
}

pub(super) fn decode(
    bytes: &[u8],
    shrink: Shrink,
    limits: &Limits,
    deadline: Deadline,
) -> Result<Decoded, ImageError> {
    let mut decompress = Decompress::new(limits, deadline);
    let picture = guarded(|| decompress.run(bytes, shrink))??;
    let scale = 1.0 / f64::from(shrink as u8);
    Ok(Decoded {
        picture,
        scale: (scale, scale),
    })
}

/// The library's state with what it points to, which stays where it is on the heap.
struct Decompress {
    state: Box<jpeg_decompress_struct>,
    errors: Box<jpeg_error_mgr>,
    watch: Box<Watch>,
}

/// Looked at after each row of blocks: what the library calls is its first field.
#[repr(C)]
struct Watch {
    progress: jpeg_progress_mgr,
    scans: c_int,
    deadline: Deadline,
}

impl Decompress {
    fn new(limits: &Limits, deadline: Deadline) -> Self {
        // SAFETY: all three are plain data of C, for which zeros are what its manual says to begin with.
        let (mut state, mut errors, progress): (
            Box<jpeg_decompress_struct>,
            Box<jpeg_error_mgr>,
            jpeg_progress_mgr,
        ) = unsafe {
            (
                Box::new(mem::zeroed()),
                Box::new(mem::zeroed()),
                mem::zeroed(),
            )
        };
        let mut watch = Box::new(Watch {
            progress,
            scans: c_int::try_from(limits.scans).unwrap_or(c_int::MAX),
            deadline,
        });
        watch.progress.progress_monitor = Some(on_progress);
        // SAFETY: the boxes are moved into `Self`, what they hold is not; creating fails only for a version that differs.
        unsafe {
            jpeg_std_error(&mut errors);
            errors.error_exit = Some(on_error);
            errors.emit_message = Some(on_message);
            state.common.err = &raw mut *errors;
            jpeg_create_decompress(&raw mut *state);
            state.common.progress = (&raw mut *watch).cast();
        }
        Self {
            state,
            errors,
            watch,
        }
    }

    /// Decodes all of it. May unwind.
    fn run(&mut self, bytes: &[u8], shrink: Shrink) -> Result<Picture, ImageError> {
        let state = &mut *self.state;
        // SAFETY: `bytes` outlives this call, and the library is done with it then.
        unsafe {
            jpeg_mem_src(state, bytes.as_ptr(), bytes.len() as c_ulong);
            jpeg_read_header(state, 1);
        }
        let layout = if state.num_components == 4 {
            state.out_color_space = J_COLOR_SPACE::JCS_CMYK;
            Layout::Cmyk
        } else {
            state.out_color_space = J_COLOR_SPACE::JCS_RGB;
            Layout::Rgb
        };
        (state.scale_num, state.scale_denom) = (1, shrink as u32);
        // SAFETY: a header has been read.
        unsafe { jpeg_calc_output_dimensions(state) };
        let mut picture = Picture::new(state.output_width, state.output_height, layout)?;
        let stride = picture.stride();
        // SAFETY: a header has been read; each row that the library writes to is as long as the rows that it announced, of
        // which it writes no more than it is given.
        unsafe {
            jpeg_start_decompress(state);
            if state.output_components as usize != layout.channels() {
                return Err(ImageError::failed(
                    "libjpeg gave other colours than it was asked for",
                ));
            }
            for rows in picture.pixels.chunks_mut(stride * ROWS) {
                read_rows(state, rows, stride);
            }
            jpeg_finish_decompress(state);
        }
        Ok(picture)
    }
}

/// Fills `rows`. The library gives as many rows at once as it has.
///
/// # Safety
/// The library has to be started, with rows of `stride` bytes.
unsafe fn read_rows(state: &mut jpeg_decompress_struct, rows: &mut [u8], stride: usize) {
    let mut pointers = [ptr::null_mut(); ROWS];
    let mut count = 0;
    for (pointer, row) in pointers.iter_mut().zip(rows.chunks_exact_mut(stride)) {
        *pointer = row.as_mut_ptr();
        count += 1;
    }
    let mut done = 0;
    while done < count {
        let left = (count - done) as JDIMENSION;
        // SAFETY: `left` pointers follow, each to `stride` bytes.
        let read = unsafe { jpeg_read_scanlines(state, pointers.as_mut_ptr().add(done), left) };
        if read == 0 {
            give_up(ImageError::broken("it ends too soon"));
        }
        done += read as usize;
    }
}

impl Drop for Decompress {
    fn drop(&mut self) {
        // SAFETY: it was created, and is not used again.
        unsafe { jpeg_destroy_decompress(&mut self.state) };
        self.state.common.err = ptr::null_mut();
        let _ = (&self.errors, &self.watch);
    }
}

/// Calls the library, and catches what its call-backs leave by.
pub(crate) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, ImageError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|thrown: Box<dyn Any + Send>| {
        match thrown.downcast::<ImageError>() {
            Ok(error) => *error,
            Err(panic) => resume_unwind(panic),
        }
    })
}

/// Leaves the library. No panic is reported: it is an error, on its way to `guarded`.
#[cold]
fn give_up(error: ImageError) -> ! {
    resume_unwind(Box::new(error))
}

pub(crate) extern "C-unwind" fn on_error(state: &mut jpeg_common_struct) {
    give_up(ImageError::Broken(message(state)));
}

/// Called with -1 for warnings, with more for what is only told.
extern "C-unwind" fn on_message(state: &mut jpeg_common_struct, level: c_int) {
    if level < 0 {
        give_up(ImageError::Broken(message(state)));
    }
}

extern "C-unwind" fn on_progress(state: &mut jpeg_common_struct) {
    let state = ptr::from_mut(state).cast::<jpeg_decompress_struct>();
    // SAFETY: this is called by decompressors alone, which begin with what is common to them; their progress is a `Watch`,
    // which nobody else looks at meanwhile.
    let (scan, watch) = unsafe {
        let watch = (*state).common.progress.cast::<Watch>();
        ((*state).input_scan_number, &*watch)
    };
    if scan > watch.scans {
        give_up(ImageError::TooLarge {
            what: Measure::Scans,
            found: scan.unsigned_abs().into(),
            limit: watch.scans.unsigned_abs().into(),
        });
    }
    if let Err(error) = watch.deadline.check() {
        give_up(error);
    }
}

/// What the library has to say, in its own words.
fn message(state: &mut jpeg_common_struct) -> String {
    let buffer = [0u8; 80];
    // SAFETY: the library's own function writes at most 80 bytes to the 80 that it is given, a zero behind them. The bindings
    // take them by a shared reference, though they are written: hence the read that the compiler can't leave out.
    let text = unsafe {
        let errors = &*state.err;
        if let Some(format) = errors.format_message {
            format(state, &buffer);
        }
        ptr::read_volatile(&raw const buffer)
    };
    let end = memchr::memchr(0, &text).unwrap_or(text.len());
    String::from_utf8_lossy(&text[..end]).into_owned()
}
