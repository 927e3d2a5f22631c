//! Watches how the new origin does, and takes the traffic away from it when that is bad.
//!
//! Once taken away, the traffic stays away until an operator gives it back; or, where the settings say so, a tenth of it
//! comes back after a while and has to do clearly better for a whole window before the rest follows.

use std::time::Duration;

/// Slots of a window; it moves on by one of them at a time.
const SLOTS: u32 = 12;
/// The share of tries that may be slow: the bound is one on the 95th percentile.
const SLOW: f64 = 0.05;
/// What a bound shrinks to for traffic that comes back.
const BETTER: f64 = 0.5;
/// The longest wait before traffic comes back, as a multiple of the first.
const LONGEST: u32 = 8;

/// When the new origin does badly.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Limits {
    /// The share of tries that may fail, from 0 to 1.
    pub(super) errors: Option<f64>,
    /// What 95 of 100 tries have to be faster than.
    pub(super) latency: Option<Duration>,
    /// How far it is looked back.
    pub(super) over: Duration,
    /// Fewer tries than this say nothing.
    pub(super) min_requests: u32,
    /// When traffic comes back by itself.
    pub(super) retry_after: Option<Duration>,
}

/// Whether traffic goes to the new origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// All that is meant to.
    Open,
    /// A tenth of it, to see how it does.
    Probing {
        /// Since when.
        since: Duration,
        /// How often it was taken away before, at a stretch.
        before: u32,
    },
    /// None.
    Aborted {
        /// Since when.
        since: Duration,
        /// How often it was taken away before, at a stretch.
        before: u32,
    },
}

/// What became of the tries within the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) tries: u32,
    pub(super) errors: u32,
    pub(super) slow: u32,
}

/// Watches how the new origin does. Times are since any fixed moment.
#[derive(Debug)]
pub(super) struct Guard {
    limits: Limits,
    stage: Stage,
    slots: [(u64, Counts); SLOTS as usize],
}

impl Guard {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            stage: Stage::Open,
            slots: Default::default(),
        }
    }

    /// The stage, after what time alone brought about.
    pub(super) fn stage(&mut self, now: Duration) -> Stage {
        if let (Stage::Aborted { since, before }, Some(wait)) =
            (self.stage, self.limits.retry_after)
        {
            let factor = 2_u32.saturating_pow(before).min(LONGEST);
            if now >= since.saturating_add(wait.saturating_mul(factor)) {
                let before = before + 1;
                self.enter(Stage::Probing { since: now, before });
            }
        }
        self.stage
    }

    /// Counts a try at the new origin. `status` is `None` when there was no response.
    pub(super) fn tried(&mut self, status: Option<u16>, time: Duration, now: Duration) -> Stage {
        let stage = self.stage(now);
        self.count(status, time, now);
        let counts = self.counts(now);
        match stage {
            Stage::Open if self.is_over(counts, 1.0) => self.enter(Stage::Aborted {
                since: now,
                before: 0,
            }),
            Stage::Probing { before, .. } if self.is_over(counts, 1.0) => {
                self.enter(Stage::Aborted { since: now, before })
            }
            Stage::Probing { since, .. }
                if now >= since + self.limits.over
                    && counts.tries >= self.limits.min_requests
                    && !self.is_over(counts, BETTER) =>
            {
                self.enter(Stage::Open);
            }
            _ => {}
        }
        self.stage
    }

    /// Gives the traffic back, as an operator wants it.
    pub(super) fn open(&mut self) {
        self.enter(Stage::Open);
    }

    /// What became of the tries within the window.
    pub(super) fn counts(&self, now: Duration) -> Counts {
        let newest = self.slot(now);
        let oldest = newest.saturating_sub(u64::from(SLOTS) - 1);
        let within = self
            .slots
            .iter()
            .filter(|(slot, _)| (oldest..=newest).contains(slot));
        within.fold(Counts::default(), |sum, (_, counts)| Counts {
            tries: sum.tries + counts.tries,
            errors: sum.errors + counts.errors,
            slow: sum.slow + counts.slow,
        })
    }

    fn count(&mut self, status: Option<u16>, time: Duration, now: Duration) {
        let number = self.slot(now);
        let index = (number % u64::from(SLOTS)) as usize;
        let slot = &mut self.slots[index];
        if slot.0 != number {
            *slot = (number, Counts::default());
        }
        slot.1.tries += 1;
        slot.1.errors += u32::from(is_error(status));
        slot.1.slow += u32::from(self.limits.latency.is_some_and(|bound| time > bound));
    }

    fn slot(&self, now: Duration) -> u64 {
        let width = (self.limits.over / SLOTS).as_nanos().max(1);
        u64::try_from(now.as_nanos() / width).unwrap_or(u64::MAX)
    }

    fn is_over(&self, counts: Counts, part: f64) -> bool {
        let of = |count: u32| f64::from(count) / f64::from(counts.tries);
        let errors = self.limits.errors;
        let fails = errors.is_some_and(|bound| of(counts.errors) > bound * part);
        let is_slow = self.limits.latency.is_some() && of(counts.slow) > SLOW * part;
        counts.tries >= self.limits.min_requests && (fails || is_slow)
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        // What came before says nothing of what comes now.
        self.slots = Default::default();
    }
}

