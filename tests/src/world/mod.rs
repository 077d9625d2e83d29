//! The simulated world: one event heap, a virtual clock, a real pool, and everything around it.
//!
//! First faults strike, then none; everything must finish, and what came out must be true.

mod conn;
mod driver;
mod heap;
mod setup;
mod submit;
mod task;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use aapns_proto::pool::{Close, Ticket};
use aapns_proto::{Head, Job, Pool, Time};

use crate::callers::{self, Caller, SimTag};
use crate::fake::token::Revoked;
use crate::fake::{Act, Context, Habits};
use crate::oracle::{Oracle, Outcomes, Rule, Violation};
use crate::rng::Rng;
use crate::swarm::{Kind, Swarm};
use crate::trace::Trace;
use conn::Conn;
use driver::Driver;
use heap::{Event, Heap};
pub use setup::{Net, Setup};

/// The wall clock at the world's begin.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// How long after the last fault everything must be done: the longest delay of a retry is 15 minutes.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// Events that a world of this size may take.
const EVENTS: u64 = 100_000;

/// What a world's run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its seed.
    pub seed: u64,
    /// The first broken promise.
    pub violation: Option<Violation>,
    /// The hash of all that happened.
    pub hash: u64,
    /// How many faults of each kind struck.
    pub faults: Vec<u32>,
    /// How the requests ended.
    pub outcomes: Outcomes,
    /// Requests submitted.
    pub requests: u64,
    /// Connections made.
    pub links: u64,
    /// Events that happened.
    pub events: u64,
    /// When it was over.
    pub ended: Time,
    /// The trace to read, if it was kept.
    pub lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Faults,
    Settling,
    Probing,
    Closing,
    Over,
}

/// One simulated world.
#[derive(Debug)]
pub struct World {
    now: Time,
    heap: Heap,
    pool: Pool<SimTag>,
    pool_timer: Option<Time>,
    links: Vec<Option<Driver>>,
    conns: Vec<Conn>,
    /// The last end of a request, and how it ended, for probes.
    probe: Option<u32>,
    probes_left: u32,
    probe_trials: u32,
    rng: Rng,
    net: Net,
    habits: Habits,
    swarm: Swarm,
    oracle: Oracle,
    trace: Trace,
    callers: Vec<Caller>,
    heads: Vec<Head>,
    tickets: Vec<Option<Ticket>>,
    leavers: Vec<Rc<Cell<bool>>>,
    waiting: VecDeque<Job<SimTag>>,
    later: Vec<(Time, Act)>,
    revoked: Revoked,
    serial: u32,
    clock_offset: i64,
    phase: Phase,
    closed_at: Time,
    setup: Limits,
}

/// What is left of the setup once the world runs.
#[derive(Debug)]
struct Limits {
    seed: u64,
    pool: aapns_proto::PoolConfig,
    faults_until: Time,
    is_closed_early: bool,
}

impl World {
    /// Runs the world of a seed.
    pub fn run_seed(seed: u64, keeps_trace: bool) -> Report {
        let mut setup = Setup::seeded(seed);
        setup.keeps_trace = keeps_trace;
        Self::run(setup)
    }

    /// Runs a world to its end, or to the first broken promise.
    pub fn run(setup: Setup) -> Report {
        Self::new(setup).finish()
    }

    fn new(setup: Setup) -> Self {
        let mut world = Self {
            now: Time::ZERO,
            heap: Heap::default(),
            pool: Pool::new(setup.pool.clone(), setup.seed, Time::ZERO),
            pool_timer: None,
            links: Vec::new(),
            conns: Vec::new(),
            probe: None,
            probes_left: setup.probes,
            probe_trials: 0,
            rng: Rng::new(setup.seed, 4),
            net: setup.net,
            habits: setup.habits,
            swarm: setup.swarm,
            oracle: Oracle::new(setup.pool.max_links.max(6)),
            trace: Trace::new(setup.keeps_trace),
            callers: setup.callers,
            heads: callers::heads(),
            tickets: Vec::new(),
            leavers: Vec::new(),
            waiting: VecDeque::new(),
            later: Vec::new(),
            revoked: Revoked::default(),
            serial: 0,
            clock_offset: 0,
            phase: Phase::Faults,
            closed_at: Time::NEVER,
            setup: Limits {
                seed: setup.seed,
                pool: setup.pool,
                faults_until: setup.faults_until,
                is_closed_early: setup.is_closed_early,
            },
        };
        for (index, caller) in world.callers.iter().enumerate() {
            world.heap.plan(caller.at, Event::Submit(index));
        }
        world.heap.plan(world.setup.faults_until, Event::FaultsEnd);
        world.plan_faults();
        world
    }

