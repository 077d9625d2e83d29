//! The streams in flight: a ring of slots, found by the stream's id without hashing.

use super::stream::Stream;
use crate::job::Job;
use crate::limits::{LAST_STREAM_ID, STREAM_ID_MARGIN, STREAM_SLOTS};

/// The stream of id `i` lives in slot `i >> 1 & mask`. A slot still taken by an old stream is
/// skipped, and its id with it: gaps are legal (RFC 9113 §5.1.1). At most half of the slots are taken,
/// or ids would be skipped by the thousand.
pub(super) struct Streams<T> {
    /// A power of two of them.
    slots: Vec<Option<Stream<T>>>,
    max_slots: usize,
    len: usize,
    next_id: u32,
}

impl<T> Streams<T> {
    pub(super) fn new(first_id: u32, max_streams: u32) -> Self {
        let max_slots = usize::try_from(max_streams)
            .unwrap_or(usize::MAX)
            .clamp(STREAM_SLOTS, 1 << 30)
            .next_power_of_two()
            .saturating_mul(2);
        Self {
            slots: std::iter::repeat_with(|| None).take(STREAM_SLOTS).collect(),
            max_slots,
            len: 0,
            next_id: first_id | 1,
        }
    }

    /// How many are in flight.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Ids left before it is time to go.
    pub(super) fn ids_left(&self) -> u32 {
        (LAST_STREAM_ID - 2 * STREAM_ID_MARGIN).saturating_sub(self.next_id) / 2
    }

    /// Whether this id was used or skipped.
    #[inline]
    pub(super) fn was_opened(&self, id: u32) -> bool {
        id & 1 == 1 && id < self.next_id
    }

