//! The pool: queue, expiry, retries, dial policy, breaker, token schedule.
//!
//! A pool holds the work; [`Link`]s pull it. The truth about how much a connection can take lives in
//! the connection alone, since APNs moves its stream limit while running.
//!
//! ```text
//!  submit ─▶ fresh ─┐            ┌─▶ Link ─▶ Done
//!                   ├─ exchange ─┼─▶ Link ─▶ Done
//!      ┌──▶ due  ───┘            └─▶ Link ─┐
//!      └─── delayed ◀── may be tried again ┘
//! ```
//!
//! After every call of a `&mut Pool` method (an exchange included) drain [`poll_action`](Pool::poll_action).

mod action;
mod backoff;
mod breaker;
mod budget;
mod close;
mod config;
mod delayed;
mod dial;
mod exchange;
pub(crate) mod hand;
pub(crate) mod judge;
pub(crate) mod links;
mod news;
pub(crate) mod queue;
mod retry;
mod retry_after;
mod rng;
mod scale;
mod stats;
#[cfg(test)]
pub(crate) mod testing;
mod throttle;
mod timer;
mod token;

pub use action::{
    Action, Dial, LinkId, Mint, MintError, NotAdmitted, ProviderToken, Submitted, Ticket,
};
pub use config::{Auth, Close, PoolConfig};
pub use stats::Stats;

use std::collections::VecDeque;
use std::time::Duration;

use crate::delivery::{Cause, DialError, DialStep};
use crate::job::{Job, RejectReason, Rejected, Tag};
use crate::link::Link;
use crate::mutants::Mutant;
use crate::time::Time;
use breaker::{Breaker, Trip};
use budget::Budget;
use delayed::Delayed;
use dial::Dials;
use links::{Links, Order};
use queue::Queue;
use rng::Rng;
use stats::Tally;
use throttle::Throttle;
use timer::Timer;
use token::Tokens;

/// The pool.
///
/// Deterministic: the same seed and inputs give the same outputs. After it closed every input is a no-op.
#[derive(Debug)]
pub struct Pool<T> {
    config: PoolConfig,
    rng: Rng,
    actions: VecDeque<Action<T>>,
    timer: Timer,
    /// Jobs not tried yet, as they were submitted.
    fresh: Queue<T>,
    /// Jobs that may be tried again now: ahead of the fresh ones.
    due: Queue<T>,
    /// Jobs that may be tried (again) later.
    delayed: Delayed<T>,
    throttle: Throttle,
    links: Links,
    dials: Dials,
    tokens: Tokens,
    breaker: Breaker,
    budget: Budget,
    growth: scale::Growth,
    phase: close::Phase,
    /// The last job that waited left a pool that closes.
    is_end_due: bool,
    /// The queue was full: somebody may wait for room.
    is_short: bool,
    /// Places that were announced and not taken since.
    offered: usize,
    inflight: u64,
    goaways: u64,
    tally: Tally,
}

impl<T: Tag> Pool<T> {
    /// A pool that dials its first links, and asks for its first token, at once.
    ///
    /// `seed` is all its randomness: the jitter of its delays.
    pub fn new(config: PoolConfig, seed: u64, now: Time) -> Self {
        let mut pool = Self {
            rng: Rng::new(seed),
            actions: VecDeque::new(),
            timer: Timer::default(),
            fresh: Queue::new(),
            due: Queue::new(),
            delayed: Delayed::new(),
            throttle: Throttle::default(),
            links: Links::default(),
            dials: Dials::default(),
            tokens: Tokens::new(config.auth),
            breaker: Breaker::default(),
            budget: Budget::default(),
            growth: scale::Growth::default(),
            phase: close::Phase::Open,
            is_end_due: false,
            is_short: false,
            offered: 0,
            inflight: 0,
            goaways: 0,
            tally: Tally::default(),
            config,
        };
        pool.set_bounds(pool.config.min_links, pool.config.max_links);
        pool.mint(now);
        pool.redial(now);
        pool
    }

