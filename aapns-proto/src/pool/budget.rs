//! How many retries a pool makes before it slows them down: a server in trouble isn't helped by more of them.

use std::time::Duration;

use crate::limits::{RETRY_BURST, RETRY_PAUSE, RETRY_REFILL};
use crate::time::Time;

/// A token bucket. Each retry takes one token, each answer and the time give some back; a retry that
/// finds none waits for its token, and nobody fails for want of one.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    /// Tokens taken and not given back: over [`RETRY_BURST`], retries are waiting for theirs.
    taken: u64,
    /// Until when the time has given its tokens back.
    since: Time,
}

/// The most that is owed: nobody waits for longer than [`RETRY_PAUSE`].
const MOST: u64 = RETRY_BURST + RETRY_REFILL * RETRY_PAUSE.as_secs();
/// In which the time gives one token back.
const INTERVAL: Duration = Duration::from_nanos(1_000_000_000 / RETRY_REFILL);

impl Budget {
    /// Takes the token of one retry; how long the retry has to wait for it.
    pub(crate) fn take(&mut self, now: Time) -> Duration {
        self.refill(now);
        self.taken = (self.taken + 1).min(MOST);
        let owed = self.taken.saturating_sub(RETRY_BURST);
        INTERVAL.saturating_mul(u32::try_from(owed).unwrap_or(u32::MAX))
    }

    /// Requests were answered: the server copes with as many retries.
    pub(crate) fn answered(&mut self, count: u64) {
        self.taken = self.taken.saturating_sub(count);
    }

    fn refill(&mut self, now: Time) {
        let interval = u64::try_from(INTERVAL.as_nanos()).unwrap_or(u64::MAX);
        let passed = now.as_nanos().saturating_sub(self.since.as_nanos()) / interval;
        self.since += INTERVAL * u32::try_from(passed).unwrap_or(u32::MAX);
        self.taken = self.taken.saturating_sub(passed);
        if self.taken == 0 {
            self.since = self.since.max(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spent(now: Time) -> Budget {
        let mut budget = Budget::default();
        for _ in 0..RETRY_BURST {
            assert_eq!(budget.take(now), Duration::ZERO);
        }
        budget
    }

    #[test]
    fn past_the_burst_retries_are_spread_at_the_pace_of_the_refill() {
        let now = Time::from_millis(5);
        let mut budget = spent(now);
        let mut last = Duration::ZERO;
        for _ in 0..RETRY_REFILL {
            let delay = budget.take(now);
            assert_eq!(delay, last + INTERVAL);
            last = delay;
        }
        assert_eq!(last, Duration::from_secs(1));
    }

    #[test]
    fn nobody_waits_for_longer_than_the_pause_and_all_is_forgiven_in_time() {
        let now = Time::ZERO;
        let mut budget = spent(now);
        let longest = (0..1_000_000).map(|_| budget.take(now)).max();
        assert_eq!(longest, Some(RETRY_PAUSE));
        let later = now + RETRY_PAUSE;
        assert_eq!(budget.take(later), INTERVAL);
        assert_eq!(budget.take(Time::NEVER), Duration::ZERO);
        assert_eq!(budget.taken, 1);
    }

    #[test]
    fn each_answer_pays_for_a_retry() {
        let now = Time::ZERO;
        let mut budget = spent(now);
        budget.answered(2);
        assert_eq!(budget.take(now), Duration::ZERO);
        assert_eq!(budget.take(now), Duration::ZERO);
        assert_eq!(budget.take(now), INTERVAL);
        budget.answered(u64::MAX);
        assert_eq!(budget.taken, 0);
    }

    #[test]
    fn time_gives_tokens_back_however_it_is_cut_up() {
        let (mut often, mut once) = (spent(Time::ZERO), spent(Time::ZERO));
        let second = Time::from_millis(1_000);
        for step in 1..=333 {
            often.refill(Time::from_millis(step * 3));
        }
        often.refill(second);
        once.refill(second);
        assert_eq!(often.taken, once.taken);
        assert_eq!(once.taken, RETRY_BURST - RETRY_REFILL);
    }
}
