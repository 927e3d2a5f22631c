//! Images made in processes of their own, which can do nothing else.
//!
//! Decoders of images read what anybody may have made, and some are in C. A worker process has no file, no network and bounded
//! memory, may ask next to nothing of the system, and is killed when its time is over: a mistake in a decoder costs one image. What is
//! done there is [`crate::render()`]; the way there and back costs a tenth of a millisecond and two copies of the file.

mod child;
mod jail;
mod message;
mod serve;

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::transform::Transform;
use crate::{ImageError, Limits, Rendered};
use child::Child;
pub use serve::serve;

/// Images that a process makes before another one takes its place, so that whatever it lost is given back.
const IMAGES: u32 = 500;

/// How a worker process is started.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Launch {
    /// A program that calls [`serve()`].
    pub program: PathBuf,
    /// What it is called with to do so.
    pub arguments: Vec<OsString>,
}

impl Launch {
    /// The running program again, even when another version lies where it was started from.
    #[must_use]
    pub fn own(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        let program = if cfg!(target_os = "linux") {
            PathBuf::from("/proc/self/exe")
        } else {
            std::env::current_exe().unwrap_or_default()
        };
        Self {
            program,
            arguments: arguments.into_iter().map(Into::into).collect(),
        }
    }
}

/// The workers of this program.
static OF_PROGRAM: OnceLock<Workers> = OnceLock::new();

/// Says how this program starts its workers. For its `main`: no library knows what it is a part of.
pub fn start_by(launch: Launch) {
    OF_PROGRAM.set(Workers::new(launch)).ok();
}

/// The workers of this program, if it has said how they are started.
#[must_use]
pub fn of_program() -> Option<&'static Workers> {
    OF_PROGRAM.get()
}

/// Worker processes: as many as images are made at once, started when they are needed. They end with it.
#[derive(Debug)]
pub struct Workers {
    launch: Launch,
    idle: Mutex<Vec<Child>>,
}

impl Workers {
    /// Workers that are started so.
    #[must_use]
    pub fn new(launch: Launch) -> Self {
        Self {
            launch,
            idle: Mutex::default(),
        }
    }

    /// Does what [`crate::render()`] does, in a worker. Blocks until it is done, for as long as `limits` give at most: whoever calls it
    /// bounds how many do at once.
    ///
    /// # Errors
    /// Those of [`crate::render()`], and when the worker can't be started or ends.
    pub fn render(
        &self,
        source: &[u8],
        transform: &Transform,
        limits: &Limits,
        overlays: &[&[u8]],
    ) -> Result<Rendered, ImageError> {
        let mut child = match self.take() {
            Some(child) => child,
            None => Child::start(&self.launch)?,
        };
        let made = child.render(source, transform, limits, overlays);
        // Dropped, a worker is killed: nobody knows what one does that did not answer.
        if child.is_well() && child.images() < IMAGES {
            self.lock().push(child);
        }
        made
    }

    /// The numbers of the processes that have nothing to do.
    #[must_use]
    pub fn idle(&self) -> Vec<u32> {
        self.lock().iter().map(Child::id).collect()
    }

    /// The one that worked last, whose memory is warm; those that died meanwhile are none.
    fn take(&self) -> Option<Child> {
        loop {
            let mut child = self.lock().pop()?;
            if child.is_running() {
                return Some(child);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Child>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
