//! Waking a task from outside a lock: a flag, and the waker of whoever waits for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

use crate::limits::LINKS_LIMIT;
use crate::pool::LinkId;

/// Rung by anyone, heard by one task. A ring is never lost: the listener registers first, then looks at the flag.
#[derive(Debug, Default)]
pub(super) struct Bell {
    is_rung: AtomicBool,
    listener: Mutex<Option<Waker>>,
}

impl Bell {
    /// Wakes the listener, now or as soon as it listens.
    pub(super) fn ring(&self) {
        if self.is_rung.swap(true, Ordering::AcqRel) {
            return; // who rang before wakes the listener
        }
        let listener = self.lock().clone();
        if let Some(waker) = listener {
            waker.wake();
        }
    }

    /// Makes this task the listener.
    pub(super) fn listen(&self, cx: &mut Context<'_>) {
        let mut listener = self.lock();
        if !listener.as_ref().is_some_and(|w| w.will_wake(cx.waker())) {
            *listener = Some(cx.waker().clone());
        }
    }

    /// Whether it was rung since the last call.
    pub(super) fn hear(&self) -> bool {
        self.is_rung.load(Ordering::Acquire) && self.is_rung.swap(false, Ordering::AcqRel)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Waker>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

const CHUNK: usize = 32;

type Chunk = OnceLock<Box<[Arc<Bell>]>>;

/// The bells of a pool's links: an array of fixed length, outside the pool's lock, filled in as links appear.
#[derive(Debug)]
pub(super) struct Bells {
    chunks: [Chunk; LINKS_LIMIT / CHUNK],
}

impl Bells {
    pub(super) fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; LINKS_LIMIT / CHUNK],
        }
    }

    /// The bell of this link; `None` for an id that no pool gives.
    pub(super) fn of(&self, id: LinkId) -> Option<&Arc<Bell>> {
        let id = usize::from(id.0);
        let chunk = self.chunks.get(id / CHUNK)?;
        chunk
            .get_or_init(|| (0..CHUNK).map(|_| Arc::default()).collect())
            .get(id % CHUNK)
    }

    pub(super) fn ring(&self, id: Option<LinkId>) {
        if let Some(bell) = id.and_then(|id| self.of(id)) {
            bell.ring();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_ring_before_the_listener_came_is_heard() {
        let bell = Bell::default();
        bell.ring();
        assert!(bell.hear());
        assert!(!bell.hear());
    }

    #[test]
    fn rings_in_a_row_wake_the_listener_once() {
        let (bell, count) = (Bell::default(), Arc::new(Count::default()));
        let waker = Waker::from(Arc::clone(&count));
        bell.listen(&mut Context::from_waker(&waker));
        bell.ring();
        bell.ring();
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(bell.hear());
        bell.ring();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn every_link_a_pool_can_have_has_a_bell_and_no_other() {
        let bells = Bells::new();
        assert!(bells.of(LinkId(0)).is_some());
        assert!(bells.of(LinkId(1023)).is_some());
        assert!(bells.of(LinkId(1024)).is_none());
        assert!(!Arc::ptr_eq(
            bells.of(LinkId(0)).expect("exists"),
            bells.of(LinkId(1)).expect("exists")
        ));
    }
}
