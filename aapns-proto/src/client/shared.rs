//! What the handles, the links and the pool's task of one pool share, and the one lock in it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Waker;

use crate::delivery::{Cause, Delivery, Done, Outcome};
use crate::pool::{Action, Close, LinkId, Pool};
use crate::time::Time;

use super::bell::{Bell, Bells};
use super::credential::{Access, Trust};
use super::endpoint::Endpoint;
use super::options::Defaults;
use super::pool::State;
use super::reply::Reply;
use super::room::{Place, Room};
use super::runtime::Runtime;

/// Callers called at a time: each that finds room calls the next, so more would only crowd.
const CALLS: usize = 64;

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
    core: Mutex<Core>,
}

/// What is under the pool's lock.
pub(super) struct Core {
    pub(super) pool: Pool<Arc<Reply>>,
    pub(super) room: Room,
    /// What the pool's task has to do.
    pub(super) orders: VecDeque<Action<Arc<Reply>>>,
    /// Who waits for the pool to be up or closed.
    pub(super) watchers: Vec<Waker>,
    pub(super) access: Access,
    pub(super) is_closing: bool,
    pub(super) is_closed: bool,
    /// Transports of links, those included that only take leave of the server.
    pub(super) transports: usize,
    wakes: Wakes,
}

/// Whom to wake once the lock is released.
#[derive(Default)]
struct Wakes {
    links: Vec<LinkId>,
    tasks: Vec<Waker>,
    rings_task: bool,
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
            room: Room::default(),
            orders: VecDeque::new(),
            watchers: Vec::new(),
            access,
            is_closing: false,
            is_closed: false,
            transports: 0,
            wakes: Wakes::default(),
        };
        Self {
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
        core.collect_actions();
        if core.wakes.is_empty() {
            return output;
        }
        let wakes = std::mem::take(&mut core.wakes);
        drop(core);
        self.wake(wakes);
        output
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
    }

    /// Gives a link's outcome to its caller.
    pub(super) fn settle(&self, done: Done<Arc<Reply>>) {
        self.count_unsent(&done.outcome);
        Reply::settle(done);
    }

    /// Counts what comes back unprocessed because the pool was closed. An outcome among the orders is
    /// counted under the lock that takes it from there: without orders, all is counted.
    pub(super) fn count_unsent(&self, outcome: &Outcome) {
        if let Outcome::Failed(Cause::Closed, Delivery::NotSent | Delivery::Refused) = outcome {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Wakes {
    fn is_empty(&self) -> bool {
        self.links.is_empty() && self.tasks.is_empty() && !self.rings_task
    }
}

impl Core {
    /// Puts a caller in the line for room; its deadline is the pool's task's business.
    pub(super) fn wait_for_room(&mut self, deadline: Option<Time>) -> Place {
        let first = self.room.next_deadline();
        let place = self.room.join(deadline);
        self.wakes.rings_task |= self.room.next_deadline() != first;
        place
    }

    /// Takes a caller out of the line for room.
    pub(super) fn leave_room(&mut self, place: Place) {
        self.room.leave(place, &mut self.wakes.tasks);
        if self.room.is_empty() {
            self.pool.no_waiters();
        }
    }

    /// Wakes a link once the lock is released.
    pub(super) fn wake_link(&mut self, id: Option<LinkId>) {
        self.wakes.links.extend(id);
    }

    /// Begins to close; the first call counts, but an abort cuts a drain short.
    pub(super) fn close(&mut self, now: Time, how: Close) {
        if !self.is_closed {
            self.is_closing = true;
            self.pool.close(now, how);
            self.room.call_all(&mut self.wakes.tasks);
        }
    }

    /// Everything is settled, and the last server has heard our farewell.
    pub(super) fn is_over(&self) -> bool {
        self.is_closed && self.orders.is_empty() && self.transports == 0
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
        let pool = self.pool.poll_timeout().map(|(at, _)| at);
        pool.into_iter().chain(self.room.next_deadline()).min()
    }

    /// Time passed.
    pub(super) fn handle_timeout(&mut self, now: Time) {
        if self.pool.poll_timeout().is_some_and(|(at, _)| at <= now) {
            self.pool.handle_timeout(now);
        }
        self.room.handle_timeout(now, &mut self.wakes.tasks);
    }

    /// Whether requests can go out now.
    pub(super) fn is_up(&self) -> bool {
        self.pool.is_ready()
    }

    fn collect_actions(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Wake(id) => self.wakes.links.push(id),
                Action::Room(_) if self.room.is_empty() => self.pool.no_waiters(),
                Action::Room(n) => self.room.call(n.min(CALLS), &mut self.wakes.tasks),
                Action::Timer => self.wakes.rings_task = true,
                Action::Closed => {
                    self.is_closing = true;
                    self.is_closed = true;
                    self.room.call_all(&mut self.wakes.tasks);
                    self.wakes.rings_task = true;
                }
                order @ (Action::Dial(_) | Action::Mint(_) | Action::Done(_)) => {
                    self.orders.push_back(order);
                    self.wakes.rings_task = true;
                }
            }
        }
        let has_news = self.is_over() || !self.is_closing && self.is_up();
        if has_news && !self.watchers.is_empty() {
            self.wakes.tasks.append(&mut self.watchers);
        }
    }
}

impl<R> std::fmt::Debug for Shared<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("endpoint", &self.endpoint)
            .finish_non_exhaustive()
    }
}
