//! Futures that wait for something to become true of a pool or a connection.

use std::collections::BTreeMap;
use std::task::Waker;

/// A seat for each waiting future: given back when the future is dropped, so that those who look in
/// again and again cost no more than one.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    waiting: BTreeMap<Seat, Waker>,
    next: Seat,
}

/// The name of a seat.
pub(super) type Seat = u64;

impl Watchers {
    /// A seat, empty until [`listen`](Self::listen); [`leave`](Self::leave) gives it back.
    pub(super) fn join(&mut self) -> Seat {
        self.next += 1;
        self.next
    }

    /// Wakes this task at the next news.
    pub(super) fn listen(&mut self, seat: Seat, waker: &Waker) {
        match self.waiting.get_mut(&seat) {
            Some(old) => old.clone_from(waker),
            None => {
                self.waiting.insert(seat, waker.clone());
            }
        }
    }

    /// The future is over, or was dropped.
    pub(super) fn leave(&mut self, seat: Seat) {
        self.waiting.remove(&seat);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// There is news: whom to wake. They look, and listen again if they have to.
    pub(super) fn take(&mut self) -> impl Iterator<Item = Waker> + use<> {
        std::mem::take(&mut self.waiting).into_values()
    }
}

/// Where there are watchers, behind a lock.
pub(super) trait Watched {
    /// Does this with them, under the lock.
    fn with_watchers<O>(&self, f: impl FnOnce(&mut Watchers) -> O) -> O;
}

/// A seat for as long as a future lives.
pub(super) struct Watching<'a, W: Watched> {
    watched: &'a W,
    pub(super) seat: Seat,
}

impl<'a, W: Watched> Watching<'a, W> {
    pub(super) fn new(watched: &'a W) -> Self {
        let seat = watched.with_watchers(Watchers::join);
        Self { watched, seat }
    }
}

impl<W: Watched> Drop for Watching<'_, W> {
    fn drop(&mut self) {
        self.watched
            .with_watchers(|watchers| watchers.leave(self.seat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_future_polled_often_takes_one_seat_and_gives_it_back() {
        let mut watchers = Watchers::default();
        let (one, other) = (watchers.join(), watchers.join());
        for _ in 0..1_000 {
            watchers.listen(one, Waker::noop());
        }
        watchers.listen(other, Waker::noop());
        assert_eq!(watchers.waiting.len(), 2);
        watchers.leave(one);
        assert_eq!(watchers.take().count(), 1);
        assert!(watchers.is_empty());
        watchers.leave(other);
    }
}
