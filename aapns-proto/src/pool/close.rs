//! How a pool ends, and how what waits in it ends with it or with an open breaker.

use crate::delivery::{Cause, DialError, DialStep, Done};
use crate::job::{Job, Tag};
use crate::limits::{DRAIN_REST, DUE_BATCH};
use crate::pool::links::Order;
use crate::pool::{Action, Close, Pool};
use crate::time::Time;

/// Where a pool is between open and closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// Takes nothing new; what it has goes on, and may start until `last_start`.
    Draining {
        last_start: Time,
        until: Time,
    },
    /// Starts nothing more; what is in flight goes on until then.
    Finishing {
        until: Time,
    },
    /// Ends what it has.
    Aborting,
    Closed,
}

impl Phase {
    pub(crate) fn is_open(self) -> bool {
        self == Self::Open
    }

    pub(crate) fn is_closed(self) -> bool {
        self == Self::Closed
    }

    /// How long what is in flight may go on, while it drains.
    pub(crate) fn end(self) -> Option<Time> {
        match self {
            Self::Draining { until, .. } | Self::Finishing { until } => Some(until),
            Self::Open | Self::Aborting | Self::Closed => None,
        }
    }

    /// When it goes on to its next part by itself. No attempt starts at or after the end of a drain.
    pub(crate) fn until(self) -> Option<Time> {
        match self {
            Self::Draining { last_start, .. } => Some(last_start),
            Self::Finishing { until } => Some(until),
            Self::Open | Self::Aborting | Self::Closed => None,
        }
    }
}

impl<T: Tag> Pool<T> {
    /// Ends the pool: no job is taken from now on. [`Action::Closed`] comes when all is over. An abort
    /// overrules a drain.
    ///
    /// In the last fifth of a drain nothing starts any more: it is there for answers to come in.
    pub fn close(&mut self, now: Time, how: Close) {
        match (self.phase, how) {
            (Phase::Open, Close::Drain { until }) => {
                let time = until.saturating_since(now);
                let last_start = now + (time - time / DRAIN_REST);
                self.phase = Phase::Draining { last_start, until };
                self.arm(last_start);
                self.tell_retired();
            }
            (Phase::Open | Phase::Draining { .. } | Phase::Finishing { .. }, Close::Abort) => {
                self.abort()
            }
            _ => return,
        }
        self.finish(now);
    }

    /// Links that were retired before learn how long the drain gives them.
    fn tell_retired(&mut self) {
        for (id, slot) in self.links.iter() {
            if slot.order == Order::Drain {
                self.actions.push_back(Action::Wake(id));
            }
        }
    }

    fn abort(&mut self) {
        self.phase = Phase::Aborting;
        self.flush();
        self.arm(Time::ZERO);
    }

    /// Goes on with closing as far as that goes now.
    pub(crate) fn finish(&mut self, now: Time) {
        match self.phase {
            Phase::Draining { last_start, until } if last_start <= now && now < until => {
                self.phase = Phase::Finishing { until };
                self.flush();
                self.arm(until);
            }
            Phase::Draining { until, .. } | Phase::Finishing { until } if until <= now => {
                self.abort();
            }
            _ => {}
        }
        self.is_end_due = false;
        if self.waiting() > 0 {
            return;
        }
        match self.phase {
            Phase::Open | Phase::Closed => return,
            Phase::Draining { .. } | Phase::Finishing { .. } => self.order_all(Order::Drain),
            Phase::Aborting => self.order_all(Order::Kill),
        }
        self.dials.abandon();
        if self.links.is_empty() {
            self.phase = Phase::Closed;
            self.actions.push_back(Action::Closed);
        }
    }

    /// Jobs left: if nothing waits any more in a pool that closes, it goes on with that at once.
    pub(crate) fn check_end(&mut self) {
        if !self.phase.is_open() && self.waiting() == 0 {
            self.is_end_due = true;
            self.arm(Time::ZERO);
        }
    }

    /// Why nothing that waits will be sent.
    pub(crate) fn flush_cause(&self) -> Option<Cause> {
        match self.phase {
            Phase::Finishing { .. } | Phase::Aborting | Phase::Closed => Some(Cause::Closed),
            Phase::Open | Phase::Draining { .. } => self.breaker.cause().cloned(),
        }
    }

    /// Ends what waits, if none of it will be sent; a batch at a time.
    pub(crate) fn flush(&mut self) {
        let Some(cause) = self.flush_cause() else {
            return;
        };
        for _ in 0..DUE_BATCH {
            let Some(job) = self.pop_any() else {
                break;
            };
            let done = job.give_up(cause.clone());
            self.end(done);
        }
        self.fresh.forget();
        self.due.forget();
        self.announce_room();
        if self.waiting() > 0 {
            self.arm(Time::ZERO);
        }
        self.check_end();
    }

    fn pop_any(&mut self) -> Option<Job<T>> {
        let job = self.due.pop().or_else(|| self.fresh.pop());
        job.or_else(|| self.delayed.pop_due(Time::NEVER))
    }

    /// The end of a job whose deadline passed while it waited.
    pub(crate) fn expired(&self, job: Job<T>) -> Done<T> {
        let cause = self.without_link().map(Cause::Dial);
        let without_token = || self.tokens.error().cloned().map(Cause::Credential);
        job.give_up(cause.or_else(without_token).unwrap_or(Cause::Timeout))
    }

    /// Why no link is up, if none is: the last dial's error, or where the next link hangs.
    fn without_link(&self) -> Option<DialError> {
        if self.is_ready() {
            return None;
        }
        if let Some(error) = self.dials.last_error() {
            return Some(error.clone());
        }
        let (step, message) = if self.links.up() > 0 {
            (DialStep::Http2, "no SETTINGS yet")
        } else {
            (self.dials.step()?, "no answer yet")
        };
        Some(DialError {
            step,
            is_fatal: false,
            message: message.into(),
        })
    }

    /// Why no link is up: what opened the breaker, or how the last dial failed, or where the present
    /// one hangs. `None` while one is up, or if nothing went wrong.
    pub fn obstacle(&self) -> Option<Cause> {
        if self.is_ready() {
            return None;
        }
        let dial = || self.without_link().map(Cause::Dial);
        self.breaker.cause().cloned().or_else(dial)
    }

    /// Whether what waits would fail at once: the breaker is open.
    #[cfg(feature = "client")]
    pub(crate) fn is_broken(&self) -> bool {
        self.breaker.is_open()
    }

    /// Why the breaker is open, if it is.
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    pub(crate) fn breaker_cause(&self) -> Option<&Cause> {
        self.breaker.cause()
    }

    /// Jobs in the queue, and jobs that links have.
    #[cfg(any(feature = "tracing", feature = "metrics"))]
    pub(crate) fn load(&self) -> (u64, u64) {
        (
            u64::try_from(self.waiting()).unwrap_or(u64::MAX),
            self.inflight,
        )
    }

    /// Counts the end of a job that never came into the queue.
    #[cfg(feature = "client")]
    pub(crate) fn count_unqueued(&mut self, done: &Done<T>) {
        self.tally.count(done);
    }

    /// Counts a job that was taken back before it came into the queue.
    #[cfg(feature = "client")]
    pub(crate) fn count_taken_back(&mut self) {
        self.tally.abandoned += 1;
    }

    /// Hands out the end of a job that no link holds.
    pub(crate) fn end(&mut self, done: Done<T>) {
        self.tally.count(&done);
        self.actions.push_back(Action::Done(done));
    }
}
