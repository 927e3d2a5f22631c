//! Terms as they lie in memory: times and spans in nanoseconds, which take half of what the clock's own types do.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::header::HeaderName;

use crate::policy::{Basis, Terms};

/// On what terms an object is stored.
#[derive(Debug, Clone)]
pub(crate) struct StoredTerms {
    stored: u64,
    epoch: u64,
    fresh_until: u64,
    stale_while_revalidate: u64,
    stale_if_error: u64,
    stale_if_unreachable: u64,
    cost: u64,
    basis: Basis,
    must_revalidate: bool,
    rare: Option<Box<Rare>>,
}

/// What most objects have not.
#[derive(Debug, Clone)]
struct Rare {
    withheld: Arc<[HeaderName]>,
    surrogate_keys: Arc<[Box<str>]>,
}

impl StoredTerms {
    pub(crate) fn of(terms: Terms) -> Self {
        let is_rare = !terms.withheld.is_empty() || !terms.surrogate_keys.is_empty();
        Self {
            stored: nanos(terms.stored),
            epoch: nanos(terms.epoch),
            fresh_until: nanos(terms.fresh_until),
            stale_while_revalidate: span_nanos(terms.stale_while_revalidate),
            stale_if_error: span_nanos(terms.stale_if_error),
            stale_if_unreachable: span_nanos(terms.stale_if_unreachable),
            cost: span_nanos(terms.cost),
            basis: terms.basis,
            must_revalidate: terms.must_revalidate,
            rare: is_rare.then(|| {
                Box::new(Rare {
                    withheld: terms.withheld,
                    surrogate_keys: terms.surrogate_keys,
                })
            }),
        }
    }

    pub(crate) fn unpack(&self) -> Terms {
        let rare = self.rare.as_deref();
        Terms {
            stored: time(self.stored),
            epoch: time(self.epoch),
            fresh_until: time(self.fresh_until),
            basis: self.basis,
            stale_while_revalidate: Duration::from_nanos(self.stale_while_revalidate),
            stale_if_error: Duration::from_nanos(self.stale_if_error),
            stale_if_unreachable: Duration::from_nanos(self.stale_if_unreachable),
            must_revalidate: self.must_revalidate,
            cost: Duration::from_nanos(self.cost),
            withheld: rare.map(|rare| rare.withheld.clone()).unwrap_or_default(),
            surrogate_keys: rare
                .map(|rare| rare.surrogate_keys.clone())
                .unwrap_or_default(),
        }
    }

    /// When the origin made it, in nanoseconds since 1970.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// When it becomes stale, in nanoseconds since 1970.
    pub(crate) fn fresh_until(&self) -> u64 {
        self.fresh_until
    }

    /// How long it is fresh from its arrival on.
    pub(crate) fn lifetime(&self) -> Duration {
        Duration::from_nanos(self.fresh_until.saturating_sub(self.stored))
    }

    /// Whether its origin took any time to answer.
    pub(crate) fn has_cost(&self) -> bool {
        self.cost > 0
    }

    /// Whether the response arrived at this instant.
    pub(crate) fn arrived_at(&self, time: SystemTime) -> bool {
        self.stored == nanos(time)
    }

    /// Whether both arrived at one instant.
    pub(crate) fn arrived_with(&self, other: &Self) -> bool {
        self.stored == other.stored
    }

    pub(crate) fn surrogate_keys(&self) -> &[Box<str>] {
        self.rare
            .as_deref()
            .map_or(&[], |rare| &*rare.surrogate_keys)
    }

    /// What it takes beside itself, in bytes.
    pub(super) fn weight(&self) -> u64 {
        let Some(rare) = &self.rare else { return 0 };
        let keys = rare.surrogate_keys.iter().map(|key| key.len() + 24);
        let length = size_of::<Rare>() + keys.sum::<usize>() + size_of_val(&*rare.withheld);
        u64::try_from(length).unwrap_or(u64::MAX)
    }
}

/// A time as nanoseconds since 1970.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH);
    span_nanos(since.unwrap_or_default())
}

/// The time so many nanoseconds after the beginning of 1970.
pub(crate) fn time(nanos: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(nanos)
}

/// A span in nanoseconds.
pub(crate) fn span_nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
