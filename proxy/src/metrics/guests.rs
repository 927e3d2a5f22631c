//! The calls of guests. Versions come and go: what is counted of one is dropped with the last configuration that has it.

use std::collections::BTreeMap;
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

    fn first_labels(calls: &GuestCalls, version: &str) -> CallLabels {
        let counted = calls.counted.lock().unwrap();
        counted
            .keys()
            .find(|labels| labels.version == version)
            .unwrap()
            .clone()
    }
}
