//! A pool, its links and their servers, with every input interleaved, against a simple model.

mod model;
mod server;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use aapns_proto::connection::ConnectionConfig;
use aapns_proto::delivery::{DialError, DialStep, Disconnect};
use aapns_proto::job::{Job, Policy, RejectReason, Tag};
use aapns_proto::link::Link;
use aapns_proto::pool::{
    Action, Auth, Close, Dial, LinkId, Mint, MintError, Pool, PoolConfig, ProviderToken, Ticket,
};
use aapns_proto::request::{Fields, Head, Method, Request};
use aapns_proto::time::Time;
use arbitrary::{Arbitrary, Result, Unstructured};

use model::{Model, Submission};
use server::Server;

/// UNIX time at the origin of the pool's clock.
const EPOCH: u64 = 1_800_000_000;

/// Any order of submits, cancels, exchanges, wakes, dials, mints, deaths, clocks and the end. What holds:
/// each tag comes out once; bounds; timers later than now once served; wakes neither lost nor stray;
/// `Closed` last; counters that add up. At the end faults cease, and everything must finish.
///
/// # Panics
/// On a finding.
pub fn pool_ops(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let Ok(mode) = input.arbitrary() else {
        return;
    };
    let mut world = World::new(mode);
    while !input.is_empty() && world.step(&mut input).is_ok() {
        world.serve_pool();
    }
    world.rest();
    world.check_wakes();
    world.calm();
    world.end();
}

/// A tag whose caller can go away.
#[derive(Clone, Debug)]
struct Caller {
    number: u32,
    is_gone: Rc<Cell<bool>>,
}

impl Tag for Caller {
    fn is_abandoned(&self) -> bool {
        self.is_gone.get()
    }
}

/// Both ends of one connection.
struct End {
    link: Link<Caller>,
    server: Server,
}

struct World {
    pool: Pool<Caller>,
    model: Model,
    now: Time,
    /// Added to the wall clock by jumps, in seconds.
    jump: i64,
    ends: Vec<Option<End>>,
    /// What was told to wake and hasn't been.
    wakes: Vec<LinkId>,
    dials: Vec<Dial>,
    mints: Vec<Mint>,
    tickets: Vec<(Ticket, Caller)>,
    /// The clock jumped since the pool last heard of it.
    is_clock_news: bool,
}

impl World {
    fn new(mode: u8) -> Self {
        let auth = if mode & 1 == 1 {
            Auth::Token
        } else {
            Auth::None
        };
        let config = PoolConfig {
            min_links: u16::from(mode >> 1 & 1),
            max_links: 1 + u16::from(mode >> 2 & 3),
            max_queued: model::QUEUE,
            max_queued_octets: model::OCTETS,
            auth,
            connection: ConnectionConfig {
                authority: "localhost".into(),
                max_streams: 16,
                ..ConnectionConfig::default()
            },
            ..PoolConfig::default()
        };
        let now = Time::from_millis(1);
        let mut world = Self {
            pool: Pool::new(config, mode.into(), now),
            model: Model::default(),
            now,
            jump: 0,
            ends: Vec::new(),
            wakes: Vec::new(),
            dials: Vec::new(),
            mints: Vec::new(),
            tickets: Vec::new(),
            is_clock_news: false,
        };
        world.serve_pool();
        world
    }

