//! Says whether what the code under test claims agrees with what really happened.
//!
//! It hears from the fake server what was processed, from the callers what came out, and from the
//! world what the links did; it knows nothing of the pool and its reasons.

use std::fmt;
use std::time::Duration;

use aapns_proto::{Cause, Delivery, Done, Outcome, Policy, Time};

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A tag came out twice.
    OnlyOnce,
    /// `NotSent` or `Refused`, but the server had it.
    FalselyUnprocessed,
    /// Processed twice, though that was forbidden or not flagged.
    Twice,
    /// An answer that the server never gave to this request.
    WrongAnswer,
    /// More streams than the server's limit allows.
    Limit,
    /// DATA beyond a window.
    Window,
    /// A frame that HTTP/2 forbids, or a request that isn't what the caller gave.
    Protocol,
    /// An outcome after its deadline.
    Deadline,
    /// Dials follow each other too fast.
    DialStorm,
    /// A timer that is due at once, again and again, or turns without end.
    BusyLoop,
    /// More memory than agreed.
    Memory,
    /// Something never finished.
    Liveness,
}

/// The first broken promise of a world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// When.
    pub at: Time,
    /// Which.
    pub rule: Rule,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}: {}", self.rule, self.at, self.detail)
    }
}

/// How late an outcome may be: timers are exact in a world, so a turn of the driver is enough.
const LATENESS: Duration = Duration::from_millis(5);

/// What is known of one request.
#[derive(Debug, Default)]
struct Record {
    policy: Policy,
    deadline: Option<Time>,
    body: usize,
    heads: u32,
    completed: u32,
    processed: u32,
    statuses: Vec<u16>,
    is_settled: bool,
    is_abandoned: bool,
    /// It came out as something that the server can't have.
    claim: Option<Delivery>,
    /// It came out as a possible duplicate.
    is_flagged: bool,
}

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

/// The oracle of one world.
#[derive(Debug)]
pub struct Oracle {
    records: Vec<Record>,
    unsettled: usize,
    outcomes: Outcomes,
    violation: Option<Violation>,
    dials: DialBudget,
}

impl Oracle {
    /// An oracle for a pool of at most `max_links` links.
    pub fn new(max_links: u16) -> Self {
        Self {
            records: Vec::new(),
            unsettled: 0,
            outcomes: Outcomes::default(),
            violation: None,
            dials: DialBudget::new(max_links),
        }
    }

    /// A promise is broken: the first one is kept.
    pub fn fail(&mut self, at: Time, rule: Rule, detail: impl FnOnce() -> String) {
        if self.violation.is_none() {
            let detail = detail();
            self.violation = Some(Violation { at, rule, detail });
        }
    }

    /// The first broken promise.
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// How the requests ended.
    pub fn outcomes(&self) -> Outcomes {
        self.outcomes
    }

    /// Requests that were submitted and didn't come out.
    pub fn unsettled(&self) -> usize {
        self.unsettled
    }

    /// Those requests' tags.
    pub fn unsettled_tags(&self) -> Vec<usize> {
        let open = |(tag, record): (usize, &Record)| (!record.is_settled).then_some(tag);
        self.records.iter().enumerate().filter_map(open).collect()
    }

    /// How often the server processed this request.
    pub fn processed(&self, tag: u32) -> u32 {
        self.records
            .get(tag as usize)
            .map_or(0, |record| record.processed)
    }

    /// A caller submits a request with so many octets of body; tags count up from 0.
    pub fn submitted(&mut self, policy: Policy, deadline: Option<Time>, body: usize) {
        self.records.push(Record {
            policy,
            deadline,
            body,
            ..Record::default()
        });
        self.unsettled += 1;
    }

    /// How long this request's body is.
    pub fn body_length(&self, tag: u32) -> Option<usize> {
        self.records.get(tag as usize).map(|record| record.body)
    }

    /// The caller has gone away.
    pub fn abandoned(&mut self, tag: u32) {
        if let Some(record) = self.records.get_mut(tag as usize) {
            record.is_abandoned = true;
        }
    }

    /// The request came back to its caller without an outcome: cancelled, or not taken.
    pub fn handed_back(&mut self, now: Time, tag: u32) {
        if let Some(record) = self.records.get_mut(tag as usize) {
            record.claim = Some(Delivery::NotSent);
            self.check_claim(now, tag);
        }
        self.settle(now, tag);
    }

    /// The fake server saw a request begin.
    pub fn began(&mut self, now: Time, tag: u32) {
        match self.records.get_mut(tag as usize) {
            Some(record) => record.heads += 1,
            None => self.fail(now, Rule::Protocol, || {
                format!("a request of unknown tag {tag}")
            }),
        }
    }

