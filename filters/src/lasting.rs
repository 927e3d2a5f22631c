//! What outlives a reload: filters that are built anew find what those before them left.

use std::hash::Hash;
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use ahash::AHashMap;

/// States by what they are of. Each is there for as long as somebody has it.
pub(crate) struct Lasting<K, S>(LazyLock<Mutex<AHashMap<K, Weak<S>>>>);

impl<K: Eq + Hash, S> Lasting<K, S> {
    /// None yet; for a `static`.
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(Mutex::default))
    }

    /// The state of `key`, made if nobody has one.
    pub(crate) fn of(&self, key: K, make: impl FnOnce() -> S) -> Arc<S> {
        let mut states = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        states.retain(|_, state| state.strong_count() > 0);
        if let Some(state) = states.get(&key).and_then(Weak::upgrade) {
            return state;
        }
        let state = Arc::new(make());
        states.insert(key, Arc::downgrade(&state));
        state
    }
}

/// The time since the first call in this process.
pub(crate) fn uptime() -> Duration {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_lasts_while_somebody_has_it() {
        static STATES: Lasting<&str, u8> = Lasting::new();
        let first = STATES.of("a", || 1);
        assert!(Arc::ptr_eq(&first, &STATES.of("a", || 2)));
        assert_eq!(*STATES.of("b", || 3), 3);
        drop(first);
        assert_eq!(*STATES.of("a", || 4), 4);
    }
}
