//! Where addresses are.

use crate::host::geo;

pub use crate::host::geo::Location;

/// The client's country, by its ISO 3166 code. The cheapest question of this module.
pub fn country() -> Option<String> {
    geo::country()
}

/// All that is known of the client's address.
pub fn client() -> Option<Location> {
    geo::client()
}

/// All that is known of an address.
pub fn lookup(ip: &str) -> Option<Location> {
    geo::lookup(ip)
}
