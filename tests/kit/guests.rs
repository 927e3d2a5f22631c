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
