//! Worlds that look at one thing closely, where a swarm would hide it.

use std::time::Duration;

use aapns_proto::{Policy, Time};

use super::setup::{Accident, Mishap, Setup};
use crate::callers::Caller;
use crate::rng::Rng;
use crate::swarm::{Kind, Swarm};

impl Setup {
    /// No dial succeeds for half a minute: the pool must not storm.
    pub(super) fn down(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 6);
        let mut setup = Self::calm(seed);
        setup.swarm = Swarm::of(seed, &[Kind::DialFails]).certain();
        setup.faults_until = Time::ZERO + Duration::from_secs(30);
        setup.callers = (0..60)
            .map(|_| caller(Time::ZERO + rng.millis(0, 30_000)))
            .collect();
        setup.callers.sort_by_key(|caller| caller.at);
        setup.probes = 1;
        setup
    }

    /// A burst that four links of few streams each must share: a link that isn't woken, or a stream
    /// that isn't free again, makes it slow.
    pub(super) fn burst(seed: u64) -> Self {
        const STEP: u64 = 25_000;
        let mut rng = Rng::new(seed, 6);
        let mut setup = Self::calm(seed);
        setup.swarm = Swarm::of(seed, &[Kind::Noise]);
        setup.pool.min_links = 4;
        setup.net.dial = (1_000, 5_000);
        setup.habits.delay = (STEP - 4_000, STEP - 4_000);
        setup.habits.limit = u32::try_from(rng.range(1, 3)).unwrap_or(1);
        let count = rng.range(50, 80);
        let begin = Time::ZERO + Duration::from_secs(1);
        setup.callers = (0..count).map(|_| caller(begin)).collect();
        for n in 1..10 {
            setup
                .callers
                .push(caller(begin + Duration::from_secs(2 * n)));
        }
        setup.faults_until = begin + Duration::from_secs(20);
        let steps = count.div_ceil(4 * u64::from(setup.habits.limit));
        setup.prompt = Some(Duration::from_micros(steps * STEP * 8 / 5 + 200_000));
        setup
    }

    /// Few requests, late wake-ups, and a link whose task is dropped about when it is woken: another
    /// must do its work, long before a new link is up.
    pub(super) fn baton(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 6);
        let mut setup = Self::calm(seed);
        setup.swarm = Swarm::of(seed, &[Kind::LateWake]).certain();
        (setup.pool.min_links, setup.pool.max_links) = (3, 3);
        setup.net.dial = (5_000_000, 6_000_000);
        let begin = Time::ZERO + Duration::from_secs(10);
        let pause = Duration::from_secs(3);
        setup.callers = (0..15).map(|n| caller(begin + pause * n)).collect();
        let n = u32::try_from(rng.below(15)).unwrap_or(0);
        let at = begin + pause * n + rng.micros(0, 15_000);
        setup.accidents = vec![Accident {
            // Light work goes to the first link, as a rule.
            conn: usize::try_from(rng.below(6).saturating_sub(3)).unwrap_or(0),
            at,
            mishap: Mishap::DriverDropped,
        }];
        setup.faults_until = begin + Duration::from_secs(60);
        setup.prompt = Some(Duration::from_millis(1_500));
        setup
    }
}

fn caller(at: Time) -> Caller {
    Caller {
        at,
        patience: None,
        leaves_after: None,
        policy: Policy::AtLeastOnce,
        body: 100,
        device: 1,
        head: 0,
    }
}
