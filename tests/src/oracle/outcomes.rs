//! How requests ended, counted.

use std::fmt;

use aapns_proto::{Delivery, Done, Outcome};

/// How many requests ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// 200.
    pub accepted: u64,
    /// Any other answer.
    pub rejected: u64,
    /// Failed, never sent.
    pub not_sent: u64,
    /// Failed, refused by the server.
    pub refused: u64,
    /// Failed, and nobody knows.
    pub unknown: u64,
    /// Of all these, flagged as possible duplicates.
    pub possible_duplicates: u64,
    /// Of all these, the caller had left.
    pub abandoned: u64,
}

impl std::ops::AddAssign for Outcomes {
    fn add_assign(&mut self, other: Self) {
        self.accepted += other.accepted;
        self.rejected += other.rejected;
        self.not_sent += other.not_sent;
        self.refused += other.refused;
        self.unknown += other.unknown;
        self.possible_duplicates += other.possible_duplicates;
        self.abandoned += other.abandoned;
    }
}

impl fmt::Display for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} accepted, {} rejected, {} not sent, {} refused, {} unknown; {} possible duplicates, {} abandoned",
            self.accepted,
            self.rejected,
            self.not_sent,
            self.refused,
            self.unknown,
            self.possible_duplicates,
            self.abandoned
        )
    }
}

impl Outcomes {
    pub(super) fn count<T>(&mut self, done: &Done<T>, is_abandoned: bool) {
        match &done.outcome {
            Outcome::Answered(response) if response.status == 200 => self.accepted += 1,
            Outcome::Answered(_) => self.rejected += 1,
            Outcome::Failed(_, Delivery::NotSent) => self.not_sent += 1,
            Outcome::Failed(_, Delivery::Refused) => self.refused += 1,
            Outcome::Failed(_, Delivery::Unknown) => self.unknown += 1,
        }
        self.possible_duplicates += u64::from(done.possible_duplicate);
        self.abandoned += u64::from(is_abandoned);
    }
}
