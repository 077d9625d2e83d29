//! The low-level connection as its driver sees it.

use std::sync::Arc;
use std::time::Duration;

use super::Wired;
use crate::client::observe::LinkWatch;
use crate::client::reply::Reply;
use crate::client::runtime::Runtime;
use crate::connection::{Connection, Event};
use crate::delivery::{Cause, Disconnect, Done, Outcome};
use crate::machine::{Machine, Turn};
use crate::time::Time;

/// Results handed out in a turn.
const RESULTS: usize = 256;

/// Dropped, for whatever reason, it settles what is in flight.
pub(super) struct WiredMachine<R: Runtime> {
    wired: Arc<Wired<R>>,
    watch: LinkWatch,
    /// Why the connection ended, if not well.
    cause: Option<Cause>,
}

impl<R: Runtime> WiredMachine<R> {
    pub(super) fn new(wired: Arc<Wired<R>>, watch: LinkWatch) -> Self {
        Self {
            wired,
            watch,
            cause: None,
        }
    }

    /// Hands out at most `limit` results; whether there may be more.
    fn settle(&mut self, now: Time, limit: usize) -> bool {
        for _ in 0..limit {
            // Bound first: the lock is released before the caller is woken.
            let event = self.wired.lock().wire.poll_event();
            let (job, outcome) = match event {
                Some(Event::Answered(job, response)) => (job, Outcome::Answered(response)),
                Some(Event::Returned(job, delivery, cause)) => {
                    (job, Outcome::Failed(closed(cause), delivery))
                }
                Some(Event::Draining(_)) => continue,
                Some(Event::Closed(cause)) => {
                    self.cause = cause;
                    continue;
                }
                None => return false,
            };
            let done = Done {
                attempts: job.attempts(),
                tag: job.tag,
                outcome,
                possible_duplicate: false,
            };
            self.wired.observer.settled(now, &done);
            Reply::settle(done);
        }
        true
    }

    /// Tells what is new of the connection, without its lock.
    fn look(&mut self, now: Time) {
        let sight = self.watch.look(&self.wired.lock().wire);
        self.watch.tell(&self.wired.observer, now, sight);
    }

    fn wake_watchers(&self, is_over: bool) {
        let watchers = {
            let mut state = self.wired.lock();
            state.is_over |= is_over;
            state.watchers.take()
        };
        for waker in watchers {
            waker.wake();
        }
    }
}

impl<R: Runtime> Machine for WiredMachine<R> {
    type Wire = Connection<Arc<Reply>>;

    fn with<O>(&mut self, f: impl FnOnce(&mut Self::Wire) -> O) -> O {
        f(&mut self.wired.lock().wire)
    }

    fn handle_wake(&mut self) {}

    fn turn(&mut self, now: Time, unix: Duration, _may_take: bool) -> Turn {
        self.look(now);
        self.wired.renew_token(now, unix);
        let again = self.settle(now, RESULTS);
        self.wake_watchers(false);
        Turn { again }
    }

    fn is_closed(&self) -> bool {
        self.wired.lock().wire.is_closed()
    }
}

impl<R: Runtime> Drop for WiredMachine<R> {
    fn drop(&mut self) {
        let now = self.wired.runtime.now();
        self.look(now);
        self.wired
            .lock()
            .wire
            .handle_disconnect(now, Disconnect::DriverDropped);
        while self.settle(now, RESULTS) {}
        self.watch
            .closed(&self.wired.observer, now, self.cause.as_ref());
        self.wake_watchers(true);
    }
}

/// A connection that its owner closed says so.
fn closed(cause: Cause) -> Cause {
    match cause {
        Cause::ConnectionLost(Disconnect::DriverDropped) => Cause::Closed,
        cause => cause,
    }
}
