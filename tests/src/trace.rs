//! What happened in a world: always hashed, and kept as lines to read if somebody wants to.

use aapns_proto::Time;

const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The record of one run. Two runs of a seed have the same hash, or something in them isn't deterministic.
#[derive(Debug)]
pub struct Trace {
    hash: u64,
    lines: Option<Vec<String>>,
}

impl Trace {
    /// An empty trace; `keep` says whether to keep lines to read.
    pub fn new(keep: bool) -> Self {
        Self {
            hash: OFFSET,
            lines: keep.then(Vec::new),
        }
    }

    /// Adds an event: a sentence with a `{}` for each number.
    pub fn add(&mut self, now: Time, sentence: &'static str, numbers: &[u64]) {
        self.mix(now.as_nanos());
        for octets in sentence.as_bytes().chunks(8).take(2) {
            self.mix(
                octets
                    .iter()
                    .fold(0, |word, octet| word << 8 | u64::from(*octet)),
            );
        }
        for number in numbers {
            self.mix(*number);
        }
        if let Some(lines) = &mut self.lines {
            let mut line = format!("{now:?}  ");
            let mut parts = sentence.split("{}");
            line.push_str(parts.next().unwrap_or(""));
            for (number, part) in numbers.iter().zip(parts) {
                line.push_str(&number.to_string());
                line.push_str(part);
            }
            lines.push(line);
        }
    }

    /// Adds an event in words of its own.
    pub fn say(&mut self, now: Time, text: impl FnOnce() -> String) {
        self.mix(now.as_nanos());
        if let Some(lines) = &mut self.lines {
            lines.push(format!("{now:?}  {}", text()));
        }
    }

    /// The hash so far.
    pub fn hash(&self) -> u64 {
        self.hash
    }

    /// The lines, if they were kept.
    pub fn lines(&self) -> &[String] {
        self.lines.as_deref().unwrap_or(&[])
    }

    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(PRIME).rotate_left(23);
    }
}
