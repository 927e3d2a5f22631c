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

/// A client's address, or the lack of one, as a country look-up.
pub fn locate(countries: Option<&rimward_geoip::Countries>, address: IpAddr) -> Option<[u8; 2]> {
    countries?.country(address)
}
