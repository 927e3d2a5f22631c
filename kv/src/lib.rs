//! What an edge remembers by key: a store in one file that survives a crash.
//!
//! Whoever reads does so at once and waits for nobody. Whoever writes waits until what was written is on the disk: one
//! thread takes what has come, writes it in one transaction and tells them all. Knows nothing of HTTP and of configurations.

mod database;
mod entry;
mod error;
mod moving;
mod record;
mod settings;
mod store;
mod tables;
mod writer;

pub use entry::{Condition, Entry, Page, Stats, Write};
pub use error::KvError;
pub use settings::{Clock, MAX_KEY, MAX_METADATA, Settings};
pub use store::Store;
