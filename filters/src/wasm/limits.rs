//! What one guest may take, and the counting of it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rimward_config::{ByteSize, Span};
use schemars::JsonSchema;
use serde::Deserialize;
use wasmtime::ResourceLimiter;

use super::engine::TICK;
use crate::filter::BuildError;
use crate::lasting::uptime;

/// Part of a limit, in percent, from which on a warning is logged.
const WARNING: u128 = 80;

/// What a guest may take. The same holds wherever it runs: at the edge, in `rimward dev` and in `rimward plugin test`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsSettings {
    /// Time on a processor for one call, that is for one phase of a request or one chunk of a body: from 1 ms to 10 s. It is
    /// looked at each millisecond.
    #[schemars(title = "duration")]
    cpu: Span,
    /// Time for one call in all, with what it waits for: from 1 ms to 5 min.
    #[schemars(title = "duration")]
    wall: Span,
    /// Memory of one instance: from 64 KiB to the `memory` of `[guests]`.
    #[schemars(title = "size")]
    memory: ByteSize,
    /// How many subrequests it may make for one request, at most 64.
    subrequests: u32,
    /// The longest body that it may make, have held back for it, or have from a host of `grants.hosts`, at most 64 MiB.
    #[schemars(title = "size")]
    response_body: ByteSize,
    /// What it may log for one request, at most 1 MiB; more is left out.
    #[schemars(title = "size")]
    log: ByteSize,
}

impl Default for LimitsSettings {
    fn default() -> Self {
        Self {
            cpu: Span(Duration::from_millis(10)),
            wall: Span(Duration::from_secs(1)),
            memory: ByteSize(64 << 20),
            subrequests: 8,
            response_body: ByteSize(1 << 20),
            log: ByteSize(16 << 10),
        }
    }
}

/// What a guest may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) cpu: Duration,
    pub(super) wall: Duration,
    pub(super) memory: usize,
    pub(super) subrequests: u32,
    pub(super) body: usize,
    pub(super) log: usize,
}

impl Limits {
    /// From what is written, where no guest may have more memory than `most`.
    pub(super) fn new(written: &LimitsSettings, most: usize) -> Result<Self, BuildError> {
        let span = |key, Span(span): Span, most: Duration| {
            let fits = span >= Duration::from_millis(1) && span <= most;
            let wrong = || format!("`{span:?}` is not a time from 1 ms to {most:?}");
            fits.then_some(span)
                .ok_or_else(|| BuildError::at(key, wrong()))
        };
        let size = |key, ByteSize(size): ByteSize, least: u64, most: usize| {
            let fits = usize::try_from(size)
                .ok()
                .filter(|fits| *fits <= most && size >= least);
            fits.ok_or_else(|| {
                let (least, most) = (ByteSize(least), ByteSize(most as u64));
                let size = ByteSize(size);
                BuildError::at(
                    key,
                    format!("`{size}` is not a size from {least} to {most}"),
                )
            })
        };
        if written.subrequests > 64 {
            let wrong = format!("`{}` is more than 64", written.subrequests);
            return Err(BuildError::at("limits.subrequests", wrong));
        }
        Ok(Self {
            cpu: span("limits.cpu", written.cpu, Duration::from_secs(10))?,
            wall: span("limits.wall", written.wall, Duration::from_secs(300))?,
            memory: size("limits.memory", written.memory, 64 << 10, most)?,
            subrequests: written.subrequests,
            body: size("limits.response_body", written.response_body, 0, 64 << 20)?,
            log: size("limits.log", written.log, 0, 1 << 20)?,
        })
    }
}

impl Limits {
    /// Those of a handler of Lambda@Edge, which knows but two.
    pub(super) fn of_handler(time: Duration, memory: ByteSize) -> Self {
        Self {
            cpu: time,
            wall: time,
            memory: usize::try_from(memory.0).unwrap_or(usize::MAX),
            subrequests: 16,
            body: 8 << 20,
            log: 64 << 10,
        }
    }
}

/// Whether something that was used comes near its limit.
pub(super) fn is_near(used: u128, limit: u128) -> bool {
    used * 100 >= limit * WARNING
}

/// Counts the time that one instance is on a processor. What it waits for is not counted.
#[derive(Debug, Default)]
pub(super) struct Meter {
    /// When the call began, in nanoseconds of uptime.
    begun: AtomicU64,
    /// Nanoseconds of this call before it was resumed.
    spent: AtomicU64,
    /// When it was resumed.
    resumed: AtomicU64,
    /// What its thread had been on a processor when it was first looked at since then; zero before.
    seen: AtomicU64,
    /// What it had taken until then.
    before: AtomicU64,
}

fn now() -> u64 {
    u64::try_from(uptime().as_nanos()).unwrap_or(u64::MAX)
}

/// How long this thread has been on a processor, in nanoseconds.
fn on_processor() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u64::try_from(time.tv_nsec).unwrap_or_default();
    seconds
        .saturating_mul(1_000_000_000)
        .saturating_add(nanoseconds)
}

