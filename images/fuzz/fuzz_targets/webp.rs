#![no_main]

use libfuzzer_sys::fuzz_target;
use rimward_images::Kind;
use rimward_images_fuzz::made;

fuzz_target!(|data: &[u8]| made(Kind::Webp, data));
