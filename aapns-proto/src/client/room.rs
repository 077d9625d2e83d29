//! Callers that wait until the pool's queue has room: first come, first served.

use std::collections::{BTreeMap, BTreeSet};
use std::task::Waker;

use crate::time::Time;

/// A place in the line; earlier places are smaller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(u64);

/// The line. Either somebody in it has been called, or the pool's last word was "full", so that it owes a call.
#[derive(Debug, Default)]
pub(super) struct Room {
    waiting: BTreeMap<Place, Waiter>,
    called: BTreeMap<Place, Waiter>,
    deadlines: BTreeSet<(Time, Place)>,
    next: u64,
}

#[derive(Debug)]
struct Waiter {
    deadline: Option<Time>,
    waker: Option<Waker>,
}

impl Room {
    /// Whether nobody waits, so that a newcomer may go ahead.
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.called.is_empty()
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.called.len()
    }

    /// Joins the line at its end.
    pub(super) fn join(&mut self, deadline: Option<Time>) -> Place {
        let place = Place(self.next);
        self.next += 1;
        let waiter = Waiter {
            deadline,
            waker: None,
        };
        self.waiting.insert(place, waiter);
        self.deadlines.extend(deadline.map(|d| (d, place)));
        place
    }

    /// Whether this one has been called: it may submit now. If not, it's woken when it is.
    pub(super) fn is_called(&mut self, place: Place, waker: &Waker) -> bool {
        if self.called.contains_key(&place) {
            return true;
        }
        if let Some(waiter) = self.waiting.get_mut(&place) {
            waiter.waker = Some(waker.clone());
        }
        false
    }

    /// It was called, and the room was gone: back to its place.
    pub(super) fn wait_again(&mut self, place: Place, waker: &Waker) {
        if let Some(mut waiter) = self.called.remove(&place) {
            waiter.waker = Some(waker.clone());
            self.waiting.insert(place, waiter);
        }
    }

    /// It submitted, gave up or went away: a call that it had goes to the next in line.
    pub(super) fn leave(&mut self, place: Place, wakers: &mut Vec<Waker>) {
        let was_called = self.called.remove(&place);
        let had_a_call = was_called.is_some();
        let waiter = was_called.or_else(|| self.waiting.remove(&place));
        if let Some(deadline) = waiter.and_then(|w| w.deadline) {
            self.deadlines.remove(&(deadline, place));
        }
        if had_a_call {
            self.call(1, wakers);
        }
    }

    /// There is room for `n`.
    pub(super) fn call(&mut self, n: usize, wakers: &mut Vec<Waker>) {
        for _ in 0..n {
            let Some((place, mut waiter)) = self.waiting.pop_first() else {
                return;
            };
            wakers.extend(waiter.waker.take());
            self.called.insert(place, waiter);
        }
    }

    /// Calls everybody: the pool closed.
    pub(super) fn call_all(&mut self, wakers: &mut Vec<Waker>) {
        self.call(self.waiting.len(), wakers);
    }

    /// When the first of them gives up.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Wakes those whose deadline has passed; each sees that for itself, and leaves.
    pub(super) fn handle_timeout(&mut self, now: Time, wakers: &mut Vec<Waker>) {
        while let Some(&(deadline, place)) = self.deadlines.first() {
            if deadline > now {
                return;
            }
            self.deadlines.pop_first();
            let waiter = self.waiting.get_mut(&place);
            wakers.extend(waiter.and_then(|w| w.waker.take()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn woken(room: &mut Room, places: &[Place]) -> Vec<bool> {
        let waker = Waker::noop();
        places.iter().map(|p| room.is_called(*p, waker)).collect()
    }

    #[test]
    fn the_first_in_line_are_called_first() {
        let mut room = Room::default();
        let places = [room.join(None), room.join(None), room.join(None)];
        room.call(2, &mut Vec::new());
        assert_eq!(woken(&mut room, &places), [true, true, false]);
    }

    #[test]
    fn one_that_goes_away_hands_its_call_on() {
        let mut room = Room::default();
        let places = [room.join(None), room.join(None)];
        room.call(1, &mut Vec::new());
        room.leave(places[0], &mut Vec::new());
        assert_eq!(woken(&mut room, &places[1..]), [true]);
        room.leave(places[1], &mut Vec::new());
        assert!(room.is_empty());
    }

    #[test]
    fn one_that_finds_no_room_keeps_its_place() {
        let mut room = Room::default();
        let places = [room.join(None), room.join(None)];
        room.call(1, &mut Vec::new());
        room.wait_again(places[0], Waker::noop());
        assert_eq!(woken(&mut room, &places), [false, false]);
        room.call(1, &mut Vec::new());
        assert_eq!(woken(&mut room, &places), [true, false]);
    }

    #[test]
    fn a_deadline_wakes_its_waiter_wherever_it_stands() {
        let mut room = Room::default();
        room.join(Some(Time::from_millis(50)));
        let place = room.join(Some(Time::from_millis(20)));
        room.is_called(place, Waker::noop());
        assert_eq!(room.next_deadline(), Some(Time::from_millis(20)));
        let mut wakers = Vec::new();
        room.handle_timeout(Time::from_millis(20), &mut wakers);
        assert_eq!(wakers.len(), 1);
        assert_eq!(room.next_deadline(), Some(Time::from_millis(50)));
    }
}
