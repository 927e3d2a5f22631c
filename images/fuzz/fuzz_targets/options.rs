#![no_main]

use libfuzzer_sys::fuzz_target;
use rimward_images::Bounds;
use rimward_images::syntax::cloudflare;

fuzz_target!(|text: &str| {
    let Ok(options) = cloudflare::parse(text) else {
        return;
    };
    let Ok(transform) = options.resolve(&Bounds::default()) else {
        return;
    };
    // The name of a variant says all of it.
    let canonical = transform.canonical();
    let again = cloudflare::parse(&canonical).map(|options| options.resolve(&Bounds::default()));
    assert_eq!(again, Ok(Ok(transform)), "{canonical}");
});