impl Meter {
    /// A call begins.
    pub(super) fn begin(&self) {
        let now = now();
        self.spent.store(0, Ordering::Relaxed);
        self.begun.store(now, Ordering::Relaxed);
        self.resume(now);
    }

    fn resume(&self, now: u64) {
        self.resumed.store(now, Ordering::Relaxed);
        self.seen.store(0, Ordering::Relaxed);
    }

    /// How long ago the call began.
    pub(super) fn elapsed(&self) -> Duration {
        Duration::from_nanos(now().saturating_sub(self.begun.load(Ordering::Relaxed)))
    }

    /// What the call took so far, without the time in which others had its processor. Asking the system for that costs more than
    /// most calls, so that it begins with the first look at one.
    pub(super) fn look(&self) -> Duration {
        let on_processor = on_processor();
        let seen = self.seen.load(Ordering::Relaxed);
        if seen == 0 {
            let running = now().saturating_sub(self.resumed.load(Ordering::Relaxed));
            let tick = u64::try_from(TICK.as_nanos()).unwrap_or(u64::MAX);
            let before = self
                .spent
                .load(Ordering::Relaxed)
                .saturating_add(running.min(tick));
            self.before.store(before, Ordering::Relaxed);
            self.seen.store(on_processor.max(1), Ordering::Relaxed);
            return Duration::from_nanos(before);
        }
        let since = on_processor.saturating_sub(seen);
        Duration::from_nanos(self.before.load(Ordering::Relaxed).saturating_add(since))
    }

    /// What the call took so far, while it is on a processor.
    pub(super) fn used(&self) -> Duration {
        let running = now().saturating_sub(self.resumed.load(Ordering::Relaxed));
        Duration::from_nanos(self.spent.load(Ordering::Relaxed).saturating_add(running))
    }

    fn pause(&self) {
        let used = match self.seen.load(Ordering::Relaxed) {
            0 => self.used(),
            _ => self.look(),
        };
        let used = u64::try_from(used.as_nanos()).unwrap_or(u64::MAX);
        self.spent.store(used, Ordering::Relaxed);
    }

    /// Runs a call that waits, counting only while it is polled.
    pub(super) async fn run<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        self.begin();
        poll_fn(|context| {
            self.resume(now());
            let polled = call.as_mut().poll(context);
            self.pause();
            polled
        })
        .await
    }

    /// What a call took that has ended.
    pub(super) fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Ordering::Relaxed))
    }

    /// Ends a call that did not wait. One that was over before it was looked at counts for nothing, which saves a look at the clock.
    pub(super) fn end(&self) {
        if self.seen.load(Ordering::Relaxed) != 0 {
            self.pause();
        }
    }
}

/// Holds the memories of one instance to their limit together.
#[derive(Debug)]
pub(super) struct Memory {
    limit: usize,
    held: usize,
    /// Whether more was wanted.
    pub(super) refused: bool,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            limit,
            held: 0,
            refused: false,
        }
    }

    pub(super) fn held(&self) -> usize {
        self.held
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let fits = self.held.saturating_add(more) <= self.limit;
        if fits {
            self.held += more;
        } else {
            self.refused = true;
        }
        Ok(fits)
    }

    fn table_growing(
        &mut self,
        _: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired
            <= maximum
                .unwrap_or(usize::MAX)
                .min(super::engine::TABLE_ELEMENTS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memories_are_held_to_their_limit_together() {
        let mut memory = Memory::new(100);
        let grown = [(0, 60), (0, 30), (60, 80), (30, 40)]
            .map(|(from, to)| memory.memory_growing(from, to, None).unwrap());
        assert_eq!(grown, [true, true, false, true]);
        assert_eq!((memory.held(), memory.refused), (100, true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_waited_for_is_not_counted() {
        let meter = Meter::default();
        meter
            .run(tokio::time::sleep(Duration::from_secs(3600)))
            .await;
        assert!(meter.spent() < Duration::from_secs(60));
    }

    #[test]
    fn limits_have_bounds() {
        for (written, expected) in [
            ("", Ok(())),
            ("cpu = \"20ms\"\nmemory = \"16MiB\"", Ok(())),
            ("cpu = \"0s\"", Err("limits.cpu")),
            ("wall = \"1h\"", Err("limits.wall")),
            ("memory = \"1GiB\"", Err("limits.memory")),
            ("memory = \"1KiB\"", Err("limits.memory")),
            ("subrequests = 65", Err("limits.subrequests")),
            ("response_body = \"1GiB\"", Err("limits.response_body")),
            ("log = \"2MiB\"", Err("limits.log")),
        ] {
            let written: LimitsSettings = toml::from_str(written).unwrap();
            let made = Limits::new(&written, 128 << 20).map(|_| ());
            assert_eq!(
                made.map_err(|error| error.key),
                expected.map_err(str::to_owned)
            );
        }
    }
}
