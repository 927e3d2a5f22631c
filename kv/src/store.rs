//! A store as others see it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock, mpsc};
use std::time::Duration;

use bytes::Bytes;
use redb::{Database, ReadTransaction, ReadableDatabase};
use tokio::sync::{Semaphore, oneshot};

use crate::database;
use crate::entry::{Entry, Page, Stats, Write};
use crate::error::{KvError, panicked};
use crate::record::{Record, Value};
use crate::settings::{Clock, MAX_KEY, MAX_METADATA, Settings, milliseconds};
use crate::tables::{APART, Done, ENTRIES, Sums};
use crate::writer::{Change, Task, Writer};

/// The largest page of keys.
const MAX_PAGE: usize = 1000;
/// How many entries are looked at for one page, expired ones among them.
const MAX_LOOKED_AT: usize = 10_000;
/// The largest number of keys that are looked up together.
const MAX_KEYS: usize = 1000;
/// What may wait for the writer, in KiB.
const MAX_QUEUED: usize = 16 << 10;

/// Keys and values in one file. It is closed once nobody has it any more.
pub struct Store {
    pub(crate) shared: Arc<Shared>,
    queue: mpsc::Sender<Task>,
    /// KiB that may be queued.
    room: Arc<Semaphore>,
}

/// What readers and the writer share.
pub(crate) struct Shared {
    /// `None` when it is only in memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) memory: usize,
    pub(crate) clock: Clock,
    /// `None` while it is opened again after the file could not be written.
    database: RwLock<Option<Database>>,
    max_size: AtomicU64,
    max_value: AtomicUsize,
    pub(crate) counts: Counts,
}

/// What was done, and what there is.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) keys: AtomicU64,
    pub(crate) bytes: AtomicU64,
    hits: AtomicU64,
    misses: AtomicU64,
    lists: AtomicU64,
    pub(crate) puts: AtomicU64,
    pub(crate) deletes: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) full: AtomicU64,
    pub(crate) expired: AtomicU64,
    pub(crate) errors: AtomicU64,
}

impl Store {
    /// Opens the store, or makes it. Reads all of the file to check it, and waits a second for whoever is just closing it, so
    /// this is nothing for a worker.
    ///
    /// # Errors
    /// When the file can't be made, read or locked, or is not what a store wrote.
    pub fn open(settings: &Settings) -> Result<Self, KvError> {
        let opened = database::open_patiently(&settings.path, settings.memory)?;
        Self::with(settings, Some(settings.path.clone()), opened)
    }

