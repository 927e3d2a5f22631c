//! Which site and which route a request belongs to: a hash look-up for the host, a tree for the path.
//!
//! The cost does not depend on how many hosts or routes there are, only on the labels of the host and the segments of
//! the path.

mod conditions;
mod hosts;
mod paths;

use std::net::IpAddr;

pub use conditions::Asked;
pub use hosts::Hosts;
pub use paths::{Matched, Paths};

/// The country of an address, if there is a database that knows it.
pub fn locate(databases: Option<&rimward_geoip::Databases>, address: IpAddr) -> Option<[u8; 2]> {
    databases?.country(address)
}
