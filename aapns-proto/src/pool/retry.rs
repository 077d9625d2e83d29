//! What becomes of the jobs that links hand back.

use std::time::Duration;

use crate::delivery::{Cause, Done};
use crate::job::{Job, Tag};
use crate::pool::backoff::{ANSWER, SETBACK};
use crate::pool::hand::Back;
use crate::pool::judge::{self, Complaint, Pace};
use crate::pool::links::Order;
use crate::pool::token::Refusal;
use crate::pool::{LinkId, Pool, retry_after};
use crate::request::Response;
use crate::time::Time;

impl<T: Tag> Pool<T> {
    /// Takes a job back from a link: it waits for another attempt, or ends.
    pub(crate) fn take_back(
        &mut self,
        now: Time,
        unix: Duration,
        id: LinkId,
        back: Back<T>,
    ) -> Option<Done<T>> {
        self.inflight = self.inflight.saturating_sub(1);
        match back {
            Back::Unstarted(job) => self.again(now, job, Duration::ZERO, Cause::Timeout),
            Back::Failed(mut job, pace, cause) => {
                let delay = self.setback(&mut job, pace);
                self.retry(now, job, delay, cause)
            }
            Back::Answered(job, response, complaint) => {
                self.complain(now, unix, id, job, response, complaint)
            }
        }
    }

    fn setback(&mut self, job: &mut Job<T>, pace: Pace) -> Duration {
        let trouble = job.trouble();
        match pace {
            Pace::Now => Duration::ZERO,
            Pace::Setback => {
                trouble.setbacks = trouble.setbacks.saturating_add(1);
                SETBACK.delay(trouble.setbacks, &mut self.rng)
            }
        }
    }

    /// The server answered that it wants the request later or elsewhere.
    fn complain(
        &mut self,
        now: Time,
        unix: Duration,
        id: LinkId,
        mut job: Job<T>,
        response: Response,
        complaint: Complaint,
    ) -> Option<Done<T>> {
        let delay = match complaint {
            Complaint::ExpiredToken => match self.expired_token(now, &job) {
                Refusal::Settle => return Some(judge::settle(job, response)),
                Refusal::Retry | Refusal::Renew => Duration::ZERO,
            },
            Complaint::Misdirected => {
                self.retire(now, id, Order::Drain);
                if std::mem::replace(&mut job.trouble().saw_misdirected, true) {
                    return Some(judge::settle(job, response));
                }
                Duration::ZERO
            }
            Complaint::Shutdown if !std::mem::replace(&mut job.trouble().saw_shutdown, true) => {
                self.retire(now, id, Order::Drain);
                Duration::ZERO
            }
            Complaint::Shutdown => {
                self.retire(now, id, Order::Drain);
                self.later(unix, &mut job, &response)
            }
            Complaint::TooManyTokens => {
                self.retire_with_pause(now, id);
                self.later(unix, &mut job, &response)
            }
            Complaint::Busy | Complaint::Throttled => self.later(unix, &mut job, &response),
        };
        if complaint == Complaint::Throttled {
            self.throttle.insert(now, job.request.path(), now + delay);
        }
        let trouble = job.trouble();
        trouble.setbacks = 0;
        trouble.answer = Some(response);
        self.retry(now, job, delay, Cause::Timeout)
    }

    /// As [`again`](Self::again), within the pool's budget: that slows a retry down, and never makes it too late.
    fn retry(&mut self, now: Time, job: Job<T>, delay: Duration, cause: Cause) -> Option<Done<T>> {
        let pause = self.budget.take(now);
        if pause.is_zero() {
            return self.again(now, job, delay, cause);
        }
        let limits = [job.deadline, self.phase.until()];
        let slack = |limit: Time| limit.saturating_since(now + delay) / 2;
        let slack = limits.into_iter().flatten().map(slack).min();
        let pause = slack.map_or(pause, |slack| slack.min(pause));
        self.again(now, job, delay + pause, cause)
    }

    /// How long an answer asks to wait.
    fn later(&mut self, unix: Duration, job: &mut Job<T>, response: &Response) -> Duration {
        let trouble = job.trouble();
        trouble.answers = trouble.answers.saturating_add(1);
        retry_after::delay(response, unix)
            .unwrap_or_else(|| ANSWER.delay(trouble.answers, &mut self.rng))
    }

    fn expired_token(&mut self, now: Time, job: &Job<T>) -> Refusal {
        let generation = u64::from(job.history.token_generation);
        let refusal = self.tokens.refused(now, generation);
        if refusal == Refusal::Renew {
            let used = self.links.iter_up();
            let used = used.filter(|(_, slot)| slot.token_generation == generation);
            let ids: Vec<_> = used.map(|(id, _)| id).collect();
            for id in ids {
                self.order(id, Order::Drain);
            }
            self.mint(now);
        }
        refusal
    }

    /// Lets a job wait for its next attempt, or ends it if that can't begin in time.
    fn again(&mut self, now: Time, job: Job<T>, delay: Duration, cause: Cause) -> Option<Done<T>> {
        let at = now + delay;
        let is_late = |limit: Option<Time>| limit.is_some_and(|limit| limit <= at);
        if job.tag.is_abandoned() {
            return Some(job.give_up(Cause::Abandoned));
        }
        if let Some(cause) = self.flush_cause() {
            return Some(job.give_up(cause));
        }
        if is_late(job.deadline) || is_late(self.phase.until()) {
            return Some(job.give_up(cause));
        }
        if delay.is_zero() {
            self.push_due(job);
        } else {
            let at = self.delayed.push(at, job);
            self.arm(at);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Disconnect, Outcome};
    use crate::pool::PoolConfig;
    use crate::pool::testing;

    /// The tag of a caller that went away.
    struct Gone;

    impl Tag for Gone {
        fn is_abandoned(&self) -> bool {
            true
        }
    }

    #[test]
    fn a_job_whose_caller_went_away_is_not_sent_again() {
        let mut pool = Pool::new(PoolConfig::default(), 1, Time::ZERO);
        let job = Job::new(testing::job(1).request, Gone);
        let lost = Cause::ConnectionLost(Disconnect::Reset);
        let back = Back::Failed(job, Pace::Setback, lost);
        let done = pool.take_back(Time::ZERO, Duration::ZERO, LinkId(0), back);
        let outcome = done.expect("the end").outcome;
        assert!(matches!(outcome, Outcome::Failed(Cause::Abandoned, _)));
        assert_eq!(pool.stats().retrying, 0);
    }
}