    /// A store that has no file, and ends with the process.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn in_memory(settings: &Settings) -> Result<Self, KvError> {
        Self::with(settings, None, database::in_memory()?)
    }

    fn with(
        settings: &Settings,
        file: Option<PathBuf>,
        (database, sums): (Database, Sums),
    ) -> Result<Self, KvError> {
        let shared = Arc::new(Shared {
            file,
            memory: settings.memory,
            clock: settings.clock.clone(),
            database: RwLock::new(Some(database)),
            max_size: AtomicU64::new(settings.max_size),
            max_value: AtomicUsize::new(settings.max_value),
            counts: Counts::default(),
        });
        shared.tell(&sums);
        let (queue, tasks) = mpsc::channel();
        Writer::start(shared.clone(), tasks, sums)
            .map_err(|error| KvError::io(&settings.path, &error))?;
        Ok(Self {
            shared,
            queue,
            room: Arc::new(Semaphore::new(MAX_QUEUED)),
        })
    }

    /// Takes over the bounds of other settings. What else they say holds when the store is opened next.
    pub fn adopt(&self, settings: &Settings) {
        self.shared
            .max_size
            .store(settings.max_size, Ordering::Relaxed);
        self.shared
            .max_value
            .store(settings.max_value, Ordering::Relaxed);
    }

    /// The largest value that it takes, in bytes.
    pub fn max_value(&self) -> usize {
        self.shared.max_value.load(Ordering::Relaxed)
    }

    /// What there is for a key.
    ///
    /// # Errors
    /// When there can be no such key, or the file can't be read.
    pub fn get(&self, key: &str) -> Result<Option<Entry>, KvError> {
        check_key(key)?;
        self.read(|transaction, now| look_up(transaction, key, now))
            .inspect(|entry| self.shared.counts.looked_up(entry.as_ref()))
    }

    /// What there is for each of up to 1000 keys, all at the same moment.
    ///
    /// # Errors
    /// As for [`Store::get`].
    pub fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Entry>>, KvError> {
        if keys.len() > MAX_KEYS {
            return Err(KvError::TooMany);
        }
        keys.iter().try_for_each(|key| check_key(key))?;
        let entries = self.read(|transaction, now| {
            keys.iter()
                .map(|key| look_up(transaction, key, now))
                .collect()
        })?;
        let counts = &self.shared.counts;
        let entries: Vec<Option<Entry>> = entries;
        entries
            .iter()
            .for_each(|entry| counts.looked_up(entry.as_ref()));
        Ok(entries)
    }

    /// Up to `max` keys, and never more than 1000, that begin with `prefix` and come after the cursor of another page. A page
    /// may have fewer while there are more, when many have expired just now.
    ///
    /// # Errors
    /// When the file can't be read.
    pub fn list(&self, prefix: &str, cursor: Option<&str>, max: usize) -> Result<Page, KvError> {
        self.shared.counts.lists.fetch_add(1, Ordering::Relaxed);
        let max = max.clamp(1, MAX_PAGE);
        self.read(|transaction, now| list(transaction, prefix, cursor, max, now))
    }

    /// Writes a value; returns its generation once it is on the disk. Whoever stops waiting does not know whether it was
    /// written.
    ///
    /// # Errors
    /// When the key, the value, the metadata or the TTL can't be, the condition does not hold, there is no room, or the file
    /// can't be written.
    pub async fn put(&self, key: &str, value: Bytes, write: Write) -> Result<u64, KvError> {
        check_key(key)?;
        check_ttl(write.ttl)?;
        let most = self.max_value();
        if value.len() > most {
            return Err(KvError::Value {
                size: value.len(),
                most,
            });
        }
        if let Some(length) = write
            .metadata
            .as_ref()
            .map(String::len)
            .filter(|length| *length > MAX_METADATA)
        {
            return Err(KvError::Metadata(length));
        }
        let weight = value.len();
        let done = self
            .write(key, Change::Put { value, write }, weight)
            .await?;
        Ok(done.generation)
    }

    /// Adds to a whole number, kept as text, and returns the sum once it is on the disk. What is not there is zero, and lasts
    /// for `ttl` from now on; what is there keeps the time it has left.
    ///
    /// # Errors
    /// As for [`Store::put`], and when what is there is no number or the sum does not fit.
    pub async fn increment(
        &self,
        key: &str,
        by: i64,
        ttl: Option<Duration>,
    ) -> Result<i64, KvError> {
        check_key(key)?;
        check_ttl(ttl)?;
        let ttl = ttl.map(milliseconds);
        let done = self.write(key, Change::Increment { by, ttl }, 0).await?;
        Ok(done.number)
    }

    /// Takes a key out; returns whether it was there, once that is on the disk.
    ///
    /// # Errors
    /// When there can be no such key, or the file can't be written.
    pub async fn delete(&self, key: &str) -> Result<bool, KvError> {
        check_key(key)?;
        let done = self.write(key, Change::Delete, 0).await?;
        Ok(done.was_there)
    }

    /// How it is, and what was done with it since it was opened.
    pub fn stats(&self) -> Stats {
        self.shared.stats()
    }

    async fn write(&self, key: &str, change: Change, weight: usize) -> Result<Done, KvError> {
        let kibibytes = (weight / 1024 + 1).min(MAX_QUEUED);
        let kibibytes = u32::try_from(kibibytes).unwrap_or(u32::MAX);
        let room = self.room.clone().acquire_many_owned(kibibytes).await;
        let (answer, answered) = oneshot::channel();
        let task = Task {
            key: key.to_owned(),
            change,
            answer,
            _room: room.map_err(|_| KvError::Closed)?,
        };
        self.queue.send(task).map_err(|_| KvError::Closed)?;
        answered.await.unwrap_or(Err(KvError::Closed))
    }

    fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction, u64) -> Result<T, KvError>,
    ) -> Result<T, KvError> {
        let now = self.shared.clock.now();
        let result = catch_unwind(AssertUnwindSafe(|| {
            self.shared
                .with(|database| read(&database.begin_read()?, now))
        }));
        result
            .unwrap_or_else(|panic| Err(panicked(&*panic)))
            .inspect_err(|_| self.shared.counts.failed())
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store")
            .field("file", &self.shared.file)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Does something with the database, which stays open for so long.
    pub(crate) fn with<T>(
        &self,
        act: impl FnOnce(&Database) -> Result<T, KvError>,
    ) -> Result<T, KvError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        match &*database {
            Some(database) => act(database),
            None => Err(KvError::Io(
                "it is opened again after it could not be written".into(),
            )),
        }
    }

    /// Puts another database, or none for now, in the place of the one there is.
    pub(crate) fn swap(&self, database: Option<Database>) -> Option<Database> {
        let mut place = self
            .database
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *place, database)
    }

    pub(crate) fn max_size(&self) -> u64 {
        self.max_size.load(Ordering::Relaxed)
    }

    /// What keys and values may take.
    pub(crate) fn room(&self) -> u64 {
        self.max_size() / 2
    }

    pub(crate) fn file_length(&self) -> u64 {
        let file = self
            .file
            .as_ref()
            .and_then(|file| std::fs::metadata(file).ok());
        file.map_or(0, |file| file.len())
    }

    pub(crate) fn tell(&self, sums: &Sums) {
        self.counts.keys.store(sums.keys, Ordering::Relaxed);
        self.counts.bytes.store(sums.bytes, Ordering::Relaxed);
    }

    fn stats(&self) -> Stats {
        let of = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = &self.counts;
        Stats {
            keys: of(&counts.keys),
            bytes: of(&counts.bytes),
            room: self.room(),
            file: self.file_length(),
            hits: of(&counts.hits),
            misses: of(&counts.misses),
            lists: of(&counts.lists),
            puts: of(&counts.puts),
            deletes: of(&counts.deletes),
            conflicts: of(&counts.conflicts),
            full: of(&counts.full),
            expired: of(&counts.expired),
            errors: of(&counts.errors),
        }
    }
}

