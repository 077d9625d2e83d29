//! Requests that wait until the pool's queue has room: first come, first served.
//!
//! The requests stand in line, not their callers: whoever frees room hands the first of them to the
//! queue, and a caller that isn't polled for a while holds up nobody.

use std::sync::Arc;

use crate::job::{Job, Rejected};
use crate::limits::ADMITTED;
use crate::pool::queue::Queue;
use crate::pool::{LinkId, Pool};
use crate::time::Time;

use super::reply::{Place, Reply};

/// The line. Either it was called, or the pool's last word was "full", so that it owes a call.
#[derive(Debug)]
pub(super) struct Room {
    line: Queue<Arc<Reply>>,
    /// Places in the queue that the pool announced and nobody took yet.
    called: usize,
}

impl Room {
    pub(super) fn new() -> Self {
        Self {
            line: Queue::new(),
            called: 0,
        }
    }

    /// Whether nobody waits, so that a newcomer may go ahead.
    pub(super) fn is_empty(&self) -> bool {
        self.line.len() == 0
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.line.len()
    }

    /// Joins the line at its end.
    pub(super) fn join(&mut self, job: Job<Arc<Reply>>) {
        let reply = Arc::clone(&job.tag);
        let number = self.line.push(job);
        reply.set_place(Place::Line(number));
    }

    /// Takes a request out of the line. Others may fit where this one didn't.
    pub(super) fn leave(&mut self, number: u64) -> Option<Job<Arc<Reply>>> {
        let job = self.line.cancel(number)?;
        self.call(1);
        Some(job)
    }

    /// The pool has room for so many more.
    pub(super) fn call(&mut self, count: usize) {
        self.called = self.called.saturating_add(count);
    }

    /// Whether somebody can be handed to the queue.
    pub(super) fn is_called(&self) -> bool {
        self.called > 0 && !self.is_empty()
    }

    /// Hands the first ones to the queue, as far as there is room, but not too many at a time. One that
    /// the pool won't ever take comes back.
    pub(super) fn admit(
        &mut self,
        now: Time,
        pool: &mut Pool<Arc<Reply>>,
        wakes: &mut Vec<LinkId>,
    ) -> Option<Rejected<Arc<Reply>>> {
        let mut refused = None;
        for _ in 0..ADMITTED {
            let Some(octets) = self.line.front_octets().filter(|_| self.called > 0) else {
                break;
            };
            if !pool.has_room(octets) {
                self.called = 0;
                break;
            }
            self.called -= 1;
            let Some(job) = self.line.pop() else {
                break;
            };
            let reply = Arc::clone(&job.tag);
            match pool.submit(now, job) {
                Ok(submitted) => {
                    reply.set_place(Place::Queue(submitted.ticket));
                    wakes.extend(submitted.wake);
                }
                Err(rejected) => {
                    refused = Some(rejected);
                    break;
                }
            }
        }
        self.line.forget();
        self.rest(pool);
        refused
    }

    /// Takes the first one out of the line: the pool closes.
    pub(super) fn pop(&mut self) -> Option<Job<Arc<Reply>>> {
        let job = self.line.pop();
        self.line.forget();
        job
    }

    /// Takes out one whose deadline has come.
    pub(super) fn pop_expired(&mut self, now: Time) -> Option<Job<Arc<Reply>>> {
        let job = self.line.pop_expired(now)?;
        self.line.forget();
        self.call(1);
        Some(job)
    }

    /// When the first of them gives up.
    pub(super) fn next_deadline(&self) -> Option<Time> {
        self.line.next_deadline()
    }

    /// Nobody waits any more: the pool needn't call.
    pub(super) fn rest(&mut self, pool: &mut Pool<Arc<Reply>>) {
        if self.is_empty() {
            self.called = 0;
            pool.no_waiters();
        }
    }
}
