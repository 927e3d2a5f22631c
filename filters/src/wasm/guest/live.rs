//! The instances that an exchange has, from the first phase of their guests to the last.

use std::sync::{Arc, Mutex, PoisonError};

use super::super::abi::Hook;
use super::super::instance::Instance;
use super::super::version::Version;
use crate::exchange::Exchange;

/// The instances of one exchange, by guest. Copies of the exchange share them: who finds none makes another.
#[derive(Clone, Default)]
pub(super) struct Live(Arc<Mutex<Vec<(usize, Instance)>>>);

impl Live {
    /// The instances of an exchange.
    pub(super) fn of(exchange: &mut Exchange) -> Self {
        if let Some(live) = exchange.notes.get::<Self>() {
            return live.clone();
        }
        let live = Self::default();
        exchange.notes.insert(live.clone());
        live
    }

    /// Takes a guest's instance, if there is one that nobody else has.
    pub(super) fn take(exchange: &Exchange, guest: usize) -> Option<Instance> {
        exchange.notes.get::<Self>()?.take_of(guest)
    }

    pub(super) fn take_of(&self, guest: usize) -> Option<Instance> {
        let mut instances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = instances.iter().position(|(other, _)| *other == guest)?;
        Some(instances.swap_remove(at).1)
    }

    pub(super) fn put_of(&self, guest: usize, instance: Instance) {
        let mut instances = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        instances.push((guest, instance));
    }

    /// Keeps an instance after a hook, if there is another to come.
    pub(super) fn put(
        exchange: &mut Exchange,
        guest: usize,
        instance: Instance,
        version: &Version,
        hook: Hook,
    ) {
        let behind = Hook::PHASES
            .iter()
            .skip_while(|other| **other != hook)
            .skip(1);
        let is_due = |other: &Hook| version.hooks.has(*other);
        if behind.copied().any(|other| is_due(&other)) {
            Self::of(exchange).put_of(guest, instance);
        } else {
            instance.retire();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        // The last one that shares them lets them go on to other exchanges.
        let Some(instances) = Arc::get_mut(&mut self.0) else {
            return;
        };
        let instances = instances.get_mut().unwrap_or_else(PoisonError::into_inner);
        instances
            .drain(..)
            .for_each(|(_, instance)| instance.retire());
    }
}
