//! Stops a pool whose credential, certificate or server is wrong from trying for ever.
//!
//! ```text
//!            a fatal dial error, GOAWAY reason, or run of answers
//!   Closed ─────────────────────────────────────────────────────▶ Open ◀─┐
//!     ▲                                                             │    │ the same again
//!     │ a good answer (or SETTINGS, if dials were what failed)      ▼    │
//!     └───────────────────────────────────────────────────────── HalfOpen
//! ```

use aapns_models::Reason;

use crate::delivery::Cause;
use crate::limits::BREAKER_RUN;
use crate::pool::backoff::BREAKER;
use crate::pool::rng::Rng;
use crate::time::Time;

/// Whether work may go, and what stands against it.
#[derive(Debug, Default)]
pub(crate) struct Breaker {
    state: State,
    /// How often it opened in a row.
    trips: u8,
    /// Answers in a row with the same fatal reason and token.
    run: Option<Run>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Closed,
    Open {
        cause: Cause,
        until: Time,
        by: Trip,
    },
    HalfOpen {
        by: Trip,
    },
}

/// What opened the breaker, and so what proves that it may close.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trip {
    /// No link could be made: a link that is up closes it.
    Dial,
    /// The server refused the credential: an answer closes it.
    Credential,
}

/// Answers in a row with the same fatal reason and provider token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) reason: Reason,
    pub(crate) token_generation: u64,
    pub(crate) count: u32,
}

impl Breaker {
    /// Why work fails at once, while open.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match &self.state {
            State::Open { cause, .. } => Some(cause),
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.cause().is_some()
    }

    pub(crate) fn is_half_open(&self) -> bool {
        matches!(self.state, State::HalfOpen { .. })
    }

    /// Whether links have to tell of good answers.
    pub(crate) fn is_watching(&self) -> bool {
        self.run.is_some() || !matches!(self.state, State::Closed)
    }

    /// When it half-opens.
    pub(crate) fn next(&self) -> Option<Time> {
        match self.state {
            State::Open { until, .. } => Some(until),
            State::Closed | State::HalfOpen { .. } => None,
        }
    }

    /// Opens; what failed while it is open already says nothing new.
    pub(crate) fn trip(&mut self, now: Time, cause: Cause, by: Trip, rng: &mut Rng) {
        if self.is_open() {
            return;
        }
        self.run = None;
        self.trips = self.trips.saturating_add(1);
        let until = now + BREAKER.delay(self.trips, rng);
        self.state = State::Open { cause, until, by };
    }

    /// Half-opens if it is time; whether it did.
    pub(crate) fn handle_timeout(&mut self, now: Time) -> bool {
        match self.state {
            State::Open { until, by, .. } if until <= now => {
                self.state = State::HalfOpen { by };
                true
            }
            _ => false,
        }
    }

    /// Answers with a fatal reason arrived; whether this opened it.
    pub(crate) fn fatal(&mut self, now: Time, answers: Run, rng: &mut Rng) -> bool {
        if self.is_open() {
            return false;
        }
        let cause = Cause::Fatal(answers.reason.as_str().into());
        let run = match self.run.take() {
            Some(run)
                if run.reason == answers.reason
                    && run.token_generation == answers.token_generation =>
            {
                Run {
                    count: run.count.saturating_add(answers.count),
                    ..run
                }
            }
            _ => answers,
        };
        if run.count >= BREAKER_RUN || self.is_half_open() {
            self.trip(now, cause, Trip::Credential, rng);
            return true;
        }
        self.run = Some(run);
        false
    }

    /// An answer without a fatal reason arrived. While it is open, that is one to an earlier request.
    pub(crate) fn answered(&mut self) {
        if !self.is_open() {
            self.good();
        }
    }

    /// Closes it: there is proof, or another credential.
    pub(crate) fn good(&mut self) {
        *self = Self::default();
    }

    /// A link is up.
    pub(crate) fn ready(&mut self) {
        if matches!(self.state, State::HalfOpen { by: Trip::Dial }) {
            self.good();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(count: u32) -> Run {
        Run {
            reason: Reason::InvalidProviderToken,
            token_generation: 1,
            count,
        }
    }

    #[test]
    fn sixteen_fatal_answers_in_a_row_open_it_and_fewer_do_not() {
        let (mut breaker, mut rng) = (Breaker::default(), Rng::new(1));
        assert!(!breaker.fatal(Time::ZERO, run(15), &mut rng));
        breaker.good();
        assert!(!breaker.fatal(Time::ZERO, run(15), &mut rng));
        let other_token = Run {
            token_generation: 2,
            ..run(15)
        };
        assert!(!breaker.fatal(Time::ZERO, other_token.clone(), &mut rng));
        assert!(!breaker.fatal(Time::ZERO, run(15), &mut rng));
        assert!(breaker.fatal(Time::ZERO, run(1), &mut rng));
        assert_eq!(
            breaker.cause(),
            Some(&Cause::Fatal("InvalidProviderToken".into()))
        );
    }

    #[test]
    fn half_open_it_opens_again_for_longer_on_one_and_closes_on_a_good_one() {
        let (mut breaker, mut rng) = (Breaker::default(), Rng::new(1));
        breaker.fatal(Time::ZERO, run(16), &mut rng);
        let first = breaker.next().unwrap();
        assert!(!breaker.handle_timeout(Time::ZERO));
        assert!(breaker.handle_timeout(first));
        assert!(breaker.fatal(first, run(1), &mut rng));
        let second = breaker.next().unwrap().saturating_since(first);
        assert!(second >= first.saturating_since(Time::ZERO));
        assert!(breaker.handle_timeout(Time::NEVER));
        breaker.ready();
        assert!(breaker.is_half_open());
        breaker.good();
        assert!(!breaker.is_watching());
    }

    #[test]
    fn a_link_that_is_up_proves_only_that_dials_work() {
        let (mut breaker, mut rng) = (Breaker::default(), Rng::new(1));
        breaker.trip(Time::ZERO, Cause::Timeout, Trip::Dial, &mut rng);
        breaker.ready();
        assert!(breaker.is_open());
        breaker.handle_timeout(Time::NEVER);
        breaker.ready();
        assert!(!breaker.is_open() && !breaker.is_half_open());
    }
}
