//! The one thread that writes: it takes what has come, writes it in one transaction, and tells those who wait. Between that it
//! takes out what has expired and makes a file shorter that holds little.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use redb::ReadableDatabase;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::database;
use crate::entry::Write;
use crate::error::{KvError, panicked};
use crate::moving::{self, Moving};
use crate::store::Shared;
use crate::tables::{Done, Sums, Tables, Verdict};

/// The most writes in one transaction.
const MAX_BATCH: usize = 1024;
/// The most entries that are swept in one transaction.
const MAX_SWEPT: usize = 256;
/// How often the clock is looked at when something will expire.
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// How often a file may be made shorter, and opened again after it could not be written.
const MOVE_EVERY: Duration = Duration::from_secs(600);
const REOPEN_EVERY: Duration = Duration::from_secs(5);
/// How long nothing is written after a failure, the first time and at most.
const FIRST_REST: Duration = Duration::from_secs(1);
const LONGEST_REST: Duration = Duration::from_secs(60);
/// How long it sleeps when there is nothing to do.
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

pub(crate) struct Writer {
    shared: Arc<Shared>,
    tasks: Receiver<Task>,
    sums: Sums,
    /// The shorter file that is being made.
    moving: Option<Moving>,
    /// When a shorter file may be made next.
    may_move: Instant,
    /// When the file is opened again, after it could not be written.
    reopens: Option<Instant>,
    /// Until when nothing is written after a failure.
    rest: Option<Rest>,
}

/// After a failure readers are to have the file, which has to be opened anew after the next one, for a while.
#[derive(Clone)]
struct Rest {
    until: Instant,
    length: Duration,
    error: KvError,
}

