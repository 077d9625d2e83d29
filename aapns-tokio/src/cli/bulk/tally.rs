//! How many lines ended how.

use std::fmt;

use aapns_models::ndjson::Outcome;

use crate::cli::exit::Exit;

/// Counts of outcomes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    delivered: u64,
    rejected: u64,
    not_processed: u64,
    unknown: u64,
    invalid: u64,
}

impl Tally {
    pub(super) fn count(&mut self, outcome: Outcome) {
        *match outcome {
            Outcome::Delivered => &mut self.delivered,
            Outcome::Rejected => &mut self.rejected,
            Outcome::NotProcessed => &mut self.not_processed,
            Outcome::Unknown => &mut self.unknown,
            Outcome::Invalid => &mut self.invalid,
        } += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.delivered + self.rejected + self.not_processed + self.unknown + self.invalid
    }

    /// The exit code of a run that came to its end.
    pub(super) fn exit(&self) -> Exit {
        if self.delivered == self.total() {
            Exit::Success
        } else {
            Exit::Failure
        }
    }
}

/// `2 delivered, 1 rejected`; outcomes that didn't occur are left out.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} delivered", self.delivered)?;
        for (count, word) in [
            (self.rejected, "rejected"),
            (self.not_processed, "not processed"),
            (self.unknown, "unknown"),
            (self.invalid, "invalid"),
        ] {
            if count > 0 {
                write!(f, ", {count} {word}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_all_delivered_is_a_success() {
        let mut tally = Tally::default();
        assert_eq!(tally.exit(), Exit::Success);
        tally.count(Outcome::Delivered);
        assert_eq!(tally.exit(), Exit::Success);
        tally.count(Outcome::Invalid);
        assert_eq!(tally.exit(), Exit::Failure);
        assert_eq!(tally.to_string(), "1 delivered, 1 invalid");
    }
}
