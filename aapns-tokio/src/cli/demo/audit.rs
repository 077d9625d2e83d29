//! The client's word for each notification, held against the mock's own count.

use aapns_models::ApnsId;
use aapns_proto::Delivery;
use aapns_proto::client::SendError;

use crate::Sent;
use crate::mock::{Counts, Server};

/// What the client says became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Delivered { possible_duplicate: bool },
    Rejected { possible_duplicate: bool },
    NotProcessed,
    Unknown,
}

impl Fate {
    pub(super) fn of(result: &Result<Sent, SendError>) -> Self {
        match result {
            Ok(sent) => Self::Delivered {
                possible_duplicate: sent.possible_duplicate,
            },
            Err(SendError::Response(response)) => Self::Rejected {
                possible_duplicate: response.possible_duplicate,
            },
            Err(error) => match error.delivery() {
                Some(Delivery::Unknown) => Self::Unknown,
                _ => Self::NotProcessed,
            },
        }
    }

    /// How often the server may have accepted it, if the client says true.
    fn allows(self, times: u32) -> bool {
        match self {
            Self::Delivered { possible_duplicate } => {
                times == 1 || (times > 1 && possible_duplicate)
            }
            Self::Rejected { possible_duplicate } => times == 0 || possible_duplicate,
            Self::NotProcessed => times == 0,
            Self::Unknown => true,
        }
    }
}

/// Everything that the client said.
#[derive(Debug, Default)]
pub(super) struct Audit {
    fates: Vec<(ApnsId, Fate)>,
}

impl Audit {
    pub(super) fn add(&mut self, id: ApnsId, fate: Fate) {
        self.fates.push((id, fate));
    }

    pub(super) fn compare(&self, server: &Server) -> Comparison {
        let mut comparison = Comparison {
            delivered: 0,
            rejected: 0,
            not_processed: 0,
            unknown: 0,
            wrong: Vec::new(),
            total: self.fates.len() as u64,
            seen: 0,
            mock: server.processed(),
        };
        for (id, fate) in &self.fates {
            *match fate {
                Fate::Delivered { .. } => &mut comparison.delivered,
                Fate::Rejected { .. } => &mut comparison.rejected,
                Fate::NotProcessed => &mut comparison.not_processed,
                Fate::Unknown => &mut comparison.unknown,
            } += 1;
            let times = server.times_accepted(&id.to_string());
            comparison.seen += u64::from(times);
            if !fate.allows(times) {
                comparison.wrong.push((*fate, times));
            }
        }
        comparison
    }
}

/// Both counts.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) total: u64,
    pub(super) delivered: u64,
    pub(super) rejected: u64,
    pub(super) not_processed: u64,
    pub(super) unknown: u64,
    /// Notifications whose fate the mock's count contradicts.
    wrong: Vec<(Fate, u32)>,
    /// How often the mock accepted notifications of this run.
    seen: u64,
    pub(super) mock: Counts,
}

impl Comparison {
    /// Where client and mock disagree.
    pub(super) fn disagreement(&self) -> Option<String> {
        if let Some((fate, times)) = self.wrong.first() {
            return Some(format!(
                "{} notifications, one of them {fate:?} though the mock accepted it {times} times",
                self.wrong.len()
            ));
        }
        (self.seen != self.mock.accepted).then(|| {
            format!(
                "the mock accepted {}, of which {} are known here",
                self.mock.accepted, self.seen
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivered_notification_was_accepted_once_unless_it_says_more() {
        let delivered = |possible_duplicate| Fate::Delivered { possible_duplicate };
        assert!(!delivered(false).allows(0));
        assert!(!delivered(true).allows(0));
        assert!(delivered(false).allows(1));
        assert!(!delivered(false).allows(2));
        assert!(delivered(true).allows(2));
    }

    #[test]
    fn what_was_not_processed_was_never_accepted() {
        assert!(Fate::NotProcessed.allows(0));
        assert!(!Fate::NotProcessed.allows(1));
        assert!(Fate::Unknown.allows(0));
        assert!(Fate::Unknown.allows(1));
        assert!(
            !Fate::Rejected {
                possible_duplicate: false
            }
            .allows(1)
        );
    }
}
