//! The way of an outcome back to its caller: one allocation a request, no channel, no runtime's budget.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use aapns_models::ApnsId;
use bytes::Bytes;

use crate::delivery::{Done, Outcome};
use crate::job::Tag;
use crate::pool::Ticket;
use crate::request::{Fields, Response};

use super::error::PostError;
use super::observe::Told;
use super::post::Answer;

/// Where the outcome of one request is put; the tag of its job.
#[derive(Debug)]
pub(super) struct Reply {
    told: Told,
    is_abandoned: AtomicBool,
    /// Where the request waits. Written and read under the pool's lock alone.
    place: AtomicU64,
    state: Mutex<State>,
}

/// Where a request waits, so that its caller can take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the pool's queue, unless it left it since.
    Queue(Ticket),
    /// In line for the queue.
    Line(u64),
}

/// In the number of a place: it is one in line. A pool never gives so many tickets.
const IN_LINE: u64 = 1 << 63;

/// An outcome, without the tag.
#[derive(Debug)]
pub(super) struct Settled {
    pub(super) outcome: Outcome,
    pub(super) attempts: u32,
    pub(super) possible_duplicate: bool,
}

/// Small, since each request that waits has one.
#[derive(Debug, Default)]
enum State {
    /// Nobody asked, or it was taken.
    #[default]
    Idle,
    /// Who waits.
    Waiting(Waker),
    Plain(Plain),
    Settled(Box<Settled>),
}

/// An answer without fields and body of its own, as APNs gives to what it accepts.
#[derive(Clone, Copy, Debug)]
struct Plain {
    status: u16,
    possible_duplicate: bool,
    attempts: u32,
    apns_id: Option<ApnsId>,
    unique_id: Option<ApnsId>,
}

impl Default for Reply {
    fn default() -> Self {
        Self::new(Told::default())
    }
}

impl Reply {
    pub(super) fn new(told: Told) -> Self {
        Self {
            told,
            is_abandoned: AtomicBool::new(false),
            place: AtomicU64::new(u64::MAX),
            state: Mutex::default(),
        }
    }

    /// What is told of the request.
    pub(super) fn told(&self) -> &Told {
        &self.told
    }

    /// Where the request waits from now on.
    pub(super) fn set_place(&self, place: Place) {
        let number = match place {
            Place::Queue(ticket) => ticket.0 & !IN_LINE,
            Place::Line(number) => number | IN_LINE,
        };
        self.place.store(number, Ordering::Relaxed);
    }

    /// Where the request waits, or waited last.
    pub(super) fn place(&self) -> Place {
        let number = self.place.load(Ordering::Relaxed);
        match number & IN_LINE {
            0 => Place::Queue(Ticket(number)),
            _ => Place::Line(number & !IN_LINE),
        }
    }

    /// Puts the outcome, and wakes the caller.
    pub(super) fn settle(done: Done<Arc<Self>>) {
        let state = State::settled(done.outcome, done.attempts, done.possible_duplicate);
        let before = std::mem::replace(&mut *done.tag.lock(), state);
        if let State::Waiting(waker) = before {
            waker.wake();
        }
    }

    /// The outcome, once; else this task is woken when it comes.
    #[inline]
    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Result<Answer, PostError>> {
        let mut state = self.lock();
        match &mut *state {
            State::Waiting(waker) => waker.clone_from(cx.waker()),
            State::Idle => *state = State::Waiting(cx.waker().clone()),
            State::Plain(plain) => {
                let plain = *plain;
                *state = State::Idle;
                drop(state);
                return Poll::Ready(Ok(plain.into()));
            }
            State::Settled(_) => return take_settled(state),
        }
        Poll::Pending
    }

