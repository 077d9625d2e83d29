//! Many deadlines, the next one at hand.
//!
//! Callers use a few timeouts over and over, so deadlines of one timeout come in order: a queue each
//! costs a tenth of a heap. What fits behind none of the queues goes to a heap.

use std::cmp::{Ordering, Reverse};
use std::collections::{BinaryHeap, VecDeque};

use crate::limits::{DEADLINE_GARBAGE, DEADLINE_LANES};
use crate::time::Time;

/// Deadlines with their keys. A key that was settled meanwhile stays until [`prune`](Self::prune)
/// or [`pop_due`](Self::pop_due) meets it: it must be recognisable as stale.
#[derive(Debug)]
pub(crate) struct Deadlines<K> {
    /// Each in order of time.
    lanes: [VecDeque<Entry<K>>; DEADLINE_LANES],
    stragglers: BinaryHeap<Reverse<Entry<K>>>,
    /// Where the last one went, and the earliest back behind it then: what comes before that goes there too.
    last: (usize, Time),
    len: usize,
    /// At this length stale entries behind live fronts are swept out too.
    sweep_at: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<K> {
    at: Time,
    key: K,
}

impl<K: Copy> Deadlines<K> {
    pub(crate) fn new() -> Self {
        Self {
            lanes: std::array::from_fn(|_| VecDeque::new()),
            stragglers: BinaryHeap::new(),
            last: (0, Time::ZERO),
            len: 0,
            sweep_at: DEADLINE_GARBAGE,
        }
    }

    /// Adds a deadline; O(1) behind the others of its timeout.
    #[inline]
    pub(crate) fn push(&mut self, at: Time, key: K) {
        self.len += 1;
        let entry = Entry { at, key };
        let (last, before) = self.last;
        if at < before
            && let Some(lane) = self.lanes.get_mut(last)
            && lane.back().is_some_and(|back| back.at <= at)
        {
            grow_by_an_eighth(lane);
            lane.push_back(entry);
        } else {
            self.push_anywhere(entry);
        }
    }

    /// To the lane with the latest back that is not after it: lanes sort themselves by timeout.
    fn push_anywhere(&mut self, entry: Entry<K>) {
        let backs = self.lanes.iter().map(|lane| lane.back().map(|b| b.at));
        let fitting = backs.clone().enumerate();
        let fitting = fitting.filter(|(_, back)| back.is_none_or(|back| back <= entry.at));
        let Some((place, _)) = fitting.max_by_key(|(_, back)| *back) else {
            return self.stragglers.push(Reverse(entry));
        };
        let later = backs.flatten().filter(|back| *back > entry.at).min();
        self.last = (place, later.unwrap_or(Time::NEVER));
        if let Some(lane) = self.lanes.get_mut(place) {
            grow_by_an_eighth(lane);
            lane.push_back(entry);
        }
    }

    /// The earliest deadline, that of a stale key perhaps; O(1).
    pub(crate) fn next(&self) -> Option<Time> {
        let straggler = self.stragglers.peek().map(|Reverse(entry)| entry.at);
        let fronts = self.lanes.iter().filter_map(|lane| lane.front());
        fronts.map(|entry| entry.at).chain(straggler).min()
    }

    /// Takes out one key whose deadline has come, the earliest first.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<K> {
        let at = self.next().filter(|at| *at <= now)?;
        self.len -= 1;
        let is_first = |entry: &Entry<K>| entry.at == at;
        for lane in &mut self.lanes {
            if lane.front().is_some_and(is_first) {
                return lane.pop_front().map(|entry| entry.key);
            }
        }
        self.stragglers.pop().map(|Reverse(entry)| entry.key)
    }

    /// Drops stale keys from the front, so that nobody is woken for them; amortized O(1).
    ///
    /// Stale keys behind a live one go when they are as many as the live ones: memory stays bounded.
    pub(crate) fn prune(&mut self, is_stale: impl Fn(K) -> bool) {
        for lane in &mut self.lanes {
            while lane.pop_front_if(|entry| is_stale(entry.key)).is_some() {
                self.len -= 1;
            }
        }
        while self
            .stragglers
            .peek()
            .is_some_and(|Reverse(entry)| is_stale(entry.key))
        {
            self.stragglers.pop();
            self.len -= 1;
        }
        if self.len >= self.sweep_at {
            for lane in &mut self.lanes {
                lane.retain(|entry| !is_stale(entry.key));
            }
            self.stragglers
                .retain(|Reverse(entry)| !is_stale(entry.key));
            self.len = self.lanes.iter().map(VecDeque::len).sum::<usize>() + self.stragglers.len();
            self.sweep_at = self.len.saturating_mul(2).max(DEADLINE_GARBAGE);
        }
    }

    /// Entries held, stale ones included.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }
}

/// Makes room for one more: long queues by an eighth, since one that doubles is a third empty on average.
#[inline]
pub(crate) fn grow_by_an_eighth<V>(queue: &mut VecDeque<V>) {
    if queue.len() == queue.capacity() {
        queue.reserve_exact((queue.len() / 8).max(LEAST_GROWTH));
    }
}

/// Below this growing by an eighth would be often.
const LEAST_GROWTH: usize = 64;

impl<K: Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K> PartialEq for Entry<K> {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl<K> Eq for Entry<K> {}

impl<K> PartialOrd for Entry<K> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<K> Ord for Entry<K> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::from_millis(millis)
    }

    #[test]
    fn keys_come_out_by_deadline_whatever_the_order_of_pushes() {
        let mut deadlines = Deadlines::new();
        let mut seed = 1_u64;
        for _ in 0..1_000 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            deadlines.push(at(seed >> 54), seed >> 54);
        }
        let mut last = 0;
        for _ in 0..1_000 {
            let next = deadlines.next();
            let key = deadlines.pop_due(Time::NEVER).unwrap();
            assert_eq!(next, Some(at(key)));
            assert!(key >= last, "{key} after {last}");
            last = key;
        }
        assert_eq!(deadlines.pop_due(Time::NEVER), None);
        assert_eq!((deadlines.len(), deadlines.next()), (0, None));
    }

    #[test]
    fn a_few_timeouts_used_in_turn_need_no_heap() {
        let mut deadlines = Deadlines::new();
        for now in 0..1_000_u64 {
            deadlines.push(at(now + 10_000), now);
            deadlines.push(at(now + 30_000), now);
            deadlines.push(at(now + 60_000), now);
        }
        assert!(deadlines.stragglers.is_empty());
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut deadlines = Deadlines::new();
        deadlines.push(at(5), 'a');
        assert_eq!(deadlines.pop_due(at(4)), None);
        assert_eq!(deadlines.pop_due(at(5)), Some('a'));
    }

    #[test]
    fn pruning_moves_the_next_deadline_to_a_live_key() {
        let mut deadlines = Deadlines::new();
        for key in [3, 1, 2, 9, 4] {
            deadlines.push(at(key), key);
        }
        deadlines.prune(|key| key < 4);
        assert_eq!(deadlines.next(), Some(at(4)));
    }

    #[test]
    fn stale_keys_behind_a_live_one_are_bounded() {
        let mut deadlines = Deadlines::new();
        deadlines.push(at(0), 0);
        for key in 1..100_000 {
            deadlines.push(at(key), key);
            deadlines.prune(|k| k != 0);
            assert!(deadlines.len() <= DEADLINE_GARBAGE);
        }
        assert_eq!(deadlines.pop_due(at(0)), Some(0));
    }
}
