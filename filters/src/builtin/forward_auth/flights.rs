//! Who is asking for what, so that of many who would ask the same one asks.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use ahash::AHashMap;
use tokio::sync::OnceCell;

use super::decision::Decision;
use super::memory::Digest;

/// What comes of a question: a decision, nothing that is for others, or why there is none.
type Cell = OnceCell<Result<Option<Arc<Decision>>, String>>;

/// The questions that are on their way. There are at most as many as requests.
#[derive(Default)]
pub(super) struct Flights(Mutex<AHashMap<Digest, Weak<Cell>>>);

/// A place with those who wait for the same decision.
pub(super) struct Flight<'f> {
    flights: &'f Flights,
    digest: Digest,
    pub(super) cell: Arc<Cell>,
}

impl Flights {
    /// Joins those who wait for this decision, or is the first of them.
    pub(super) fn join(&self, digest: Digest) -> Flight<'_> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let joined = flights.get(&digest).and_then(Weak::upgrade);
        let cell = joined.unwrap_or_else(|| {
            let cell = Arc::default();
            flights.insert(digest, Arc::downgrade(&cell));
            cell
        });
        Flight {
            flights: self,
            digest,
            cell,
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

/// Who comes later asks anew, or finds what is remembered.
impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let mut flights = self
            .flights
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_done = self.cell.initialized();
        let cell = Arc::downgrade(&std::mem::take(&mut self.cell));
        let is_this = |known: &Weak<Cell>| known.ptr_eq(&cell);
        if (is_done || cell.strong_count() == 0) && flights.get(&self.digest).is_some_and(is_this) {
            flights.remove(&self.digest);
        }
    }
}
