//! Many futures at once, results in order of completion, with nothing allocated for each.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;

/// A set of futures, each with something of the caller's, whose results come as they are done; a `Stream`.
///
/// For many requests at once this is cheaper than `FuturesUnordered`: a place in it is made once and used
/// again. [`Post`](super::Post) and [`Sending`](super::Sending) go into it as they are.
///
/// Results that came since the last poll come in no particular order.
#[derive(Debug)]
pub struct Unordered<C, F> {
    slots: Vec<Slot<C, F>>,
    /// Each has the bits of [`BLOCK`] slots.
    blocks: Vec<Arc<Block>>,
    free: Vec<usize>,
    /// Slots to poll.
    due: Vec<usize>,
    /// Blocks to look at, taken from `shared` in one go.
    woken: Vec<usize>,
    shared: Arc<Shared>,
}

/// A place for one future after another; its waker is made once.
#[derive(Debug)]
struct Slot<C, F> {
    entry: Option<(C, F)>,
    waker: Waker,
}

/// Slots whose wakes are gathered in one word: as a rule a wake is one step, and only the first of a block
/// needs the lock.
const BLOCK: usize = u64::BITS as usize;

#[derive(Debug)]
struct Block {
    index: usize,
    /// Slots that were woken.
    woken: AtomicU64,
    shared: Arc<Shared>,
}

/// Wakes one slot.
#[derive(Debug)]
struct Bell {
    bit: u64,
    block: Arc<Block>,
}

#[derive(Debug, Default)]
struct Shared(Mutex<Woken>);

#[derive(Debug, Default)]
struct Woken {
    /// Blocks with bits, each once.
    blocks: Vec<usize>,
    listener: Option<Waker>,
}

impl<C, F: Future + Unpin> Unordered<C, F> {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            slots: Vec::new(),
            blocks: Vec::new(),
            free: Vec::new(),
            due: Vec::new(),
            woken: Vec::new(),
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
            self.due.push(index);
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Option<(C, F::Output)>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        // Each is polled about once: one that wakes itself must not keep the others of this thread from theirs.
        let mut left = self.len();
        loop {
            let Some(index) = self.due.pop() else {
                if self.collect(cx) {
                    continue;
                }
                return Poll::Pending;
            };
            if let Some(result) = self.poll_slot(index) {
                return Poll::Ready(Some(result));
            }
            left = left.saturating_sub(1);
            if left == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        }
    }

    /// Polls what is in a slot, if anything: a wake may come late, and a slot be due twice.
    fn poll_slot(&mut self, index: usize) -> Option<(C, F::Output)> {
        let slot = self.slots.get_mut(index)?;
        let (_, future) = slot.entry.as_mut()?;
        let cx = &mut Context::from_waker(&slot.waker);
        let Poll::Ready(output) = Pin::new(future).poll(cx) else {
            return None;
        };
        let (context, _) = slot.entry.take()?;
        self.free.push(index);
        Some((context, output))
    }

    /// Takes what was woken, one block at a time; listens if there is none.
    fn collect(&mut self, cx: &mut Context<'_>) -> bool {
        if self.woken.is_empty() && !self.shared.take(&mut self.woken, cx) {
            return false;
        }
        let block = self.woken.pop().and_then(|index| self.blocks.get(index));
        if let Some(block) = block {
            let mut bits = block.woken.swap(0, Ordering::AcqRel);
            while bits != 0 {
                let bit = bits.trailing_zeros() as usize;
                self.due.push(block.index * BLOCK + bit);
                bits &= bits - 1;
            }
        }
        true
    }

    fn grow(&mut self) -> usize {
        let index = self.slots.len();
        let block = match self.blocks.last() {
            Some(block) if !index.is_multiple_of(BLOCK) => Arc::clone(block),
            _ => self.add_block(),
        };
        let bit = 1 << (index % BLOCK);
        self.slots.push(Slot {
            entry: None,
            waker: Waker::from(Arc::new(Bell { bit, block })),
        });
        index
    }

    fn add_block(&mut self) -> Arc<Block> {
        let block = Arc::new(Block {
            index: self.blocks.len(),
            woken: AtomicU64::new(0),
            shared: Arc::clone(&self.shared),
        });
        self.blocks.push(Arc::clone(&block));
        block
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

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let block = &self.block;
        // Whoever sets the first bit announces the block, and the bits are taken after that.
        if block.woken.fetch_or(self.bit, Ordering::AcqRel) == 0 {
            block.shared.announce(block.index);
        }
    }
}

