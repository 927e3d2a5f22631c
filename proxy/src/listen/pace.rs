//! Deadlines that cost nothing while nobody waits: one timer a connection, armed on the first wait, and a floor under the
//! rate at which the other side may go on.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is armed by the first wait and then follows its deadlines lazily: a later deadline is looked at only when
/// the earlier one has passed. So a connection that is never silent for long arms it once.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready when `deadline` has passed; else the task is woken up when it has.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self
            .0
            .get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if sleep.deadline() > deadline {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if Instant::now() >= deadline {
                self.0 = None;
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

/// The rate of the other side over the time we waited for it. It is judged in windows of waited time, so that bytes that
/// came fast don't pay for a stall later on.
#[derive(Debug)]
pub(super) struct Pace {
    window: Duration,
    /// Fewest bytes in a window.
    least: u64,
    /// Longest single wait.
    longest: Option<Duration>,
    /// Time waited in this window before the present wait.
    waited: Duration,
    /// Bytes moved in this window.
    bytes: u64,
    wait: Option<Wait>,
}

/// A wait that is going on.
#[derive(Debug, Clone, Copy)]
struct Wait {
    began: Instant,
    /// From when on it counts for the present window.
    counts_from: Instant,
}

impl Pace {
    /// At least `rate` bytes a second of each `window` of waited time, and no single wait beyond `longest`.
    pub(super) fn new(rate: u64, window: Duration, longest: Option<Duration>) -> Self {
        let least = rate.saturating_mul(window.as_secs());
        Self {
            window,
            least,
            longest,
            waited: Duration::ZERO,
            bytes: 0,
            wait: None,
        }
    }

    /// Starts over: another message.
    pub(super) fn restart(&mut self) {
        self.waited = Duration::ZERO;
        self.bytes = 0;
        self.wait = None;
    }

    /// The other side has moved `bytes` on.
    pub(super) fn progress(&mut self, bytes: usize) {
        match self.wait.take() {
            Some(wait) => self.waited += wait.counts_from.elapsed(),
            // What went into buffers before the first wait says nothing about the other side.
            None if self.waited.is_zero() => return,
            None => {}
        }
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// We wait for the other side. Ready when it is too slow.
    pub(super) fn poll_wait(&mut self, cx: &mut Context<'_>, alarm: &mut Alarm) -> Poll<()> {
        loop {
            let wait = *self.wait.get_or_insert_with(|| {
                let now = Instant::now();
                Wait {
                    began: now,
                    counts_from: now,
                }
            });
            let window_ends = wait.counts_from + self.window.saturating_sub(self.waited);
            let wait_ends = self.longest.map(|longest| wait.began + longest);
            let deadline = wait_ends.map_or(window_ends, |end| end.min(window_ends));
            if alarm.poll(cx, deadline).is_pending() {
                return Poll::Pending;
            }
            if wait_ends == Some(deadline) || self.bytes < self.least {
                return Poll::Ready(());
            }
            self.waited = Duration::ZERO;
            self.bytes = 0;
            self.wait = Some(Wait {
                counts_from: deadline,
                ..wait
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Moves `bytes` after each of `steps` waits of a second, then waits for the verdict.
    async fn verdict_after(pace: &mut Pace, steps: u32, bytes: usize) -> Duration {
        let began = Instant::now();
        let mut alarm = Alarm::default();
        for _ in 0..steps {
            let next = Instant::now() + SECOND;
            let mut step = Box::pin(sleep_until(next));
            let cut = poll_fn(|cx| match pace.poll_wait(cx, &mut alarm) {
                Poll::Ready(()) => Poll::Ready(true),
                Poll::Pending => step.as_mut().poll(cx).map(|()| false),
            });
            if cut.await {
                return began.elapsed();
            }
            pace.progress(bytes);
        }
        poll_fn(|cx| pace.poll_wait(cx, &mut alarm)).await;
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_cut_by_the_longest_wait() {
        let mut pace = Pace::new(500, 10 * SECOND, Some(3 * SECOND));
        assert_eq!(verdict_after(&mut pace, 0, 0).await.as_secs(), 3);
        pace.restart();
        assert_eq!(verdict_after(&mut pace, 5, 1000).await.as_secs(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn dribbling_is_cut_at_the_end_of_the_window() {
        let mut pace = Pace::new(500, 10 * SECOND, Some(60 * SECOND));
        assert_eq!(verdict_after(&mut pace, 30, 1).await.as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_fast_start_pays_for_one_window_only() {
        let mut pace = Pace::new(500, 10 * SECOND, None);
        assert_eq!(verdict_after(&mut pace, 1, 100_000_000).await.as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_keeps_the_rate_is_never_cut() {
        let mut pace = Pace::new(500, 10 * SECOND, None);
        assert_eq!(verdict_after(&mut pace, 100, 600).await.as_secs(), 110);
    }

    #[tokio::test(start_paused = true)]
    async fn time_not_waited_does_not_count() {
        let mut pace = Pace::new(500, 10 * SECOND, None);
        let mut alarm = Alarm::default();
        for _ in 0..8 {
            let waited =
                poll_fn(|cx| Poll::Ready(pace.poll_wait(cx, &mut alarm).is_pending())).await;
            assert!(waited);
            pace.progress(0);
            tokio::time::sleep(60 * SECOND).await;
        }
    }
}
