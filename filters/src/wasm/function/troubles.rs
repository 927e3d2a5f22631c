//! Troubles of a function in the log: one of each kind in a while is told, the others are counted, so that a function which
//! always fails does not fill the disk.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::Level;

use super::Identity;
use crate::wasm::logs;

/// The least time between two failures that are told.
const PAUSE: Duration = Duration::from_secs(1);
/// The least time between two warnings.
const LONG_PAUSE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Troubles {
    failures: Turns,
    warnings: Turns,
}

impl Troubles {
    /// Tells that a run failed.
    pub(super) fn tell(&self, who: &Identity, request_id: &str, outcome: &str, what: &str) {
        if let Some(untold) = self.failures.next(Instant::now(), PAUSE) {
            let function = &*who.name;
            tracing::warn!(
                function,
                request_id,
                outcome,
                untold,
                "a function failed: {what}"
            );
            logs::keep(who, Level::ERROR, request_id, &format!("failed: {what}"));
        }
    }

    /// Tells that a function is close to failing.
    pub(super) fn warn(&self, who: &Identity, what: &str) {
        if let Some(untold) = self.warnings.next(Instant::now(), LONG_PAUSE) {
            let function = &*who.name;
            tracing::warn!(function, untold, "a function is near a limit: {what}");
            logs::keep(who, Level::WARN, "", &format!("near a limit: {what}"));
        }
    }
}

#[derive(Default)]
struct Turns(Mutex<State>);

#[derive(Default)]
struct State {
    last: Option<Instant>,
    untold: u64,
}

impl Turns {
    /// How many were not told since the last one, if it is time for another.
    fn next(&self, now: Instant, pause: Duration) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .last
            .is_some_and(|last| now.duration_since(last) < pause)
        {
            state.untold += 1;
            return None;
        }
        state.last = Some(now);
        Some(std::mem::take(&mut state.untold))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_while_is_told_and_the_others_are_counted() {
        let turns = Turns::default();
        let start = Instant::now();
        let told = [0, 10, 999, 1_000, 1_500, 2_100]
            .map(|milliseconds| turns.next(start + Duration::from_millis(milliseconds), PAUSE));
        assert_eq!(told, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
