#![no_main]

use libfuzzer_sys::fuzz_target;
use rimward_images::probe;
use rimward_images_fuzz::limits;

fuzz_target!(|data: &[u8]| {
    let limits = limits();
    if let Ok(info) = probe(data, &limits) {
        assert!(u64::from(info.width) * u64::from(info.height) <= limits.pixels);
        assert!(info.frames <= limits.frames);
    }
});