    /// The same for the last one that has the reply, without its lock; `Err` gives it back to another.
    #[inline]
    pub(super) fn take(self: Arc<Self>) -> Result<Poll<Result<Answer, PostError>>, Arc<Self>> {
        let reply = Arc::try_unwrap(self)?;
        let state = reply.state.into_inner();
        Ok(match state.unwrap_or_else(PoisonError::into_inner) {
            State::Plain(plain) => Poll::Ready(Ok(plain.into())),
            State::Settled(settled) => Poll::Ready(settled.into_result()),
            State::Idle | State::Waiting(_) => Poll::Pending,
        })
    }

    /// The caller went away.
    pub(super) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        let _state = std::mem::take(&mut *self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cold]
fn take_settled(mut state: MutexGuard<'_, State>) -> Poll<Result<Answer, PostError>> {
    match std::mem::take(&mut *state) {
        State::Settled(settled) => Poll::Ready(settled.into_result()),
        other => {
            *state = other;
            Poll::Pending
        }
    }
}

impl State {
    #[inline]
    fn settled(outcome: Outcome, attempts: u32, possible_duplicate: bool) -> Self {
        match outcome {
            Outcome::Answered(answer) if is_plain(&answer) => Self::Plain(Plain {
                status: answer.status,
                possible_duplicate,
                attempts,
                apns_id: answer.apns_id,
                unique_id: answer.unique_id,
            }),
            outcome => Self::Settled(Box::new(Settled {
                outcome,
                attempts,
                possible_duplicate,
            })),
        }
    }
}

fn is_plain(answer: &Response) -> bool {
    answer.body.is_empty() && answer.fields.is_empty() && !answer.is_truncated
}

impl From<Plain> for Answer {
    #[inline]
    fn from(plain: Plain) -> Self {
        Self {
            response: Response {
                status: plain.status,
                apns_id: plain.apns_id,
                unique_id: plain.unique_id,
                fields: Fields::new(),
                body: Bytes::new(),
                is_truncated: false,
            },
            attempts: plain.attempts,
            possible_duplicate: plain.possible_duplicate,
        }
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
        let Poll::Ready(Err(PostError::Timeout(failure))) = reply.poll(cx) else {
            panic!("a timeout");
        };
        assert_eq!((failure.attempts, failure.possible_duplicate), (2, true));
        assert!(reply.poll(cx).is_pending());
    }

    #[test]
    fn an_answer_comes_out_as_it_was_with_and_without_a_body() {
        let plain = Response {
            status: 200,
            apns_id: Some(ApnsId::from_u128(1)),
            unique_id: Some(ApnsId::from_u128(2)),
            ..Response::default()
        };
        let truncated = Response {
            is_truncated: true,
            ..plain.clone()
        };
        let body = Response {
            body: Bytes::from_static(b"{}"),
            ..plain.clone()
        };
        let fields = Response {
            fields: Fields::new().with("a", "b").expect("a field"),
            ..plain.clone()
        };
        for response in [plain, truncated, body, fields] {
            let reply = Arc::new(Reply::default());
            let cx = &mut Context::from_waker(Waker::noop());
            assert!(reply.poll(cx).is_pending());
            Reply::settle(Done {
                outcome: Outcome::Answered(response.clone()),
                ..done(&reply)
            });
            let Poll::Ready(Ok(answer)) = reply.poll(cx) else {
                panic!("an answer");
            };
            assert_eq!(answer.response, response);
            assert_eq!((answer.attempts, answer.possible_duplicate), (2, true));
            assert!(reply.poll(cx).is_pending());
        }
    }

    #[test]
    fn the_last_one_that_has_a_reply_takes_what_came() {
        let reply = Arc::new(Reply::default());
        Reply::settle(done(&reply));
        let other = Arc::clone(&reply);
        let reply = reply.take().expect_err("there is another");
        drop(other);
        let result = reply.take().expect("there is no other");
        assert!(matches!(result, Poll::Ready(Err(PostError::Timeout(_)))));
    }

    #[test]
    #[cfg(not(any(feature = "tracing", feature = "metrics")))]
    fn a_reply_that_waits_is_small() {
        assert!(size_of::<Reply>() <= 72, "{}", size_of::<Reply>());
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
