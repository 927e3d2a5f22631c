#![no_main]

use libfuzzer_sys::fuzz_target;
use rimward_images::testing::compare_decoders;
use rimward_images_fuzz::limits;

fuzz_target!(|data: &[u8]| compare_decoders(data, &limits()));
