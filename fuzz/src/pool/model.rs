//! What is known of a pool without looking into it.

use std::collections::BTreeMap;

use aapns_proto::delivery::{Cause, Done, Outcome};
use aapns_proto::job::{Policy, RejectReason, Tag};
use aapns_proto::pool::{LinkId, Stats};
use aapns_proto::time::Time;

use super::Caller;

/// The queue's bounds.
pub(super) const QUEUE: usize = 6;
pub(super) const OCTETS: usize = 600;

/// What was submitted.
pub(super) struct Submission {
    pub(super) tag: u32,
    pub(super) octets: usize,
    pub(super) deadline: Option<Time>,
    pub(super) policy: Policy,
}

/// The model: who is under way, and what the counters must say in the end.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// Tags under way, with their deadlines and policies.
    alive: BTreeMap<u32, (Option<Time>, Policy)>,
    numbers: u32,
    completed: u64,
    errors: u64,
    resent: u64,
    /// Taken back from the queue.
    cancelled: u64,
    /// Ended after their callers had gone.
    abandoned: u64,
    possible_duplicates: u64,
    pub(super) dials: u64,
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
    /// The link that a returned wake is on its way to.
    baton: Option<LinkId>,
    /// The timer that the driver set, and whether it was told to look again.
    timer: Option<Time>,
    pub(super) is_timer_told: bool,
    /// A submitter was turned away and not called since.
    is_short: bool,
}

impl Model {
    pub(super) fn next(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn submitted(&mut self, before: &Stats, job: &Submission) {
        let octets = count(job.octets);
        assert!(!self.is_closing, "taken while closing");
        assert!(waiting(before) < count(QUEUE), "taken beyond the bound");
        assert!(
            octets == 0 || before.buffered + octets <= count(OCTETS),
            "too many octets"
        );
        self.alive.insert(job.tag, (job.deadline, job.policy));
    }

    pub(super) fn rejected(&mut self, before: &Stats, octets: usize, why: RejectReason) {
        let is_over = before.buffered + count(octets) > count(OCTETS);
        match why {
            RejectReason::Closed => assert!(self.is_closing),
            RejectReason::TooLarge => assert!(octets > OCTETS),
            RejectReason::Full => {
                let is_full = waiting(before) >= count(QUEUE);
                assert!(is_full || is_over, "full? {before:?}");
                self.is_short |= is_full;
            }
            other => panic!("a pool is never {other:?}"),
        }
    }

    pub(super) fn cancelled(&mut self, tag: u32) {
        assert!(self.alive.remove(&tag).is_some(), "{tag} was not under way");
        self.cancelled += 1;
    }

    pub(super) fn ended(&mut self, done: &Done<Caller>) {
        let tag = done.tag.number;
        let Some((_, policy)) = self.alive.remove(&tag) else {
            panic!("{tag} came out twice");
        };
        assert!(!done.possible_duplicate || policy == Policy::AtLeastOnce);
        match &done.outcome {
            Outcome::Answered(_) => self.completed += 1,
            Outcome::Failed(cause, _) => {
                self.errors += 1;
                assert!(
                    self.is_closing || *cause != Cause::Closed,
                    "nobody closed it"
                );
            }
        }
        self.resent += u64::from(done.attempts.saturating_sub(1));
        self.abandoned += u64::from(done.tag.is_abandoned());
        self.possible_duplicates += u64::from(done.possible_duplicate);
    }

    /// A wake for work came back from a call.
    pub(super) fn woken(&mut self, id: LinkId) {
        assert_eq!(self.baton, None, "two wakes for work are under way");
        self.baton = Some(id);
    }

    /// A link exchanged, or is gone.
    pub(super) fn exchanged(&mut self, id: LinkId) {
        if self.baton == Some(id) {
            self.baton = None;
        }
    }

    pub(super) fn room(&mut self, n: usize, stats: &Stats) {
        assert!(n > 0);
        assert!(
            waiting(stats) + count(n) <= count(QUEUE),
            "{n} more don't fit"
        );
        self.is_short = false;
    }

    /// The driver reads when to serve the pool: never earlier than it knew, unless it was told.
    pub(super) fn timer(&mut self, due: Option<Time>) {
        let is_earlier = match (due, self.timer) {
            (Some(due), Some(known)) => due < known,
            (Some(_), None) => true,
            (None, _) => false,
        };
        assert!(
            self.is_timer_told || !is_earlier,
            "nobody was told that {due:?} is before {:?}",
            self.timer
        );
        (self.timer, self.is_timer_told) = (due, false);
    }

    pub(super) fn check(&self, stats: &Stats) {
        let alive = count(self.alive.len());
        assert!(waiting(stats) <= alive, "{stats:?} with {alive} alive");
        assert!(
            waiting(stats) + stats.inflight >= alive,
            "{stats:?} with {alive} alive"
        );
        assert_eq!(stats.dials, self.dials);
        let has_room = waiting(stats) < count(QUEUE);
        assert!(
            !self.is_short || !has_room || self.is_closed,
            "room, and nobody is called: {stats:?}"
        );
    }

    /// Pool and links were served at `now`: nobody waits longer than wanted.
    pub(super) fn check_deadlines(&self, now: Time) {
        let mut deadlines = self.alive.values().filter_map(|(deadline, _)| *deadline);
        let late = deadlines.find(|deadline| *deadline <= now);
        assert_eq!(late, None, "a deadline passed, now {now:?}");
    }

    pub(super) fn is_idle(&self) -> bool {
        self.alive.is_empty()
    }

    /// All is settled, and every link has told what it counted.
    pub(super) fn check_end(&self, stats: &Stats) {
        let counted = [
            ("pending", stats.pending, 0),
            ("retrying", stats.retrying, 0),
            ("inflight", stats.inflight, 0),
            ("buffered", stats.buffered, 0),
            ("completed", stats.completed, self.completed),
            ("errors", stats.errors, self.errors),
            ("resent", stats.resent, self.resent),
            (
                "possible duplicates",
                stats.possible_duplicates,
                self.possible_duplicates,
            ),
        ];
        for (what, counter, expected) in counted {
            assert_eq!(counter, expected, "{what}");
        }
        // A caller may go away between the count and the outcome's arrival.
        let abandoned = self.cancelled..=self.cancelled + self.abandoned;
        assert!(abandoned.contains(&stats.abandoned), "{stats:?} {self:?}");
    }
}

fn waiting(stats: &Stats) -> u64 {
    stats.pending + stats.retrying
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
