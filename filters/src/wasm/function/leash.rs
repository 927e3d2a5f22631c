//! What ties a guest to whoever reads its response.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;

use super::run::Outcome;

/// How the reading of a response ended.
pub(super) enum End {
    /// All of it was read: the guest may finish what it is about.
    Whole,
    /// It was broken off, and that is how the run ended.
    Cut(Outcome),
}

/// The end in the hand of the reader. Dropped before the response is whole, it ends the guest.
pub(super) struct Leash {
    end: oneshot::Sender<End>,
    failed: Arc<AtomicBool>,
}

/// The end at the guest's collar.
pub(super) struct Held {
    pub(super) end: oneshot::Receiver<End>,
    failed: Arc<AtomicBool>,
}

pub(super) fn new() -> (Leash, Held) {
    let failed = Arc::new(AtomicBool::new(false));
    let (sender, receiver) = oneshot::channel();
    let leash = Leash {
        end: sender,
        failed: failed.clone(),
    };
    let held = Held {
        end: receiver,
        failed,
    };
    (leash, held)
}

impl Leash {
    /// The response was read to its end.
    pub(super) fn release(self) {
        // A guest that has returned does not hear of it.
        self.end.send(End::Whole).ok();
    }

    /// Ends the guest.
    pub(super) fn cut(self, outcome: Outcome) {
        self.end.send(End::Cut(outcome)).ok();
    }

    /// Whether the guest has ended otherwise than by returning. Its response is not whole then, however its body ends: what
    /// the guest wrote to is closed in the same way whether it was finished or lost.
    pub(super) fn guest_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }
}

impl Held {
    /// What is to be dropped before anything that the guest has open.
    pub(super) fn standing(&self) -> Standing {
        Standing {
            failed: Some(self.failed.clone()),
        }
    }
}

/// Tells, when it is dropped, that the guest failed.
pub(super) struct Standing {
    failed: Option<Arc<AtomicBool>>,
}

impl Standing {
    /// The guest has returned.
    pub(super) fn returned(&mut self) {
        self.failed = None;
    }
}

impl Drop for Standing {
    fn drop(&mut self) {
        if let Some(failed) = &self.failed {
            failed.store(true, Ordering::Release);
        }
    }
}