impl Shared {
    fn announce(&self, block: usize) {
        let listener = {
            let mut woken = self.lock();
            woken.blocks.push(block);
            woken.listener.take()
        };
        if let Some(waker) = listener {
            waker.wake();
        }
    }

    /// Takes the blocks that were announced; listens if there is none.
    fn take(&self, blocks: &mut Vec<usize>, cx: &mut Context<'_>) -> bool {
        let mut woken = self.lock();
        if woken.blocks.is_empty() {
            woken.listener = Some(cx.waker().clone());
            return false;
        }
        std::mem::swap(blocks, &mut woken.blocks);
        true
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
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

    #[derive(Default)]
    struct Count(std::sync::atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn results_come_as_they_are_done() {
        let cx = &mut Context::from_waker(Waker::noop());
        let mut set = Unordered::new();
        let cells: Vec<Cell> = (0..3).map(|_| Cell::default()).collect();
        for (n, cell) in cells.iter().enumerate() {
            set.push(n, cell.clone());
        }
        assert!(set.poll_due(cx).is_pending());
        cells[2].fill(20);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((2, 20))));
        cells[0].fill(10);
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
    fn one_that_wakes_itself_lets_the_others_of_its_thread_go_on() {
        struct Restless(u32);
        impl Future for Restless {
            type Output = u32;
            fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u32> {
                self.0 += 1;
                cx.waker().wake_by_ref();
                match self.0 {
                    3.. => Poll::Ready(self.0),
                    _ => Poll::Pending,
                }
            }
        }
        let mut set = Unordered::new();
        set.push((), Restless(0));
        let woken = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&woken));
        let cx = &mut Context::from_waker(&waker);
        assert!(set.poll_due(cx).is_pending());
        assert!(set.poll_due(cx).is_pending());
        assert_eq!(
            woken.0.load(Ordering::Relaxed),
            2,
            "it is to be polled again"
        );
        assert_eq!(set.poll_due(cx), Poll::Ready(Some(((), 3))));
    }

    #[test]
    fn a_late_wake_of_what_was_there_before_does_no_harm() {
        let cx = &mut Context::from_waker(Waker::noop());
        let (first, second) = (Cell::default(), Cell::default());
        let mut set = Unordered::new();
        set.push(1, first.clone());
        assert!(set.poll_due(cx).is_pending());
        let late = first.0.lock().expect("unpoisoned").1.clone();
        first.fill(10);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((1, 10))));
        set.push(2, second.clone());
        late.expect("a waker").wake();
        assert!(set.poll_due(cx).is_pending());
        second.fill(20);
        assert_eq!(set.poll_due(cx), Poll::Ready(Some((2, 20))));
    }

    #[test]
    fn no_wake_of_another_thread_is_lost() {
        const COUNT: usize = 20_000;
        let (sender, cells) = std::sync::mpsc::channel::<Cell>();
        let cells = Arc::new(Mutex::new(cells));
        let fill = || {
            let cells = Arc::clone(&cells);
            std::thread::spawn(move || {
                loop {
                    let cell = cells.lock().expect("unpoisoned").recv();
                    let Ok(cell) = cell else { return };
                    cell.fill(1);
                }
            })
        };
        let threads = [fill(), fill(), fill()];
        struct Unpark(std::thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        let cx = &mut Context::from_waker(&waker);
        let mut set = Unordered::new();
        let (mut begun, mut done) = (0, 0);
        while done < COUNT {
            while begun < COUNT && set.len() < 200 {
                let cell = Cell::default();
                set.push(begun, cell.clone());
                sender.send(cell).expect("threads listen");
                begun += 1;
            }
            match set.poll_due(cx) {
                Poll::Ready(_) => done += 1,
                Poll::Pending => std::thread::park(),
            }
        }
        drop(sender);
        for thread in threads {
            thread.join().expect("no panic");
        }
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
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut set = Unordered::new();
        let cell = Cell::default();
        set.push((), cell.clone());
        assert!(set.poll_due(&mut Context::from_waker(&waker)).is_pending());
        cell.fill(1);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
    }
}
