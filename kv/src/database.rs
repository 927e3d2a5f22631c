//! The file: how it is opened, and checked before anybody relies on it.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use redb::backends::InMemoryBackend;
use redb::{Builder, Database, ReadableDatabase, ReadableTableMetadata, TableHandle};

use crate::error::{KvError, panicked};
use crate::tables::{ABOUT, ENTRIES, FORMAT, Sums, Tables};

/// The version of what lies in the tables.
const VERSION: u64 = 1;

/// Opens the file at `path`, or makes it, and checks all of it.
pub(crate) fn open(path: &Path, memory: usize) -> Result<(Database, Sums), KvError> {
    make_file(path).map_err(|error| KvError::io(path, &error))?;
    let opened = catch_unwind(AssertUnwindSafe(|| {
        let database = Builder::new()
            .set_cache_size(memory)
            .set_check_integrity_on_open(true)
            .create(path)?;
        let sums = prepare(&database)?;
        Ok((database, sums))
    }));
    opened.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// The same, but waits a moment when it is in use: a store that nobody has any more may be closing.
pub(crate) fn open_patiently(path: &Path, memory: usize) -> Result<(Database, Sums), KvError> {
    let deadline = Instant::now() + Duration::from_secs(1);
    loop {
        match open(path, memory) {
            Err(KvError::InUse) if Instant::now() < deadline => {
                park_timeout(Duration::from_millis(10))
            }
            Ok(opened) => {
                clear(path).map_err(|error| KvError::io(path, &error))?;
                return Ok(opened);
            }
            Err(error) => return Err(error),
        }
    }
}

/// A database without a file.
pub(crate) fn in_memory() -> Result<(Database, Sums), KvError> {
    let database = Builder::new().create_with_backend(InMemoryBackend::new())?;
    let sums = prepare(&database)?;
    Ok((database, sums))
}

/// What it holds may be private.
fn make_file(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map(drop)
}

fn prepare(database: &Database) -> Result<Sums, KvError> {
    let transaction = database.begin_read()?;
    let names: Vec<String> = transaction
        .list_tables()?
        .map(|table| table.name().to_owned())
        .collect();
    drop(transaction);
    if names.is_empty() {
        let transaction = database.begin_write()?;
        Tables::open(&transaction, Sums::default())?.begin(VERSION)?;
        transaction.commit()?;
        return Ok(Sums::default());
    }
    if !names.iter().any(|name| name == ABOUT.name()) {
        return Err(KvError::broken("it is not a store of Rimward's"));
    }
    read_sums(database)
}

fn read_sums(database: &Database) -> Result<Sums, KvError> {
    let transaction = database.begin_read()?;
    let about = transaction.open_table(ABOUT)?;
    let version = about.get(FORMAT)?.map(|version| version.value());
    if version != Some(VERSION) {
        return Err(KvError::broken(
            "it was written by another version of Rimward",
        ));
    }
    let mut sums = Sums::read(&about)?;
    sums.keys = transaction.open_table(ENTRIES)?.len()?;
    sums.next_expiry = Sums::first_expiry(&transaction)?;
    Ok(sums)
}

/// Where the file is made anew before it takes the place of the one at `path`.
pub(crate) fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    PathBuf::from(name)
}

/// Takes away what is left of a file that did not come to take the place of the one at `path`.
pub(crate) fn clear(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(beside(path)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}
