//! Jobs that wait for their time: retries, and those behind a throttled device.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use crate::job::Job;
use crate::time::Time;

/// By time, and in order of arrival among those of one time.
#[derive(Debug)]
pub(crate) struct Delayed<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    arrivals: u64,
    octets: usize,
}

#[derive(Debug)]
struct Entry<T> {
    at: Time,
    arrival: u64,
    job: Job<T>,
}

impl<T> Delayed<T> {
    pub(crate) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            arrivals: 0,
            octets: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    /// Octets of their bodies.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// Holds a job until `at`, or until its deadline if that is earlier.
    pub(crate) fn push(&mut self, at: Time, job: Job<T>) -> Time {
        let at = job.deadline.map_or(at, |deadline| at.min(deadline));
        self.arrivals += 1;
        self.octets += job.request.body().len();
        self.heap.push(Reverse(Entry {
            at,
            arrival: self.arrivals,
            job,
        }));
        at
    }

    pub(crate) fn next(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    /// Takes out one job whose time has come.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<Job<T>> {
        self.next().filter(|at| *at <= now)?;
        let Reverse(entry) = self.heap.pop()?;
        self.octets -= entry.job.request.body().len();
        Some(entry.job)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.at, self.arrival).cmp(&(other.at, other.arrival))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::testing::job;

    #[test]
    fn jobs_of_one_time_keep_their_order() {
        let at = Time::from_millis;
        let mut delayed = Delayed::new();
        for (tag, due) in [(0, 20), (1, 10), (2, 20), (3, 20)] {
            delayed.push(at(due), job(tag));
        }
        assert!(delayed.pop_due(at(9)).is_none());
        let tags: Vec<_> = std::iter::from_fn(|| delayed.pop_due(at(20)))
            .map(|job| job.tag)
            .collect();
        assert_eq!(tags, [1, 0, 2, 3]);
        assert_eq!(delayed.octets(), 0);
    }

    #[test]
    fn no_job_waits_beyond_its_deadline() {
        let at = Time::from_millis;
        let mut delayed = Delayed::new();
        delayed.push(at(20), job(0).deadline(Some(at(5))));
        assert_eq!(delayed.next(), Some(at(5)));
    }
}
