//! What was purged, written down for the next process.
//!
//! A purge adds one record with one write, so that a process that is killed loses nothing. A thread of its own does what
//! takes time: it syncs the file to the disk soon after, writes it anew when it has grown to a multiple of what counts in
//! it, and when writing failed.
//!
//! A purge that can't be written down must not be undone by a restart. So the file is then removed if at all possible:
//! without it, nothing that was stored earlier is trusted.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::lock;
use super::marks::Marks;
use super::record::{self, HEAD, Read, Record};

/// The journal's name in its folder.
const NAME: &str = "purges";
/// How long records may wait for being synced to the disk.
const INTERVAL: Duration = Duration::from_millis(500);
/// After how long a journal that failed is tried again.
const RETRY: Duration = Duration::from_secs(2);
/// It is written anew when it has grown by this and this many times as large.
const SPARE: u64 = 1 << 20;
const FACTOR: u64 = 4;
/// Bytes of records that may come while it is written anew; with more it is tried later.
const MOST_PENDING: usize = 64 << 20;

/// Why purges are not written down.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}`: {reason}", path.display())]
pub struct JournalError {
    path: PathBuf,
    reason: String,
}

/// Whether what was stored before is what the journal tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// All purges since are known.
    Trusted,
    /// There is no journal, or a broken one, or it is not this process's past: what was stored before has to go.
    Untrusted,
}

/// A journal that is kept until it is closed.
pub(super) struct Journal {
    path: PathBuf,
    state: Mutex<State>,
    /// Held while it is written anew.
    rewriting: Mutex<()>,
    wake: Condvar,
    failures: Arc<AtomicU64>,
}

struct State {
    /// `None` while it can't be written.
    file: Option<Arc<File>>,
    error: Option<JournalError>,
    size: u64,
    /// The size that it was written anew with.
    fresh_size: u64,
    /// Whether something is not synced yet.
    dirty: bool,
    /// What came while it is written anew.
    pending: Option<Vec<u8>>,
    closed: bool,
}

