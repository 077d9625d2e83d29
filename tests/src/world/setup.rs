//! What a world is made of.

use std::time::Duration;

use aapns_proto::limits::{LAST_STREAM_ID, STREAM_ID_MARGIN};
use aapns_proto::pool::{Auth, Close};
use aapns_proto::{PoolConfig, Time};

use crate::callers::{self, Caller};
use crate::fake::Habits;
use crate::rng::Rng;
use crate::swarm::Swarm;

/// The network between the pool and its servers.
#[derive(Clone, Copy, Debug)]
pub struct Net {
    /// Microseconds that octets take, one way: from, to.
    pub latency: (u64, u64),
    /// Octets that a direction holds before its writer must wait.
    pub capacity: usize,
    /// Octets that one read brings at most.
    pub read: usize,
    /// The client's TLS layer takes octets ahead, and must be flushed.
    pub holds: bool,
    /// Microseconds that a dial takes: from, to.
    pub dial: (u64, u64),
}

/// Something that befalls a connection for certain.
#[derive(Clone, Copy, Debug)]
pub struct Accident {
    /// The connection: they count from 0.
    pub conn: usize,
    /// When.
    pub at: Time,
    /// What.
    pub mishap: Mishap,
}

/// What can befall a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// Octets vanish, both ways.
    BlackHole,
    /// The link's task is dropped.
    DriverDropped,
}

/// All of a world's choices, made before it begins.
#[derive(Debug)]
pub struct Setup {
    /// Where all randomness comes from.
    pub seed: u64,
    /// The pool's numbers.
    pub pool: PoolConfig,
    /// What the servers are like.
    pub habits: Habits,
    /// The network.
    pub net: Net,
    /// The faults.
    pub swarm: Swarm,
    /// Those who submit.
    pub callers: Vec<Caller>,
    /// When the last fault strikes.
    pub faults_until: Time,
    /// What befalls the network for certain.
    pub accidents: Vec<Accident>,
    /// When and how the pool is closed before all is done.
    pub closes: Vec<(Time, Close)>,
    /// How long a request may take at most, where that can be said.
    pub prompt: Option<Duration>,
    /// Requests at the end that must be answered with 200.
    pub probes: u32,
    /// Whether to keep a trace to read.
    pub keeps_trace: bool,
}

impl Setup {
    /// The world of this seed: most are a swarm of faults, some look at one thing closely.
    pub fn seeded(seed: u64) -> Self {
        match seed % 16 {
            3 => Self::down(seed),
            7 => Self::burst(seed),
            11 | 15 => Self::baton(seed),
            _ => Self::stormy(seed),
        }
    }

    /// A world in which anything may go wrong.
    fn stormy(seed: u64) -> Self {
        Self::storm(seed, Rng::new(seed, 3), Swarm::new(seed))
    }

    /// The world that a fuzzer chose: a seed, the kinds of faults, what the world is like, and when
    /// faults strike. What no octet decides, the seed does.
    pub fn of_octets(octets: &[u8]) -> Self {
        let mut rest = octets;
        let mut number = || {
            let (head, tail) = rest.split_at(rest.len().min(8));
            rest = tail;
            head.iter()
                .fold(0, |number, octet| number << 8 | u64::from(*octet))
        };
        let (seed, kinds) = (number(), number());
        let (world, faults) = rest.split_at(rest.len().min(48));
        let rng = Rng::new(seed, 3).taped(world);
        Self::storm(seed, rng, Swarm::taped(seed, kinds, faults))
    }

