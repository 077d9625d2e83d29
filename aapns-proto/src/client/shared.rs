//! What the handles, the links and the pool's task of one pool share, and the one lock in it.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::delivery::{Cause, Delivery, Done, Outcome};
use crate::job::{Job, RejectReason};
use crate::limits::DUE_BATCH;
use crate::pool::{Action, Close, LinkId, Pool};
use crate::time::Time;

use super::bell::{Bell, Bells};
use super::credential::{Access, Trust};
use super::endpoint::Endpoint;
use super::observe::{BreakerWatch, Observer, Turned};
use super::options::Defaults;
use super::pool::State;
use super::reply::{Place, Reply};
use super::room::Room;
use super::runtime::Runtime;
use super::watchers::{Watched, Watchers, Watching};

/// One pool's common ground.
pub(super) struct Shared<R> {
    pub(super) runtime: R,
    pub(super) endpoint: Endpoint,
    pub(super) defaults: Defaults,
    pub(super) bells: Bells,
    /// Rung for orders and for a timer that moved.
    pub(super) task_bell: Bell,
    /// Requests that came back without having been processed, because the pool was closed.
    pub(super) unsent: AtomicU64,
    pub(super) trust: Trust,
    pub(super) observer: Observer,
    core: Mutex<Core>,
}

/// What is under the pool's lock.
pub(super) struct Core {
    pub(super) pool: Pool<Arc<Reply>>,
    pub(super) room: Room,
    /// What the pool's task has to do.
    pub(super) orders: VecDeque<Action<Arc<Reply>>>,
    /// Who waits for the pool to be up or closed.
    pub(super) watchers: Watchers,
    pub(super) access: Access,
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
    /// The pool's task is gone, and its runtime with it: who makes orders carries them out.
    pub(super) is_orphaned: bool,
    /// Transports of links, those included that only take leave of the server.
    pub(super) transports: usize,
    wakes: Wakes,
    breaker: BreakerWatch,
}

/// Whom to wake once the lock is released.
#[derive(Default)]
struct Wakes {
    links: Vec<LinkId>,
    tasks: Vec<Waker>,
    rings_task: bool,
    breaker: Option<Turned>,
}

impl<R: Runtime> Shared<R> {
    pub(super) fn new(
        runtime: R,
        endpoint: Endpoint,
        defaults: Defaults,
        pool: Pool<Arc<Reply>>,
        access: Access,
        trust: Trust,
    ) -> Self {
        let core = Core {
            pool,
            room: Room::new(),
            orders: VecDeque::new(),
            watchers: Watchers::default(),
            access,
            is_closing: false,
            is_closed: false,
            is_orphaned: false,
            transports: 0,
            wakes: Wakes::default(),
            breaker: BreakerWatch::default(),
        };
        Self {
            observer: Observer::new(&endpoint),
            runtime,
            endpoint,
            defaults,
            bells: Bells::new(),
            task_bell: Bell::default(),
            unsent: AtomicU64::new(0),
            trust,
            core: Mutex::new(core),
        }
    }

    /// Does something to the pool under its lock, then wakes whom that concerns, without it.
    pub(super) fn with<O>(&self, f: impl FnOnce(&mut Core) -> O) -> O {
        let mut core = self.core.lock().unwrap_or_else(PoisonError::into_inner);
        let output = f(&mut core);
        core.collect_actions(|| self.runtime.now());
        core.watch_breaker();
        if core.wakes.is_empty() {
            return output;
        }
        let wakes = std::mem::take(&mut core.wakes);
        drop(core);
        self.wake(wakes);
        output
    }

    /// Waits until something holds, or the other future ends; looked at whenever there is news.
    pub(super) async fn watch<O>(
        &self,
        mut holds: impl FnMut(&Core) -> Option<O>,
        mut gives_up: impl FnMut(&mut Context<'_>) -> Poll<()>,
    ) -> Option<O> {
        let watching = Watching::new(self);
        poll_fn(|cx| {
            let held = self.with(|core| {
                let held = holds(core);
                if held.is_none() {
                    core.watchers.listen(watching.seat, cx.waker());
                }
                held
            });
            match held {
                Some(output) => Poll::Ready(Some(output)),
                None => gives_up(cx).map(|()| None),
            }
        })
        .await
    }

    #[cold]
    fn wake(&self, wakes: Wakes) {
        for id in wakes.links {
            self.bells.ring(Some(id));
        }
        for waker in wakes.tasks {
            waker.wake();
        }
        if wakes.rings_task {
            self.task_bell.ring();
        }
        if let Some(turned) = wakes.breaker {
            self.observer.breaker_turned(turned);
        }
    }

    /// Gives a link's outcome to its caller.
    pub(super) fn settle(&self, now: Time, done: Done<Arc<Reply>>) {
        self.count_unsent(&done.outcome);
        self.observer.settled(now, &done);
        Reply::settle(done);
    }

    /// An outcome among the orders is counted under the lock that takes it from there: without orders, all
    /// is counted.
    pub(super) fn count_orders<'a>(
        &self,
        orders: impl IntoIterator<Item = &'a Action<Arc<Reply>>>,
    ) {
        for order in orders {
            if let Action::Done(done) = order {
                self.count_unsent(&done.outcome);
            }
        }
    }

