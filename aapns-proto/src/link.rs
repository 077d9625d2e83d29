//! A connection and its half of the pull protocol.

use std::time::Duration;

use crate::connection::{Connection, ConnectionConfig, Credit, Event};
use crate::delivery::{Cause, Delivery, Disconnect, Done};
use crate::job::{Job, Policy, RejectReason, Tag};
use crate::machine::Wakeup;
use crate::mutants::Mutant;
use crate::pool::hand::{Back, Hand};
use crate::pool::judge::{self, Verdict};
use crate::pool::links::Order;
use crate::pool::{LinkId, Pool};
use crate::request::Response;
use crate::time::Time;

/// How much longer than its pool's drain a connection would go on.
const AFTER_POOL: Duration = Duration::from_secs(1);

/// A [`Connection`] with its half of the pull protocol; owned by one driver task.
///
/// It pulls jobs from its pool as its connection has credit for them, settles most of them by itself,
/// and hands back those that may be tried again. When it [is closed](Self::is_closed), or its task ends,
/// give it to [`Pool::link_closed`].
pub struct Link<T> {
    connection: Connection<T>,
    hand: Hand<T>,
    /// At the last exchange no write or flush was pending.
    is_clear: bool,
    /// The first SETTINGS, and the first answer, were told to the pool.
    is_ready: bool,
    is_proven: bool,
    /// Since when there was neither credit nor an answer.
    dry_since: Option<Time>,
    stuck_after: Duration,
    /// The pool ended it.
    is_killed: bool,
    /// Why the connection ended.
    cause: Option<Cause>,
}

/// The connection's state; what is in hand may hold a provider token.
impl<T> std::fmt::Debug for Link<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("id", &self.hand.id)
            .field("connection", &self.connection)
            .field("taken", &self.hand.taken.len())
            .finish_non_exhaustive()
    }
}

impl<T: Tag> Link<T> {
    pub(crate) fn new(
        id: LinkId,
        config: &ConnectionConfig,
        stuck_after: Duration,
        now: Time,
    ) -> Self {
        Self {
            connection: Connection::new(config, now),
            hand: Hand::new(id),
            is_clear: true,
            is_ready: false,
            is_proven: false,
            dry_since: None,
            stuck_after,
            is_killed: false,
            cause: None,
        }
    }

    /// Its slot in the pool, for wake-ups.
    pub fn id(&self) -> LinkId {
        self.hand.id
    }

    /// The connection, to look at.
    pub fn connection(&self) -> &Connection<T> {
        &self.connection
    }

    /// See [`Connection::read_buf`].
    pub fn read_buf(&mut self) -> &mut [u8] {
        self.connection.read_buf()
    }

    /// See [`Connection::handle_read`].
    pub fn handle_read(&mut self, now: Time, n: usize) {
        self.connection.handle_read(now, n);
        self.sort(now);
    }

    /// See [`Connection::transmit`].
    pub fn transmit(&mut self) -> &[u8] {
        self.connection.transmit()
    }

    /// See [`Connection::handle_written`].
    pub fn handle_written(&mut self, now: Time, n: usize) {
        self.connection.handle_written(now, n);
        self.sort(now);
    }

    /// See [`Connection::handle_disconnect`].
    pub fn handle_disconnect(&mut self, now: Time, why: Disconnect) {
        self.connection.handle_disconnect(now, why);
        self.sort(now);
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; O(1).
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        let has_more = !self.hand.done.is_empty() || self.has_work_to_hand_in();
        if has_more && !self.is_closed() {
            return Some((Time::ZERO, Wakeup::Now));
        }
        let stuck = self.stuck_at().map(|at| (at, Wakeup::Health));
        let own = self.connection.poll_timeout();
        own.into_iter().chain(stuck).min_by_key(|(at, _)| *at)
    }

    /// Time passed.
    pub fn handle_timeout(&mut self, now: Time) {
        self.connection.handle_timeout(now);
        self.sort(now);
        if self.stuck_at().is_some_and(|at| at <= now) {
            self.dry_since = Some(now);
            self.hand.news.is_stuck = true;
            self.hand.news.is_urgent = true;
        }
    }