impl Journal {
    /// What the journal in a folder tells; `None` when there is none.
    pub(super) fn read(folder: &Path) -> Result<Option<Read>, JournalError> {
        let path = folder.join(NAME);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(record::read(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(JournalError::new(&path, &error)),
        }
    }

    /// Removes the journal of a folder, if there is one.
    pub(super) fn remove(folder: &Path) {
        let path = folder.join(NAME);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, path = %path.display(), "the journal of purges can't be removed: remove it before the folder is used again");
        }
    }

    /// A journal that gathers what is purged until it is written for the first time.
    pub(super) fn new(folder: &Path, failures: Arc<AtomicU64>) -> Self {
        Self {
            path: folder.join(NAME),
            state: Mutex::new(State {
                file: None,
                error: None,
                size: 0,
                fresh_size: 0,
                dirty: false,
                pending: Some(Vec::new()),
                closed: false,
            }),
            rewriting: Mutex::default(),
            wake: Condvar::new(),
            failures,
        }
    }

    /// Writes it for the first time, and lets a thread look after it from then on.
    pub(super) fn start(self: &Arc<Self>, marks: &Arc<Marks>) -> Result<(), JournalError> {
        self.rewrite(marks)
            .map_err(|error| JournalError::new(&self.path, &error))?;
        let (journal, marks) = (self.clone(), Arc::downgrade(marks));
        std::thread::Builder::new()
            .name("purges".to_owned())
            .spawn(move || journal.look_after(&marks))
            .map_err(|error| JournalError::new(&self.path, &error))?;
        Ok(())
    }

    /// Writes a record down. When that fails, or failed before and could not be made good yet, it is told why.
    pub(super) fn append(&self, record: &Record) -> Option<JournalError> {
        let mut bytes = Vec::with_capacity(64);
        record.write(&mut bytes);
        let mut state = lock(&self.state);
        if state.closed {
            return None;
        }
        state.append_pending(&bytes);
        let Some(file) = state.file.clone() else {
            return state.error.clone();
        };
        match (&*file).write(&bytes) {
            Ok(length) if length == bytes.len() => {
                state.size += bytes.len() as u64;
                state.dirty = true;
                self.wake.notify_one();
                None
            }
            Ok(_) => Some(self.fail(state, &io::ErrorKind::StorageFull.into())),
            Err(error) => Some(self.fail(state, &error)),
        }
    }

    fn fail(&self, mut state: MutexGuard<'_, State>, error: &io::Error) -> JournalError {
        let error = JournalError::new(&self.path, error);
        if state.error.is_none() {
            self.failures.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%error, "purges can't be written down; they hold until the edge is restarted");
        }
        if state.file.take().is_some() {
            // What is left of it would tell less than what was purged.
            fs::remove_file(&self.path).ok();
        }
        state.error = Some(error.clone());
        self.wake.notify_one();
        error
    }

    /// Nothing is written from now on, but for a last sync.
    pub(super) fn close(&self) {
        lock(&self.state).closed = true;
        self.wake.notify_one();
    }

    fn look_after(&self, marks: &Weak<Marks>) {
        loop {
            let state = lock(&self.state);
            let idle = |state: &mut State| !state.closed && !state.dirty && state.file.is_some();
            let state = self.wake.wait_while(state, idle);
            let state = state.unwrap_or_else(PoisonError::into_inner);
            let pause = state.file.as_ref().map_or(RETRY, |_| INTERVAL);
            let open = |state: &mut State| !state.closed;
            let waited = self.wake.wait_timeout_while(state, pause, open);
            let closed = waited.unwrap_or_else(PoisonError::into_inner).0.closed;
            if let Some(marks) = marks.upgrade()
                && !closed
            {
                self.tend(&marks);
            } else {
                self.sync().ok();
                return;
            }
        }
    }

    /// Does what has to be done now and then.
    pub(super) fn tend(&self, marks: &Marks) {
        let tended = if lock(&self.state).is_outgrown() {
            self.rewrite(marks)
        } else {
            self.sync()
        };
        if let Err(error) = tended {
            self.fail(lock(&self.state), &error);
        }
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = lock(&self.state);
        let file = state.file.clone().filter(|_| state.dirty);
        state.dirty = false;
        drop(state);
        file.map_or(Ok(()), |file| file.sync_data())
    }

    /// Writes it anew beside the old one, which goes on being written until the new one takes its place.
    pub(super) fn rewrite(&self, marks: &Marks) -> io::Result<()> {
        let alone = lock(&self.rewriting);
        lock(&self.state).pending.get_or_insert_default();
        // One that was let go may still be writing its own.
        static WRITTEN: AtomicU64 = AtomicU64::new(0);
        let number = WRITTEN.fetch_add(1, Ordering::Relaxed);
        let temporary = self.path.with_extension(format!("new-{number}"));
        let written = self.write_anew(marks, &temporary);
        let Some(file) = self.replace(written, &temporary)? else {
            return Ok(());
        };
        drop(alone);
        file.sync_data()?;
        self.path
            .parent()
            .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
    }

    /// Lets the new file take the place of the old one, with what came meanwhile; `None` when it does not.
    fn replace(
        &self,
        written: io::Result<File>,
        temporary: &Path,
    ) -> io::Result<Option<Arc<File>>> {
        let mut state = lock(&self.state);
        let pending = state.pending.take();
        if state.closed {
            fs::remove_file(temporary).ok();
            return Ok(None);
        }
        let renamed = written.and_then(|mut file| {
            let pending = pending.ok_or_else(|| io::Error::other("purges come too fast"))?;
            let fresh_size = file.metadata()?.len();
            file.write_all(&pending)?;
            fs::rename(temporary, &self.path)?;
            Ok((file, fresh_size, pending.len() as u64))
        });
        match renamed {
            Ok((file, fresh_size, more)) => {
                let file = Arc::new(file);
                state.fresh_size = fresh_size;
                state.size = fresh_size + more;
                state.file = Some(file.clone());
                if state.error.take().is_some() {
                    tracing::info!("purges are written down again");
                }
                Ok(Some(file))
            }
            Err(error) => {
                fs::remove_file(temporary).ok();
                // The old file serves still, and the new one is tried again when that has grown on.
                state.fresh_size = state.size;
                state.file.is_some().then_some(None).ok_or(error)
            }
        }
    }

    fn write_anew(&self, marks: &Marks, temporary: &Path) -> io::Result<File> {
        // Whoever still writes one that was left goes on with a file that has no name.
        fs::remove_file(temporary).ok();
        let mut file = OpenOptions::new()
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(temporary)?;
        file.write_all(HEAD)?;
        let mut bytes = Vec::new();
        marks.tell(|records| {
            bytes.clear();
            records.iter().for_each(|record| record.write(&mut bytes));
            file.write_all(&bytes)
        })?;
        file.sync_data()?;
        Ok(file)
    }
}

impl State {
    fn append_pending(&mut self, bytes: &[u8]) {
        if let Some(pending) = &mut self.pending {
            pending.extend_from_slice(bytes);
            if pending.len() > MOST_PENDING {
                self.pending = None;
            }
        }
    }

    fn is_outgrown(&self) -> bool {
        self.file.is_none() || self.size > self.fresh_size.saturating_mul(FACTOR).max(SPARE)
    }
}

impl JournalError {
    /// None is kept in this folder yet.
    pub(super) fn not_kept(folder: &Path) -> Self {
        Self {
            path: folder.join(NAME),
            reason: "the folder is not in use".to_owned(),
        }
    }

    fn new(path: &Path, error: &io::Error) -> Self {
        Self {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }
}

#[cfg(test)]
impl Journal {
    /// Lets writing fail from now on, as on a disk that went away.
    pub(super) fn break_for_tests(&self) {
        let file = File::open(&self.path).expect("the journal is there");
        lock(&self.state).file = Some(Arc::new(file));
    }
}
