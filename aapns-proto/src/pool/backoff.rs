//! How long to wait before the n-th try in a row.

use std::time::Duration;

use crate::limits;
use crate::pool::rng::Rng;

/// A delay that doubles with each try in a row, up to a cap.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    first: Duration,
    cap: Duration,
}

/// After REFUSED_STREAM or a lost link, per job; and between dials, per pool.
pub(crate) const SETBACK: Backoff = Backoff::new(limits::SETBACK_FIRST, limits::SETBACK_CAP);
/// After 429, 500 and 503 without `Retry-After`.
pub(crate) const ANSWER: Backoff = Backoff::new(limits::ANSWER_FIRST, limits::ANSWER_CAP);
/// Between mints that failed.
pub(crate) const MINT: Backoff = Backoff::new(limits::MINT_FIRST, limits::MINT_CAP);
/// While the breaker is open.
pub(crate) const BREAKER: Backoff = Backoff::new(limits::BREAKER_FIRST, limits::BREAKER_CAP);

impl Backoff {
    const fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap }
    }

    /// The jittered delay before the `n`-th try in a row; none before the 0th.
    pub(crate) fn delay(self, n: u8, rng: &mut Rng) -> Duration {
        let Some(doublings) = n.checked_sub(1) else {
            return Duration::ZERO;
        };
        let factor = 1_u32.checked_shl(doublings.into()).unwrap_or(u32::MAX);
        rng.jitter(self.first.saturating_mul(factor).min(self.cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_the_cap_and_stay_there() {
        let mut rng = Rng::new(1);
        assert_eq!(SETBACK.delay(0, &mut rng), Duration::ZERO);
        let mut full = Duration::from_millis(10);
        for n in 1..=u8::MAX {
            let delay = SETBACK.delay(n, &mut rng);
            assert!(delay >= full / 2 && delay <= full, "{n}: {delay:?}");
            full = (full * 2).min(Duration::from_secs(30));
        }
    }
}
