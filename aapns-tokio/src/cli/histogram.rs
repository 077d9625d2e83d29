//! Percentiles of latencies in a few kilobytes.

use std::time::Duration;

/// Buckets for each doubling: values are exact to 1/32, about 3 %.
const STEPS: usize = 32;
/// Doublings above the exact range; 2^37 µs is longer than any run.
const OCTAVES: usize = 32;

/// A log-linear histogram of microseconds: constant memory, and no value is further than 1/32 from the truth.
#[derive(Clone, Debug)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; STEPS * (OCTAVES + 1)],
            total: 0,
        }
    }

    pub(crate) fn record(&mut self, value: Duration) {
        let micros = u64::try_from(value.as_micros()).unwrap_or(u64::MAX);
        let index = bucket(micros).min(self.counts.len() - 1);
        self.counts[index] += 1;
        self.total += 1;
    }

    /// The value in microseconds that `percent` of the recorded ones don't exceed; 0 if there are none.
    pub(crate) fn percentile(&self, percent: f64) -> u64 {
        let rank = ((self.total as f64) * percent / 100.0).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return upper_edge(index);
            }
        }
        0
    }
}

/// The first `STEPS` buckets hold one value each; after them each doubling is split into `STEPS`.
fn bucket(micros: u64) -> usize {
    let steps = STEPS as u64;
    if micros < steps {
        return micros as usize;
    }
    let octave = micros.ilog2() - STEPS.ilog2();
    let step = (micros >> octave) - steps;
    STEPS * (octave as usize + 1) + step as usize
}

/// The largest value that falls into a bucket.
fn upper_edge(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let octave = index / STEPS - 1;
    let step = (index % STEPS + STEPS) as u64;
    ((step + 1) << octave) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_histogram_says_zero() {
        assert_eq!(Histogram::new().percentile(99.0), 0);
    }

    #[test]
    fn every_value_lies_in_the_bucket_that_its_edge_names() {
        for micros in (0..5000).chain([1 << 20, (1 << 20) + 1, (1 << 30) - 1, 1 << 36]) {
            let edge = upper_edge(bucket(micros));
            assert!(edge >= micros, "{micros} above its edge {edge}");
            assert!(
                edge - micros <= micros / STEPS as u64,
                "{micros} far from {edge}"
            );
        }
    }

    #[test]
    fn percentiles_are_within_three_percent() {
        let mut histogram = Histogram::new();
        for micros in 1..=10_000 {
            histogram.record(Duration::from_micros(micros));
        }
        for percent in [1.0, 50.0, 99.0, 100.0] {
            let truth = percent * 100.0;
            let said = histogram.percentile(percent) as f64;
            assert!((said - truth).abs() <= truth * 0.032, "p{percent}: {said}");
        }
    }

    #[test]
    fn a_value_beyond_the_range_counts_in_the_last_bucket() {
        let mut histogram = Histogram::new();
        histogram.record(Duration::MAX);
        assert!(histogram.percentile(50.0) > 1 << 36);
    }
}
