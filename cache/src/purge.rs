//! Making objects stale or gone, in constant time.
//!
//! Every object holds the labels it can be purged by: its URL, its host and its surrogate keys. All objects with one
//! label share it, and a purge only writes into it the state of the world ([`Generation`]) at which it happened. An
//! object whose origin was asked in an earlier generation is stale or gone from then on: a reader sees it by reading its
//! labels, and whoever finds it gone takes it out. A response that was asked for before a purge and comes after it meets
//! the same labels, so a purge wins against a fill.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;

use crate::key::{KeyRef, hash};

/// Labels of recent purges that are kept for responses still on their way.
const RECENT: usize = 4096;
/// Prefixes that every lookup compares with; above it the oldest is worked off.
const MAX_PREFIXES: usize = 64;

/// The state of purges at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(u64);

/// What to purge.
#[derive(Debug, Clone, Copy)]
pub enum Purge<'a> {
    /// All objects of a URL, whatever headers, cookies or countries they are distinguished by.
    Url(KeyRef<'a>),
    /// All objects of a host whose path starts like this.
    Prefix {
        /// The host.
        host: &'a str,
        /// The beginning of the path.
        path: &'a str,
    },
    /// All objects of a host.
    Host(&'a str),
    /// All objects with this surrogate key.
    SurrogateKey(&'a str),
    /// Every object.
    Everything,
}

/// How to purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// The objects are gone.
    Hard,
    /// They are stale, and can be revalidated or served stale.
    Soft,
}

/// The labels of one object.
pub(crate) type Labels = Box<[Arc<Label>]>;

/// What purges did to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Untouched,
    StaleSince(SystemTime),
    Gone,
}

/// When the objects that share it were purged last.
#[derive(Debug, Default)]
pub(crate) struct Label {
    hard: AtomicU64,
    soft: AtomicU64,
    /// Milliseconds since 1970, so that they fit an atomic.
    soft_time: AtomicU64,
}

struct Prefix {
    host: Box<str>,
    path: Box<str>,
    mark: Label,
}

/// All labels and what was purged by them.
#[derive(Default)]
pub(crate) struct Purges {
    generation: AtomicU64,
    everything: Label,
    /// Responses asked for before this generation are not stored: the label that might tell has been forgotten.
    floor: AtomicU64,
    labels: Mutex<Table>,
    recent: Mutex<VecDeque<(u64, Arc<Label>)>>,
    prefixes: ArcSwap<Vec<Arc<Prefix>>>,
}

#[derive(Default)]
struct Table {
    labels: HashMap<u128, Weak<Label>, ahash::RandomState>,
    sweep_at: usize,
}

impl Purges {
    pub(crate) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    /// The labels of an object with this key and these surrogate keys.
    pub(crate) fn labels(&self, key: KeyRef<'_>, surrogate_keys: &[Box<str>]) -> Labels {
        let mut table = lock(&self.labels);
        let own = [
            label_id(b'u', key.url()),
            label_id(b'h', key.host().as_bytes()),
        ];
        let surrogates = surrogate_keys
            .iter()
            .map(|surrogate| label_id(b's', surrogate.as_bytes()));
        own.into_iter()
            .chain(surrogates)
            .map(|id| table.label(id))
            .collect()
    }

    /// What purges did to an object with these labels whose origin was asked in generation `born`.
    pub(crate) fn verdict(&self, key: KeyRef<'_>, labels: &Labels, born: Generation) -> Verdict {
        let shared = labels.iter().map(|label| label.verdict(born));
        let verdict = shared.fold(self.everything.verdict(born), Verdict::and);
        let prefixes = self.prefixes.load();
        let touching = prefixes.iter().filter(|prefix| prefix.matches(key));
        touching
            .map(|prefix| prefix.mark.verdict(born))
            .fold(verdict, Verdict::and)
    }

    /// Whether a response asked for in generation `born` is too old to tell what purges did to it.
    pub(crate) fn is_forgotten(&self, born: Generation) -> bool {
        born.0 < self.floor.load(Ordering::Acquire)
    }

