//! The kit that the suite's tests are written with: a scripted origin, an edge in the test's own process, clients that
//! can misbehave, and words for what is expected.
//!
//! ```ignore
//! let origin = Origin::start().await;
//! let edge = Edge::site(&origin).await;
//! origin.reply("/a", "cache-control: max-age=60", "v1");
//! assert_eq!(edge.get("/a").await, miss("v1"));
//! assert_eq!(edge.get("/a").await, hit("v1"));
//! ```
//!
//! Nothing here waits for time to pass and nothing is left unbounded: every wait ends when what it waits for happens, or
//! fails the test after [`PATIENCE`].

#![allow(
    clippy::unwrap_used,
    reason = "the kit is test code: what can't be done fails the test"
)]

pub mod binary;
pub mod client;
pub mod edge;
pub mod expect;
pub mod files;
pub mod guests;
pub mod origin;
pub mod patience;
pub mod scripted;
pub mod tls;
pub mod tools;
pub mod uploads;
pub mod wire;

pub use binary::Binary;
pub use client::{Broken, Client, H2Client, Response};
pub use edge::{Edge, site};
pub use expect::{hit, miss, pass, revalidated, stale};
pub use files::{Files, fill};
pub use guests::guest;
pub use origin::{File, Gate, Origin, Received, Trickle};
pub use patience::{PATIENCE, within};
pub use tls::Authority;

/// So many seconds.
pub const fn secs(count: u64) -> std::time::Duration {
    std::time::Duration::from_secs(count)
}
