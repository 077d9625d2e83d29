//! Chance, that a seed repeats or none.

use std::hash::{BuildHasher, RandomState};

/// SplitMix64: enough for faults and made-up ids, and one addition of state.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another sequence each time, in each process.
    pub(super) fn unseeded() -> Self {
        Self(RandomState::new().hash_one(0))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Evenly from 0 to below `bound`; 0 for 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next().checked_rem(bound).unwrap_or(0)
    }

    pub(super) fn chance(&mut self, probability: f64) -> bool {
        let fraction = (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        fraction < probability
    }

    /// A version 4 UUID in Apple's form.
    pub(super) fn uuid(&mut self) -> http::HeaderValue {
        let octets = (u128::from(self.next()) << 64 | u128::from(self.next())).to_be_bytes();
        let id = uuid::Builder::from_random_bytes(octets).into_uuid();
        let mut text = uuid::Uuid::encode_buffer();
        let text = id.as_hyphenated().encode_lower(&mut text);
        http::HeaderValue::from_str(text).unwrap_or(http::HeaderValue::from_static(""))
    }
}
