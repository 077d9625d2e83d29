//! The pool's only randomness: jitter from the seed that it was given.

use std::time::Duration;

/// SplitMix64 (Steele, Lea, Flood 2014): enough for jitter, and the same everywhere.
#[derive(Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between half of `full` and `full`: spreads clients without making any of them hasty.
    pub(crate) fn jitter(&mut self, full: Duration) -> Duration {
        let half = u64::try_from(full.as_nanos() / 2).unwrap_or(u64::MAX / 2);
        let extra = (u128::from(self.next()) * u128::from(half)) >> 64;
        Duration::from_nanos(half.saturating_add(extra as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_between_half_and_full_and_the_same_for_the_same_seed() {
        let full = Duration::from_secs(8);
        let (mut one, mut other) = (Rng::new(7), Rng::new(7));
        for _ in 0..1_000 {
            let delay = one.jitter(full);
            assert!(delay >= full / 2 && delay <= full);
            assert_eq!(delay, other.jitter(full));
        }
    }
}