    /// Purges. What comes back is a prefix whose objects the caller has to take out one by one, since there are too
    /// many prefixes to compare with on each lookup.
    pub(crate) fn purge(&self, purge: &Purge<'_>, mode: Mode, now: SystemTime) -> Option<WorkOff> {
        let generation = self.generation.fetch_add(1, Ordering::AcqRel) + 1;
        let id = match purge {
            Purge::Url(key) => label_id(b'u', key.url()),
            Purge::Host(host) => label_id(b'h', host.to_ascii_lowercase().as_bytes()),
            Purge::SurrogateKey(key) => label_id(b's', key.as_bytes()),
            Purge::Everything => {
                self.everything.mark(mode, generation, now);
                return None;
            }
            Purge::Prefix { host, path } => {
                return self.purge_prefix(host, path, mode, generation, now);
            }
        };
        let label = lock(&self.labels).label(id);
        label.mark(mode, generation, now);
        let mut recent = lock(&self.recent);
        recent.push_back((generation, label));
        if recent.len() > RECENT
            && let Some((forgotten, _)) = recent.pop_front()
        {
            self.floor.fetch_max(forgotten, Ordering::AcqRel);
        }
        None
    }

    fn purge_prefix(
        &self,
        host: &str,
        path: &str,
        mode: Mode,
        generation: u64,
        now: SystemTime,
    ) -> Option<WorkOff> {
        let prefix = Prefix {
            host: host.to_ascii_lowercase().into(),
            path: path.into(),
            mark: Label::default(),
        };
        prefix.mark.mark(mode, generation, now);
        let prefix = Arc::new(prefix);
        let before = self.prefixes.rcu(|prefixes| {
            let kept = prefixes.len().saturating_sub(MAX_PREFIXES - 1);
            prefixes
                .iter()
                .skip(kept)
                .chain([&prefix])
                .cloned()
                .collect::<Vec<_>>()
        });
        let oldest = before.first().filter(|_| before.len() >= MAX_PREFIXES)?;
        self.floor.fetch_max(oldest.mark.newest(), Ordering::AcqRel);
        Some(WorkOff(oldest.clone()))
    }
}

/// A prefix that is compared with no longer, and whose objects have to go.
pub(crate) struct WorkOff(Arc<Prefix>);

impl WorkOff {
    /// Whether an object with this key, whose origin was asked in generation `born`, has to go.
    pub(crate) fn takes(&self, key: KeyRef<'_>, born: Generation) -> bool {
        born.0 < self.0.mark.newest() && self.0.matches(key)
    }
}

impl Prefix {
    fn matches(&self, key: KeyRef<'_>) -> bool {
        *self.host == *key.host() && key.path().starts_with(&*self.path)
    }
}

impl Label {
    fn mark(&self, mode: Mode, generation: u64, now: SystemTime) {
        if mode == Mode::Soft {
            let since_1970 = now
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default();
            let millis = u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX);
            self.soft_time.store(millis, Ordering::Release);
        }
        let field = if mode == Mode::Soft {
            &self.soft
        } else {
            &self.hard
        };
        field.fetch_max(generation, Ordering::AcqRel);
    }

    fn verdict(&self, born: Generation) -> Verdict {
        if self.hard.load(Ordering::Acquire) > born.0 {
            Verdict::Gone
        } else if self.soft.load(Ordering::Acquire) > born.0 {
            let millis = Duration::from_millis(self.soft_time.load(Ordering::Acquire));
            Verdict::StaleSince(SystemTime::UNIX_EPOCH + millis)
        } else {
            Verdict::Untouched
        }
    }

    fn newest(&self) -> u64 {
        self.hard
            .load(Ordering::Acquire)
            .max(self.soft.load(Ordering::Acquire))
    }
}

impl Verdict {
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Gone, _) | (_, Self::Gone) => Self::Gone,
            (Self::StaleSince(one), Self::StaleSince(other)) => Self::StaleSince(one.min(other)),
            (Self::Untouched, verdict) | (verdict, Self::Untouched) => verdict,
        }
    }
}

impl Table {
    fn label(&mut self, id: u128) -> Arc<Label> {
        if let Some(label) = self.labels.get(&id).and_then(Weak::upgrade) {
            return label;
        }
        // Labels whose objects are gone are swept when the table has doubled: constant time in the mean.
        if self.labels.len() >= self.sweep_at {
            self.labels.retain(|_, label| label.strong_count() > 0);
            self.sweep_at = (self.labels.len() * 2).max(1024);
        }
        let label = Arc::new(Label::default());
        self.labels.insert(id, Arc::downgrade(&label));
        label
    }
}

fn label_id(kind: u8, name: &[u8]) -> u128 {
    hash(name) ^ u128::from(kind)
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole between any two statements, so a panic elsewhere did not harm it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
