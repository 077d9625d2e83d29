//! The way of an outcome back to its caller: one allocation a request, no channel, no runtime's budget.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::delivery::{Done, Outcome};
use crate::job::Tag;

/// Where the outcome of one request is put; the tag of its job.
#[derive(Debug, Default)]
pub(super) struct Reply {
    is_abandoned: AtomicBool,
    state: Mutex<State>,
}

/// An outcome, without the tag.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) attempts: u32,
    pub(super) possible_duplicate: bool,
}

#[derive(Debug, Default)]
struct State {
    /// Who waits.
    waker: Option<Waker>,
    /// What came, until it is taken.
    settled: Option<Settled>,
}

impl Reply {
    /// Puts the outcome, and wakes the caller.
    pub(super) fn settle(done: Done<Arc<Self>>) {
        let settled = Settled {
            outcome: done.outcome,
            attempts: done.attempts,
            possible_duplicate: done.possible_duplicate,
        };
        let waker = {
            let mut state = done.tag.lock();
            state.settled = Some(settled);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// The outcome, once; else this task is woken when it comes.
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Settled> {
        let mut state = self.lock();
        if let Some(settled) = state.settled.take() {
            return Poll::Ready(settled);
        }
        match &mut state.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }

    /// The caller went away.
    pub(super) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        self.lock().waker = None;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tag for Arc<Reply> {
    fn is_abandoned(&self) -> bool {
        self.is_abandoned.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Cause, Delivery};

    fn done(reply: &Arc<Reply>) -> Done<Arc<Reply>> {
        Done {
            tag: Arc::clone(reply),
            outcome: Outcome::Failed(Cause::Timeout, Delivery::Unknown),
            attempts: 2,
            possible_duplicate: true,
        }
    }

    #[test]
    fn an_outcome_comes_out_once() {
        let reply = Arc::new(Reply::default());
        let cx = &mut Context::from_waker(Waker::noop());
        assert!(reply.poll(cx).is_pending());
        Reply::settle(done(&reply));
        let Poll::Ready(settled) = reply.poll(cx) else {
            panic!("settled");
        };
        assert_eq!((settled.attempts, settled.possible_duplicate), (2, true));
        assert!(reply.poll(cx).is_pending());
    }

    #[test]
    fn an_abandoned_reply_says_so_to_the_core() {
        let reply = Arc::new(Reply::default());
        assert!(!reply.is_abandoned());
        reply.abandon();
        assert!(reply.is_abandoned());
        Reply::settle(done(&reply));
    }
}
