//! Everything that was purged, as it stands now.
//!
//! # Generations over restarts
//!
//! A generation is the number of an epoch in its upper half, and counts the purges of that epoch in its lower one. Each
//! process begins with an epoch that it makes up, and with another, after all that it knows of, when it takes over what
//! a process before it wrote down. Of earlier epochs it knows the last generation. What was born after that, or in an
//! epoch that it has never heard of, may have been purged without its knowing, and does not come back.

use std::hash::{BuildHasher, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use super::label::{Id, Table};
use super::mark::{Label, Mark, Verdict};
use super::prefix::{Prefixes, WorkOff};
use super::record::Record;
use super::{Generation, Labels, Mode, Purge, lock};
use crate::key::KeyRef;

/// Marks that are kept for responses still on their way.
const RECENT: usize = 4096;
/// Labels that are kept for objects on disk; about 130 bytes each.
const MOST_LABELS: usize = 1 << 20;
/// Prefixes that are kept for objects on disk.
const MOST_PREFIXES: usize = 16_384;
/// Earlier epochs that objects on disk may be of.
const MOST_EPOCHS: usize = 4096;
/// Labels that are read at a time, so that a purge never waits long for the table.
const PORTION: usize = 1024;

pub(super) struct Marks {
    generation: AtomicU64,
    /// Purges before this generation are forgotten.
    floor: AtomicU64,
    everything: Label,
    labels: Mutex<Table>,
    prefixes: Prefixes,
    /// The last generations of earlier epochs, ascending.
    epochs: Mutex<Vec<u64>>,
}

/// What a purge came to.
pub(super) struct Marked {
    /// How it is written down.
    pub(super) record: Record,
    pub(super) work_off: Option<WorkOff>,
}

impl Default for Marks {
    fn default() -> Self {
        Self {
            generation: AtomicU64::new(made_up_epoch()),
            floor: AtomicU64::new(0),
            everything: Label::default(),
            labels: Mutex::new(Table::new(RECENT)),
            prefixes: Prefixes::new(RECENT),
            epochs: Mutex::default(),
        }
    }
}

impl Marks {
    pub(super) fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::Acquire))
    }

    pub(super) fn next_generation(&self) -> u64 {
        self.generation.fetch_add(1, Ordering::AcqRel) + 1
    }

    pub(super) fn labels(&self, key: KeyRef<'_>, surrogate_keys: &[Box<str>]) -> Labels {
        let own = [Id::url(key), Id::host(key.hostname())];
        let surrogates = surrogate_keys.iter().map(|name| Id::surrogate_key(name));
        let ids: Vec<Id> = own.into_iter().chain(surrogates).collect();
        let mut table = lock(&self.labels);
        ids.into_iter().map(|id| table.label(id)).collect()
    }

    /// What lookups see.
    pub(super) fn verdict(&self, key: KeyRef<'_>, labels: &Labels, born: Generation) -> Verdict {
        let shared = labels.iter().map(|label| label.verdict(born));
        let verdict = shared.fold(self.everything.verdict(born), Verdict::and);
        verdict.and(self.prefixes.verdict(key, born))
    }

    /// What is true of an object that was not in memory since it was born.
    pub(super) fn verdict_of_all(
        &self,
        key: KeyRef<'_>,
        labels: &Labels,
        born: Generation,
    ) -> Verdict {
        if born.0 < self.floor.load(Ordering::Acquire) || !self.knows(born) {
            return Verdict::Gone;
        }
        let verdict = self.verdict(key, labels, born);
        verdict.and(self.prefixes.verdict_of_all(key, born))
    }

    fn knows(&self, born: Generation) -> bool {
        let now = self.generation();
        if epoch(born.0) == epoch(now.0) {
            return born <= now;
        }
        let epochs = lock(&self.epochs);
        let later = epochs.partition_point(|last| *last < born.0);
        epochs
            .get(later)
            .is_some_and(|last| epoch(*last) == epoch(born.0))
    }

    pub(super) fn purge(
        &self,
        purge: &Purge<'_>,
        mode: Mode,
        generation: u64,
        now: SystemTime,
    ) -> Marked {
        let mark = Mark::new(mode, generation, now);
        let id = match purge {
            Purge::Url(key) => Id::url(*key),
            Purge::Host(host) => Id::host(crate::key::without_port(host)),
            Purge::SurrogateKey(name) => Id::surrogate_key(name),
            Purge::Everything => {
                self.everything.add(mark);
                return Marked::of(Record::Everything(self.everything.mark()));
            }
            Purge::Prefix { host, path } => return self.purge_prefix(host, path, mark),
        };
        let (mark, floor) = lock(&self.labels).add(id, mark);
        self.raise_floor(floor);
        Marked::of(Record::Label(id, mark))
    }

    fn purge_prefix(&self, host: &str, path: &str, mark: Mark) -> Marked {
        let host = crate::key::without_port(host).to_ascii_lowercase();
        let marked = self.prefixes.purge(&host, path, mark);
        self.raise_floor(marked.floor);
        Marked {
            record: Record::Prefix(marked.mark, host.into(), path.into()),
            work_off: marked.work_off,
        }
    }

    /// Keeps as much as objects on disk need, or only what responses on their way do.
    pub(super) fn keep_for_disk(&self, disk: bool) {
        let (labels, prefixes) = if disk {
            (MOST_LABELS, MOST_PREFIXES)
        } else {
            (RECENT, RECENT)
        };
        let floor = lock(&self.labels).keep(labels);
        self.raise_floor(floor.max(self.prefixes.keep(prefixes)));
    }

    pub(super) fn forget_before(&self, oldest: Generation) {
        let floor = lock(&self.labels).forget_before(oldest.0, RECENT);
        self.raise_floor(floor.max(self.prefixes.forget_before(oldest.0, RECENT)));
        lock(&self.epochs).retain(|last| *last >= oldest.0);
    }

    fn raise_floor(&self, floor: u64) {
        self.floor.fetch_max(floor, Ordering::AcqRel);
    }

    /// Whether what a journal told is the past of this process: what it wrote or took over itself, or, when it has
    /// purged nothing yet, whatever there is.
    pub(super) fn succeeds(&self, last: Generation) -> bool {
        let now = self.generation();
        let own = epoch(now.0) == epoch(last.0) || lock(&self.epochs).contains(&last.0);
        own || now.0 == beginning(now.0)
    }

    /// Begins an epoch after that of `last`, unless that is this process's own.
    pub(super) fn succeed(&self, last: Generation) {
        let now = self.generation();
        if epoch(now.0) == epoch(last.0) {
            self.generation.fetch_max(last.0, Ordering::AcqRel);
            return;
        }
        self.remember_epoch(last.0);
        self.remember_epoch(now.0);
        let next = beginning(now.0.max(last.0)).saturating_add(1 << 32);
        self.generation.fetch_max(next, Ordering::AcqRel);
    }

    fn remember_epoch(&self, last: u64) {
        let mut epochs = lock(&self.epochs);
        if let Some(known) = epochs
            .iter_mut()
            .find(|known| epoch(**known) == epoch(last))
        {
            *known = last.max(*known);
            return;
        }
        let index = epochs.partition_point(|other| *other < last);
        epochs.insert(index, last);
        if epochs.len() > MOST_EPOCHS {
            let forgotten = epochs.remove(0);
            self.raise_floor(forgotten.saturating_add(1));
        }
    }

    /// Adds what a journal tells.
    pub(super) fn restore(&self, record: Record) {
        let floor = match record {
            Record::Generation(_) => 0,
            Record::Floor(floor) => floor,
            Record::Epoch(last) => {
                self.remember_epoch(last);
                0
            }
            Record::Everything(mark) => {
                self.everything.add(mark);
                0
            }
            Record::Label(id, mark) => lock(&self.labels).add(id, mark).1,
            Record::Prefix(mark, host, path) => self.prefixes.restore(&host, &path, mark),
        };
        self.raise_floor(floor);
    }

    /// Tells all there is to write down, in portions. What is purged meanwhile may be told or not.
    pub(super) fn tell<E>(&self, mut to: impl FnMut(&[Record]) -> Result<(), E>) -> Result<(), E> {
        let generation = self.generation();
        let mut first = vec![
            Record::Floor(self.floor.load(Ordering::Acquire)),
            Record::Everything(self.everything.mark()),
        ];
        first.extend(lock(&self.epochs).iter().map(|last| Record::Epoch(*last)));
        to(&first)?;
        let mut told = 0;
        loop {
            let labels = lock(&self.labels).purged_after(told, PORTION);
            let Some((_, newest)) = labels.last() else {
                break;
            };
            told = newest.newest().max(told);
            let labels = labels
                .into_iter()
                .map(|(id, mark)| Record::Label(id, mark))
                .collect::<Vec<_>>();
            to(&labels)?;
        }
        for prefixes in self.prefixes.all().chunks(PORTION) {
            let prefixes = prefixes.iter().map(|prefix| {
                let (host, path) = (prefix.host.clone(), prefix.path.clone());
                Record::Prefix(prefix.label.mark(), host, path)
            });
            to(&prefixes.collect::<Vec<_>>())?;
        }
        to(&[Record::Generation(generation.0)])
    }
}

impl Marked {
    fn of(record: Record) -> Self {
        Self {
            record,
            work_off: None,
        }
    }
}

fn epoch(generation: u64) -> u64 {
    generation >> 32
}

fn beginning(generation: u64) -> u64 {
    epoch(generation) << 32
}

/// An epoch that no other process has, in the lower half of all, so that there is room for those that follow.
fn made_up_epoch() -> u64 {
    let random = std::hash::RandomState::new().build_hasher().finish();
    (random >> 33) << 32
}
