//! Many futures at once, results as they are done, with nothing allocated for each.

use std::collections::VecDeque;
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
/// Of those that were done since the last poll, results come about in the order in which they were added.
#[derive(Debug)]
pub struct Unordered<C, F> {
    slots: Vec<Slot<C, F>>,
    /// Each has the bits of [`BLOCK`] slots.
    blocks: Vec<Arc<Block>>,
    /// Those free for longest are filled first, and so polled in the order in which they were filled.
    free: VecDeque<usize>,
    /// Slots to poll.
    due: VecDeque<usize>,
    /// Blocks to look at, the first one last; taken from `shared` in one go.
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
            free: VecDeque::new(),
            due: VecDeque::new(),
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
        let index = self.free.pop_front().unwrap_or_else(|| self.grow());
        if let Some(slot) = self.slots.get_mut(index) {
            slot.entry = Some((context, future));
            self.due.push_back(index);
        }
    }

    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<Option<(C, F::Output)>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        // Each is polled about once: one that wakes itself must not keep the others of this thread from theirs.
        let mut left = self.len();
        loop {
            let Some(index) = self.due.pop_front() else {
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
        self.free.push_back(index);
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
                self.due.push_back(block.index * BLOCK + bit);
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
        blocks.reverse();
        true
    }

    fn lock(&self) -> MutexGuard<'_, Woken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