    /// Queues a job. Wake the link that comes back, if one does.
    ///
    /// # Errors
    /// `Full`: wait for [`Action::Room`]. `Closed`: closing or closed. `TooLarge`: the body alone is over
    /// the queue's bound. The job comes back.
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub fn submit(&mut self, now: Time, job: Job<T>) -> Result<Submitted, Rejected<T>> {
        if let Some(reason) = self.reject(&job) {
            return Err(Rejected { job, reason });
        }
        if let Some(cause) = self.flush_cause() {
            let done = job.give_up(cause);
            self.end(done);
            self.offered = self.offered.saturating_sub(1);
            self.announce_room();
            let ticket = Ticket(u64::MAX);
            return Ok(Submitted { ticket, wake: None });
        }
        if let Some(deadline) = job.deadline {
            self.arm(deadline);
        }
        let ticket = Ticket(self.fresh.push(job));
        self.offered = self.offered.saturating_sub(1);
        self.is_short |= self.waiting() >= self.config.max_queued;
        let wake = if self.may_go(now) && !self.config.connection.is(Mutant::SubmitWakesNobody) {
            self.links.wake()
        } else {
            None
        };
        if wake.is_none() {
            self.note_backlog(now);
            self.redial(now);
        }
        Ok(Submitted { ticket, wake })
    }

    /// Why a job would not be taken now.
    pub(crate) fn reject(&mut self, job: &Job<T>) -> Option<RejectReason> {
        if !self.phase.is_open() {
            return Some(RejectReason::Closed);
        }
        let octets = job.request.body().len();
        if octets > self.config.max_queued_octets {
            return Some(RejectReason::TooLarge);
        }
        (!self.has_room(octets)).then_some(RejectReason::Full)
    }

    /// Whether the queue takes one more body of so many octets; if not, it owes [`Action::Room`].
    pub(crate) fn has_room(&mut self, octets: usize) -> bool {
        let is_full = self.waiting() >= self.config.max_queued
            || octets > self.config.max_queued_octets.saturating_sub(self.octets());
        if is_full {
            (self.is_short, self.offered) = (true, 0);
        }
        !is_full
    }

