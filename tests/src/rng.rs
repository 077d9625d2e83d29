//! Seeded randomness: everything that a world decides comes from here.

use std::time::Duration;

/// SplitMix64: small, quick, and the same on every machine.
#[derive(Clone, Debug)]
pub struct Rng {
    state: u64,
    /// What a fuzzer chose, the first octet last.
    tape: Vec<u8>,
}

impl Rng {
    /// A generator of its own for each purpose, so that one more draw in one place moves nothing elsewhere.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut rng = Self {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ purpose.wrapping_mul(0xd134_2543_de82_ef95),
            tape: Vec::new(),
        };
        rng.next_u64();
        rng
    }

    /// Choices are made by these octets, as long as there are any.
    pub fn taped(mut self, octets: &[u8]) -> Self {
        self.tape = octets.iter().rev().copied().collect();
        self
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number under `bound`; 0 if that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        let number = if self.tape.is_empty() {
            self.next_u64()
        } else {
            self.read_tape(bound)
        };
        number.checked_rem(bound).unwrap_or(0)
    }

    /// As many octets as a number under `bound` needs.
    fn read_tape(&mut self, bound: u64) -> u64 {
        let (mut number, mut rest) = (0, bound.saturating_sub(1));
        while rest > 0 {
            number = number << 8 | u64::from(self.tape.pop().unwrap_or(0));
            rest >>= 8;
        }
        number
    }

    /// A number from `low` to `high`, both included.
    pub fn range(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// True so many times in a thousand.
    pub fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, of: &[T]) -> Option<T> {
        let index = self.below(of.len() as u64);
        of.get(usize::try_from(index).unwrap_or(0)).copied()
    }

    /// A time from `low` to `high` microseconds.
    pub fn micros(&mut self, low: u64, high: u64) -> Duration {
        Duration::from_micros(self.range(low, high))
    }

    /// A time from `low` to `high` milliseconds, to the microsecond.
    pub fn millis(&mut self, low: u64, high: u64) -> Duration {
        self.micros(low * 1000, high * 1000)
    }
}
