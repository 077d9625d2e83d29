//! Many futures at once, results in order of completion, with nothing allocated for each.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;

/// A set of futures, each with something of the caller's, whose results come as they are done; a `Stream`.
///
/// For many requests at once this is cheaper than `FuturesUnordered`: a place in it is made once and used
/// again. [`Post`](super::Post) and [`Sending`](super::Sending) go into it as they are.
#[derive(Debug)]
pub struct Unordered<C, F> {
    slots: Vec<Slot<C, F>>,
    free: Vec<usize>,
    /// Slots to poll, taken from `shared` in one go.
    due: Vec<usize>,
    shared: Arc<Shared>,
}

/// A place for one future after another; its waker is made once.
#[derive(Debug)]
struct Slot<C, F> {
    entry: Option<(C, F)>,
    bell: Arc<SlotBell>,
    waker: Waker,
}

#[derive(Debug)]
struct SlotBell {
    index: usize,
    is_due: AtomicBool,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared(Mutex<Due>);

#[derive(Debug, Default)]
struct Due {
    slots: Vec<usize>,
    listener: Option<Waker>,
}

impl<C, F: Future + Unpin> Unordered<C, F> {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            due: Vec::new(),
            shared: Arc::default(),
        }
    }

    /// How many are in it.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether none is in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a future; the next poll of the set polls it.
    pub fn push(&mut self, context: C, future: F) {
        let index = self.free.pop().unwrap_or_else(|| self.grow());
        if let Some(slot) = self.slots.get_mut(index) {
            slot.entry = Some((context, future));
            if !slot.bell.is_due.swap(true, Ordering::AcqRel) {
                self.due.push(index);
            }
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Option<(C, F::Output)>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        loop {
            let Some(index) = self.due.pop() else {
                if self.shared.collect(&mut self.due, cx) {
                    continue;
                }
                return Poll::Pending;
            };
            if let Some(result) = self.poll_slot(index) {
                return Poll::Ready(Some(result));
            }
        }
    }

    fn poll_slot(&mut self, index: usize) -> Option<(C, F::Output)> {
        let slot = self.slots.get_mut(index)?;
        slot.bell.is_due.store(false, Ordering::Release);
        let (_, future) = slot.entry.as_mut()?;
        let cx = &mut Context::from_waker(&slot.waker);
        let Poll::Ready(output) = Pin::new(future).poll(cx) else {
            return None;
        };
        let (context, _) = slot.entry.take()?;
        self.free.push(index);
        Some((context, output))
    }

    fn grow(&mut self) -> usize {
        let index = self.slots.len();
        let bell = Arc::new(SlotBell {
            index,
            is_due: AtomicBool::new(false),
            shared: Arc::clone(&self.shared),
        });
        self.slots.push(Slot {
            entry: None,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        });
        index
    }
}

impl<C, F: Future + Unpin> Default for Unordered<C, F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C, F> Unpin for Unordered<C, F> {}

impl<C, F: Future + Unpin> Stream for Unordered<C, F> {
    type Item = (C, F::Output);

    /// The next result; `None` if the set is empty.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_due(cx)
    }
}

impl Wake for SlotBell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.is_due.swap(true, Ordering::AcqRel) {
            return;
        }
        let listener = {
            let mut due = self.shared.lock();
            due.slots.push(self.index);
            due.listener.take()
        };
        if let Some(waker) = listener {
            waker.wake();
        }
    }
}

impl Shared {
    /// Takes what is due, to be popped in the order of wakes; listens if that is nothing.
    fn collect(&self, due: &mut Vec<usize>, cx: &mut Context<'_>) -> bool {
        let mut shared = self.lock();
        if shared.slots.is_empty() {
            shared.listener = Some(cx.waker().clone());
            return false;
        }
        std::mem::swap(due, &mut shared.slots);
        due.reverse();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Due> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::Ready;

    /// Ready once its cell is filled.
    #[derive(Clone, Default)]
    struct Cell(Arc<Mutex<(Option<u32>, Option<Waker>)>>);

    impl Cell {
        fn fill(&self, value: u32) {
            let mut cell = self.0.lock().expect("unpoisoned");
            cell.0 = Some(value);
            if let Some(waker) = cell.1.take() {
                waker.wake();
            }
        }
    }

    impl Future for Cell {
        type Output = u32;
        fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
            let mut cell = self.0.lock().expect("unpoisoned");
            cell.1 = Some(cx.waker().clone());
            cell.0.map_or(Poll::Pending, Poll::Ready)
        }
    }

    #[test]
    fn results_come_in_the_order_of_completion() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut set = Unordered::new();
        let cells: Vec<Cell> = (0..3).map(|_| Cell::default()).collect();
        for (n, cell) in cells.iter().enumerate() {
            set.push(n, cell.clone());
        }
        assert!(set.poll_due(cx).is_pending());
        cells[2].fill(20);
        cells[0].fill(10);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((2, 20))));
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((0, 10))));
        assert!(set.poll_due(cx).is_pending());
        set.push(7, cells[0].clone());
        assert_eq!(set.len(), 2);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((7, 10))));
        cells[1].fill(5);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((1, 5))));
        assert_eq!(set.poll_due(cx), Poll::Ready(None));
    }

    #[test]
    fn a_future_ready_at_once_needs_no_wake() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut set: Unordered<(), Ready<u8>> = Unordered::new();
        set.push((), std::future::ready(1));
        assert_eq!(set.poll_due(cx), Poll::Ready(Some(((), 1))));
    }

    #[test]
    fn whoever_polls_is_woken_when_something_is_due() {
        struct Count(std::sync::atomic::AtomicUsize);
        impl Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }
        let count = Arc::new(Count(0.into()));
        let waker = Waker::from(Arc::clone(&count));
        let mut set = Unordered::new();
        let cell = Cell::default();
        set.push((), cell.clone());
        assert!(set.poll_due(&mut Context::from_waker(&waker)).is_pending());
        cell.fill(1);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
