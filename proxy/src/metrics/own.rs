//! What filters count and observe under names of their own: as many as fit, and the rest together.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// How many names a filter may use.
const MOST_NAMES: usize = 100;
/// The longest name.
const LONGEST: usize = 64;
/// Under which name the rest is counted.
const REST: &str = "other";

/// Upper bounds for values of any unit: one for each power of ten.
const BOUNDS: [f64; 13] = [
    1e-3, 1e-2, 1e-1, 1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct NameLabels {
    filter: String,
    name: String,
}

/// Metrics of one kind by the names that filters have for them.
#[derive(Clone)]
pub(super) struct Named<M> {
    family: Family<NameLabels, M, fn() -> M>,
    by_filter: Arc<RwLock<HashMap<String, OfFilter<M>>>>,
}

/// Those of one filter, by the names as the filter says them.
struct OfFilter<M> {
    by_name: HashMap<String, M>,
    rest: M,
}

impl Default for Named<Counter> {
    fn default() -> Self {
        Self::of(Counter::default)
    }
}

impl Default for Named<Histogram> {
    fn default() -> Self {
        Self::of(|| Histogram::new(BOUNDS))
    }
}

impl<M: Clone> Named<M> {
    fn of(make: fn() -> M) -> Self {
        Self {
            family: Family::new_with_constructor(make),
            by_filter: Arc::default(),
        }
    }

    /// What is registered.
    pub(super) fn family(&self) -> Family<NameLabels, M, fn() -> M> {
        self.family.clone()
    }

    /// Does something with the metric of a name. Nothing is made when it was known.
    fn with(&self, filter: &str, name: &str, act: impl FnOnce(&M)) {
        {
            let known = self
                .by_filter
                .read()
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(metric) = known.get(filter).and_then(|own| own.find(name)) {
                return act(metric);
            }
        }
        let mut known = self
            .by_filter
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let own = known.entry(filter.to_owned()).or_insert_with(|| OfFilter {
            by_name: HashMap::new(),
            rest: self.metric(filter, REST),
        });
        if own.find(name).is_none() {
            let metric = self.metric(filter, &plain(name));
            own.by_name.insert(name.to_owned(), metric);
        }
        if let Some(metric) = own.find(name) {
            act(metric);
        }
    }

    fn metric(&self, filter: &str, name: &str) -> M {
        let labels = NameLabels {
            filter: filter.to_owned(),
            name: name.to_owned(),
        };
        self.family.get_or_create(&labels).clone()
    }
}

impl<M> OfFilter<M> {
    fn find(&self, name: &str) -> Option<&M> {
        let is_full = self.by_name.len() >= MOST_NAMES;
        let rest = is_full.then_some(&self.rest);
        self.by_name.get(name).or(rest)
    }
}

impl Named<Counter> {
    pub(super) fn count(&self, filter: &str, name: &str, by: u64) {
        self.with(filter, name, |counter| {
            counter.inc_by(by);
        });
    }
}

impl Named<Histogram> {
    /// What is no number is left out.
    pub(super) fn observe(&self, filter: &str, name: &str, value: f64) {
        if value.is_finite() {
            self.with(filter, name, |values| values.observe(value));
        }
    }
}

/// A name of which others can make expressions: lower-case letters, digits and `_`.
fn plain(name: &str) -> String {
    let plain = |char: char| match char.to_ascii_lowercase() {
        char @ ('a'..='z' | '0'..='9' | '_') => char,
        _ => '_',
    };
    let name: String = name.chars().take(LONGEST).map(plain).collect();
    match name.is_empty() {
        true => REST.to_owned(),
        false => name,
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::encoding::text::encode;
    use prometheus_client::registry::Registry;

    use super::*;

    fn rendered(counts: &Named<Counter>) -> Vec<String> {
        let mut registry = Registry::default();
        registry.register("count", "", counts.family());
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    }

    #[test]
    fn a_name_has_what_others_can_write() {
        for (name, expected) in [
            ("rows", "rows"),
            ("Rows-Read (ß)", "rows_read____"),
            ("", "other"),
            (&"a".repeat(70), &"a".repeat(64)),
        ] {
            assert_eq!(plain(name), expected);
        }
    }

    #[test]
    fn names_that_come_to_the_same_are_counted_together() {
        let counts = Named::<Counter>::default();
        counts.count("a", "rows", 2);
        counts.count("a", "Rows", 3);
        counts.count("b", "rows", 1);
        let expected = [
            "count_total{filter=\"a\",name=\"other\"} 0",
            "count_total{filter=\"a\",name=\"rows\"} 5",
            "count_total{filter=\"b\",name=\"other\"} 0",
            "count_total{filter=\"b\",name=\"rows\"} 1",
        ];
        assert_eq!(rendered(&counts), expected);
    }

    #[test]
    fn what_is_beyond_the_names_of_a_filter_is_counted_together() {
        let counts = Named::<Counter>::default();
        for number in 0..1000 {
            counts.count("a", &format!("n{number}"), 1);
        }
        counts.count("a", "n0", 1);
        let lines = rendered(&counts);
        assert_eq!(lines.len(), MOST_NAMES + 1);
        for line in [
            "count_total{filter=\"a\",name=\"n0\"} 2",
            "count_total{filter=\"a\",name=\"other\"} 900",
        ] {
            assert!(lines.iter().any(|one| one == line), "{lines:?}");
        }
    }

    #[test]
    fn values_that_are_no_numbers_are_left_out() {
        let values = Named::<Histogram>::default();
        for value in [f64::NAN, f64::INFINITY, 0.5, -1.0, 1e12] {
            values.observe("a", "size", value);
        }
        let mut registry = Registry::default();
        registry.register("value", "", values.family());
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        for line in [
            "value_count{filter=\"a\",name=\"size\"} 3",
            "value_bucket{le=\"1.0\",filter=\"a\",name=\"size\"} 2",
        ] {
            assert!(text.contains(line), "{text}");
        }
    }
}
