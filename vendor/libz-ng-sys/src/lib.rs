//! `libz-ng-sys` as far as flate2 uses it, on zlib-rs instead of zlib-ng: so that the build needs no cmake.
//!
//! pingora asks for flate2's `zlib-ng`, whose bindings build C sources with cmake. This crate takes their place in the
//! workspace's `[patch.crates-io]`: the same names, answered by zlib-rs, which is the same algorithm in Rust.

#![allow(non_camel_case_types, non_snake_case, unsafe_code, reason = "the C interface of zlib")]

use std::ffi::{c_char, c_int, c_uint, c_ulong, c_void};

pub use libz_rs_sys::{
    Z_BLOCK, Z_BUF_ERROR, Z_DATA_ERROR, Z_DEFAULT_STRATEGY, Z_DEFLATED, Z_FINISH, Z_FULL_FLUSH, Z_MEM_ERROR, Z_NEED_DICT,
    Z_NO_FLUSH, Z_OK, Z_PARTIAL_FLUSH, Z_STREAM_END, Z_STREAM_ERROR, Z_SYNC_FLUSH, internal_state, zlibVersion,
};

pub type uInt = c_uint;
pub type voidpf = *mut c_void;
pub type alloc_func = extern "C" fn(voidpf, uInt, uInt) -> voidpf;
pub type free_func = extern "C" fn(voidpf, voidpf);

/// zlib's stream; the two allocator fields are never null here, which is all that tells it from zlib-rs's own.
#[repr(C)]
#[derive(Copy, Clone)]
pub struct z_stream {
    pub next_in: *mut u8,
    pub avail_in: uInt,
    pub total_in: usize,
    pub next_out: *mut u8,
    pub avail_out: uInt,
    pub total_out: usize,
    pub msg: *mut c_char,
    pub state: *mut internal_state,
    pub zalloc: alloc_func,
    pub zfree: free_func,
    pub opaque: voidpf,
    pub data_type: c_int,
    pub adler: c_ulong,
    pub reserved: c_ulong,
}

pub type z_streamp = *mut z_stream;

/// Both streams are laid out alike, field by field: `Option` of a function has the size of the function.
const _: () = {
    use libz_rs_sys::z_stream as theirs;
    use std::mem::{align_of, offset_of, size_of};
    assert!(size_of::<z_stream>() == size_of::<theirs>() && align_of::<z_stream>() == align_of::<theirs>());
    assert!(offset_of!(z_stream, total_in) == offset_of!(theirs, total_in));
    assert!(offset_of!(z_stream, total_out) == offset_of!(theirs, total_out));
    assert!(offset_of!(z_stream, zalloc) == offset_of!(theirs, zalloc));
    assert!(offset_of!(z_stream, opaque) == offset_of!(theirs, opaque));
    assert!(offset_of!(z_stream, reserved) == offset_of!(theirs, reserved));
};

/// Passes calls on; the caller's promises are those of the function of the same name in zlib.
macro_rules! pass_on {
    ($(fn $name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[allow(clippy::missing_safety_doc, reason = "as zlib's own")]
        pub unsafe extern "C" fn $name(stream: z_streamp, $($argument: $type),*) -> c_int {
            // SAFETY: the streams are laid out alike, and the caller promises the rest.
            unsafe { libz_rs_sys::$name(stream.cast(), $($argument),*) }
        }
    )*};
}

pass_on! {
    fn deflate(flush: c_int);
    fn deflateEnd();
    fn deflateReset();
    fn deflateInit2_(level: c_int, method: c_int, bits: c_int, memory: c_int, strategy: c_int, version: *const c_char, size: c_int);
    fn deflateParams(level: c_int, strategy: c_int);
    fn deflateSetDictionary(dictionary: *const u8, length: uInt);
    fn inflate(flush: c_int);
    fn inflateEnd();
    fn inflateReset2(bits: c_int);
    fn inflateInit2_(bits: c_int, version: *const c_char, size: c_int);
    fn inflateSetDictionary(dictionary: *const u8, length: uInt);
}
