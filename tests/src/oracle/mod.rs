//! Says whether what the code under test claims agrees with what really happened.
//!
//! It hears from the fake server what was processed, from the callers what came out, and from the
//! world what the links did; it knows nothing of the pool and its reasons.

mod dials;
mod outcomes;

use std::fmt;
use std::time::Duration;

use aapns_proto::{Cause, Delivery, Done, Outcome, Policy, Time};

use dials::DialBudget;
pub use outcomes::Outcomes;

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
    /// A request that took longer than it had to.
    Slow,
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
    /// The pool never said that it is ready.
    Ready,
    /// The pool's counters aren't what came out.
    Counters,
}

impl Rule {
    /// Its name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::OnlyOnce => "only once",
            Self::FalselyUnprocessed => "falsely unprocessed",
            Self::Twice => "twice",
            Self::WrongAnswer => "wrong answer",
            Self::Slow => "slow",
            Self::Limit => "limit",
            Self::Window => "window",
            Self::Protocol => "protocol",
            Self::Deadline => "deadline",
            Self::DialStorm => "dial storm",
            Self::BusyLoop => "busy loop",
            Self::Memory => "memory",
            Self::Liveness => "liveness",
            Self::Ready => "ready",
            Self::Counters => "counters",
        }
    }
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
    slow_at: Option<Time>,
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

/// The oracle of one world.
#[derive(Debug)]
pub struct Oracle {
    records: Vec<Record>,
    unsettled: usize,
    outcomes: Outcomes,
    violation: Option<Violation>,
    dials: DialBudget,
    prompt: Option<Duration>,
    /// When the process stood still: nobody can be in time meanwhile.
    stills: Vec<(Time, Time)>,
}

impl Oracle {
    /// An oracle for a pool of at most `max_links` links, in which no request may take longer than `prompt`.
    pub fn new(max_links: u16, prompt: Option<Duration>) -> Self {
        Self {
            records: Vec::new(),
            unsettled: 0,
            outcomes: Outcomes::default(),
            violation: None,
            dials: DialBudget::new(max_links),
            prompt,
            stills: Vec::new(),
        }
    }

    /// The process doesn't run until then.
    pub fn stood_still(&mut self, from: Time, until: Time) {
        self.stills.push((from, until));
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
    pub fn submitted(&mut self, now: Time, policy: Policy, deadline: Option<Time>, body: usize) {
        self.records.push(Record {
            policy,
            deadline,
            body,
            slow_at: self.prompt.map(|prompt| now + prompt),
            ..Record::default()
        });
        self.unsettled += 1;
    }

    /// How often the server processed any request.
    pub fn all_processed(&self) -> u64 {
        self.records
            .iter()
            .map(|record| u64::from(record.processed))
            .sum()
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
        let Some(record) = self.records.get_mut(tag as usize) else {
            return;
        };
        self.outcomes.count(done, record.is_abandoned);
        record.is_flagged = done.possible_duplicate;
        record.claim = match done.outcome {
            Outcome::Failed(_, delivery) => Some(delivery),
            Outcome::Answered(_) => None,
        };
        let mut due = record.deadline;
        for (from, until) in &self.stills {
            due = due.map(|due| if due >= *from { due.max(*until) } else { due });
        }
        if let Some(problem) = judge(record, due, done, now) {
            let (rule, what) = problem;
            let detail = format!("tag {tag}: {what}: {record:?}: {:?}", done.outcome);
            self.fail(now, rule, || detail);
        }
        self.check_claim(now, tag);
    }

    /// The pool may have so many links now, or needs new ones.
    pub fn resized(&mut self, max_links: u16) {
        self.dials.resized(max_links);
    }

    /// A dial begins.
    pub fn dialed(&mut self, now: Time) {
        if let Some(detail) = self.dials.spend(now) {
            self.fail(now, Rule::DialStorm, || detail);
        }
    }

    /// A link gave its first answer, or was taken away: another dial in its place is no storm.
    pub fn link_may_be_replaced(&mut self) {
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
}

/// What is wrong with an outcome.
fn judge<T>(
    record: &Record,
    due: Option<Time>,
    done: &Done<T>,
    now: Time,
) -> Option<(Rule, &'static str)> {
    if due.is_some_and(|due| now > due + LATENESS) {
        return Some((Rule::Deadline, "the outcome is late"));
    }
    if record.slow_at.is_some_and(|limit| now > limit) {
        return Some((Rule::Slow, "it took longer than it had to"));
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

#[cfg(test)]
mod tests;
