//! Passive ejection: a server that fails several times in a row is left alone for a while.

use std::sync::Mutex;
use std::time::Duration;

use rimward_config::Outlier;
use tokio::time::Instant;

/// Ejections in a row lengthen the next one up to this many times.
const LONGEST: u32 = 10;

/// How a server has been doing, as its answers tell.
#[derive(Debug, Default)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    errors_in_a_row: u32,
    ejections_in_a_row: u32,
    ejections: u64,
    until: Option<Instant>,
}

impl Record {
    /// Whether the server is left alone now.
    pub(super) fn ejected(&self, now: Instant) -> bool {
        self.lock().until.is_some_and(|until| now < until)
    }

    /// When the last ejection ends or ended.
    pub(super) fn until(&self) -> Option<Instant> {
        self.lock().until
    }

    /// How often the server was ejected, ever.
    pub(super) fn ejections(&self) -> u64 {
        self.lock().ejections
    }

    /// A good answer ends both rows.
    pub(super) fn succeeded(&self, now: Instant) {
        let mut inner = self.lock();
        inner.errors_in_a_row = 0;
        // An answer to a request from before the ejection says nothing about the server as it is now.
        if inner.until.is_none_or(|until| now >= until) {
            inner.ejections_in_a_row = 0;
        }
    }

    /// Counts a failure and ejects when it is one too many and `may_eject` agrees. Returns for how long.
    pub(super) fn failed(
        &self,
        rule: &Outlier,
        now: Instant,
        may_eject: impl FnOnce() -> bool,
    ) -> Option<Duration> {
        {
            let mut inner = self.lock();
            if inner.until.is_some_and(|until| now < until) {
                return None;
            }
            inner.errors_in_a_row = inner.errors_in_a_row.saturating_add(1);
            if inner.errors_in_a_row < rule.consecutive_errors {
                return None;
            }
        }
        // Asked without the lock, because the answer counts every server, this one included.
        if !may_eject() {
            return None;
        }
        let mut inner = self.lock();
        inner.errors_in_a_row = 0;
        inner.ejections_in_a_row = (inner.ejections_in_a_row + 1).min(LONGEST);
        inner.ejections += 1;
        let time = rule.eject_for.saturating_mul(inner.ejections_in_a_row);
        inner.until = now.checked_add(time);
        Some(time)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Whether one more of `servers` may be ejected when `ejected` already are.
///
/// Of several servers one always may, however small the share; the only server never is.
pub(super) fn may_eject(rule: &Outlier, servers: usize, ejected: usize) -> bool {
    let allowed = (servers * usize::from(rule.max_ejected_percent) / 100).max(1);
    servers > 1 && rule.max_ejected_percent > 0 && ejected < allowed
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Outlier = Outlier {
        consecutive_errors: 3,
        eject_for: Duration::from_secs(30),
        max_ejected_percent: 50,
    };

    #[tokio::test(start_paused = true)]
    async fn a_row_of_errors_ejects_and_time_brings_back() {
        let record = Record::default();
        let now = Instant::now();
        assert_eq!(record.failed(&RULE, now, || true), None);
        assert_eq!(record.failed(&RULE, now, || true), None);
        assert_eq!(
            record.failed(&RULE, now, || true),
            Some(Duration::from_secs(30))
        );
        assert!(record.ejected(Instant::now()));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert!(!record.ejected(Instant::now()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_ends_the_row() {
        let record = Record::default();
        for _ in 0..10 {
            assert_eq!(record.failed(&RULE, Instant::now(), || true), None);
            assert_eq!(record.failed(&RULE, Instant::now(), || true), None);
            record.succeeded(Instant::now());
        }
        assert_eq!(record.ejections(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn ejections_in_a_row_grow_to_ten_times_and_a_success_forgets_them() {
        let record = Record::default();
        for expected in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10] {
            record.failed(&RULE, Instant::now(), || true);
            record.failed(&RULE, Instant::now(), || true);
            let time = record.failed(&RULE, Instant::now(), || true).unwrap();
            assert_eq!(time, RULE.eject_for * expected);
            record.succeeded(Instant::now()); // Late, so it does not count.
            tokio::time::advance(time).await;
        }
        record.succeeded(Instant::now());
        record.failed(&RULE, Instant::now(), || true);
        record.failed(&RULE, Instant::now(), || true);
        assert_eq!(
            record.failed(&RULE, Instant::now(), || true),
            Some(RULE.eject_for)
        );
    }

    #[test]
    fn the_share_of_ejected_servers_is_bounded() {
        for (servers, ejected, expected) in [
            (1, 0, false),
            (2, 0, true),
            (2, 1, false),
            (3, 0, true),
            (3, 1, false),
            (10, 4, true),
            (10, 5, false),
        ] {
            assert_eq!(
                may_eject(&RULE, servers, ejected),
                expected,
                "{ejected} of {servers}"
            );
        }
        assert!(may_eject(
            &Outlier {
                max_ejected_percent: 1,
                ..RULE
            },
            3,
            0
        ));
        assert!(!may_eject(
            &Outlier {
                max_ejected_percent: 0,
                ..RULE
            },
            3,
            0
        ));
    }
}