    fn unix(&self) -> Duration {
        let seconds = self.now.as_nanos() / 1_000_000_000 + EPOCH;
        Duration::from_secs(seconds.saturating_add_signed(self.jump))
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=31)? {
            0..=5 => self.submit(input)?,
            6 => self.cancel(input)?,
            7..=11 => self.with_end(input, |world, at, input| {
                let may_take = input.ratio(3, 4)?;
                world.turn(at, may_take);
                Ok(())
            })?,
            12..=16 => self.with_end(input, |world, at, input| {
                let end = world.ends[at].as_mut().expect("chosen");
                end.server.act(input)?;
                world.read(at);
                Ok(())
            })?,
            17..=18 => self.with_end(input, |world, at, input| {
                let most = usize::from(u16::arbitrary(input)?);
                world.write(at, most);
                Ok(())
            })?,
            19 => self.with_end(input, |world, at, input| {
                let end = world.ends[at].as_mut().expect("chosen");
                if input.ratio(1, 2)? {
                    end.link.handle_disconnect(world.now, Disconnect::Reset);
                } else {
                    world.bury(at);
                }
                Ok(())
            })?,
            20..=22 => self.dialed(input)?,
            23 => self.minted(input)?,
            24..=25 => self.now += Duration::from_millis(u64::from(u16::arbitrary(input)?)),
            26 => self.now = self.next_moment().map_or(self.now, |at| at.max(self.now)),
            27 => {
                self.jump += i64::from(i16::arbitrary(input)?);
                self.is_clock_news = true;
            }
            28 => self.deliver_wakes(),
            29 if input.ratio(1, 4)? => {
                let auth = *input.choose(&[Auth::None, Auth::Token])?;
                self.pool.set_credential(self.now, auth);
            }
            30 => {
                let (min, max) = (u16::arbitrary(input)? % 5, u16::arbitrary(input)? % 5);
                self.pool.resize(self.now, min, max);
            }
            31 if input.ratio(1, 8)? => self.close(input)?,
            _ => {}
        }
        Ok(())
    }

    fn with_end(
        &mut self,
        input: &mut Unstructured<'_>,
        f: impl FnOnce(&mut Self, usize, &mut Unstructured<'_>) -> Result<()>,
    ) -> Result<()> {
        let up: Vec<usize> = (0..self.ends.len())
            .filter(|at| self.ends[*at].is_some())
            .collect();
        if up.is_empty() {
            return Ok(());
        }
        let at = *input.choose(&up)?;
        f(self, at, input)
    }

    fn submit(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let timeout = input.int_in_range(0..=3)?;
        let timeout = [None, Some(0), Some(300), Some(20_000)][timeout];
        let policy = *input.choose(&[Policy::AtLeastOnce, Policy::AtMostOnce])?;
        let octets = usize::from(u8::arbitrary(input)?);
        let octets = if octets == 255 {
            model::OCTETS + 1
        } else {
            octets
        };
        let caller = Caller {
            number: self.model.next(),
            is_gone: Rc::default(),
        };
        let submission = Submission {
            tag: caller.number,
            octets,
            deadline: timeout.map(|ms| self.now + Duration::from_millis(ms)),
            policy,
        };
        let job = job(&caller, octets);
        let job = job.deadline(submission.deadline).policy(policy);
        let before = self.pool.stats();
        match self.pool.submit(self.now, job) {
            Ok(submitted) => {
                self.model.submitted(&before, &submission);
                self.tickets.push((submitted.ticket, caller));
                self.hot_wake(submitted.wake);
            }
            Err(rejected) => {
                assert_eq!(rejected.job.tag.number, caller.number);
                self.model.rejected(&before, octets, rejected.reason);
            }
        }
        Ok(())
    }

    fn cancel(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.tickets.is_empty() {
            return Ok(());
        }
        let at = input.choose_index(self.tickets.len())?;
        let (ticket, caller) = self.tickets.swap_remove(at);
        caller.is_gone.set(true);
        if let Some(job) = self.pool.cancel(ticket) {
            assert_eq!(job.tag.number, caller.number, "another's job");
            assert_eq!(job.attempts(), 0);
            self.model.cancelled(caller.number);
        }
        Ok(())
    }

    fn dialed(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        if self.dials.is_empty() {
            return Ok(());
        }
        let at = input.choose_index(self.dials.len())?;
        let dial = self.dials.swap_remove(at);
        match input.int_in_range(0..=9)? {
            0 => self.pool.dial_failed(self.now, dial, dial_error(true)),
            1..=2 => self.pool.dial_failed(self.now, dial, dial_error(false)),
            3 => {
                let no_alpn = self.pool.dialed(self.now, dial, None);
                assert!(no_alpn.is_err());
            }
            _ => self.connect(dial, u32::from(u8::arbitrary(input)? % 20)),
        }
        Ok(())
    }

    fn connect(&mut self, dial: Dial, limit: u32) {
        let Ok(link) = self.pool.dialed(self.now, dial, Some(b"h2")) else {
            return;
        };
        assert!(!self.model.is_closed);
        let at = usize::from(link.id().0);
        if self.ends.len() <= at {
            self.ends.resize_with(at + 1, || None);
        }
        let server = Server::new(limit);
        let before = self.ends[at].replace(End { link, server });
        assert!(before.is_none(), "two links in one slot");
    }

    fn minted(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let Some(mint) = self.mints.pop() else {
            return Ok(());
        };
        let result = match input.int_in_range(0..=5)? {
            0 => Err(MintError("no key".into())),
            1 => Ok(self.token(u64::from(u16::arbitrary(input)?))),
            2 => mint.refused.clone().ok_or(MintError("none".into())),
            _ => Ok(self.token(0)),
        };
        self.pool.minted(self.now, self.unix(), mint, result);
        Ok(())
    }

    /// A token of this age in seconds.
    fn token(&self, age: u64) -> ProviderToken {
        ProviderToken {
            value: format!("bearer {}", self.now.as_nanos()).into(),
            issued_at: self.unix().saturating_sub(Duration::from_secs(age)),
        }
    }

    fn close(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        let until = self.now + Duration::from_millis(u64::from(u16::arbitrary(input)?));
        let how = *input.choose(&[Close::Abort, Close::Drain { until }])?;
        self.pool.close(self.now, how);
        self.model.is_closing = true;
        Ok(())
    }

    /// A wake that a call returned: at most one is under way, and its link is up and asleep.
    fn hot_wake(&mut self, id: Option<LinkId>) {
        let Some(id) = id else {
            return;
        };
        self.model.woken(id);
        let end = self.ends.get(usize::from(id.0)).and_then(Option::as_ref);
        assert!(end.is_some(), "a wake for a link that isn't there");
        self.wakes.push(id);
    }

    fn deliver_wakes(&mut self) {
        for id in std::mem::take(&mut self.wakes) {
            let end = self.ends.get_mut(usize::from(id.0));
            if let Some(end) = end.and_then(Option::as_mut) {
                end.link.handle_wake();
            }
        }
    }

    /// One turn of a link's driver.
    fn turn(&mut self, at: usize, may_take: bool) {
        let (now, unix) = (self.now, self.unix());
        let end = self.ends[at].as_mut().expect("a link");
        end.link.handle_timeout(now);
        for round in 0.. {
            assert!(round < 100, "exchanges without end");
            let end = self.ends[at].as_mut().expect("a link");
            while let Some(done) = end.link.poll_done() {
                self.model.ended(&done);
            }
            if !end.link.wants_exchange(may_take) {
                break;
            }
            let id = end.link.id();
            let before = self.pool.stats().inflight;
            let wake = end.link.exchange(now, unix, may_take, &mut self.pool);
            let taken = self.pool.stats().inflight > before;
            assert!(may_take || !taken, "a stalled link took work");
            end.link.handle_taken(now);
            self.is_clock_news = false;
            self.model.exchanged(id);
            self.hot_wake(wake);
            self.drain_actions();
        }
        let end = self.ends[at].as_mut().expect("a link");
        if end.link.is_closed() {
            return self.bury(at);
        }
        if let Some((due, why)) = end.link.poll_timeout() {
            assert!(due > now, "a spin: {why:?} at {due:?}, now {now:?}");
        }
    }

    /// A link's driver is over.
    fn bury(&mut self, at: usize) {
        let Some(end) = self.ends[at].take() else {
            return;
        };
        let id = end.link.id();
        let wake = self.pool.link_closed(self.now, end.link);
        self.model.exchanged(id);
        self.hot_wake(wake);
        self.drain_actions();
    }

    fn read(&mut self, at: usize) {
        let end = self.ends[at].as_mut().expect("a link");
        let octets = std::mem::take(&mut end.server.output);
        for piece in octets.chunks(1_000) {
            end.link.read_buf()[..piece.len()].copy_from_slice(piece);
            end.link.handle_read(self.now, piece.len());
        }
    }

    fn write(&mut self, at: usize, most: usize) {
        let end = self.ends[at].as_mut().expect("a link");
        let lent = end.link.transmit();
        let n = lent.len().min(most);
        end.server.read(&lent[..n]);
        end.link.handle_written(self.now, n);
    }

    fn drain_actions(&mut self) {
        while let Some(action) = self.pool.poll_action() {
            assert!(!self.model.is_closed, "{action:?} after Closed");
            match action {
                Action::Wake(id) => self.wakes.push(id),
                Action::Dial(dial) => {
                    self.model.dials += 1;
                    self.dials.push(dial);
                }
                Action::Mint(mint) => self.mints.push(mint),
                Action::Room(n) => self.model.room(n, &self.pool.stats()),
                Action::Timer => self.model.is_timer_told = true,
                Action::Done(done) => self.model.ended(&done),
                Action::Closed => self.model.is_closed = true,
            }
        }
    }

    /// What the pool's task does after each call: takes actions, and serves the timer.
    fn serve_pool(&mut self) {
        self.drain_actions();
        self.model.check(&self.pool.stats());
        for _ in 0..100 {
            let due = self.pool.poll_timeout().map(|(at, _)| at);
            self.model.timer(due);
            if due.is_none_or(|at| at > self.now) {
                return;
            }
            self.pool.handle_timeout(self.now);
            self.model.is_timer_told = true;
            self.drain_actions();
        }
        panic!("the pool's timer stands still at {:?}", self.now);
    }

    /// Lets everything happen that needs neither time nor a server.
    fn rest(&mut self) {
        for _ in 0..1_000 {
            self.serve_pool();
            self.deliver_wakes();
            let mut is_busy = false;
            for at in 0..self.ends.len() {
                if let Some(end) = &self.ends[at] {
                    is_busy |= end.link.wants_exchange(true) || end.link.is_closed();
                    self.turn(at, true);
                }
            }
            self.drain_actions();
            if !is_busy && self.wakes.is_empty() {
                self.serve_pool();
                return self.model.check_deadlines(self.now);
            }
        }
        panic!("no rest");
    }

    /// No link sleeps while there is work that it could take: a stray wake brings nothing to light.
    fn check_wakes(&mut self) {
        if self.is_clock_news {
            return; // an exchange would judge the token's age anew
        }
        for at in 0..self.ends.len() {
            let Some(end) = self.ends[at].as_mut() else {
                continue;
            };
            let before = self.pool.stats();
            end.link.handle_wake();
            self.turn(at, true);
            let after = self.pool.stats();
            assert!(
                after.pending + after.retrying >= before.pending + before.retrying,
                "a wake was lost: {before:?} became {after:?}"
            );
            self.serve_pool();
        }
    }

    /// Everything works from now on: all that is left must come to its end.
    fn calm(&mut self) {
        for _ in 0..5_000 {
            self.rest();
            if self.model.is_idle() {
                return;
            }
            let mut is_busy = self.answer_pool();
            for at in 0..self.ends.len() {
                is_busy |= self.help(at);
            }
            if !is_busy {
                let next = self.next_moment();
                self.now = next.expect("what waits has a timer").max(self.now);
            }
        }
        panic!("not over: {:?}", self.model);
    }

    /// Dials and mints succeed; whether there were any.
    fn answer_pool(&mut self) -> bool {
        let is_busy = !self.dials.is_empty() || !self.mints.is_empty();
        for dial in std::mem::take(&mut self.dials) {
            self.connect(dial, 10);
            self.drain_actions();
        }
        for mint in std::mem::take(&mut self.mints) {
            let token = self.token(0);
            self.pool.minted(self.now, self.unix(), mint, Ok(token));
            self.drain_actions();
        }
        is_busy
    }

    /// A server that answers everything; whether anything moved.
    fn help(&mut self, at: usize) -> bool {
        if self.ends[at].is_none() {
            return false;
        }
        self.write(at, usize::MAX);
        let end = self.ends[at].as_mut().expect("a link");
        end.server.help();
        let is_busy = !end.server.output.is_empty();
        self.read(at);
        self.turn(at, true);
        is_busy
    }

    fn next_moment(&self) -> Option<Time> {
        let links = self.ends.iter().flatten();
        let links = links.filter_map(|end| end.link.poll_timeout());
        let all = links.chain(self.pool.poll_timeout());
        all.map(|(at, _)| at).min()
    }

    fn end(mut self) {
        self.model.check_end(&self.pool.stats());
        let mut links = self.ends.iter().flatten().map(|end| &end.link);
        assert!(links.all(|link| link.connection().in_flight() == 0));
        let until = self.now + Duration::from_secs(10);
        self.pool.close(self.now, Close::Drain { until });
        self.model.is_closing = true;
        while !self.model.is_closed {
            self.rest();
            self.answer_pool();
            let is_busy = (0..self.ends.len()).fold(false, |busy, at| busy | self.help(at));
            if !is_busy && !self.model.is_closed {
                let next = self.next_moment().expect("a pool that closes has a timer");
                self.now = next.max(self.now);
            }
            assert!(
                self.now <= until + Duration::from_secs(1),
                "it never closes"
            );
        }
        assert!(self.ends.iter().all(Option::is_none));
        self.pool.handle_timeout(Time::NEVER);
        self.pool.resize(self.now, 4, 4);
        self.pool.set_credential(self.now, Auth::Token);
        let caller = Caller {
            number: self.model.next(),
            is_gone: Rc::default(),
        };
        let late = self.pool.submit(self.now, job(&caller, 2));
        assert!(late.is_err_and(|late| late.reason == RejectReason::Closed));
        self.drain_actions();
        assert_eq!(self.pool.poll_timeout(), None);
    }
}

fn job(caller: &Caller, octets: usize) -> Job<Caller> {
    let head = Head::new(Method::POST, Fields::new());
    let path = format!("/3/device/{:02x}", caller.number % 4);
    let request = Request::new(head, path, vec![b'{'; octets]).expect("a valid path");
    Job::new(request, caller.clone())
}

fn dial_error(is_fatal: bool) -> DialError {
    DialError {
        step: DialStep::Connect,
        is_fatal,
        message: "no route".into(),
    }
}
