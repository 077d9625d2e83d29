//! A pool, its links and their servers, with every input interleaved, against a simple model.

mod calm;
mod model;
mod server;
mod steps;

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use aapns_proto::delivery::{DialError, DialStep};
use aapns_proto::job::{Job, Tag};
use aapns_proto::link::Link;
use aapns_proto::pool::{
    Action, Auth, Dial, LinkId, Mint, Pool, PoolConfig, ProviderToken, Ticket,
};
use aapns_proto::request::{Fields, Head, Method, Request};
use aapns_proto::time::Time;
use arbitrary::Unstructured;

use model::Model;
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
        let mut config = PoolConfig::default();
        config.min_links = u16::from(mode >> 1 & 1);
        config.max_links = 1 + u16::from(mode >> 2 & 3);
        config.max_queued = model::QUEUE;
        config.max_queued_octets = model::OCTETS;
        config.auth = auth;
        config.connection.authority = "localhost".into();
        config.connection.max_streams = 16;
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

    /// A token of this age in seconds.
    fn token(&self, age: u64) -> ProviderToken {
        let issued_at = self.unix().saturating_sub(Duration::from_secs(age));
        ProviderToken::new(&self.now.as_nanos().to_string(), issued_at).expect("digits")
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

    fn next_moment(&self) -> Option<Time> {
        let links = self.ends.iter().flatten();
        let links = links.filter_map(|end| end.link.poll_timeout());
        let all = links.chain(self.pool.poll_timeout());
        all.map(|(at, _)| at).min()
    }
}

fn job(caller: &Caller, octets: usize) -> Job<Caller> {
    let head = Head::new(Method::POST, Fields::new());
    let path = format!("/3/device/{:02x}", caller.number % 4);
    let request = Request::new(head, path, vec![b'{'; octets]).expect("a valid path");
    Job::new(request, caller.clone())
}

fn dial_error(is_fatal: bool) -> DialError {
    DialError::new(DialStep::Connect, is_fatal, "no route")
}