    /// The faults that belong to no connection.
    fn plan_faults(&mut self) {
        let until = u64::try_from(
            self.setup
                .faults_until
                .saturating_since(Time::ZERO)
                .as_micros(),
        )
        .unwrap_or(0);
        for _ in 0..3 {
            let at = Time::ZERO + self.swarm.rng.micros(0, until);
            if self.swarm.strikes(Kind::ClockJumps, 200) {
                let by = self
                    .swarm
                    .rng
                    .pick(&[-86_400, -7_200, -60, 60, 3_000, 3_600, 86_400])
                    .unwrap_or(60);
                self.heap.plan(at, Event::ClockJumps(by));
            }
            if self.habits.wants_token && self.swarm.strikes(Kind::TokenExpires, 200) {
                self.heap.plan(at, Event::TokensExpire);
            }
            if self.swarm.strikes(Kind::NewCredential, 200) {
                self.heap.plan(at, Event::NewCredential);
            }
            if self.swarm.strikes(Kind::Resize, 200) {
                let min = u16::try_from(self.swarm.rng.range(1, 3)).unwrap_or(1);
                let max = min + u16::try_from(self.swarm.rng.range(0, 3)).unwrap_or(0);
                self.heap.plan(at, Event::Resize(min, max));
            }
        }
    }

    fn finish(mut self) -> Report {
        let mut events = 0;
        self.drain_actions();
        self.rearm_pool();
        while self.phase != Phase::Over && self.oracle.violation().is_none() {
            let Some((at, event)) = self.heap.next() else {
                self.give_up("nothing is left to happen");
                break;
            };
            self.now = at;
            events += 1;
            self.on(event);
            self.advance_phase();
            if events > EVENTS {
                let rule = Rule::BusyLoop;
                self.oracle.fail(self.now, rule, || {
                    "the world doesn't come to rest".to_owned()
                });
            } else if self.now > self.setup.faults_until + PATIENCE {
                self.give_up("hours after the last fault");
            }
        }
        if self.oracle.violation().is_none() {
            self.check_rest();
        }
        Report {
            seed: self.setup.seed,
            violation: self.oracle.violation().cloned(),
            hash: self.trace.hash(),
            faults: self.swarm.injected().to_vec(),
            outcomes: self.oracle.outcomes(),
            requests: self.tickets.len() as u64,
            links: self.conns.len() as u64,
            events,
            ended: self.now,
            lines: self.trace.lines().to_vec(),
        }
    }

    fn give_up(&mut self, why: &str) {
        let (open, phase, stats) = (self.oracle.unsettled_tags(), self.phase, self.pool.stats());
        self.oracle.fail(self.now, Rule::Liveness, || {
            format!("{why}, in phase {phase:?}, unsettled: {open:?}; {stats:?}")
        });
    }

    /// After `Closed` nothing may be left.
    fn check_rest(&mut self) {
        let stats = self.pool.stats();
        if self.oracle.unsettled() > 0 {
            self.give_up("closed");
        }
        if self.links.iter().any(Option::is_some) {
            self.give_up("closed, but links are up");
        }
        let left = stats.pending + stats.retrying + stats.inflight + stats.buffered;
        if left > 0 {
            let rule = Rule::Memory;
            self.oracle.fail(self.now, rule, || {
                format!("counted though all is over: {stats:?}")
            });
        }
    }

