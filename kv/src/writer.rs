//! The one thread that writes: it takes what has come, writes it in one transaction, and tells those who wait. When there is
//! nothing to write it takes out what has expired.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::database;
use crate::entry::Write;
use crate::error::KvError;
use crate::store::Shared;
use crate::tables::{Done, Sums, Tables, Verdict};

/// The most writes in one transaction.
const MAX_BATCH: usize = 1024;
/// The most entries that are swept in one transaction.
const MAX_SWEPT: usize = 256;
/// How often the clock is looked at when something will expire.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How long it sleeps when nothing will.
const IDLE: Duration = Duration::from_secs(3600);

/// A write that waits.
pub(crate) struct Task {
    pub(crate) key: String,
    pub(crate) change: Change,
    pub(crate) answer: oneshot::Sender<Verdict>,
    /// Its share of what may be queued.
    pub(crate) _room: OwnedSemaphorePermit,
}

/// What a write does with its key.
pub(crate) enum Change {
    Put { value: Bytes, write: Write },
    Increment { by: i64, ttl: Option<u64> },
    Delete,
}

/// Why a transaction was not committed.
enum Trouble {
    /// The file would have become too long.
    TooLong,
    Failed(KvError),
}

impl<E: Into<KvError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    tasks: Receiver<Task>,
    sums: Sums,
}

impl Writer {
    pub(crate) fn start(
        shared: Arc<Shared>,
        tasks: Receiver<Task>,
        sums: Sums,
    ) -> std::io::Result<()> {
        let writer = Self {
            shared,
            tasks,
            sums,
        };
        std::thread::Builder::new()
            .name("kv".to_owned())
            .spawn(|| writer.run())
            .map(drop)
    }

    fn run(mut self) {
        loop {
            match self.tasks.recv_timeout(self.pause()) {
                Ok(task) => self.batch(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.sweep();
        }
        drop(self.shared.swap(None));
    }

    fn pause(&self) -> Duration {
        match self.sums.next_expiry {
            Some(_) => SWEEP_EVERY,
            None => IDLE,
        }
    }

    fn batch(&mut self, first: Task) {
        let mut tasks = vec![first];
        tasks.extend(self.tasks.try_iter().take(MAX_BATCH - 1));
        let verdicts = match self.transact(&tasks) {
            Ok(verdicts) => verdicts,
            Err(Trouble::TooLong) => tasks.iter().map(|task| self.alone(task)).collect(),
            Err(Trouble::Failed(error)) => self.failed(&tasks, error),
        };
        for (task, verdict) in tasks.into_iter().zip(verdicts) {
            self.count(&task.change, &verdict);
            drop(task.answer.send(verdict));
        }
    }

    /// Writes one of those for which there is no room together.
    fn alone(&mut self, task: &Task) -> Verdict {
        match self.transact(std::slice::from_ref(task)) {
            Ok(mut verdicts) => verdicts.pop().unwrap_or(Err(KvError::Closed)),
            Err(Trouble::TooLong) => Err(KvError::Full),
            Err(Trouble::Failed(error)) => Err(error),
        }
    }

    fn failed(&mut self, tasks: &[Task], error: KvError) -> Vec<Verdict> {
        tracing::error!(store = %self.shared.path.display(), %error, "store can't be written");
        tasks.iter().map(|_| Err(error.clone())).collect()
    }

    fn transact(&mut self, tasks: &[Task]) -> Result<Vec<Verdict>, Trouble> {
        let length = self.shared.file_length();
        let (now, room) = (self.shared.clock.now(), self.shared.room());
        let transaction = self.shared.with(|database| Ok(database.begin_write()?))?;
        let mut tables = Tables::open(&transaction, self.sums)?;
        let verdicts = tasks
            .iter()
            .map(|task| task.apply(&mut tables, room, now))
            .collect::<Result<Vec<Verdict>, KvError>>()?;
        let sums = tables.finish()?;
        let only_deletes = tasks
            .iter()
            .all(|task| matches!(task.change, Change::Delete));
        if !only_deletes && self.is_too_long(length) {
            transaction.abort()?;
            return Err(Trouble::TooLong);
        }
        transaction.commit()?;
        self.sums = sums;
        self.shared.tell(&sums);
        Ok(verdicts)
    }

    /// Whether the file grew beyond its bound.
    fn is_too_long(&self, before: u64) -> bool {
        let length = self.shared.file_length();
        length > before && length > self.shared.max_size() + database::HEAD
    }

    fn sweep(&mut self) {
        let now = self.shared.clock.now();
        if self.sums.next_expiry.is_none_or(|next| now < next) {
            return;
        }
        match self.sweep_some(now) {
            Ok(swept) => {
                self.shared
                    .counts
                    .expired
                    .fetch_add(swept.len() as u64, Ordering::Relaxed);
            }
            Err(error) => {
                tracing::error!(store = %self.shared.path.display(), %error, "store can't be swept");
            }
        }
    }

    fn sweep_some(&mut self, now: u64) -> Result<Vec<String>, KvError> {
        let transaction = self.shared.with(|database| Ok(database.begin_write()?))?;
        let mut tables = Tables::open(&transaction, self.sums)?;
        let swept = tables.sweep(MAX_SWEPT, now)?;
        let sums = tables.finish()?;
        transaction.commit()?;
        self.sums = sums;
        self.shared.tell(&sums);
        Ok(swept)
    }

    fn count(&self, change: &Change, verdict: &Verdict) {
        let counts = &self.shared.counts;
        let count = match (change, verdict) {
            (
                Change::Delete,
                Ok(Done {
                    was_there: false, ..
                }),
            ) => return,
            (Change::Delete, Ok(_)) => &counts.deletes,
            (_, Ok(_)) => &counts.puts,
            (_, Err(KvError::Conflict)) => &counts.conflicts,
            (_, Err(KvError::Full)) => &counts.full,
            (_, Err(error)) if error.is_of_the_file() => &counts.errors,
            (_, Err(_)) => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Task {
    fn apply(&self, tables: &mut Tables<'_>, room: u64, now: u64) -> Result<Verdict, KvError> {
        match &self.change {
            Change::Put { value, write } => tables.put(&self.key, value, write, room, now),
            Change::Increment { by, ttl } => tables.increment(&self.key, *by, *ttl, room, now),
            Change::Delete => tables.delete(&self.key, now).map(Ok),
        }
    }
}
