//! A request on its way: what the caller attaches, and what happened to it so far.

use std::fmt;

use crate::delivery::{Cause, Delivery, Done, Outcome};
use crate::request::{Request, Response};
use crate::time::Time;

/// What the caller attaches to a job and gets back with its outcome.
pub trait Tag {
    /// Whether the caller went away. Asked before each start and resend; a job whose caller is gone isn't sent (again).
    fn is_abandoned(&self) -> bool {
        false
    }
}

impl Tag for () {}
impl Tag for u32 {}
impl Tag for u64 {}
impl Tag for usize {}

/// When a request may be sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Policy {
    /// Also after [`Delivery::Unknown`], at most [`crate::limits::UNKNOWN_RESENDS`] times: the server may process it twice.
    #[default]
    AtLeastOnce,
    /// Only after an attempt that was provably not processed.
    AtMostOnce,
}

/// Why a text isn't a [`Policy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("give at-least-once or at-most-once")]
pub struct InvalidPolicy;

impl Policy {
    /// `at-least-once` or `at-most-once`; `parse` reads them.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Policy {
    type Err = InvalidPolicy;

    fn from_str(text: &str) -> Result<Self, InvalidPolicy> {
        [Self::AtLeastOnce, Self::AtMostOnce]
            .into_iter()
            .find(|policy| policy.as_str() == text)
            .ok_or(InvalidPolicy)
    }
}

/// A request, its deadline and policy, and the caller's tag. It moves by value and comes back whole.
#[must_use = "a job does nothing before it is submitted"]
pub struct Job<T> {
    /// What to send.
    pub request: Request,
    /// When the caller stops waiting; queueing and retries count.
    pub deadline: Option<Time>,
    /// When it may be sent again.
    pub policy: Policy,
    /// The caller's own.
    pub tag: T,
    pub(crate) history: History,
}

/// What happened to a job so far. The connection fills it in; `trouble` is the pool's.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Attempts whose first octet of HEADERS was lent out.
    pub(crate) attempts: u32,
    /// The generation of the provider token that the last attempt carried; tokens last for most of an hour.
    pub(crate) token_generation: u32,
    /// Most jobs have none: a queue of a million stays small.
    pub(crate) trouble: Option<Box<Trouble>>,
}

/// What the attempts of a job that wasn't settled by its first one came to.
#[derive(Debug, Default)]
pub(crate) struct Trouble {
    /// The worst delivery over all attempts that ended without an answer.
    pub(crate) worst: Option<Delivery>,
    /// How many attempts there were when the first `Unknown` one ended: more since are possible duplicates.
    pub(crate) unknown_at: Option<u32>,
    /// Resends after an attempt that was `Unknown`.
    pub(crate) unknown_resends: u8,
    /// REFUSED_STREAM or lost links in a row, for backoff.
    pub(crate) setbacks: u8,
    /// Retried answers (429, 5xx) so far, for backoff.
    pub(crate) answers: u8,
    /// A `Shutdown` was answered by one attempt on another link already.
    pub(crate) saw_shutdown: bool,
    /// A 421 was answered by one attempt on another link already.
    pub(crate) saw_misdirected: bool,
    /// The last answer, while no later attempt is `Unknown`: the result if no other attempt can be made.
    pub(crate) answer: Option<Response>,
}

impl<T> Job<T> {
    /// A job with no deadline and the default policy, not tried yet.
    pub fn new(request: Request, tag: T) -> Self {
        Self {
            request,
            deadline: None,
            policy: Policy::default(),
            tag,
            history: History::default(),
        }
    }

    /// Sets the deadline.
    pub fn deadline(mut self, deadline: Option<Time>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// How many attempts handed out the first octet of their HEADERS frame.
    pub fn attempts(&self) -> u32 {
        self.history.attempts
    }

    pub(crate) fn trouble(&mut self) -> &mut Trouble {
        self.history.trouble.get_or_insert_default()
    }

    /// The end of this job with an answer or a failure of its last attempt.
    #[inline]
    pub(crate) fn done(self, outcome: Outcome) -> Done<T> {
        let attempts = self.history.attempts;
        let unknown_at = self.history.trouble.and_then(|trouble| trouble.unknown_at);
        Done {
            tag: self.tag,
            outcome,
            attempts,
            possible_duplicate: unknown_at.is_some_and(|earlier| attempts > earlier),
        }
    }

    /// The end of this job while it waits: with the answer that it had, if one, or as a failure.
    pub(crate) fn give_up(mut self, cause: Cause) -> Done<T> {
        let trouble = self.history.trouble.as_mut();
        let worst = trouble.as_ref().and_then(|trouble| trouble.worst);
        let outcome = match trouble.and_then(|trouble| trouble.answer.take()) {
            Some(answer) => Outcome::Answered(answer),
            None => Outcome::Failed(cause, worst.unwrap_or(Delivery::NotSent)),
        };
        self.done(outcome)
    }
}

impl<T> fmt::Debug for Job<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("request", &self.request)
            .field("deadline", &self.deadline)
            .field("policy", &self.policy)
            .field("history", &self.history)
            .finish_non_exhaustive()
    }
}

/// A job that was not taken, and why: the job comes back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected<T> {
    /// The job, unchanged.
    pub job: Job<T>,
    /// Why it wasn't taken.
    pub reason: RejectReason,
}

/// Why a job was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RejectReason {
    /// A connection without credit: try later.
    Blocked,
    /// A pool whose queue is full: try later.
    Full,
    /// Closed, or closing: no longer usable.
    Closed,
    /// The field block is larger than the server takes (SETTINGS_MAX_HEADER_LIST_SIZE), or the body larger than the queue's bound.
    TooLarge,
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocked => "no stream is free on this connection",
            Self::Full => "the queue is full",
            Self::Closed => "closed",
            Self::TooLarge => "the request is larger than the server or the queue takes",
        })
    }
}

impl std::error::Error for RejectReason {}

impl<T> fmt::Display for Rejected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl<T: fmt::Debug> std::error::Error for Rejected<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_as_it_is_shown() {
        for policy in [Policy::AtLeastOnce, Policy::AtMostOnce] {
            assert_eq!(policy.to_string().parse(), Ok(policy));
        }
        assert_eq!("once".parse::<Policy>(), Err(InvalidPolicy));
    }
}
