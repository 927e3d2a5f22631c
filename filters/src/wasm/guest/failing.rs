//! What becomes of a guest whose calls fail: they are told of, and a version that fails again and again is taken out.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::super::abi::Hook;
use super::super::instance::Fault;
use super::super::logs;
use super::super::version::Version;
use super::{Candidate, Guest, Loaded};
use crate::exchange::Exchange;
use crate::filter::FilterError;

impl Guest {
    /// Tells of a call that failed, and counts it against the version.
    pub(super) fn failed(
        &self,
        loaded: &Arc<Loaded>,
        hook: Hook,
        exchange: &Exchange,
        fault: Fault,
    ) -> FilterError {
        report(&loaded.version, hook, exchange, &fault);
        if loaded.version.health.ended(fault.ending) {
            self.take_out(loaded);
        }
        let id = &loaded.version.id;
        let reason = format!("version `{id}`: {}", fault.reason);
        FilterError::from(Fault { reason, ..fault })
    }

    /// Takes out a version that fails again and again.
    fn take_out(&self, loaded: &Arc<Loaded>) {
        let failed = &loaded.version;
        let (filter, version) = (&failed.name, &failed.id);
        let Some(next) = self.instead_of(loaded) else {
            tracing::error!(%filter, %version, "a guest fails again and again, and there is no version before it");
            return;
        };
        tracing::error!(%filter, %version, next = %next.version.id, "a guest fails again and again: another version takes over");
        if let Some(kept) = &self.kept {
            kept.taken_out(failed, &next.version);
        }
    }

    /// Lets another version take the place of one, if there is another.
    fn instead_of(&self, loaded: &Arc<Loaded>) -> Option<Arc<Loaded>> {
        let is_it = |candidate: &&Candidate| Arc::ptr_eq(&candidate.loaded, loaded);
        if let Some(candidate) = self.candidate.as_ref().filter(is_it) {
            candidate.share.store(0, Ordering::Relaxed);
            return Some(self.current.load_full());
        }
        let before = self.before.clone()?;
        self.current.store(before.clone());
        Some(before)
    }
}

/// Tells of a call that failed.
pub(super) fn report(version: &Version, hook: Hook, exchange: &Exchange, fault: &Fault) {
    version.counters.count(hook, fault.ending);
    let text = format!("{} failed: {}", hook.name(), fault.reason);
    logs::keep(version, tracing::Level::ERROR, &exchange.request_id, &text);
}
