//! Counters.

use crate::delivery::{Done, Outcome};
use crate::job::Tag;

/// Counters, as one cheap snapshot. The first six have the names of the Python client `aapns`' counters.
///
/// | counts | jobs |
/// |---|---|
/// | `pending`, `retrying`, `inflight` | under way now: their sum is what was submitted and hasn't ended |
/// | `completed`, `errors`, and `abandoned` in the queue | ended: each job once |
/// | `resent`, `possible_duplicates` | what it took, counted when a job ends |
///
/// What a link settles by itself is `inflight` until its next exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Jobs waiting in the queue for their first attempt.
    pub pending: u64,
    /// Jobs waiting for another attempt.
    pub retrying: u64,
    /// Jobs handed to links and not settled.
    pub inflight: u64,
    /// Octets of bodies in the queue.
    pub buffered: u64,
    /// Jobs answered.
    pub completed: u64,
    /// Jobs that ended without an answer.
    pub errors: u64,
    /// Attempts after the first.
    pub resent: u64,
    /// Jobs whose caller went away: those taken back from the queue, and those that ended after that.
    pub abandoned: u64,
    /// Jobs resent after an unknown delivery.
    pub possible_duplicates: u64,
    /// Dials begun.
    pub dials: u64,
    /// Dials that failed.
    pub dial_failures: u64,
    /// Links that received GOAWAY.
    pub goaways: u64,
    /// Links that are up and not draining.
    pub links: u64,
}

/// What was counted since it was last added up: by a link while it works without the pool's lock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) completed: u64,
    pub(crate) errors: u64,
    pub(crate) resent: u64,
    pub(crate) abandoned: u64,
    pub(crate) possible_duplicates: u64,
    /// Jobs that left the link for good.
    pub(crate) settled: u64,
}

impl Tally {
    /// Counts a request that ended.
    pub(crate) fn count<T: Tag>(&mut self, done: &Done<T>) {
        match done.outcome {
            Outcome::Answered(_) => self.completed += 1,
            Outcome::Failed(..) => self.errors += 1,
        }
        self.settled += 1;
        self.resent += u64::from(done.attempts.saturating_sub(1));
        self.abandoned += u64::from(done.tag.is_abandoned());
        self.possible_duplicates += u64::from(done.possible_duplicate);
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.completed += other.completed;
        self.errors += other.errors;
        self.resent += other.resent;
        self.abandoned += other.abandoned;
        self.possible_duplicates += other.possible_duplicates;
        self.settled += other.settled;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.settled == 0
    }
}
