//! Making objects stale or gone, in constant time.
//!
//! Every object holds the labels it can be purged by: its URL, its host and its surrogate keys. All objects with one
//! label share it, and a purge only writes into it the state of the world ([`Generation`]) at which it happened. An
//! object whose origin was asked in an earlier generation is stale or gone from then on: a reader sees it by reading its
//! labels, and whoever finds it gone takes it out. A response that was asked for before a purge and comes after it meets
//! the same labels, so a purge wins against a fill.
//!
//! Objects on disk outlive the process. For them all that was purged is remembered, and written to a journal that the
//! next process reads: [`Purges::keep_in`]. What comes back from disk is judged by [`Purges::readmit`].

mod journal;
mod label;
mod mark;
mod marks;
mod prefix;
mod record;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::key::KeyRef;
use journal::Journal;
pub use journal::{JournalError, Kept};
pub use mark::{Label, Verdict};
use marks::Marks;
pub use prefix::WorkOff;
use record::Read;

/// The state of purges at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Generation(u64);

impl Generation {
    /// As a number, to keep with an object on disk.
    pub fn to_bits(self) -> u64 {
        self.0
    }

    /// What [`Generation::to_bits`] made a number of.
    pub fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

/// What to purge.
#[derive(Debug, Clone, Copy)]
pub enum Purge<'a> {
    /// All objects of a URL, whatever headers, cookies or countries they are distinguished by.
    Url(KeyRef<'a>),
    /// All objects of a host whose path starts like this, of both schemes and whatever port.
    Prefix {
        /// The host.
        host: &'a str,
        /// The beginning of the path.
        path: &'a str,
    },
    /// All objects of a host, of both schemes and whatever port.
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
pub type Labels = Box<[Arc<Label>]>;

/// All labels and what was purged by them.
#[derive(Default)]
pub struct Purges {
    marks: Arc<Marks>,
    /// Held while a generation begins, so that a journal that is taken over lies before or after it.
    journal: Mutex<Option<Arc<Journal>>>,
    /// Where a journal is to be kept, whether that works or not.
    wanted: Mutex<Option<PathBuf>>,
    failures: Arc<AtomicU64>,
}

/// What a purge leaves to do and to tell.
pub struct Purged {
    /// Prefixes that are compared with on lookups no longer, so that their objects have to be taken out of memory.
    pub work_off: Option<WorkOff>,
    /// Why it is not written down, so that it holds only until the edge is restarted.
    pub unrecorded: Option<JournalError>,
}

impl Purges {
    /// The state of purges now.
    pub fn generation(&self) -> Generation {
        self.marks.generation()
    }

    /// The labels of an object with this key and these surrogate keys.
    pub fn labels(&self, key: KeyRef<'_>, surrogate_keys: &[Box<str>]) -> Labels {
        self.marks.labels(key, surrogate_keys)
    }

    /// What purges did to an object in memory with these labels whose origin was asked in generation `born`.
    pub fn verdict(&self, key: KeyRef<'_>, labels: &Labels, born: Generation) -> Verdict {
        self.marks.verdict(key, labels, born)
    }

    /// Whether a response that was asked for in generation `born` and is whole now may not be stored. It may not if it
    /// would be stale either: a newer one may have been stored meanwhile, which it would take the place of.
    pub fn took(&self, key: KeyRef<'_>, labels: &Labels, born: Generation) -> bool {
        self.marks.verdict_of_all(key, labels, born) != Verdict::Untouched
    }

    /// The labels of an object that comes back from disk, and what all purges since `born` did to it. Prefixes that
    /// lookups are compared with no longer are among them, so the terms it is put into memory with have to be those that
    /// the verdict makes of its own.
    pub fn readmit(
        &self,
        key: KeyRef<'_>,
        surrogate_keys: &[Box<str>],
        born: Generation,
    ) -> (Labels, Verdict) {
        let labels = self.labels(key, surrogate_keys);
        let verdict = self.marks.verdict_of_all(key, &labels, born);
        (labels, verdict)
    }

    /// Purges. It holds when this returns; it is written down, too, if a journal is kept and nothing is said of it.
    pub fn purge(&self, purge: &Purge<'_>, mode: Mode, now: SystemTime) -> Purged {
        let (generation, journal) = {
            let journal = lock(&self.journal);
            (self.marks.next_generation(), journal.clone())
        };
        let marked = self.marks.purge(purge, mode, generation, now);
        Purged {
            work_off: marked.work_off,
            unrecorded: match journal {
                Some(journal) => journal.append(&marked.record),
                None => lock(&self.wanted).as_deref().map(JournalError::not_kept),
            },
        }
    }

    /// Tells where a journal is to be kept, by and by: until then no purge is written down.
    pub fn want(&self, folder: Option<&Path>) {
        *lock(&self.wanted) = folder.map(Path::to_owned);
    }

    /// Removes the journal of a folder that is not used any more.
    pub fn disown(&self, folder: &Path) {
        Journal::remove(folder);
    }

    /// Keeps a journal in this folder from now on, and takes over what a process before this one wrote there. Takes
    /// time: it reads the journal and writes it anew.
    ///
    /// # Errors
    /// When it can't be read or written. No journal is kept then.
    pub fn keep_in(&self, folder: &Path) -> Result<Kept, JournalError> {
        self.close_journal();
        let told = Journal::read(folder)?;
        let journal = Arc::new(Journal::new(folder, self.failures.clone()));
        self.marks.keep_for_disk(true);
        let kept = self.take_over(told, &journal);
        if let Err(error) = journal.start(&self.marks) {
            self.failures.fetch_add(1, Ordering::Relaxed);
            self.close_journal();
            return Err(error);
        }
        Ok(kept)
    }

    fn take_over(&self, told: Option<Read>, journal: &Arc<Journal>) -> Kept {
        let mut kept = lock(&self.journal);
        *kept = Some(journal.clone());
        match told {
            Some(Read::Whole(records, last)) if self.marks.succeeds(Generation(last)) => {
                self.marks.succeed(Generation(last));
                // What is purged from now on comes after all of it.
                drop(kept);
                for record in records {
                    self.marks.restore(record);
                }
                return Kept::Trusted;
            }
            Some(Read::Whole(..)) => {
                tracing::warn!("the journal of purges is not this process's past");
            }
            Some(Read::Broken(reason)) => {
                tracing::error!(reason, "the journal of purges is broken and begun anew");
            }
            None => {}
        }
        Kept::Untrusted
    }

    /// Keeps no journal any more, and no purges for objects on disk.
    pub fn let_go(&self) {
        self.want(None);
        self.close_journal();
        self.marks.keep_for_disk(false);
    }

    fn close_journal(&self) {
        if let Some(journal) = lock(&self.journal).take() {
            journal.close();
        }
    }

    /// Forgets purges that concern only what is older than `oldest`: there is nothing like that on disk any more.
    pub fn forget_before(&self, oldest: Generation) {
        self.marks.forget_before(oldest);
    }

    /// How often the journal could not be written.
    pub fn journal_failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}

impl Drop for Purges {
    fn drop(&mut self) {
        self.close_journal();
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is kept under these locks is whole between any two statements, so a panic elsewhere did not harm it.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
