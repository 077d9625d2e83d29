//! When the pool wants to be called next, and what it does then.

use std::cell::Cell;

use crate::job::{Job, Tag};
use crate::limits::DUE_BATCH;
use crate::machine::Wakeup;
use crate::mutants::Mutant;
use crate::pool::{Action, Pool};
use crate::time::Time;

/// What the driver's timer is set to: what it read last. Telling it of anything later would wake the
/// pool's task for every job.
#[derive(Debug)]
pub(crate) struct Timer {
    known: Cell<Time>,
    is_telling: bool,
}

impl Default for Timer {
    fn default() -> Self {
        Self {
            known: Cell::new(Time::NEVER),
            is_telling: false,
        }
    }
}

impl Timer {
    /// The driver was told.
    pub(crate) fn told(&mut self) {
        self.is_telling = false;
    }
}

impl<T: Tag> Pool<T> {
    /// When to call [`handle_timeout`](Self::handle_timeout) next; O(1) in the number of jobs.
    /// [`Action::Timer`] says that it is earlier than what was read last.
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        let next = self.next_moment();
        self.timer.known.set(next.map_or(Time::NEVER, |(at, _)| at));
        if self.has_more() || !self.actions.is_empty() {
            return Some((Time::ZERO, Wakeup::Now));
        }
        next
    }

    fn has_more(&self) -> bool {
        self.is_end_due && !self.phase.is_closed()
            || self.flush_cause().is_some() && self.waiting() > 0
    }

    /// The earliest of all that the pool waits for.
    fn next_moment(&self) -> Option<(Time, Wakeup)> {
        if self.phase.is_closed() {
            return None;
        }
        let deadlines = [self.fresh.next_deadline(), self.due.next_deadline()];
        let deadline = deadlines.into_iter().flatten().min();
        let schedule = [
            self.delayed.next(),
            self.dial_at(),
            self.dials.next_deadline(),
            self.breaker.next(),
            self.tokens.next(),
            self.grow_at(),
            self.shrink_at(),
            self.phase.until(),
        ];
        let schedule = schedule.into_iter().flatten().min();
        match (deadline, schedule) {
            (Some(deadline), schedule) if schedule.is_none_or(|at| deadline <= at) => {
                Some((deadline, Wakeup::Deadline))
            }
            (_, schedule) => schedule.map(|at| (at, Wakeup::Schedule)),
        }
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Time) {
        if self.phase.is_closed() {
            return;
        }
        self.expire(now);
        self.release(now);
        while let Some((_, error)) = self.dials.pop_overdue(now) {
            self.dials.fail(now, error, &mut self.rng);
        }
        self.breaker.handle_timeout(now);
        self.tokens.handle_timeout(now, &mut self.rng);
        self.mint(now);
        self.grow(now);
        self.shrink(now);
        self.flush();
        self.finish(now);
        self.redial(now);
        self.kick(now);
        self.announce_room();
    }

    /// Something is to happen at `at`: tells the driver if that is news.
    pub(crate) fn arm(&mut self, at: Time) {
        if at < self.timer.known.get() && !self.phase.is_closed() {
            self.timer.known.set(at);
            if !self.timer.is_telling {
                self.timer.is_telling = true;
                self.actions.push_back(Action::Timer);
            }
        }
    }

    /// Ends jobs whose deadline passed in the queue.
    fn expire(&mut self, now: Time) {
        for _ in 0..DUE_BATCH {
            let job = self.due.pop_expired(now);
            let Some(job) = job.or_else(|| self.fresh.pop_expired(now)) else {
                break;
            };
            let done = self.expired(job);
            self.end(done);
        }
        self.fresh.forget();
        self.due.forget();
    }

    /// Makes delayed jobs due.
    fn release(&mut self, now: Time) {
        if self.config.connection.is(Mutant::BusyTimer) {
            return;
        }
        for _ in 0..DUE_BATCH {
            let Some(job) = self.delayed.pop_due(now) else {
                break;
            };
            if is_late(&job, now) {
                let done = self.expired(job);
                self.end(done);
            } else {
                self.push_due(job);
            }
        }
    }

    pub(crate) fn push_due(&mut self, job: Job<T>) {
        if let Some(deadline) = job.deadline {
            self.arm(deadline);
        }
        self.due.push(job);
    }
}

/// Whether a job's deadline has come.
pub(crate) fn is_late<T>(job: &Job<T>, now: Time) -> bool {
    job.deadline.is_some_and(|deadline| deadline <= now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolConfig;
    use crate::pool::testing::job;

    #[test]
    fn an_earlier_deadline_is_told_though_actions_waited_when_time_was_handled() {
        let at = Time::from_millis;
        let mut pool = Pool::new(PoolConfig::default(), 1, Time::ZERO);
        // The first dial is an action that nobody has taken yet.
        pool.handle_timeout(at(1));
        while pool.poll_action().is_some() {}
        let job = job(1).deadline(Some(at(50)));
        assert!(pool.submit(at(2), job).is_ok());
        let mut actions = std::iter::from_fn(|| pool.poll_action());
        assert!(actions.any(|action| matches!(action, Action::Timer)));
    }
}
