//! Faults of origins in the edge's own log: the first of each second is told, the others are counted.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// The least time between two lines.
const PAUSE: Duration = Duration::from_secs(1);

/// Keeps an origin that is down from filling the disk.
#[derive(Default)]
pub(crate) struct FaultLog {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    last: Option<Instant>,
    untold: u64,
}

impl FaultLog {
    /// Tells a fault, if none was told within the last second.
    pub(crate) fn tell(&self, request_id: &str, status: u16, fault: &str) {
        let Some(untold) = self.turn(Instant::now()) else {
            return;
        };
        tracing::warn!(request_id, status, untold, "{fault}");
    }

    /// The number of faults that were not told since the last one, if it is time for another line.
    fn turn(&self, now: Instant) -> Option<u64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state
            .last
            .is_some_and(|last| now.duration_since(last) < PAUSE)
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
    fn one_fault_a_second_is_told_and_the_others_are_counted() {
        let log = FaultLog::default();
        let start = Instant::now();
        let turns = [0, 10, 999, 1_000, 1_500, 2_100]
            .map(|milliseconds| log.turn(start + Duration::from_millis(milliseconds)));
        assert_eq!(turns, [Some(0), None, None, Some(2), None, Some(1)]);
    }
}