    fn storm(seed: u64, mut rng: Rng, mut swarm: Swarm) -> Self {
        let span = rng.millis(100, 12_000);
        let callers = callers::plan(seed, &mut swarm, span);
        let auth = if rng.chance(600) {
            Auth::Token
        } else {
            Auth::None
        };
        let min_links = u16::try_from(rng.below(5).div_ceil(2)).unwrap_or(1);
        let max_links = min_links.max(1) + u16::try_from(rng.range(0, 3)).unwrap_or(0);
        let mut pool = PoolConfig::default();
        pool.min_links = min_links;
        pool.max_links = max_links;
        pool.auth = auth;
        if rng.chance(200) {
            pool.max_queued = 20;
        }
        if rng.chance(100) {
            pool.max_queued_octets = 10_000;
        }
        if rng.chance(60) {
            let few = u32::try_from(rng.range(10, 60)).unwrap_or(10);
            pool.connection.first_stream_id = LAST_STREAM_ID - 2 * STREAM_ID_MARGIN - 2 * few;
        }
        if rng.chance(300) {
            vary(&mut rng, &mut pool);
        }
        let faults_until = Time::ZERO + span + rng.millis(0, 8_000);
        let closes = closes(&mut rng, faults_until);
        pool.connection.authority = bytes::Bytes::from_static(b"api.push.apple.com");
        pool.connection.progress_timeout = Duration::from_secs(10);
        let slowest = rng.pick(&[200, 5_000, 60_000]).unwrap_or(200);
        Self {
            seed,
            habits: Habits::seeded(&mut rng, auth == Auth::Token),
            net: Net {
                latency: (slowest / 2, slowest),
                capacity: if rng.chance(200) { 2_000 } else { 64 * 1024 },
                read: if rng.chance(200) { 50 } else { 16 * 1024 },
                holds: rng.chance(300),
                dial: (200, 100_000),
            },
            pool,
            swarm,
            callers,
            faults_until,
            accidents: Vec::new(),
            closes,
            prompt: None,
            probes: 3,
            keeps_trace: false,
        }
    }

    /// A world in which nothing goes wrong: 4 links at most, no token, no callers yet.
    pub fn calm(seed: u64) -> Self {
        let mut pool = PoolConfig::default();
        pool.max_links = 4;
        pool.connection.authority = bytes::Bytes::from_static(b"api.push.apple.com");
        Self {
            seed,
            pool,
            habits: Habits::default(),
            net: Net {
                latency: (500, 1_000),
                capacity: 64 * 1024,
                read: 16 * 1024,
                holds: false,
                dial: (200, 100_000),
            },
            swarm: Swarm::of(seed, &[]),
            callers: Vec::new(),
            faults_until: Time::ZERO,
            accidents: Vec::new(),
            closes: Vec::new(),
            prompt: None,
            probes: 0,
            keeps_trace: false,
        }
    }
}

/// Numbers that users may set, and that make rare things happen within a world's time.
fn vary(rng: &mut Rng, pool: &mut PoolConfig) {
    let second = Duration::from_secs(1);
    let mut pick = |seconds: &[u32]| second * rng.pick(seconds).unwrap_or(1);
    pool.dial_timeout = pick(&[1, 10]);
    pool.shrink_after = pick(&[1, 5, 600]);
    // A body of 12,000 octets in a window of 300 takes six seconds at the longest latency: a link that
    // is replaced in the middle of it must have the time to end it.
    pool.stuck_after = pick(&[5, 10]);
    let connection = &mut pool.connection;
    connection.settings_timeout = pick(&[1, 10]);
    connection.ping_after = pick(&[1, 2, 10]);
    connection.idle_ping_after = pick(&[2, 60]);
    connection.ping_timeout = pick(&[1, 5]);
    connection.drain_timeout = pick(&[5, 30]);
}

/// When a pool is closed while it works: one in twelve is, by a drain, an abort, or both.
fn closes(rng: &mut Rng, faults_until: Time) -> Vec<(Time, Close)> {
    if !rng.chance(80) {
        return Vec::new();
    }
    let last = faults_until.as_nanos() / 1_000_000;
    let at = Time::ZERO + rng.millis(0, last);
    let until = at + rng.millis(0, 20_000);
    let abort = (at + rng.millis(0, 10_000), Close::Abort);
    match rng.below(4) {
        0 => vec![(at, Close::Abort)],
        1 => vec![(at, Close::Drain { until }), abort],
        _ => vec![(at, Close::Drain { until })],
    }
}
