//! What a connection has to do later.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Things that fall due, in the order of their times, then of their setting.
pub(super) struct Timers<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    sleep: Pin<Box<Sleep>>,
    count: u64,
}

struct Entry<T> {
    due: (Instant, u64),
    what: T,
}

impl<T> Timers<T> {
    pub(super) fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            sleep: Box::pin(sleep_until(Instant::now())),
            count: 0,
        }
    }

    pub(super) fn set(&mut self, delay: Duration, what: T) {
        let due = (Instant::now() + delay, self.count);
        self.count += 1;
        self.heap.push(Reverse(Entry { due, what }));
    }

    /// The next thing that is due; pending too if there is none.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<T> {
        let Some(Reverse(first)) = self.heap.peek() else {
            return Poll::Pending;
        };
        let at = first.due.0;
        if at > Instant::now() {
            if self.sleep.deadline() != at || self.sleep.is_elapsed() {
                self.sleep.as_mut().reset(at);
            }
            ready!(self.sleep.as_mut().poll(cx));
        }
        match self.heap.pop() {
            Some(Reverse(entry)) => Poll::Ready(entry.what),
            None => Poll::Pending,
        }
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.due == other.due
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due.cmp(&other.due)
    }
}
