//! What is known of a migration while it runs. It outlives reloads that leave its settings as they are.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rimward_config::OriginId;
use serde_json::{Value, json};

use super::guard::{Guard, Stage, is_error};
use super::schedule::{Schedule, share};
use super::settings::Settings;
use crate::chosen::{Observer, Tried};
use crate::filter::BuildError;
use crate::lasting::{Lasting, uptime};
use crate::outside::Tally;

/// No share of an operator's.
const NONE: u32 = u32::MAX;
/// Differences that are remembered for whoever asks.
const REMEMBERED: usize = 20;

/// What is known of a migration while it runs.
pub(super) struct State {
    schedule: Schedule,
    /// The share that an operator wants, in buckets.
    wanted: AtomicU32,
    guard: Option<Mutex<Guard>>,
    /// Whether the guard's stage is other than open, so that it has to be asked.
    is_guarded: AtomicU32,
    from: Counters,
    to: Counters,
    fallbacks: AtomicU64,
    pub(super) shadow: ShadowCounters,
    clock: fn() -> Duration,
}

/// What became of the tries at one origin.
#[derive(Debug, Default)]
struct Counters {
    tries: AtomicU64,
    errors: AtomicU64,
    nanoseconds: AtomicU64,
}

/// What became of shadows.
#[derive(Debug, Default)]
pub(super) struct ShadowCounters {
    pub(super) same: AtomicU64,
    pub(super) different: AtomicU64,
    pub(super) failed: AtomicU64,
    pub(super) skipped: AtomicU64,
    recent: Mutex<VecDeque<Value>>,
}

impl ShadowCounters {
    /// Remembers a difference, for a while.
    pub(super) fn remember(&self, difference: Value) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() == REMEMBERED {
            recent.pop_front();
        }
        recent.push_back(difference);
    }

    fn status(&self) -> Value {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        json!({
            "same": count(&self.same),
            "different": count(&self.different),
            "failed": count(&self.failed),
            "skipped": count(&self.skipped),
            "recent_differences": *recent,
        })
    }
}

impl State {
    /// The state of the migration of this name and these settings.
    ///
    /// # Errors
    /// When the settings are wrong.
    pub(super) fn of(name: &str, settings: &Settings) -> Result<Arc<Self>, BuildError> {
        static STATES: Lasting<String, State> = Lasting::new();
        let fresh = Self::new(settings, uptime)?;
        Ok(STATES.of(format!("{name:?} {settings:?}"), || fresh))
    }

    pub(super) fn new(settings: &Settings, clock: fn() -> Duration) -> Result<Self, BuildError> {
        Ok(Self {
            schedule: settings.schedule()?,
            wanted: AtomicU32::new(NONE),
            guard: settings
                .limits()?
                .map(|limits| Mutex::new(Guard::new(limits))),
            is_guarded: AtomicU32::new(0),
            from: Counters::default(),
            to: Counters::default(),
            fallbacks: AtomicU64::new(0),
            shadow: ShadowCounters::default(),
            clock,
        })
    }

    /// The share of the traffic that goes to the new origin now, in buckets.
    pub(super) fn share(&self) -> u32 {
        let meant = self.meant();
        if self.is_guarded.load(Ordering::Relaxed) == 0 {
            return meant;
        }
        match self.stage() {
            Stage::Open => meant,
            Stage::Probing { .. } => meant.div_ceil(10),
            Stage::Aborted { .. } => 0,
        }
    }

    /// The share that is meant to go there while all is well.
    fn meant(&self) -> u32 {
        match self.wanted.load(Ordering::Relaxed) {
            NONE => self.schedule.at(unix_now()),
            wanted => wanted,
        }
    }

    fn stage(&self) -> Stage {
        let Some(mut guard) = self.guard() else {
            return Stage::Open;
        };
        let stage = guard.stage((self.clock)());
        self.keep(stage);
        stage
    }