    /// Takes the next id and makes its stream; `Err` gives the job back if the ids are used up.
    #[inline]
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub(super) fn open(&mut self, job: Job<T>, window: u32) -> Result<&mut Stream<T>, Job<T>> {
        if self.len * 2 >= self.slots.len() && self.slots.len() < self.max_slots {
            self.grow();
        }
        let Some(id) = self.free_id() else {
            return Err(job);
        };
        let at = self.slot(id);
        let Some(slot) = self.slots.get_mut(at) else {
            return Err(job);
        };
        self.next_id = id + 2;
        self.len += 1;
        Ok(slot.insert(Stream::new(id, job, window)))
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Stream<T>> {
        let at = self.slot(id);
        self.slots
            .get_mut(at)?
            .as_mut()
            .filter(|stream| stream.id == id)
    }

    #[inline]
    pub(super) fn get(&self, id: u32) -> Option<&Stream<T>> {
        self.slots
            .get(self.slot(id))?
            .as_ref()
            .filter(|stream| stream.id == id)
    }

    #[inline]
    pub(super) fn contains(&self, id: u32) -> bool {
        self.get(id).is_some()
    }

    #[inline]
    pub(super) fn remove(&mut self, id: u32) -> Option<Stream<T>> {
        let at = self.slot(id);
        let stream = self.slots.get_mut(at)?.take_if(|stream| stream.id == id)?;
        self.len -= 1;
        Some(stream)
    }

    /// The ids above this one, in order.
    pub(super) fn ids_above(&self, last: u32) -> Vec<u32> {
        let ids = self.slots.iter().flatten().map(|stream| stream.id);
        let mut ids: Vec<u32> = ids.filter(|id| *id > last).collect();
        ids.sort_unstable();
        ids
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Stream<T>> {
        self.slots.iter_mut().flatten()
    }

    #[inline]
    fn slot(&self, id: u32) -> usize {
        (id >> 1) as usize & (self.slots.len() - 1)
    }

    /// The next id whose slot is free; with `len` below the slots there is one within a round.
    #[inline]
    fn free_id(&self) -> Option<u32> {
        if self.len == self.slots.len() {
            return None;
        }
        let mut id = self.next_id;
        while self.slots.get(self.slot(id))?.is_some() {
            id += 2;
        }
        (id <= LAST_STREAM_ID).then_some(id)
    }

    /// Doubles the slots: streams that had one each still have.
    #[cold]
    fn grow(&mut self) {
        let doubled = self.slots.len() * 2;
        let mut slots: Vec<_> = std::iter::repeat_with(|| None).take(doubled).collect();
        for stream in self.slots.drain(..).flatten() {
            let at = (stream.id >> 1) as usize & (doubled - 1);
            if let Some(slot) = slots.get_mut(at) {
                *slot = Some(stream);
            }
        }
        self.slots = slots;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Fields, Head, Method, Request};

    fn open(streams: &mut Streams<u32>, tag: u32) -> Option<u32> {
        let head = Head::new(Method::POST, Fields::new());
        let job = Job::new(Request::new(head, "/", "").unwrap(), tag);
        streams.open(job, 0).ok().map(|stream| stream.id)
    }

    #[test]
    fn ids_rise_by_two_and_are_found_while_the_ring_grows() {
        let mut streams = Streams::new(1, 1_000);
        for n in 0..1_000 {
            assert_eq!(open(&mut streams, n), Some(2 * n + 1));
        }
        for n in 0..1_000 {
            assert_eq!(streams.remove(2 * n + 1).map(|s| s.job.tag), Some(n));
        }
        assert_eq!(streams.len(), 0);
        assert!(!streams.contains(1));
    }

    #[test]
    fn the_slot_of_an_old_stream_is_skipped_with_its_id() {
        let mut streams = Streams::new(1, 16);
        assert_eq!(open(&mut streams, 0), Some(1));
        for _ in 0..15 {
            let id = open(&mut streams, 0).unwrap();
            streams.remove(id);
        }
        assert_eq!(open(&mut streams, 0), Some(35), "33 is the slot of 1");
        assert!(streams.was_opened(33));
        assert!(!streams.contains(33));
        assert_eq!(streams.ids_above(1), [35]);
    }

    #[test]
    fn at_most_half_of_the_slots_are_taken() {
        let mut streams = Streams::new(1, 64);
        for (streams_open, slots) in [(8, 16), (9, 32), (16, 32), (17, 64), (32, 64), (33, 128)] {
            while streams.len() < streams_open {
                open(&mut streams, 0).unwrap();
            }
            assert_eq!(streams.slots.len(), slots);
        }
    }

    #[test]
    fn no_id_is_above_the_last_one() {
        let mut streams = Streams::new(LAST_STREAM_ID, 16);
        assert_eq!(streams.ids_left(), 0);
        assert_eq!(open(&mut streams, 0), Some(LAST_STREAM_ID));
        assert_eq!(open(&mut streams, 0), None);
    }

    #[test]
    fn the_slots_are_a_power_of_two_twice_the_streams_allowed_and_no_more() {
        for (max_streams, slots) in [(1, 32), (16, 32), (17, 64), (64, 128), (65, 256)] {
            let mut streams = Streams::new(1, max_streams);
            assert_eq!(streams.max_slots, slots);
            for _ in 0..slots {
                open(&mut streams, 0).unwrap();
            }
            assert_eq!(streams.slots.len(), slots);
            assert_eq!(open(&mut streams, 0), None, "no slot is left");
        }
        assert_eq!(Streams::<u32>::new(1, u32::MAX).max_slots, 1 << 31);
    }

    #[test]
    fn an_id_is_opened_if_it_is_odd_and_below_the_next() {
        let mut streams = Streams::new(4, 16);
        assert_eq!(open(&mut streams, 0), Some(5));
        let opened: Vec<u32> = (0..12).filter(|id| streams.was_opened(*id)).collect();
        assert_eq!(opened, [1, 3, 5]);
    }

    #[test]
    fn the_ids_above_one_are_in_order() {
        let mut streams = Streams::new(1, 16);
        for _ in 0..20 {
            open(&mut streams, 0);
        }
        streams.remove(33);
        assert_eq!(streams.ids_above(31), [35, 37, 39]);
        assert_eq!(streams.ids_above(30)[0], 31);
        assert_eq!(streams.len(), 19);
    }

    #[test]
    fn ids_are_left_up_to_the_margin() {
        let last = LAST_STREAM_ID - 2 * STREAM_ID_MARGIN;
        assert_eq!(Streams::<u32>::new(last - 6, 16).ids_left(), 3);
        assert_eq!(Streams::<u32>::new(last, 16).ids_left(), 0);
        assert_eq!(Streams::<u32>::new(last + 2, 16).ids_left(), 0);
    }
}
