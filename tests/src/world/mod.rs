//! The simulated world: one event heap, a virtual clock, a real pool, and everything around it.
//!
//! First faults strike, then none; everything must finish, and what came out must be true.

mod conn;
mod driver;
mod heap;
mod phases;
mod process;
mod profiles;
mod report;
mod setup;
mod submit;
mod task;

use std::cell::Cell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use aapns_proto::mutants::Mutant;
use aapns_proto::pool::{Auth, Ticket};
use aapns_proto::{Head, Job, Pool, Time};

use crate::callers::{self, Caller, SimTag};
use crate::fake::token::Revoked;
use crate::fake::{Act, Context, Habits};
use crate::oracle::{Oracle, Rule};
use crate::rng::Rng;
use crate::swarm::Swarm;
use crate::trace::Trace;
use conn::Conn;
use driver::Driver;
use heap::{Event, Heap};
use process::Watcher;
pub use report::{Ended, Report};
pub use setup::{Accident, Mishap, Net, Setup};

/// The wall clock at the world's begin.
const EPOCH: Duration = Duration::from_secs(1_800_000_000);

/// How long after the last fault everything must be done: the longest delay of a retry is 15 minutes.
const PATIENCE: Duration = Duration::from_secs(2 * 3600);

/// Events that a world of this size may take.
const EVENTS: u64 = 100_000;

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
    links: Vec<Option<Box<Driver>>>,
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
    frozen_until: Time,
    watchers: Vec<Watcher>,
    /// The least and the most links; the most that there ever were to be.
    bounds: (u16, u16),
    /// How the pool authenticated, and for which team, since each change.
    credentials: Vec<(Auth, u32)>,
    ends: Vec<Ended>,
    most_queued: u64,
    events: u64,
    setup: Limits,
}

/// What is left of the setup once the world runs.
#[derive(Debug)]
struct Limits {
    seed: u64,
    pool: aapns_proto::PoolConfig,
    faults_until: Time,
}

impl World {
    /// Runs the world of a seed.
    pub fn run_seed(seed: u64, keeps_trace: bool) -> Report {
        let mut setup = Setup::seeded(seed);
        setup.keeps_trace = keeps_trace;
        Self::run(setup)
    }

    /// The first of `seeds` in which this broken variant of the core is caught, and by which rule.
    pub fn catch(mutant: Mutant, seeds: std::ops::Range<u64>) -> Option<(u64, Rule)> {
        seeds.into_iter().find_map(|seed| {
            let mut setup = Setup::seeded(seed);
            setup.pool.connection.set_mutant(Some(mutant));
            let violation = Self::run(setup).violation?;
            Some((seed, violation.rule))
        })
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
            oracle: Oracle::new(setup.pool.max_links, setup.prompt),
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
            frozen_until: Time::ZERO,
            watchers: Vec::new(),
            bounds: (setup.pool.min_links, setup.pool.max_links),
            credentials: vec![(setup.pool.auth, 0)],
            ends: Vec::new(),
            most_queued: 0,
            events: 0,
            setup: Limits {
                seed: setup.seed,
                pool: setup.pool,
                faults_until: setup.faults_until,
            },
        };
        for (index, caller) in world.callers.iter().enumerate() {
            world.heap.plan(caller.at, Event::Submit(index));
        }
        world.heap.plan(world.setup.faults_until, Event::FaultsEnd);
        for accident in setup.accidents {
            world.heap.plan(accident.at, Event::Accident(accident));
        }
        for (at, how) in setup.closes {
            world.heap.plan(at, Event::Close(how));
        }
        world.plan_faults();
        world.drain_actions();
        world.rearm_pool();
        world
    }

    /// Runs worlds side by side in one thread, an event of each in turn.
    pub fn run_together(setups: Vec<Setup>) -> Vec<Report> {
        let mut worlds: Vec<Self> = setups.into_iter().map(Self::new).collect();
        let mut goes_on = true;
        while goes_on {
            goes_on = false;
            for world in &mut worlds {
                goes_on |= world.step();
            }
        }
        worlds.into_iter().map(Self::finish).collect()
    }

    /// One event; false if all is over.
    fn step(&mut self) -> bool {
        if self.phase == Phase::Over || self.oracle.violation().is_some() {
            return false;
        }
        let Some((at, event)) = self.heap.next() else {
            self.give_up("nothing is left to happen");
            return false;
        };
        self.now = at;
        self.events += 1;
        if at < self.frozen_until && Self::is_local(&event) {
            self.put_off(event);
            return true;
        }
        self.on(event);
        self.tell_watchers();
        self.advance_phase();
        if self.events > EVENTS {
            self.oracle.fail(self.now, Rule::BusyLoop, || {
                "the world doesn't come to rest".to_owned()
            });
        } else if self.now > self.setup.faults_until.max(self.last_submit()) + PATIENCE {
            self.give_up("hours after the last fault");
        }
        true
    }

    fn finish(mut self) -> Report {
        while self.step() {}
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
            events: self.events,
            ended: self.now,
            dials: self.pool.stats().dials,
            mints: self.serial,
            most_queued: self.most_queued,
            processed: self.oracle.all_processed(),
            ends: self.ends,
            lines: self.trace.lines().to_vec(),
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
            Event::Accident(accident) => self.on_accident(accident),
            Event::PoolTimer => self.on_pool_timer(),
            Event::DialEnds(dial, end) => self.on_dial_ends(dial, end),
            Event::MintEnds(mint, team) => self.on_mint_ends(mint, team),
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
            Event::NewCredential(auth) => self.on_new_credential(auth),
            Event::Resize(min, max) => self.on_resize(min, max),
            Event::Freeze(length) => self.on_freeze(length),
            Event::SpuriousTimer => self.on_spurious_timer(),
            Event::AskReady(limit) => self.ask_ready(limit),
            Event::ReadyLimit => self.on_ready_limit(),
            Event::Close(how) => self.on_close(how),
            Event::FaultsEnd => self.on_faults_end(),
            Event::Probe => self.on_probe(),
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