    /// The fake server got a whole request.
    pub fn completed(&mut self, now: Time, tag: u32) {
        if let Some(record) = self.records.get_mut(tag as usize) {
            record.completed += 1;
            self.check_claim(now, tag);
        }
    }

    /// The fake server processed a request: a device would show it.
    pub fn was_processed(&mut self, now: Time, tag: u32) {
        let Some(record) = self.records.get_mut(tag as usize) else {
            return;
        };
        record.processed += 1;
        if record.processed > 1 && record.policy == Policy::AtMostOnce {
            self.fail(now, Rule::Twice, || {
                format!("tag {tag}, at most once, was processed twice")
            });
        } else if record.processed > 1 && record.is_settled && !record.is_flagged {
            self.fail(now, Rule::Twice, || {
                format!("tag {tag} was processed again after it came out unflagged")
            });
        }
        self.check_claim(now, tag);
    }

    /// What came out may turn out wrong later: octets on the way still arrive.
    fn check_claim(&mut self, now: Time, tag: u32) {
        let Some(record) = self.records.get(tag as usize) else {
            return;
        };
        let is_false = match record.claim {
            Some(Delivery::NotSent) => record.completed > 0,
            Some(Delivery::Refused) => record.processed > 0,
            _ => false,
        };
        if is_false {
            let detail = format!("tag {tag}: {record:?}");
            self.fail(now, Rule::FalselyUnprocessed, || detail);
        }
    }

    /// The fake server answered a request.
    pub fn answered(&mut self, tag: u32, status: u16) {
        if let Some(record) = self.records.get_mut(tag as usize) {
            record.statuses.push(status);
        }
    }

    /// An outcome came out.
    pub fn done<T>(&mut self, now: Time, tag: u32, done: &Done<T>) {
        self.settle(now, tag);
        self.count(tag, done);
        let Some(record) = self.records.get_mut(tag as usize) else {
            return;
        };
        record.is_flagged = done.possible_duplicate;
        record.claim = match done.outcome {
            Outcome::Failed(_, delivery) => Some(delivery),
            Outcome::Answered(_) => None,
        };
        if let Some(problem) = judge(record, done, now) {
            let (rule, what) = problem;
            let detail = format!("tag {tag}: {what}: {record:?}: {:?}", done.outcome);
            self.fail(now, rule, || detail);
        }
        self.check_claim(now, tag);
    }

    /// A dial begins.
    pub fn dialed(&mut self, now: Time) {
        if let Some(detail) = self.dials.spend(now) {
            self.fail(now, Rule::DialStorm, || detail);
        }
    }

    /// A link gave its first answer: another dial in its place is no storm.
    pub fn link_was_of_use(&mut self) {
        self.dials.earn();
    }

    fn settle(&mut self, now: Time, tag: u32) {
        match self.records.get_mut(tag as usize) {
            Some(record) if !record.is_settled => {
                record.is_settled = true;
                self.unsettled -= 1;
            }
            _ => self.fail(now, Rule::OnlyOnce, || format!("tag {tag} came out twice")),
        }
    }

    fn count<T>(&mut self, tag: u32, done: &Done<T>) {
        let outcomes = &mut self.outcomes;
        match &done.outcome {
            Outcome::Answered(response) if response.status == 200 => outcomes.accepted += 1,
            Outcome::Answered(_) => outcomes.rejected += 1,
            Outcome::Failed(_, Delivery::NotSent) => outcomes.not_sent += 1,
            Outcome::Failed(_, Delivery::Refused) => outcomes.refused += 1,
            Outcome::Failed(_, Delivery::Unknown) => outcomes.unknown += 1,
        }
        outcomes.possible_duplicates += u64::from(done.possible_duplicate);
        let abandoned = self
            .records
            .get(tag as usize)
            .is_some_and(|record| record.is_abandoned);
        outcomes.abandoned += u64::from(abandoned);
    }
}

/// What is wrong with an outcome.
fn judge<T>(record: &Record, done: &Done<T>, now: Time) -> Option<(Rule, &'static str)> {
    if record
        .deadline
        .is_some_and(|deadline| now > deadline + LATENESS)
    {
        return Some((Rule::Deadline, "the outcome is late"));
    }
    if record.processed > 1 && !done.possible_duplicate {
        return Some((Rule::Twice, "processed twice and not flagged"));
    }
    if done.possible_duplicate && record.policy == Policy::AtMostOnce {
        return Some((Rule::Twice, "resent after Unknown though at most once"));
    }
    if done.attempts < record.heads {
        return Some((Rule::WrongAnswer, "more attempts were seen than counted"));
    }
    match &done.outcome {
        Outcome::Answered(response) => {
            if !record.statuses.contains(&response.status) {
                return Some((Rule::WrongAnswer, "no such answer was given"));
            }
        }
        Outcome::Failed(Cause::Timeout, _) if record.deadline.is_none() => {
            return Some((Rule::Deadline, "timed out without a deadline"));
        }
        Outcome::Failed(..) => {}
    }
    None
}