impl Rest {
    fn after(error: &KvError, before: Option<Self>) -> Self {
        let length = before.map_or(FIRST_REST, |before| (before.length * 2).min(LONGEST_REST));
        Self {
            until: Instant::now() + length,
            length,
            error: error.clone(),
        }
    }
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
            moving: None,
            may_move: Instant::now(),
            reopens: None,
            rest: None,
        };
        let thread = std::thread::Builder::new().name("kv".to_owned());
        thread.spawn(|| writer.run()).map(drop)
    }

    fn run(mut self) {
        loop {
            match self.tasks.recv_timeout(self.pause()) {
                Ok(task) => self.batch(task),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if let Some(at) = self.reopens {
                self.reopen(at);
            } else if self.rests().is_none() && self.guarded(Self::sweep).is_ok() {
                self.shorten();
            }
        }
        drop(self.shared.swap(None));
    }

    /// How long it may wait for the next write.
    fn pause(&self) -> Duration {
        match (self.reopens, &self.moving, self.sums.next_expiry) {
            _ if self.rests().is_some() => SWEEP_EVERY,
            (Some(_), ..) => SWEEP_EVERY,
            (None, Some(_), _) => Duration::ZERO,
            (None, None, Some(next)) if next <= self.shared.clock.now() => Duration::ZERO,
            (None, None, Some(_)) => SWEEP_EVERY,
            (None, None, None) => IDLE,
        }
    }

    /// Does something to the file, on whose pages the engine may panic when they are not as it wrote them. Where that fails
    /// the file is opened and checked again.
    fn guarded<T>(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<T, KvError>,
    ) -> Result<T, KvError> {
        let result = catch_unwind(AssertUnwindSafe(|| act(self)));
        let result = result.unwrap_or_else(|panic| Err(panicked(&*panic)));
        if let Err(error) = &result
            && error.is_of_the_file()
            && self.reopens.is_none()
        {
            tracing::error!(store = %self.shared, %error, "store can't be written");
            self.reopens = Some(Instant::now());
            self.rest = Some(Rest::after(error, self.rest.take()));
        }
        result
    }

    /// What is told to those who want to write while it rests.
    fn rests(&self) -> Option<&KvError> {
        let rest = self
            .rest
            .as_ref()
            .filter(|rest| Instant::now() < rest.until);
        rest.map(|rest| &rest.error)
    }

    fn batch(&mut self, first: Task) {
        let mut tasks = vec![first];
        tasks.extend(self.tasks.try_iter().take(MAX_BATCH - 1));
        let written = match self.rests() {
            Some(error) => Err(error.clone()),
            None => self.guarded(|writer| writer.transact(&tasks)),
        };
        let verdicts = match written {
            Ok(verdicts) => verdicts,
            Err(KvError::Full) => tasks.iter().map(|task| self.alone(task)).collect(),
            Err(error) => tasks.iter().map(|_| Err(error.clone())).collect(),
        };
        for (task, verdict) in tasks.into_iter().zip(verdicts) {
            self.shared.counts.written(&task.change, &verdict);
            drop(task.answer.send(verdict));
        }
    }

    /// Writes one of those for which there is no room together.
    fn alone(&mut self, task: &Task) -> Verdict {
        let verdicts = self.guarded(|writer| writer.transact(std::slice::from_ref(task)));
        verdicts?.pop().unwrap_or(Err(KvError::Closed))
    }

    /// Writes all of them or, when it fails, none; `Full` when the file would become too long.
    fn transact(&mut self, tasks: &[Task]) -> Result<Vec<Verdict>, KvError> {
        let length = self.shared.file_length();
        let (now, room) = (self.shared.clock.now(), self.shared.room());
        let transaction = self.shared.with(|database| Ok(database.begin_write()?))?;
        let mut tables = Tables::open(&transaction, self.sums)?;
        let applied = tasks.iter().map(|task| task.apply(&mut tables, room, now));
        let verdicts = applied.collect::<Result<Vec<Verdict>, KvError>>()?;
        let sums = tables.finish()?;
        if sums == self.sums {
            transaction.abort()?;
            return Ok(verdicts);
        }
        if !tasks.iter().all(Task::is_delete) && self.is_too_long(length) {
            transaction.abort()?;
            return Err(KvError::Full);
        }
        transaction.commit()?;
        self.committed(sums, tasks.iter().map(|task| task.key.as_str()));
        Ok(verdicts)
    }

    /// Whether the file grew beyond its bound; a sixteenth more is for the engine's own pages.
    fn is_too_long(&self, before: u64) -> bool {
        let (length, most) = (self.shared.file_length(), self.shared.max_size());
        length > before && length > most + most / 16 + (64 << 10)
    }

    fn committed<'k>(&mut self, sums: Sums, keys: impl Iterator<Item = &'k str>) {
        self.rest = None;
        self.sums = sums;
        self.shared.tell(&sums);
        if let Some(mut moving) = self.moving.take() {
            let old = self.shared.with(|database| Ok(database.begin_read()?));
            match old.and_then(|old| moving.follow(&old, keys)) {
                Ok(()) => self.moving = Some(moving),
                Err(error) => self.gives_up_moving(&error),
            }
        }
    }

    fn sweep(&mut self) -> Result<(), KvError> {
        let now = self.shared.clock.now();
        if self.sums.next_expiry.is_none_or(|next| now < next) {
            return Ok(());
        }
        let transaction = self.shared.with(|database| Ok(database.begin_write()?))?;
        let mut tables = Tables::open(&transaction, self.sums)?;
        let swept = tables.sweep(MAX_SWEPT, now)?;
        let sums = tables.finish()?;
        transaction.commit()?;
        self.committed(sums, swept.iter().map(String::as_str));
        self.shared
            .counts
            .expired
            .fetch_add(swept.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// Takes one step on the way to a shorter file, if that pays.
    fn shorten(&mut self) {
        let step = catch_unwind(AssertUnwindSafe(|| self.move_on()));
        if let Err(error) = step.unwrap_or_else(|panic| Err(panicked(&*panic))) {
            self.gives_up_moving(&error);
        }
    }

    fn move_on(&mut self) -> Result<(), KvError> {
        let Some(file) = self.shared.file.clone() else {
            return Ok(());
        };
        let Some(mut moving) = self.moving.take() else {
            if Instant::now() >= self.may_move
                && moving::pays(self.shared.file_length(), self.sums.bytes)
            {
                self.may_move = Instant::now() + MOVE_EVERY;
                self.moving = Some(Moving::begin(&file, self.shared.memory)?);
            }
            return Ok(());
        };
        let old = self.shared.with(|database| Ok(database.begin_read()?))?;
        if !moving.step(&old)? {
            self.moving = Some(moving);
            return Ok(());
        }
        let (database, sums) = moving.finish(&file, self.sums.generation)?;
        drop((old, self.shared.swap(Some(database))));
        self.sums = sums;
        moving::sync_folder(&file).map_err(|error| KvError::io(&file, &error))?;
        tracing::info!(store = %self.shared, length = self.shared.file_length(), "store was made shorter");
        Ok(())
    }

    fn gives_up_moving(&mut self, error: &KvError) {
        tracing::warn!(store = %self.shared, %error, "store can't be made shorter");
        self.moving = None;
        if let Some(file) = &self.shared.file {
            // What can't be taken away now is when the next one begins.
            database::clear(file).ok();
        }
    }

    /// Opens the file again, which the engine wants after a failure to write.
    fn reopen(&mut self, at: Instant) {
        let Some(file) = self.shared.file.clone() else {
            self.reopens = None;
            return;
        };
        if Instant::now() < at {
            return;
        }
        self.moving = None;
        drop(self.shared.swap(None));
        match database::open(&file, self.shared.memory) {
            Ok((database, sums)) => {
                drop(self.shared.swap(Some(database)));
                self.sums = sums;
                self.shared.tell(&sums);
                self.reopens = None;
                tracing::info!(store = %self.shared, "store is open again");
            }
            Err(error) => {
                tracing::error!(store = %self.shared, %error, "store can't be opened again");
                self.reopens = Some(Instant::now() + REOPEN_EVERY);
            }
        }
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

    fn is_delete(&self) -> bool {
        matches!(self.change, Change::Delete)
    }
}

impl crate::store::Counts {
    fn written(&self, change: &Change, verdict: &Verdict) {
        let count = match (change, verdict) {
            (
                Change::Delete,
                Ok(Done {
                    was_there: false, ..
                }),
            ) => return,
            (Change::Delete, Ok(_)) => &self.deletes,
            (_, Ok(_)) => &self.puts,
            (_, Err(KvError::Conflict)) => &self.conflicts,
            (_, Err(KvError::Full)) => &self.full,
            (_, Err(error)) if error.is_of_the_file() => &self.errors,
            (_, Err(_)) => return,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
