//! The calls of guests. Versions come and go: what is counted of one is dropped with the last configuration that has it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use rimward_filters::Tally;

/// What tells calls from one another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct CallLabels {
    filter: String,
    outcome: String,
    phase: String,
    version: String,
}

/// Where the calls of all guests are counted.
#[derive(Clone, Default)]
pub(super) struct GuestCalls {
    pub(super) calls: Family<CallLabels, Counter>,
    counted: Arc<Mutex<BTreeMap<CallLabels, Weak<Calls>>>>,
}

struct Calls {
    labels: CallLabels,
    counter: Counter,
    all: GuestCalls,
}

impl GuestCalls {
    /// Those of a family that is registered.
    pub(super) fn of_family(calls: Family<CallLabels, Counter>) -> Self {
        Self {
            calls,
            counted: Arc::default(),
        }
    }

    /// The tally of calls that ended in one way; the same for all who ask while one of them is there.
    pub(super) fn of(
        &self,
        filter: &str,
        version: &str,
        phase: &str,
        outcome: &str,
    ) -> Arc<dyn Tally> {
        let labels = CallLabels {
            filter: filter.to_owned(),
            outcome: outcome.to_owned(),
            phase: phase.to_owned(),
            version: version.to_owned(),
        };
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calls) = counted.get(&labels).and_then(Weak::upgrade) {
            return calls;
        }
        let calls = Arc::new(Calls {
            counter: self.calls.get_or_create(&labels).clone(),
            labels: labels.clone(),
            all: self.clone(),
        });
        counted.insert(labels, Arc::downgrade(&calls));
        calls
    }
}

impl Tally for Calls {
    fn count(&self) {
        self.counter.inc();
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        let mut counted = self
            .all
            .counted
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have asked for it since.
        if counted
            .get(&self.labels)
            .is_some_and(|calls| calls.strong_count() == 0)
        {
            counted.remove(&self.labels);
            self.all.calls.remove(&self.labels);
        }
    }
}

/// What tells numbers of guests from one another: the name is the guest's own.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelSet)]
pub(super) struct NumberLabels {
    filter: String,
    name: String,
}

/// What guests count and observe, under names of their own: at most [`MAX_NAMES`] for each filter, the rest as `other`.
#[derive(Clone, Default)]
pub(super) struct GuestNumbers {
    pub(super) counts: Family<NumberLabels, Counter>,
    pub(super) sums: Family<NumberLabels, Counter<f64, AtomicU64>>,
    pub(super) observed: Family<NumberLabels, Counter>,
    names: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
}

/// How many names a filter may have for its numbers.
const MAX_NAMES: usize = 100;
/// The longest of them.
const MAX_NAME: usize = 64;

impl GuestNumbers {
    /// Those that are registered.
    pub(super) fn new(
        counts: Family<NumberLabels, Counter>,
        sums: Family<NumberLabels, Counter<f64, AtomicU64>>,
        observed: Family<NumberLabels, Counter>,
    ) -> Self {
        Self {
            counts,
            sums,
            observed,
            names: Arc::default(),
        }
    }

    pub(super) fn count(&self, filter: &str, name: &str, by: u64) {
        self.counts
            .get_or_create(&self.labels(filter, name))
            .inc_by(by);
    }

    /// Values below zero, and those that are none, are left out: a sum that falls is no sum.
    pub(super) fn observe(&self, filter: &str, name: &str, value: f64) {
        if value >= 0.0 && value.is_finite() {
            let labels = self.labels(filter, name);
            self.sums.get_or_create(&labels).inc_by(value);
            self.observed.get_or_create(&labels).inc();
        }
    }

    fn labels(&self, filter: &str, name: &str) -> NumberLabels {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let is_name = (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(is_plain);
        let mut all = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let names = all.entry(filter.to_owned()).or_default();
        let is_known = is_name && (names.contains(name) || names.len() < MAX_NAMES);
        let name = if is_known { name } else { "other" };
        if !names.contains(name) {
            names.insert(name.to_owned());
        }
        NumberLabels {
            filter: filter.to_owned(),
            name: name.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_counted_of_a_version_goes_with_it() {
        let calls = GuestCalls::default();
        let count = |version| calls.of("stamp", version, "request", "ok");
        let (first, again, other) = (count("a"), count("a"), count("b"));
        first.count();
        again.count();
        let labels = first_labels(&calls, "a");
        drop(first);
        assert_eq!(calls.calls.get_or_create(&labels).get(), 2);
        drop((again, other));
        assert!(calls.counted.lock().unwrap().is_empty());
        assert_eq!(calls.calls.get_or_create(&labels).get(), 0);
    }

    #[test]
    fn names_of_numbers_are_bounded() {
        let numbers = GuestNumbers::default();
        for name in (0..200).map(|number| format!("n{number}")) {
            numbers.count("a", &name, 1);
        }
        numbers.count("a", "not a name", 1);
        numbers.count("a", "n0", 2);
        let count = |name| {
            numbers
                .counts
                .get_or_create(&numbers.labels("a", name))
                .get()
        };
        assert_eq!((count("n0"), count("n99"), count("n100")), (3, 1, 101));
        numbers.observe("b", "size", 1.5);
        numbers.observe("b", "size", -1.0);
        numbers.observe("b", "size", f64::NAN);
        let labels = numbers.labels("b", "size");
        assert_eq!(numbers.observed.get_or_create(&labels).get(), 1);
    }

    fn first_labels(calls: &GuestCalls, version: &str) -> CallLabels {
        let counted = calls.counted.lock().unwrap();
        counted
            .keys()
            .find(|labels| labels.version == version)
            .unwrap()
            .clone()
    }
}
