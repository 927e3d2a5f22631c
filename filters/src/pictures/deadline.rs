//! How long a picture may take, from the request for it on.

use std::time::{Duration, Instant};

use rimward_images::ImageError;

use crate::outside::AskError;

/// Until when a picture has to be there, whatever that takes: fetching, waiting and making.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deadline {
    start: Instant,
    time: Duration,
}

impl Deadline {
    /// In so much time from now.
    pub(super) fn after(time: Duration) -> Self {
        Self {
            start: Instant::now(),
            time,
        }
    }

    /// The time that is left.
    pub(super) fn left(self) -> Duration {
        self.time.saturating_sub(self.start.elapsed())
    }

    /// The one that is later.
    pub(super) fn or_later(self, other: Self) -> Self {
        if other.left() > self.left() {
            other
        } else {
            self
        }
    }

    /// What to say when a picture is not there by then.
    pub(super) fn over(self) -> ImageError {
        ImageError::Deadline(u64::try_from(self.time.as_millis()).unwrap_or(u64::MAX))
    }

    /// The same error, which tells the whole time where it tells what was left of it.
    pub(super) fn told(self, error: AskError) -> AskError {
        match error {
            AskError::Timeout(_) => AskError::Timeout(self.time),
            other => other,
        }
    }
}
