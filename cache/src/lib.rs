//! What may be stored, under which key, how long, in which tier.
//!
//! The law of caching stands in [`policy`], as pure functions of heads and times; what an object is found by in [`key`]
//! and [`vary`]; where it lies in [`store`]. Nothing here knows a config file, a filter or a proxy.

pub mod cache_control;
pub mod clock;
pub mod conditional;
pub mod date;
mod disk;
pub mod encoding;
pub mod fill;
pub mod head;
pub mod invalidation;
pub mod key;
mod memory;
pub mod object;
pub mod policy;
pub mod purge;
pub mod range;
pub mod slice;
pub mod store;
pub mod vary;

pub use clock::Clock;
pub use disk::{DiskBounds, DiskStats};
pub use encoding::Encoding;
pub use key::{Key, KeyBuilder, KeyRef, Query};
pub use object::Object;
pub use purge::{Generation, Mode, Purge, Purges};
pub use slice::Slice;
pub use store::{Bounds, Store};
