//! Guests that the suite has the edge run.

use std::env;
use std::path::{Path, PathBuf};

/// The component of a guest: `probe`, `rust-auth` and so on. Those that are committed, unless `RIMWARD_TEST_GUESTS` names the folder
/// that others were built into.
pub fn guest(name: &str) -> PathBuf {
    let folder = env::var_os("RIMWARD_TEST_GUESTS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("guests"),
        PathBuf::from,
    );
    folder.join(format!("{name}.wasm"))
}

/// The component of an example in a language whose tools are no compiler of ours, `js` or `python`, if `sdk/build-dynamic.sh` has made it.
pub fn built(language: &str, name: &str) -> Option<PathBuf> {
    let component = built_guests().join(language).join(format!("{name}.wasm"));
    component.exists().then_some(component)
}

/// The folder that `sdk/build-dynamic.sh` builds into.
pub fn built_guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/guests")
}