    fn on(&mut self, event: Event) {
        match event {
            Event::Submit(index) => self.on_submit(index),
            Event::Leave(tag) => self.on_leave(tag),
            Event::WaitedEnough(tag) => self.stop_waiting(tag),
            Event::Turn { slot, conn } => self.on_turn(slot, conn),
            Event::Wake(slot) => self.on_wake(slot),
            Event::DropDriver { slot, conn } => self.on_drop_driver(slot, conn),
            Event::ServerReads(conn) => self.on_server_reads(conn),
            Event::ServerActs(conn, act) => self.on_server_acts(conn, act),
            Event::Stall { conn, ways, until } => self.on_stall(conn, ways, until),
            Event::PoolTimer => self.on_pool_timer(),
            Event::DialEnds(dial, end) => self.on_dial_ends(dial, end),
            Event::MintEnds(mint, ok) => self.on_mint_ends(mint, ok),
            Event::ClockJumps(by) => {
                self.trace.add(
                    self.now,
                    "the wall clock jumps by {} s",
                    &[by.unsigned_abs()],
                );
                self.clock_offset += by;
            }
            Event::TokensExpire => {
                self.trace
                    .add(self.now, "tokens up to {} expire", &[self.serial.into()]);
                self.revoked.0 = self.serial + 1;
            }
            Event::NewCredential => {
                self.trace.add(self.now, "new credential", &[]);
                self.pool.set_credential(self.now, self.setup.pool.auth);
                self.drain_actions();
            }
            Event::Resize(min, max) => {
                self.trace
                    .add(self.now, "resize to {}..={}", &[min.into(), max.into()]);
                self.pool.resize(self.now, min, max);
                self.drain_actions();
            }
            Event::FaultsEnd => self.on_faults_end(),
            Event::Probe => self.on_probe(),
        }
    }

    fn on_faults_end(&mut self) {
        self.trace.add(self.now, "no more faults", &[]);
        self.swarm.stop();
        self.clock_offset = 0;
        for conn in 0..self.conns.len() {
            self.on_server_acts(conn, Act::Heal);
        }
        self.phase = Phase::Settling;
        if self.setup.is_closed_early {
            let how = if self.rng.chance(500) {
                Close::Abort
            } else {
                Close::Drain {
                    until: self.now + self.rng.millis(0, 20_000),
                }
            };
            self.close(how);
        }
    }

    fn close(&mut self, how: Close) {
        self.trace.say(self.now, || format!("close: {how:?}"));
        self.phase = Phase::Closing;
        self.closed_at = self.now;
        self.pool.close(self.now, how);
        self.drain_actions();
        while let Some(job) = self.waiting.pop_front() {
            self.oracle.handed_back(self.now, job.tag.id);
        }
    }

    /// From one phase to the next.
    fn advance_phase(&mut self) {
        match self.phase {
            Phase::Settling if self.oracle.unsettled() == 0 && self.now > self.last_submit() => {
                self.phase = Phase::Probing;
                self.next_probe(Duration::from_secs(1));
            }
            Phase::Closing if self.now > self.closed_at + Duration::from_secs(120) => {
                self.give_up("two minutes after close");
            }
            _ => {}
        }
    }

    fn last_submit(&self) -> Time {
        self.callers.last().map_or(Time::ZERO, |caller| caller.at)
    }

    /// The true wall clock.
    fn unix(&self) -> Duration {
        EPOCH + self.now.saturating_since(Time::ZERO)
    }

    /// The wall clock as this machine shows it.
    fn local_unix(&self) -> Duration {
        let by = Duration::from_secs(self.clock_offset.unsigned_abs());
        if self.clock_offset < 0 {
            self.unix().saturating_sub(by)
        } else {
            self.unix() + by
        }
    }

    fn latency(&mut self) -> Duration {
        self.rng.micros(self.net.latency.0, self.net.latency.1)
    }

    /// Lets a server act, and plans what it wants to do later.
    fn with_server(&mut self, conn: usize, act: impl FnOnce(&mut Conn, &mut Context<'_>)) {
        let unix = self.unix();
        let Some(the) = self.conns.get_mut(conn) else {
            return;
        };
        let mut cx = Context {
            now: self.now,
            unix,
            swarm: &mut self.swarm,
            oracle: &mut self.oracle,
            revoked: &mut self.revoked,
            later: &mut self.later,
            trace: &mut self.trace,
        };
        act(the, &mut cx);
        for (at, act) in self.later.drain(..) {
            self.heap.plan(at, Event::ServerActs(conn, act));
        }
    }
}