/// Its file.
impl fmt::Display for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => file.display().fmt(f),
            None => f.write_str("(in memory)"),
        }
    }
}

impl Counts {
    fn looked_up(&self, entry: Option<&Entry>) {
        let count = if entry.is_some() {
            &self.hits
        } else {
            &self.misses
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self) {
        self.errors.fetch_add(1, Ordering::Relaxed);
    }
}

fn check_key(key: &str) -> Result<(), KvError> {
    match key {
        "" => Err(KvError::Key("the key is empty")),
        key if key.len() > MAX_KEY => Err(KvError::Key("the key is too long")),
        key if key.chars().any(char::is_control) => {
            Err(KvError::Key("the key has a control character"))
        }
        _ => Ok(()),
    }
}

fn check_ttl(ttl: Option<Duration>) -> Result<(), KvError> {
    match ttl {
        Some(Duration::ZERO) => Err(KvError::Ttl),
        _ => Ok(()),
    }
}

fn look_up(transaction: &ReadTransaction, key: &str, now: u64) -> Result<Option<Entry>, KvError> {
    let Some(bytes) = transaction.open_table(ENTRIES)?.get(key)? else {
        return Ok(None);
    };
    let record = Record::read(bytes.value())?;
    if !record.is_live(now) {
        return Ok(None);
    }
    let value = match record.value {
        Value::Here(value) => Bytes::copy_from_slice(value),
        Value::Apart(length) => apart(transaction, record.generation, length)?,
    };
    Ok(Some(Entry {
        value,
        metadata: record.metadata.map(str::to_owned),
        generation: record.generation,
        ttl: record
            .expires
            .map(|expires| Duration::from_millis(expires - now)),
    }))
}

fn apart(transaction: &ReadTransaction, generation: u64, length: u64) -> Result<Bytes, KvError> {
    let value = transaction.open_table(APART)?.get(generation)?;
    value
        .map(|value| Bytes::copy_from_slice(value.value()))
        .filter(|value| value.len() as u64 == length)
        .ok_or_else(|| KvError::broken("a value is missing"))
}

fn list(
    transaction: &ReadTransaction,
    prefix: &str,
    cursor: Option<&str>,
    max: usize,
    now: u64,
) -> Result<Page, KvError> {
    use std::ops::Bound::{Excluded, Included, Unbounded};
    let from = match cursor {
        Some(cursor) if cursor >= prefix => Excluded(cursor),
        _ => Included(prefix),
    };
    let table = transaction.open_table(ENTRIES)?;
    let mut page = Page::default();
    let mut last = String::new();
    for (index, row) in table.range::<&str>((from, Unbounded))?.enumerate() {
        let (key, bytes) = row?;
        if !key.value().starts_with(prefix) {
            break;
        }
        if page.keys.len() == max || index == MAX_LOOKED_AT {
            page.cursor = Some(last);
            break;
        }
        if Record::read(bytes.value())?.is_live(now) {
            page.keys.push(key.value().to_owned());
        }
        key.value().clone_into(&mut last);
    }
    Ok(page)
}

#[cfg(test)]
mod tests;
