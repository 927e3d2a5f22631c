//! Time as the cache sees it.
//!
//! Lifetimes are compared with this clock alone. It starts at the system's time and then only counts the time that
//! passes, so that a system clock that jumps makes nothing expire and nothing immortal.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// A wall clock that never jumps; cheap to clone, and all clones are the same clock.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Face>);

#[derive(Debug)]
struct Face {
    /// `None` when time only passes by hand.
    started: Option<Instant>,
    epoch: SystemTime,
    passed_nanos: AtomicU64,
}

impl Clock {
    /// A clock that starts now, at the system's time.
    pub fn new() -> Self {
        Self::starting_at(SystemTime::now())
    }

    /// A clock that shows `epoch` now.
    pub fn starting_at(epoch: SystemTime) -> Self {
        Self::with(Some(Instant::now()), epoch)
    }

    /// A clock that stands still but for [`Clock::pass`], for tests.
    pub fn standing() -> Self {
        Self::with(None, SystemTime::now())
    }

    fn with(started: Option<Instant>, epoch: SystemTime) -> Self {
        Self(Arc::new(Face {
            started,
            epoch,
            passed_nanos: AtomicU64::new(0),
        }))
    }

    /// What the clock shows.
    pub fn now(&self) -> SystemTime {
        let passed = Duration::from_nanos(self.0.passed_nanos.load(Ordering::Relaxed));
        let elapsed = self.0.started.as_ref().map(Instant::elapsed);
        self.0.epoch + elapsed.unwrap_or_default() + passed
    }

    /// Lets time pass without waiting for it, in tests.
    pub fn pass(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        self.0.passed_nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// How times of this clock are told to code that reads the system's, from now on until that one jumps.
    pub fn bridge(&self) -> Bridge {
        Bridge {
            ours: self.now(),
            system: SystemTime::now(),
        }
    }
}

/// The same moment on two clocks.
#[derive(Debug, Clone, Copy)]
pub struct Bridge {
    ours: SystemTime,
    system: SystemTime,
}

impl Bridge {
    /// A time of the cache's clock as the system's clock shows it.
    pub fn to_system(&self, time: SystemTime) -> SystemTime {
        let shifted = match time.duration_since(self.ours) {
            Ok(ahead) => self.system.checked_add(ahead),
            Err(behind) => self.system.checked_sub(behind.duration()),
        };
        shifted.unwrap_or(SystemTime::UNIX_EPOCH)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_passes_for_every_clone() {
        let clock = Clock::starting_at(SystemTime::UNIX_EPOCH);
        let twin = clock.clone();
        clock.pass(Duration::from_secs(3600));
        let shown = twin.now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        assert!(shown >= Duration::from_secs(3600));
    }

    #[test]
    fn a_time_keeps_its_distance_from_now_on_the_system_clock() {
        let clock = Clock::standing();
        clock.pass(Duration::from_secs(86_400));
        let before = SystemTime::now();
        let minute = Duration::from_secs(60);
        let bridge = clock.bridge();
        assert!(bridge.to_system(clock.now() + minute) >= before + minute);
        assert!(bridge.to_system(clock.now() - minute) <= SystemTime::now() - minute);
    }
}
