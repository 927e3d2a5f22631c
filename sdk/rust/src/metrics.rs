//! Metrics of the filter's own. The edge puts the filter's name before theirs.

use crate::host::metrics;

/// Adds to a counter.
pub fn count(name: &str, by: u64) {
    metrics::count(name, by);
}

/// Adds a value to a histogram.
pub fn observe(name: &str, value: f64) {
    metrics::observe(name, value);
}
