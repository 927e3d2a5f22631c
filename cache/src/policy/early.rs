//! When an object is revalidated before it is stale, so that no client has to wait for it.
//!
//! Each hit throws a die that falls on "now" the more often, the nearer the end is and the longer the origin took last
//! time (Vattani, Chierichetti and Lowenstein, "Optimal probabilistic cache stampede prevention", 2015). So an object
//! that many ask for is renewed by one of them in time, one that few ask for hardly ever early, and edges that hold the
//! same object do not ask all at once.

use std::time::{Duration, SystemTime};

use super::Terms;

/// The part of a lifetime, counted from its end, in which an object may be renewed.
const LAST_PART: u32 = 10;
/// How many fetches ahead of the end the die falls on "now" one time in e.
const FETCHES_AHEAD: f64 = 2.0;

/// Whether a hit renews the object. `die` throws a number from 0 up to 1; it is asked only near the end.
pub fn refreshes_early(terms: &Terms, now: SystemTime, die: impl FnOnce() -> f64) -> bool {
    let (Ok(left), Ok(lifetime)) = (
        terms.fresh_until.duration_since(now),
        terms.fresh_until.duration_since(terms.stored),
    ) else {
        return false;
    };
    is_last_part(left, lifetime) && die() < chance(left, terms.cost)
}

/// Whether the time that is left is the last part of a lifetime, in which a hit may have to renew the object.
pub(crate) fn is_last_part(left: Duration, lifetime: Duration) -> bool {
    !left.is_zero() && left <= lifetime / LAST_PART
}

/// `exp(-left / (2 · cost))`.
fn chance(left: Duration, cost: Duration) -> f64 {
    let ahead = cost.as_secs_f64() * FETCHES_AHEAD;
    if ahead <= 0.0 {
        return 0.0;
    }
    (-left.as_secs_f64() / ahead).exp()
}
