//! What an operator said while the edge runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::lasting::Lasting;

/// On, off, or left to the configuration. Filters of one name share it, so that it outlives a reload.
#[derive(Debug, Default)]
pub(super) struct Switch(AtomicU8);

const UNSET: u8 = 0;
const ON: u8 = 1;
const OFF: u8 = 2;

impl Switch {
    /// The switch of the filters of this name.
    pub(super) fn of(name: &str) -> Arc<Self> {
        static SWITCHES: Lasting<String, Switch> = Lasting::new();
        SWITCHES.of(name.to_owned(), || Self(AtomicU8::new(UNSET)))
    }

    pub(super) fn get(&self) -> Option<bool> {
        match self.0.load(Ordering::Relaxed) {
            ON => Some(true),
            OFF => Some(false),
            _ => None,
        }
    }

    pub(super) fn set(&self, wanted: Option<bool>) {
        let state = match wanted {
            Some(true) => ON,
            Some(false) => OFF,
            None => UNSET,
        };
        self.0.store(state, Ordering::Relaxed);
    }
}
