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
    time_left(terms, now).is_some_and(|left| die() < chance(left, terms.cost))
}

/// Whether a hit may have to renew the object, as the die falls.
pub fn is_near_its_end(terms: &Terms, now: SystemTime) -> bool {
    time_left(terms, now).is_some() && !terms.cost.is_zero()
}

/// How long it is fresh still, when that is the last part of its lifetime.
fn time_left(terms: &Terms, now: SystemTime) -> Option<Duration> {
    let left = terms.fresh_until.duration_since(now).ok()?;
    let lifetime = terms.fresh_until.duration_since(terms.stored).ok()?;
    (!left.is_zero() && left <= lifetime / LAST_PART).then_some(left)
}

/// `exp(-left / (2 · cost))`.
fn chance(left: Duration, cost: Duration) -> f64 {
    let ahead = cost.as_secs_f64() * FETCHES_AHEAD;
    if ahead <= 0.0 {
        return 0.0;
    }
    (-left.as_secs_f64() / ahead).exp()
}
