//! A histogram of durations without a lock, which the library's own has.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::{MetricType, TypedMetric};

/// Upper bounds in nanoseconds, from 100 µs to a minute.
const BOUNDS: [u64; 16] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
    15_000_000_000,
    60_000_000_000,
];

/// How often durations fell between fixed bounds.
#[derive(Debug, Clone, Default)]
pub(super) struct Histogram(Arc<Cells>);

#[derive(Debug, Default)]
struct Cells {
    sum: AtomicU64,
    counts: [AtomicU64; BOUNDS.len() + 1],
}

impl Histogram {
    pub(super) fn observe(&self, nanoseconds: u64) {
        let bucket = BOUNDS.partition_point(|bound| *bound < nanoseconds);
        self.0.counts[bucket].fetch_add(1, Ordering::Relaxed);
        self.0.sum.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), std::fmt::Error> {
        let bounds = BOUNDS
            .iter()
            .map(|bound| *bound as f64 / 1e9)
            .chain([f64::MAX]);
        let counts = self
            .0
            .counts
            .iter()
            .map(|count| count.load(Ordering::Relaxed));
        let buckets: Vec<(f64, u64)> = bounds.zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        let sum = self.0.sum.load(Ordering::Relaxed) as f64 / 1e9;
        encoder.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_fall_into_the_bucket_whose_bound_they_do_not_exceed() {
        let histogram = Histogram::default();
        for nanoseconds in [0, 100_000, 100_001, 60_000_000_001] {
            histogram.observe(nanoseconds);
        }
        let count = |bucket: usize| histogram.0.counts[bucket].load(Ordering::Relaxed);
        assert_eq!((count(0), count(1), count(BOUNDS.len())), (2, 1, 1));
    }
}
