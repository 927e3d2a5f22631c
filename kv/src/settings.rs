//! Where a store lies and what it may take.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 1024;

/// The longest metadata, in bytes.
pub const MAX_METADATA: usize = 1024;

/// Where a store lies and what it may take.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The file. It is made if it is not there, and its folder too.
    pub path: PathBuf,
    /// How large the file may get. About half of it is room for keys and values, for what changes is written beside what
    /// was there before.
    pub max_size: u64,
    /// The largest value, in bytes.
    pub max_value: usize,
    /// How much of the file is kept in memory.
    pub memory: usize,
    /// The time by which entries expire.
    pub clock: Clock,
}

impl Settings {
    /// The defaults, for a store in the file `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            max_size: 1 << 30,
            max_value: 1 << 20,
            memory: 32 << 20,
            clock: Clock::default(),
        }
    }
}

/// Tells the time of day.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> SystemTime + Send + Sync>);

impl Clock {
    /// A clock that asks `now`.
    pub fn new(now: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Arc::new(now))
    }

    /// Milliseconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        let since = (self.0)().duration_since(SystemTime::UNIX_EPOCH);
        milliseconds(since.unwrap_or_default())
    }
}

/// The system's clock.
impl Default for Clock {
    fn default() -> Self {
        Self::new(SystemTime::now)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// A time in whole milliseconds, rounded up so that what lasts at all lasts one.
pub(crate) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