    fn guard(&self) -> Option<MutexGuard<'_, Guard>> {
        let guard = self.guard.as_ref()?;
        Some(guard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn keep(&self, stage: Stage) {
        let is_guarded = u32::from(stage != Stage::Open);
        self.is_guarded.store(is_guarded, Ordering::Relaxed);
    }

    /// Who is told of tries at one of the origins.
    pub(super) fn observer(self: &Arc<Self>, is_new: bool) -> Arc<dyn Observer> {
        Arc::new(Watch {
            state: self.clone(),
            is_new,
        })
    }

    /// Counts requests that the fallback answers, here and as `metric`.
    pub(super) fn fallbacks(self: &Arc<Self>, metric: Arc<dyn Tally>) -> Arc<dyn Tally> {
        Arc::new(Fallbacks {
            state: self.clone(),
            metric,
        })
    }

    fn tried(&self, is_new: bool, how: Tried) {
        let counters = if is_new { &self.to } else { &self.from };
        counters.tries.fetch_add(1, Ordering::Relaxed);
        let nanoseconds = u64::try_from(how.time.as_nanos()).unwrap_or(u64::MAX);
        counters
            .nanoseconds
            .fetch_add(nanoseconds, Ordering::Relaxed);
        if is_error(how.status) {
            counters.errors.fetch_add(1, Ordering::Relaxed);
        }
        let Some(mut guard) = self.guard().filter(|_| is_new) else {
            return;
        };
        let now = (self.clock)();
        let (before, counts) = (guard.stage(now), guard.counts(now));
        let after = guard.tried(how.status, how.time, now);
        self.keep(after);
        match (before, after) {
            (Stage::Open | Stage::Probing { .. }, Stage::Aborted { .. }) => tracing::error!(
                tries = counts.tries + 1,
                errors = counts.errors + u32::from(is_error(how.status)),
                slow = counts.slow,
                "a migration is aborted, since the new origin does badly: traffic goes to the old one"
            ),
            (Stage::Probing { .. }, Stage::Open) => {
                tracing::info!("a migration goes on, since the new origin does well again");
            }
            _ => {}
        }
    }

    /// How it stands.
    pub(super) fn status(&self) -> Value {
        let stage = self.stage();
        let percent = |share: u32| f64::from(share) / 100.0;
        let wanted = self.wanted.load(Ordering::Relaxed);
        let window = self.guard().map(|guard| guard.counts((self.clock)()));
        json!({
            "percent": percent(self.share()),
            "meant_percent": percent(self.meant()),
            "configured_percent": percent(self.schedule.at(unix_now())),
            "held_by_operator": wanted != NONE,
            "state": match stage {
                Stage::Open => "open",
                Stage::Probing { .. } => "probing",
                Stage::Aborted { .. } => "aborted",
            },
            "window": window.map(|counts| json!({
                "tries": counts.tries,
                "errors": counts.errors,
                "slow": counts.slow,
            })),
            "fallbacks": self.fallbacks.load(Ordering::Relaxed),
            "tries": { "from": self.from.status(), "to": self.to.status() },
            "shadow": self.shadow.status(),
        })
    }

    /// Does what an operator wants: `{"percent": 50}`, `{"paused": true}` keeps the share as it is, `{"resumed": true}` goes on
    /// as the file says, also after the guard took the traffic away.
    ///
    /// # Errors
    /// With what would have been right.
    pub(super) fn change(&self, name: &str, wanted: &Value) -> Result<(), String> {
        const EXPECTED: &str =
            "a migration takes one of `percent` (0 to 100), `paused` and `resumed` (true)";
        let fields = wanted.as_object().filter(|fields| fields.len() == 1);
        let field = fields.and_then(|fields| fields.iter().next());
        let (key, value) = field.ok_or_else(|| EXPECTED.to_owned())?;
        match (key.as_str(), value) {
            ("percent", value) => {
                let percent = serde_json::from_value(value.clone());
                let percent = percent.map_err(|error| format!("`percent`: {error}"))?;
                self.wanted.store(share(percent), Ordering::Relaxed);
            }
            ("paused", Value::Bool(true)) => self.wanted.store(self.meant(), Ordering::Relaxed),
            ("resumed", Value::Bool(true)) => self.resume(),
            _ => return Err(EXPECTED.to_owned()),
        }
        let percent = f64::from(self.share()) / 100.0;
        tracing::info!(migration = name, %wanted, percent, "a migration was changed");
        Ok(())
    }

    fn resume(&self) {
        self.wanted.store(NONE, Ordering::Relaxed);
        if let Some(mut guard) = self.guard() {
            guard.open();
            self.keep(Stage::Open);
        }
    }
}

impl Counters {
    fn status(&self) -> Value {
        let [tries, errors, nanoseconds] = [&self.tries, &self.errors, &self.nanoseconds]
            .map(|counter| counter.load(Ordering::Relaxed));
        let mean = (tries > 0).then(|| nanoseconds as f64 / tries as f64 / 1e6);
        json!({
            "tries": tries,
            "errors": errors,
            "mean_ms": mean.map(|mean| (mean * 100.0).round() / 100.0),
        })
    }
}

struct Fallbacks {
    state: Arc<State>,
    metric: Arc<dyn Tally>,
}

impl Tally for Fallbacks {
    fn count(&self) {
        self.state.fallbacks.fetch_add(1, Ordering::Relaxed);
        self.metric.count();
    }
}

/// Tells the state of tries at one of the origins.
struct Watch {
    state: Arc<State>,
    is_new: bool,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_new {
            "Watch(to)"
        } else {
            "Watch(from)"
        })
    }
}

impl Observer for Watch {
    fn tried(&self, _: OriginId, how: Tried) {
        self.state.tried(self.is_new, how);
    }
}

fn unix_now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_secs()).unwrap_or(i64::MAX)
}
