//! Where an address is and whose it is: handles on MMDB files of places, of networks and of anonymisers.
//!
//! A file is read whole and never mapped into memory: whoever shortens a mapped file in place kills the process with
//! `SIGBUS`. So a file that is replaced or cut off later can't hurt requests in flight. The next reload reads the new one,
//! or keeps what is in memory when the file is broken.

#[cfg(any(test, feature = "testing"))]
pub mod build;
mod countries;
mod database;
mod databases;
mod location;
mod record;

pub use countries::name_of;
pub use database::OpenError;
pub use databases::{Databases, Kind, Opened};
pub use location::{Anonymity, Location};