    /// Counts what comes back unprocessed because the pool was closed.
    fn count_unsent(&self, outcome: &Outcome) {
        if let Outcome::Failed(Cause::Closed, Delivery::NotSent | Delivery::Refused) = outcome {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<R: Runtime> Watched for Shared<R> {
    fn with_watchers<O>(&self, f: impl FnOnce(&mut Watchers) -> O) -> O {
        self.with(|core| f(&mut core.watchers))
    }
}

impl Wakes {
    fn is_empty(&self) -> bool {
        self.links.is_empty() && self.tasks.is_empty() && !self.rings_task && self.breaker.is_none()
    }
}

impl Core {
    /// Queues a request, or puts it in line if the queue is full and it may wait. Ring whom it names.
    pub(super) fn post(
        &mut self,
        now: Time,
        job: Job<Arc<Reply>>,
        reply: &Reply,
        may_wait: bool,
    ) -> Result<Option<LinkId>, RejectReason> {
        let (job, reason) = if self.room.is_empty() {
            match self.pool.submit(now, job) {
                Ok(submitted) => {
                    reply.set_place(Place::Queue(submitted.ticket));
                    return Ok(submitted.wake);
                }
                Err(rejected) => (rejected.job, rejected.reason),
            }
        } else {
            let reason = self.pool.reject(&job);
            (job, reason.unwrap_or(RejectReason::Full))
        };
        if reason != RejectReason::Full || !may_wait {
            return Err(reason);
        }
        let first = self.room.next_deadline();
        self.room.join(job);
        self.wakes.rings_task |= self.room.next_deadline() != first;
        Ok(None)
    }

    /// Takes back a request whose caller went away, if it waits for its first attempt.
    pub(super) fn take_back(&mut self, reply: &Reply) -> Option<Job<Arc<Reply>>> {
        match reply.place() {
            Place::Queue(ticket) => self.pool.cancel(ticket),
            Place::Line(number) => {
                let job = self.room.leave(number)?;
                self.pool.count_taken_back();
                self.room.rest(&mut self.pool);
                Some(job)
            }
        }
    }

    /// Begins to close; the first call counts, but an abort cuts a drain short. What stands in line is
    /// sent back by the pool's task.
    pub(super) fn close(&mut self, now: Time, how: Close) {
        if !self.is_closed {
            self.is_closing = true;
            self.pool.close(now, how);
            self.wakes.tasks.extend(self.watchers.take());
            self.wakes.rings_task = true;
        }
    }

    /// Everything is settled, and the last server has heard our farewell.
    pub(super) fn is_over(&self) -> bool {
        self.is_settled() && self.transports == 0
    }

    /// Every request has its outcome.
    pub(super) fn is_settled(&self) -> bool {
        self.is_closed && self.orders.is_empty() && self.room.is_empty()
    }

    pub(super) fn state(&self) -> State {
        match (self.is_closed, self.is_closing) {
            (true, _) => State::Closed,
            (false, true) => State::Closing,
            (false, false) if self.is_up() => State::Up,
            (false, false) => State::Connecting,
        }
    }

    /// The moment at which the pool's task has something to do.
    pub(super) fn next_timeout(&self) -> Option<Time> {
        if self.is_closing && !self.room.is_empty() {
            return Some(Time::ZERO);
        }
        let pool = self.pool.poll_timeout().map(|(at, _)| at);
        pool.into_iter().chain(self.room.next_deadline()).min()
    }

    /// Time passed.
    pub(super) fn handle_timeout(&mut self, now: Time) {
        if self.pool.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.pool.handle_timeout(now);
        }
        for _ in 0..DUE_BATCH {
            let Some(done) = self.turned_away(now) else {
                break;
            };
            self.end(done);
        }
        self.room.rest(&mut self.pool);
    }

    /// One that stood in line until its deadline, or until the pool was closed.
    fn turned_away(&mut self, now: Time) -> Option<Done<Arc<Reply>>> {
        if let Some(job) = self.room.pop_expired(now) {
            return Some(self.pool.expired(job));
        }
        if !self.is_closing {
            return None;
        }
        let job = self.room.pop()?;
        Some(job.give_up(Cause::Closed))
    }

    /// Whether requests can go out now.
    pub(super) fn is_up(&self) -> bool {
        self.pool.is_ready()
    }

    /// A request ended that never came into the queue.
    fn end(&mut self, done: Done<Arc<Reply>>) {
        self.pool.count_unqueued(&done);
        self.orders.push_back(Action::Done(done));
        self.wakes.rings_task = true;
    }

    fn collect_actions(&mut self, now: impl FnOnce() -> Time) {
        self.sort_actions();
        if self.room.is_called() && !self.is_closing {
            let links = &mut self.wakes.links;
            if let Some(refused) = self.room.admit(now(), &mut self.pool, links) {
                self.end(refused.job.give_up(Cause::Closed));
            }
            self.sort_actions();
            // The rest is for the next turn of the pool's task.
            self.wakes.rings_task |= self.room.is_called();
        }
        if !self.watchers.is_empty() && self.has_news() {
            self.wakes.tasks.extend(self.watchers.take());
        }
    }

    #[inline]
    fn watch_breaker(&mut self) {
        self.wakes.breaker = self.breaker.look(&self.pool);
    }

    #[inline]
    fn sort_actions(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Wake(id) => self.wakes.links.push(id),
                Action::Room(n) => {
                    self.room.call(n);
                    self.room.rest(&mut self.pool);
                }
                Action::Timer => self.wakes.rings_task = true,
                Action::Closed => {
                    self.is_closing = true;
                    self.is_closed = true;
                    self.wakes.rings_task = true;
                }
                order @ (Action::Dial(_) | Action::Mint(_) | Action::Done(_)) => {
                    self.orders.push_back(order);
                    self.wakes.rings_task = true;
                }
            }
        }
    }

    fn has_news(&self) -> bool {
        self.is_over() || !self.is_closing && (self.is_up() || self.pool.is_broken())
    }
}

impl<R> std::fmt::Debug for Shared<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
