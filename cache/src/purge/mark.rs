//! When something was purged last, and what that does to an object.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::{Generation, Mode};

/// When something was purged last, in generations; zero is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Mark {
    pub(super) hard: u64,
    pub(super) soft: u64,
    /// Milliseconds since 1970, so that they fit an atomic.
    pub(super) soft_time: u64,
}

/// A mark that all objects with one label share.
#[derive(Debug, Default)]
pub struct Label {
    hard: AtomicU64,
    soft: AtomicU64,
    soft_time: AtomicU64,
}

/// What purges did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Untouched,
    /// It is stale since then.
    StaleSince(SystemTime),
    /// It is gone.
    Gone,
}

impl Mark {
    pub(super) fn new(mode: Mode, generation: u64, now: SystemTime) -> Self {
        match mode {
            Mode::Hard => Self {
                hard: generation,
                ..Self::default()
            },
            Mode::Soft => Self {
                soft: generation,
                soft_time: millis(now),
                ..Self::default()
            },
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.hard.max(self.soft)
    }
}

impl Label {
    /// Adds a mark; of each kind the newest stays.
    pub(super) fn add(&self, mark: Mark) {
        if mark.soft > self.soft.load(Ordering::Acquire) {
            self.soft_time.store(mark.soft_time, Ordering::Release);
        }
        self.soft.fetch_max(mark.soft, Ordering::AcqRel);
        self.hard.fetch_max(mark.hard, Ordering::AcqRel);
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            hard: self.hard.load(Ordering::Acquire),
            soft: self.soft.load(Ordering::Acquire),
            soft_time: self.soft_time.load(Ordering::Acquire),
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.mark().newest()
    }

    /// What became of an object whose origin was asked in generation `born`.
    pub(super) fn verdict(&self, born: Generation) -> Verdict {
        if self.hard.load(Ordering::Acquire) > born.0 {
            Verdict::Gone
        } else if self.soft.load(Ordering::Acquire) > born.0 {
            let millis = Duration::from_millis(self.soft_time.load(Ordering::Acquire));
            let time = SystemTime::UNIX_EPOCH.checked_add(millis);
            Verdict::StaleSince(time.unwrap_or(SystemTime::UNIX_EPOCH))
        } else {
            Verdict::Untouched
        }
    }
}

impl Verdict {
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Gone, _) | (_, Self::Gone) => Self::Gone,
            (Self::StaleSince(one), Self::StaleSince(other)) => Self::StaleSince(one.min(other)),
            (Self::Untouched, verdict) | (verdict, Self::Untouched) => verdict,
        }
    }
}

fn millis(time: SystemTime) -> u64 {
    let since_1970 = time
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}