    /// Takes back a job that waits for its first attempt. `None`: it was taken already; its end comes
    /// with its tag, which should say meanwhile that it is abandoned.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<Job<T>> {
        let job = self.fresh.cancel(ticket.0)?;
        self.tally.abandoned += 1;
        self.announce_room();
        self.check_end();
        Some(job)
    }

    /// A dial succeeded; `alpn` is the protocol that TLS selected.
    ///
    /// # Errors
    /// [`NotAdmitted`]: drop the transport.
    pub fn dialed(
        &mut self,
        now: Time,
        dial: Dial,
        alpn: Option<&[u8]>,
    ) -> Result<Link<T>, NotAdmitted> {
        if !self.dials.end(dial) {
            return Err(NotAdmitted::Late);
        }
        if alpn != Some(b"h2") {
            self.dial_error(
                now,
                DialError {
                    step: DialStep::Tls,
                    is_fatal: true,
                    message: "the server did not select h2 by ALPN".into(),
                },
            );
            return Err(NotAdmitted::NotHttp2);
        }
        let Some(id) = self.links.admit(now) else {
            return Err(NotAdmitted::Late);
        };
        let (connection, stuck_after) = (&self.config.connection, self.config.stuck_after);
        let link = Link::new(id, connection, stuck_after, now);
        self.redial(now);
        Ok(link)
    }

    /// A dial came to its next step: what expires meanwhile, without a link, tells where the dial hangs.
    pub fn dial_progress(&mut self, dial: Dial, step: DialStep) {
        self.dials.progress(dial, step);
    }

    /// A dial failed.
    pub fn dial_failed(&mut self, now: Time, dial: Dial, error: DialError) {
        if self.dials.end(dial) {
            self.dial_error(now, error);
        }
    }

    pub(crate) fn dial_error(&mut self, now: Time, error: DialError) {
        if error.is_fatal {
            self.trip(now, Cause::Dial(error.clone()), Trip::Dial);
        }
        self.dials.fail(now, error, &mut self.rng);
        self.redial(now);
    }

    /// A mint ended; `unix` is the wall clock: time since 1970.
    pub fn minted(
        &mut self,
        now: Time,
        unix: Duration,
        mint: Mint,
        result: Result<ProviderToken, MintError>,
    ) {
        self.tokens.minted(now, unix, &mint, result, &mut self.rng);
        self.mint(now);
        self.kick(now);
    }

    /// The credential changed: dials and mints from now on are with the new one, links with the old one
    /// drain, and what waits goes out with the new one. Closes the breaker.
    pub fn set_credential(&mut self, now: Time, auth: Auth) {
        if self.phase.is_closed() {
            return;
        }
        self.config.auth = auth;
        self.tokens.reset(auth);
        self.dials.reset();
        self.breaker.good();
        self.order_all(Order::Drain);
        self.mint(now);
        self.redial(now);
    }

    /// Takes one of the rare things that the pool wants done.
    pub fn poll_action(&mut self) -> Option<Action<T>> {
        let action = self.actions.pop_front()?;
        if matches!(action, Action::Timer) {
            self.timer.told();
        }
        Some(action)
    }

    /// Nobody waits for room any more: spares the driver [`Action::Room`] until the next `Full`.
    pub fn no_waiters(&mut self) {
        (self.is_short, self.offered) = (false, 0);
    }

    /// Whether a link is up: its first SETTINGS arrived, and it isn't draining.
    pub fn is_ready(&self) -> bool {
        self.links.iter_up().any(|(_, slot)| slot.is_ready)
    }

    /// The counters. Those that links count by themselves are added at their exchanges: at the latest
    /// when a link has nothing in flight.
    pub fn stats(&self) -> Stats {
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Stats {
            pending: count(self.fresh.len()),
            retrying: count(self.due.len() + self.delayed.len()),
            inflight: self.inflight,
            buffered: count(self.octets()),
            completed: self.tally.completed,
            errors: self.tally.errors,
            resent: self.tally.resent,
            abandoned: self.tally.abandoned,
            possible_duplicates: self.tally.possible_duplicates,
            dials: self.dials.begun(),
            dial_failures: self.dials.failed(),
            goaways: self.goaways,
            links: count(
                self.links
                    .iter_up()
                    .filter(|(_, slot)| slot.is_ready)
                    .count(),
            ),
        }
    }

    /// Jobs that wait, for whatever.
    fn waiting(&self) -> usize {
        self.fresh.len() + self.due.len() + self.delayed.len()
    }

    /// Jobs that wait for a link alone.
    fn backlog(&self) -> usize {
        self.fresh.len() + self.due.len()
    }

    fn octets(&self) -> usize {
        self.fresh.octets() + self.due.octets() + self.delayed.octets()
    }

    /// Whether jobs may be sent now, if there are any.
    fn may_go(&self, now: Time) -> bool {
        !self.breaker.is_open() && self.tokens.is_usable(now)
    }

    /// Jobs left: tells those who wait for room.
    fn announce_room(&mut self) {
        if !self.is_short || self.phase.is_closed() {
            return;
        }
        let room = self.config.max_queued.saturating_sub(self.waiting());
        let more = room.saturating_sub(self.offered);
        if more > 0 {
            self.offered += more;
            self.actions.push_back(Action::Room(more));
        }
    }

    /// Wakes a link if there is work that may go now.
    fn kick(&mut self, now: Time) {
        if self.backlog() > 0
            && self.may_go(now)
            && let Some(id) = self.links.wake()
        {
            self.actions.push_back(Action::Wake(id));
        }
    }

    /// Asks for a token if one is due.
    fn mint(&mut self, now: Time) {
        if self.phase.is_closed() {
            return;
        }
        if let Some(mint) = self.tokens.poll_mint(now) {
            self.actions.push_back(Action::Mint(mint));
        }
        if let Some(at) = self.tokens.next() {
            self.arm(at);
        }
    }

    fn order(&mut self, id: LinkId, order: Order) {
        if self.links.order(id, order) {
            self.actions.push_back(Action::Wake(id));
        }
    }

    fn order_all(&mut self, order: Order) {
        let ids: Vec<_> = self.links.iter().map(|(id, _)| id).collect();
        for id in ids {
            self.order(id, order);
        }
    }
}
