//! What filters in WebAssembly may take, all together.

use std::path::PathBuf;

/// `[guests]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Guests {
    /// The folder where versions and compiled code are kept, if there is one.
    pub path: Option<PathBuf>,
    /// How many instances live at a time.
    pub instances: u32,
    /// The most that one instance may be allowed, in bytes.
    pub memory: u64,
}

impl Default for Guests {
    fn default() -> Self {
        Self {
            path: None,
            instances: 1000,
            memory: 64 << 20,
        }
    }
}
