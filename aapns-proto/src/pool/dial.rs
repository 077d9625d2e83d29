//! When to dial: how many are under way, and how long to wait after one that failed.

use std::time::Duration;

use crate::delivery::{DialError, DialStep};
use crate::limits::DIAL_GRACE;
use crate::pool::action::Dial;
use crate::pool::backoff::SETBACK;
use crate::pool::rng::Rng;
use crate::time::Time;

/// Dials under way, and the pace of the next ones, which the whole pool shares.
#[derive(Debug, Default)]
pub(crate) struct Dials {
    pending: Vec<Pending>,
    begun: u64,
    failed: u64,
    /// Failed dials and unproven links that died, in a row.
    setbacks: u8,
    not_before: Time,
    last_error: Option<DialError>,
    /// The number of the present credential.
    credential: u64,
}

/// A dial under way, and how far it got.
#[derive(Clone, Copy, Debug)]
struct Pending {
    dial: Dial,
    step: DialStep,
}

impl Dials {
    pub(crate) fn pending(&self) -> usize {
        self.pending.len()
    }

    pub(crate) fn begun(&self) -> u64 {
        self.begun
    }

    pub(crate) fn failed(&self) -> u64 {
        self.failed
    }

    /// Why the last dial failed, until one succeeds.
    pub(crate) fn last_error(&self) -> Option<&DialError> {
        self.last_error.as_ref()
    }

    /// When the next dial may begin; after a setback one at a time.
    pub(crate) fn not_before(&self) -> Option<Time> {
        (self.setbacks == 0 || self.pending.is_empty()).then_some(self.not_before)
    }

    pub(crate) fn begin(&mut self, now: Time, timeout: Duration) -> Dial {
        let dial = Dial {
            id: self.begun,
            deadline: now + timeout,
            credential: self.credential,
        };
        self.begun += 1;
        let step = DialStep::Connect;
        self.pending.push(Pending { dial, step });
        dial
    }

    /// A dial came to its next step.
    pub(crate) fn progress(&mut self, dial: Dial, step: DialStep) {
        if let Some(pending) = self.pending.iter_mut().find(|p| p.dial.id == dial.id) {
            pending.step = step;
        }
    }

    /// The step that the furthest of the dials under way has come to.
    pub(crate) fn step(&self) -> Option<DialStep> {
        self.pending.iter().map(|pending| pending.step).max()
    }

    /// A dial ended; whether anybody still waits for it.
    pub(crate) fn end(&mut self, dial: Dial) -> bool {
        let at = self.pending.iter().position(|p| p.dial.id == dial.id);
        at.map(|at| self.pending.swap_remove(at)).is_some()
    }

    /// One dial whose deadline passed without a word, not even that it failed.
    pub(crate) fn pop_overdue(&mut self, now: Time) -> Option<(Dial, DialError)> {
        let is_overdue = |p: &Pending| p.dial.deadline + DIAL_GRACE <= now;
        let at = self.pending.iter().position(is_overdue)?;
        let Pending { dial, step } = self.pending.swap_remove(at);
        let error = DialError {
            step,
            is_fatal: false,
            message: "no answer in time".into(),
        };
        Some((dial, error))
    }

    /// When the first dial is overdue; there are few.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let deadlines = self.pending.iter().map(|p| p.dial.deadline + DIAL_GRACE);
        deadlines.min()
    }

    pub(crate) fn fail(&mut self, now: Time, error: DialError, rng: &mut Rng) {
        self.failed += 1;
        self.last_error = Some(error);
        self.setback(now, rng);
    }

    /// Something went wrong on the way to a working link: wait a little longer than the last time.
    pub(crate) fn setback(&mut self, now: Time, rng: &mut Rng) {
        self.setbacks = self.setbacks.saturating_add(1);
        self.not_before = now + SETBACK.delay(self.setbacks, rng);
    }

    /// A link is up.
    pub(crate) fn ready(&mut self) {
        self.last_error = None;
    }

    /// A link works: the next dial needn't wait.
    pub(crate) fn proven(&mut self) {
        self.setbacks = 0;
        self.not_before = Time::ZERO;
    }

    /// Another credential: dials under way are for the old one.
    pub(crate) fn reset(&mut self) {
        self.pending.clear();
        self.credential += 1;
        self.last_error = None;
        self.proven();
    }

    /// Nobody waits for dials any more.
    pub(crate) fn abandon(&mut self) {
        self.pending.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error() -> DialError {
        DialError {
            step: DialStep::Connect,
            is_fatal: false,
            message: "refused".into(),
        }
    }

    #[test]
    fn dials_that_fail_are_ever_further_apart_and_one_at_a_time() {
        let (mut dials, mut rng) = (Dials::default(), Rng::new(1));
        let mut now = Time::ZERO;
        for _ in 0..100 {
            let dial = dials.begin(now, Duration::from_secs(10));
            if dials.failed() > 0 {
                assert_eq!(dials.not_before(), None);
            }
            assert!(dials.end(dial));
            dials.fail(now, error(), &mut rng);
            now = dials.not_before().unwrap();
        }
        // 100 dials at the cap of 30 s, jittered down to the half.
        assert!(now > Time::ZERO + 85 * Duration::from_secs(15));
        dials.proven();
        assert_eq!(dials.not_before(), Some(Time::ZERO));
    }

    #[test]
    fn the_furthest_dial_says_what_is_waited_for() {
        let mut dials = Dials::default();
        assert_eq!(dials.step(), None);
        let timeout = Duration::from_secs(10);
        let first = dials.begin(Time::ZERO, timeout);
        dials.begin(Time::ZERO, timeout);
        assert_eq!(dials.step(), Some(DialStep::Connect));
        dials.progress(first, DialStep::Tls);
        assert_eq!(dials.step(), Some(DialStep::Tls));
        let (_, error) = dials.pop_overdue(first.deadline + DIAL_GRACE).unwrap();
        assert_eq!(error.step, DialStep::Tls);
        dials.progress(first, DialStep::Tls);
        assert_eq!(dials.step(), Some(DialStep::Connect));
    }

    #[test]
    fn a_dial_counts_once_and_not_after_its_deadline_or_credential() {
        let mut dials = Dials::default();
        let timeout = Duration::from_secs(10);
        let dial = dials.begin(Time::ZERO, timeout);
        assert!(dials.end(dial) && !dials.end(dial));
        let late = dials.begin(Time::ZERO, timeout);
        assert!(dials.pop_overdue(late.deadline + DIAL_GRACE).is_some());
        assert!(!dials.end(late));
        let old = dials.begin(Time::ZERO, timeout);
        dials.reset();
        assert!(!dials.end(old));
        assert_eq!(dials.begin(Time::ZERO, timeout).credential, 1);
    }
}