/// Whether a try failed: no response, or one that tells of a fault of the server's.
pub(super) fn is_error(status: Option<u16>) -> bool {
    status.is_none_or(|status| status >= 500)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(10);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn guard(retry_after: Option<Duration>) -> Guard {
        Guard::new(Limits {
            errors: Some(0.02),
            latency: Some(at(1)),
            over: at(60),
            min_requests: 50,
            retry_after,
        })
    }

    fn tries(guard: &mut Guard, good: u32, bad: u32, now: Duration) -> Stage {
        for _ in 0..good {
            guard.tried(Some(200), FAST, now);
        }
        for _ in 0..bad {
            guard.tried(None, FAST, now);
        }
        guard.stage(now)
    }

    #[test]
    fn a_rate_over_the_bound_takes_the_traffic_away() {
        for (good, bad, expected) in [(0, 49, true), (0, 50, false), (98, 2, true), (97, 3, false)]
        {
            let stage = tries(&mut guard(None), good, bad, at(5));
            assert_eq!(stage == Stage::Open, expected, "{good} good, {bad} bad");
        }
    }

    #[test]
    fn slow_answers_take_the_traffic_away() {
        let mut guard = guard(None);
        tries(&mut guard, 95, 0, at(5));
        for _ in 0..5 {
            guard.tried(Some(200), at(2), at(5));
        }
        assert_eq!(
            guard.stage(at(5)),
            Stage::Open,
            "exactly the 95th percentile"
        );
        guard.tried(Some(200), at(2), at(5));
        assert!(matches!(guard.stage(at(5)), Stage::Aborted { .. }));
    }

    #[test]
    fn what_is_long_ago_does_not_count() {
        let mut guard = guard(None);
        tries(&mut guard, 0, 49, at(5));
        assert_eq!(guard.counts(at(59)).errors, 49);
        assert_eq!(guard.counts(at(66)).errors, 0);
        assert_eq!(tries(&mut guard, 1, 0, at(66)), Stage::Open);
    }

    #[test]
    fn traffic_stays_away_until_it_is_given_back() {
        let mut guard = guard(None);
        tries(&mut guard, 0, 50, at(5));
        assert!(matches!(guard.stage(at(100_000)), Stage::Aborted { .. }));
        guard.open();
        assert_eq!(tries(&mut guard, 60, 0, at(100_001)), Stage::Open);
    }

    #[test]
    fn traffic_that_comes_back_has_to_do_clearly_better() {
        let mut guard = guard(Some(at(600)));
        tries(&mut guard, 0, 50, at(0));
        assert!(matches!(guard.stage(at(599)), Stage::Aborted { .. }));
        assert!(matches!(guard.stage(at(600)), Stage::Probing { .. }));
        // One and a half percent: under the bound, but not under half of it.
        tries(&mut guard, 197, 3, at(630));
        assert!(matches!(
            tries(&mut guard, 1, 0, at(661)),
            Stage::Probing { .. }
        ));
        assert_eq!(tries(&mut guard, 60, 0, at(725)), Stage::Open);
    }

    #[test]
    fn each_time_that_it_fails_again_the_wait_doubles() {
        let mut guard = guard(Some(at(600)));
        tries(&mut guard, 0, 50, at(0));
        tries(&mut guard, 0, 50, at(600));
        assert!(matches!(guard.stage(at(1_799)), Stage::Aborted { .. }));
        assert!(matches!(guard.stage(at(1_800)), Stage::Probing { .. }));
    }
}