/// Dials allowed: some at once, more as time passes, and one for each link that was of use.
#[derive(Debug)]
struct DialBudget {
    tokens: f64,
    most: f64,
    last: Time,
    per_second: f64,
}

impl DialBudget {
    fn new(max_links: u16) -> Self {
        let most = 16.0 + 6.0 * f64::from(max_links);
        Self {
            tokens: most,
            most,
            last: Time::ZERO,
            per_second: 0.5 + 0.5 * f64::from(max_links),
        }
    }

    fn earn(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.most);
    }

    fn spend(&mut self, now: Time) -> Option<String> {
        let passed = now.saturating_since(self.last).as_secs_f64();
        self.last = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.most) - 1.0;
        (self.tokens < 0.0).then(|| "more dials than the budget allows".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aapns_proto::Response;

    fn oracle(policy: Policy) -> Oracle {
        let mut oracle = Oracle::new(2);
        oracle.submitted(policy, Some(Time::from_millis(100)), 0);
        oracle
    }

    fn failed(delivery: Delivery) -> Done<()> {
        Done {
            tag: (),
            outcome: Outcome::Failed(Cause::Closed, delivery),
            attempts: 1,
            possible_duplicate: false,
        }
    }

    fn rule(oracle: &Oracle) -> Option<Rule> {
        oracle.violation().map(|violation| violation.rule)
    }

    #[test]
    fn a_tag_that_comes_out_twice_is_a_violation() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        oracle.done(Time::ZERO, 0, &failed(Delivery::Unknown));
        assert_eq!(rule(&oracle), None);
        oracle.done(Time::ZERO, 0, &failed(Delivery::Unknown));
        assert_eq!(rule(&oracle), Some(Rule::OnlyOnce));
    }

    #[test]
    fn not_sent_is_a_lie_once_the_server_has_the_whole_request() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        oracle.began(Time::ZERO, 0);
        oracle.completed(Time::ZERO, 0);
        oracle.done(Time::ZERO, 0, &failed(Delivery::NotSent));
        assert_eq!(rule(&oracle), Some(Rule::FalselyUnprocessed));
    }

    #[test]
    fn not_sent_is_a_lie_too_if_the_request_arrives_afterwards() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        oracle.done(Time::ZERO, 0, &failed(Delivery::NotSent));
        assert_eq!(rule(&oracle), None);
        oracle.completed(Time::ZERO, 0);
        assert_eq!(rule(&oracle), Some(Rule::FalselyUnprocessed));
    }

    #[test]
    fn refused_is_true_of_a_request_received_and_not_processed() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        oracle.began(Time::ZERO, 0);
        oracle.completed(Time::ZERO, 0);
        oracle.done(Time::ZERO, 0, &failed(Delivery::Refused));
        assert_eq!(rule(&oracle), None);
    }

    #[test]
    fn at_most_once_processed_twice_is_a_violation_at_once() {
        let mut oracle = oracle(Policy::AtMostOnce);
        oracle.was_processed(Time::ZERO, 0);
        oracle.was_processed(Time::ZERO, 0);
        assert_eq!(rule(&oracle), Some(Rule::Twice));
    }

    #[test]
    fn an_outcome_after_its_deadline_is_a_violation() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        oracle.done(Time::from_millis(106), 0, &failed(Delivery::Unknown));
        assert_eq!(rule(&oracle), Some(Rule::Deadline));
    }

    #[test]
    fn an_answer_that_was_never_given_is_a_violation() {
        let mut oracle = oracle(Policy::AtLeastOnce);
        let response = Response {
            status: 200,
            ..Response::default()
        };
        let done = Done {
            outcome: Outcome::Answered(response),
            ..failed(Delivery::Unknown)
        };
        oracle.done(Time::ZERO, 0, &done);
        assert_eq!(rule(&oracle), Some(Rule::WrongAnswer));
    }

    #[test]
    fn dials_in_a_tight_loop_are_a_storm_and_a_few_are_not() {
        let mut oracle = Oracle::new(1);
        (0..10).for_each(|n| oracle.dialed(Time::from_millis(n)));
        assert_eq!(rule(&oracle), None);
        (10..40).for_each(|n| oracle.dialed(Time::from_millis(n)));
        assert_eq!(rule(&oracle), Some(Rule::DialStorm));
    }
}