    /// Somebody has work or an order for this link.
    pub fn handle_wake(&mut self) {
        self.hand.is_woken = true;
        self.hand.is_hungry = false;
    }

    /// Whether [`exchange`](Self::exchange) has anything to move. `may_take` is false while a write or
    /// flush is pending: a stalled socket takes no more jobs.
    pub fn wants_exchange(&self, may_take: bool) -> bool {
        if self.is_closed()
            || (self.connection.is(Mutant::NoExchangeWithoutCredit)
                && self.credit(may_take).streams == 0)
        {
            return false;
        }
        self.has_work_to_hand_in() || (!self.hand.is_hungry && self.credit(may_take).streams > 0)
    }

    /// The only call under the pool's lock: moves jobs, news, orders and the token; returns whom to wake.
    ///
    /// `unix` is the wall clock: time since 1970.
    pub fn exchange(
        &mut self,
        now: Time,
        unix: Duration,
        may_take: bool,
        pool: &mut Pool<T>,
    ) -> Option<LinkId> {
        self.is_clear = may_take;
        let credit = self.credit(may_take);
        pool.exchange(now, unix, credit, &mut self.hand)
    }

    /// After the lock is released: encodes what was taken, and does what was ordered.
    pub fn handle_taken(&mut self, now: Time) {
        if let Some((generation, value)) = self.hand.authorization.take() {
            self.connection.set_authorization(generation, value);
        }
        let mut taken = std::mem::take(&mut self.hand.taken);
        for job in taken.drain(..) {
            self.start(now, job);
        }
        self.hand.taken = taken;
        match std::mem::take(&mut self.hand.order) {
            Order::None => {}
            Order::Drain => {
                self.connection.close(now);
                if let Some(until) = self.hand.drain_until {
                    // The pool comes first, and says that it was closed.
                    self.connection.extend_drain(until + AFTER_POOL);
                }
            }
            Order::Kill => {
                self.is_killed = true;
                self.connection.close(now);
                self.connection
                    .handle_disconnect(now, Disconnect::DriverDropped);
            }
        }
        self.sort(now);
    }

    /// Requests in flight on the connection.
    pub fn in_flight(&self) -> usize {
        self.connection.in_flight()
    }

    /// Whether bodies wait for the server to open a window.
    pub fn has_waiting_bodies(&self) -> bool {
        self.connection.has_waiting_bodies()
    }

    /// Takes the end of one request.
    pub fn poll_done(&mut self) -> Option<Done<T>> {
        self.hand.done.pop_front()
    }

    /// Nothing more will come out: drop the transport, and give the link to [`Pool::link_closed`].
    pub fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// Jobs for the pool, until the next exchange.
    #[cfg(feature = "client")]
    pub(crate) fn backs(&self) -> &[Back<T>] {
        &self.hand.backs
    }

    /// Jobs that the last exchange took, until they are started.
    #[cfg(feature = "client")]
    pub(crate) fn taken(&self) -> &[Job<T>] {
        &self.hand.taken
    }

    /// Why the connection ended; `None` while it hasn't, and if it ended well.
    #[cfg(feature = "client")]
    pub(crate) fn cause(&self) -> Option<&Cause> {
        self.cause.as_ref()
    }

    /// Ends the link wherever it is; what it still holds, and why it ended.
    pub(crate) fn end(&mut self, now: Time) -> (Hand<T>, Option<Cause>) {
        self.connection
            .handle_disconnect(now, Disconnect::DriverDropped);
        self.sort(now);
        let mut hand = std::mem::replace(&mut self.hand, Hand::new(LinkId(u16::MAX)));
        hand.backs.extend(hand.taken.drain(..).map(Back::Unstarted));
        (hand, self.cause.take())
    }

    fn has_work_to_hand_in(&self) -> bool {
        let hand = &self.hand;
        let is_idle = || self.connection.in_flight() == 0;
        hand.is_woken
            || !hand.backs.is_empty()
            || hand.news.is_urgent
            || (!hand.news.tally.is_empty() && is_idle())
    }

    fn credit(&self, may_take: bool) -> Credit {
        if may_take {
            self.connection.credit()
        } else {
            Credit::default()
        }
    }

