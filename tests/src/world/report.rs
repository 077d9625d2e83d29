//! What a world's run came to.

use aapns_proto::{Outcome, Time};

use crate::oracle::{Outcomes, Violation};

/// What a world's run came to.
#[derive(Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// The hash of all that happened.
    pub hash: u64,
    /// How many faults of each kind struck.
    pub faults: Vec<u32>,
    /// How the requests ended.
    pub outcomes: Outcomes,
    /// Requests submitted.
    pub requests: u64,
    /// Connections made.
    pub links: u64,
    /// Events that happened.
    pub events: u64,
    /// When it was over.
    pub ended: Time,
    /// Dials begun.
    pub dials: u64,
    /// Tokens minted.
    pub mints: u32,
    /// The most jobs that the pool ever held in its queue.
    pub most_queued: u64,
    /// Requests that the servers processed, every time counted.
    pub processed: u64,
    /// Every end of a request.
    pub ends: Vec<Ended>,
    /// The trace to read, if it was kept.
    pub lines: Vec<String>,
}

/// The end of a request.
#[derive(Debug)]
pub struct Ended {
    /// Its tag: the place of its caller.
    pub tag: u32,
    /// When.
    pub at: Time,
    /// How.
    pub outcome: Outcome,
    /// After how many attempts.
    pub attempts: u32,
}
