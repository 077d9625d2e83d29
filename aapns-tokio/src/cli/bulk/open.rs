//! Lines that earlier runs took up and did not settle.

use aapns_models::ApnsId;

/// Entries that wait for their place, at least. More wait where many are in place: each takes its place in a pass
/// over all.
const WAITING: usize = 4096;

/// What is known of each of them, in 32 octets.
#[derive(Debug, Default)]
pub(super) struct OpenLines {
    /// By line, one of each.
    entries: Vec<Entry>,
    /// Added since, in the order in which it happened.
    recent: Vec<Entry>,
}

/// What happened to a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// It was about to be sent.
    Intent,
    /// It was not processed by a server.
    NotProcessed,
    /// It may have been.
    Unknown,
}

/// A line that is not settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// The id that it had.
    pub(super) apns_id: Option<ApnsId>,
    /// Intents in the journal, less outcomes in the output.
    balance: i32,
    /// A run ended without knowing whether a server processed it.
    was_unknown: bool,
}

/// An [`Open`] without the padding that its id would have.
#[derive(Clone, Copy, Debug)]
struct Entry {
    line: u64,
    apns_id: [u64; 2],
    balance: i32,
    was_unknown: bool,
    has_id: bool,
}

impl Open {
    /// It was about to be sent, and no outcome was written: a server may have processed it.
    pub(super) fn is_in_limbo(self) -> bool {
        self.balance > 0
    }

    /// A device that is sent it again may show it twice.
    pub(super) fn may_be_processed(self) -> bool {
        self.was_unknown || self.is_in_limbo()
    }

    /// How many more outcomes there are than intents.
    pub(super) fn missing_intents(self) -> u64 {
        u64::from(self.balance.min(0).unsigned_abs())
    }
}

impl OpenLines {
    pub(super) fn add(&mut self, line: u64, apns_id: Option<ApnsId>, event: Event) {
        self.recent.push(Entry::new(line, apns_id, event));
        if self.recent.len() >= WAITING.max(self.entries.len() / 8) {
            self.place();
        }
    }

    /// Puts what was added in its place, and forgets what is settled by now.
    pub(super) fn settle(&mut self, is_settled: impl Fn(u64) -> bool) {
        self.place();
        self.recent = Vec::new();
        self.entries.retain(|entry| !is_settled(entry.line));
        self.entries.shrink_to_fit();
    }

    /// What is known of a line; only what is in its place counts.
    pub(super) fn get(&self, line: u64) -> Open {
        match self.entries.binary_search_by_key(&line, |entry| entry.line) {
            Ok(at) => self.entries[at].open(),
            Err(_) => Open::default(),
        }
    }

    /// All that are in their places, by line.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Open)> {
        self.entries.iter().map(|entry| (entry.line, entry.open()))
    }

    fn place(&mut self) {
        let Self { entries, recent } = self;
        // Stable: what happened to a line stays in its order.
        recent.sort_by_key(|entry| entry.line);
        unite(recent);
        let (mut left, mut right) = (entries.len(), recent.len());
        entries.reserve_exact(right);
        entries.extend_from_slice(recent);
        // From the end, so that both halves fit where one was.
        for to in (0..left + right).rev() {
            if right == 0 {
                break;
            }
            if left > 0 && entries[left - 1].line > recent[right - 1].line {
                left -= 1;
                entries[to] = entries[left];
            } else {
                right -= 1;
                entries[to] = recent[right];
            }
        }
        unite(entries);
        recent.clear();
    }
}

/// Makes one entry of those of each line, which follow each other.
fn unite(entries: &mut Vec<Entry>) {
    entries.dedup_by(|later, earlier| {
        let is_same = later.line == earlier.line;
        if is_same {
            earlier.go_on_with(later);
        }
        is_same
    });
}

impl Entry {
    fn new(line: u64, apns_id: Option<ApnsId>, event: Event) -> Self {
        let id = apns_id.map_or(0, ApnsId::as_u128);
        Self {
            line,
            apns_id: [(id >> 64) as u64, id as u64],
            balance: if event == Event::Intent { 1 } else { -1 },
            was_unknown: event == Event::Unknown,
            has_id: apns_id.is_some(),
        }
    }

    fn go_on_with(&mut self, later: &Self) {
        self.balance = self.balance.saturating_add(later.balance);
        self.was_unknown |= later.was_unknown;
        if later.has_id {
            self.has_id = true;
            self.apns_id = later.apns_id;
        }
    }

    fn open(&self) -> Open {
        let [high, low] = self.apns_id;
        let id = ApnsId::from_u128(u128::from(high) << 64 | u128::from(low));
        Open {
            apns_id: self.has_id.then_some(id),
            balance: self.balance,
            was_unknown: self.was_unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn an_entry_is_small() {
        assert_eq!(size_of::<Entry>(), 32);
    }

    /// As a map would have it, whatever the order.
    #[test]
    fn what_happened_to_a_line_adds_up_in_order() {
        let mut open = OpenLines::default();
        let mut expected: BTreeMap<u64, Open> = BTreeMap::new();
        let mut state = 1_u64;
        for n in 0..50_000_u64 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let line = (state >> 33) % 20_000;
            let event =
                [Event::Intent, Event::NotProcessed, Event::Unknown][(state >> 60) as usize % 3];
            let id = (n % 4 > 0).then(|| ApnsId::from_u128(u128::from(n) << 60));
            open.add(line, id, event);
            let entry = expected.entry(line).or_default();
            entry.balance += if event == Event::Intent { 1 } else { -1 };
            entry.was_unknown |= event == Event::Unknown;
            entry.apns_id = id.or(entry.apns_id);
        }
        open.settle(|line| line % 3 == 0);
        expected.retain(|line, _| line % 3 != 0);
        assert!(
            open.iter()
                .eq(expected.iter().map(|(line, open)| (*line, *open)))
        );
        for line in 0..20_000 {
            let expected = expected.get(&line).copied().unwrap_or_default();
            assert_eq!(open.get(line), expected);
        }
    }
}