    fn start(&mut self, now: Time, job: Job<T>) {
        if job.tag.is_abandoned() {
            return self.settle(job.give_up(Cause::Abandoned));
        }
        let Err(rejected) = self.connection.start(now, job) else {
            return;
        };
        match rejected.reason {
            RejectReason::TooLarge => self.settle(rejected.job.give_up(Cause::RequestTooLarge)),
            _ => self.hand.backs.push(Back::Unstarted(rejected.job)),
        }
    }

    fn settle(&mut self, done: Done<T>) {
        self.hand.news.tally.count(&done);
        self.hand.done.push_back(done);
    }

    /// Sorts what the connection tells: ends for the caller, jobs and news for the pool.
    fn sort(&mut self, now: Time) {
        while let Some(event) = self.connection.poll_event() {
            match event {
                Event::Answered(job, response) => self.answered(now, job, response),
                Event::Returned(job, delivery, cause) => self.returned(job, delivery, cause),
                Event::Draining(goaway) => {
                    self.hand.news.draining = Some(goaway);
                    self.hand.news.is_urgent = true;
                }
                Event::Closed(cause) => self.closed(cause),
            }
        }
        if !self.is_ready && self.connection.is_ready() {
            self.is_ready = true;
            self.hand.news.is_ready = true;
            self.hand.news.is_urgent = true;
        }
        // A socket that takes nothing is no better: with nothing in flight no PING finds it out.
        let is_dry = !self.is_clear || self.connection.credit().streams == 0;
        let is_dry = is_dry && self.is_ready;
        if !is_dry || self.connection.is_draining() {
            self.dry_since = None;
        } else if self.dry_since.is_none() {
            self.dry_since = Some(now);
        }
    }

    /// Nothing more will be answered. While it still says farewell, another can take its place.
    fn closed(&mut self, cause: Option<Cause>) {
        self.cause = cause;
        if self.is_ready && !self.connection.is_closed() {
            self.hand.news.draining.get_or_insert(None);
            self.hand.news.is_urgent = true;
        }
    }

    fn answered(&mut self, now: Time, job: Job<T>, response: Response) {
        self.dry_since = self.dry_since.map(|_| now);
        match judge::answer(&response) {
            Verdict::Final
                if self.connection.is(Mutant::ResendAnswered) && job.history.attempts < 2 =>
            {
                self.hand.backs.push(Back::Unstarted(job));
            }
            Verdict::Final => {
                self.prove();
                self.hand.news.good(self.hand.is_watched);
                self.settle(judge::settle(job, response));
            }
            Verdict::Fatal(reason) => {
                self.prove();
                let generation = u64::from(job.history.token_generation);
                self.hand.news.fatal(reason, generation);
                self.settle(judge::settle(job, response));
            }
            Verdict::Again(complaint) => {
                if !complaint.retires_link() {
                    self.prove();
                }
                let back = Back::Answered(job, response, complaint);
                self.hand.backs.push(back);
            }
        }
    }

    fn returned(&mut self, mut job: Job<T>, delivery: Delivery, mut cause: Cause) {
        if delivery == Delivery::Refused && self.connection.is(Mutant::LoseRefused) {
            return;
        }
        match cause {
            // The link was told to drain, not the pool to close.
            Cause::Closed => {
                cause = Cause::Unresponsive("no answer before its connection was retired");
            }
            Cause::ConnectionLost(Disconnect::DriverDropped) if self.is_killed => {
                cause = Cause::Closed;
            }
            _ => {}
        }
        if self.connection.is(Mutant::ResendUnknown) {
            job.policy = Policy::AtLeastOnce;
        }
        match judge::failure(job, delivery, cause) {
            Ok((job, pace, cause)) => self.hand.backs.push(Back::Failed(job, pace, cause)),
            Err(done) => self.settle(done),
        }
    }

    /// An answer arrived that doesn't retire the link.
    fn prove(&mut self) {
        if !self.is_proven {
            self.is_proven = true;
            self.hand.news.is_proven = true;
            self.hand.news.is_urgent = true;
        }
    }

    fn stuck_at(&self) -> Option<Time> {
        Some(self.dry_since? + self.stuck_after)
    }
}
