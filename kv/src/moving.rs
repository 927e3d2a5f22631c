//! How a file becomes shorter: what is left in it is written to a new one, step by step between writes, and that takes its
//! place. Readers and writers go on with the old one; what they change among the keys that have moved is changed in both.

use std::fs::{self, File};
use std::path::Path;

use redb::{Database, ReadTransaction};

use crate::database::{self, beside};
use crate::error::KvError;
use crate::tables::{Source, Sums, Tables};

/// How much is moved in one step: what a write may have to wait for.
const STEP_BYTES: usize = 1 << 20;
const STEP_KEYS: usize = 1024;
/// Files up to this length stay as they are.
const SHORT: u64 = 4 << 20;
/// The engine doubles its files, whose pages are half full at worst; beyond that it pays to write what is left anew.
const WASTE: u64 = 8;

/// Whether a file of this length holds so little that it pays to make it anew.
pub(crate) fn pays(length: u64, bytes: u64) -> bool {
    length > SHORT + bytes * WASTE
}

/// A file on its way to take the place of another.
pub(crate) struct Moving {
    database: Database,
    sums: Sums,
    /// The last key that was moved.
    last: String,
}

impl Moving {
    /// Begins a file beside the one at `path`.
    pub(crate) fn begin(path: &Path, memory: usize) -> Result<Self, KvError> {
        database::clear(path).map_err(|error| KvError::io(path, &error))?;
        let (database, sums) = database::open(&beside(path), memory)?;
        Ok(Self {
            database,
            sums,
            last: String::new(),
        })
    }

    /// Moves some more keys; returns whether those were the last.
    pub(crate) fn step(&mut self, old: &ReadTransaction) -> Result<bool, KvError> {
        let source = Source::open(old)?;
        let keys = source.keys_after(&self.last, STEP_KEYS, STEP_BYTES)?;
        self.copy(&source, keys.iter().map(String::as_str))?;
        match keys.into_iter().next_back() {
            Some(last) => self.last = last,
            None => return Ok(true),
        }
        Ok(false)
    }

    /// Does again what was done to keys that may have moved.
    pub(crate) fn follow<'k>(
        &mut self,
        old: &ReadTransaction,
        keys: impl Iterator<Item = &'k str>,
    ) -> Result<(), KvError> {
        let last = self.last.clone();
        self.copy(
            &Source::open(old)?,
            keys.filter(|key| *key <= last.as_str()),
        )
    }

    fn copy<'k>(
        &mut self,
        source: &Source,
        keys: impl Iterator<Item = &'k str>,
    ) -> Result<(), KvError> {
        let mut keys = keys.peekable();
        if keys.peek().is_none() {
            return Ok(());
        }
        let transaction = self.database.begin_write()?;
        let mut tables = Tables::open(&transaction, self.sums)?;
        for key in keys {
            tables.copy(key, source)?;
        }
        let sums = tables.finish()?;
        transaction.commit()?;
        self.sums = sums;
        Ok(())
    }

    /// Takes the place of the file at `path`, to which nobody may write any more, where the last write was of `generation`.
    pub(crate) fn finish(
        mut self,
        path: &Path,
        generation: u64,
    ) -> Result<(Database, Sums), KvError> {
        self.sums.generation = generation;
        let transaction = self.database.begin_write()?;
        let sums = Tables::open(&transaction, self.sums)?.finish()?;
        transaction.commit()?;
        fs::rename(beside(path), path).map_err(|error| KvError::io(path, &error))?;
        Ok((self.database, sums))
    }
}

/// Makes sure that the file at `path` is found after a crash, too.
pub(crate) fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}
