//! A file whose being there says something.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::lasting::uptime;

/// A file whose being there says something. It is looked for by a request, once a second at most, and never on a worker.
pub(super) struct Flag {
    file: PathBuf,
    is_there: AtomicBool,
    /// When to look again, in milliseconds of the process.
    next: AtomicU64,
}

const INTERVAL: u64 = 1000;
/// A disk that takes longer is not waited for.
const PATIENCE: Duration = Duration::from_secs(1);

impl Flag {
    /// Looks at once: this is done while a configuration is read.
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            is_there: AtomicBool::new(file.exists()),
            next: AtomicU64::new(now() + INTERVAL),
            file,
        }
    }

    /// Whether it was there when last looked for.
    pub(super) fn is_there(&self) -> bool {
        self.is_there.load(Ordering::Relaxed)
    }

    /// Whether it is time to look again.
    pub(super) fn is_due(&self) -> bool {
        now() >= self.next.load(Ordering::Relaxed)
    }

    /// Looks, unless somebody else has meanwhile. What can't be found out leaves all as it was.
    pub(super) async fn look(&self) {
        let (now, next) = (now(), self.next.load(Ordering::Relaxed));
        let is_mine = now >= next
            && self
                .next
                .compare_exchange(next, now + INTERVAL, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok();
        if !is_mine {
            return;
        }
        match tokio::time::timeout(PATIENCE, tokio::fs::metadata(&self.file)).await {
            Ok(Ok(_)) => self.is_there.store(true, Ordering::Relaxed),
            Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
                self.is_there.store(false, Ordering::Relaxed)
            }
            Ok(Err(error)) => {
                tracing::warn!(file = %self.file.display(), %error, "a flag file can't be looked for")
            }
            Err(_) => {
                tracing::warn!(file = %self.file.display(), "looking for a flag file takes too long")
            }
        }
    }

    #[cfg(test)]
    pub(super) fn make_due(&self) {
        self.next.store(0, Ordering::Relaxed);
    }
}

/// In milliseconds.
fn now() -> u64 {
    u64::try_from(uptime().as_millis()).unwrap_or(u64::MAX)
}
