//! What befalls the process as a whole, or comes from its user: it stands still, is woken for nothing,
//! gets another credential or size, and is asked whether it is ready.

use std::time::Duration;

use aapns_proto::Time;
use aapns_proto::pool::Auth;

use super::{Event, Phase, World};
use crate::oracle::Rule;
use crate::swarm::Kind;

/// After the last fault a link must be up within this: a dial that hangs, a dial's longest backoff, and
/// a server that says nothing or that seems well and isn't.
const READY: Duration = Duration::from_secs(80);

/// The breaker's longest pause.
const BREAKER: Duration = Duration::from_secs(300);

/// Faults that can open the breaker.
const FATAL: [Kind; 4] = [
    Kind::DialFatal,
    Kind::GoAwayReason,
    Kind::Forbidden,
    Kind::Spell,
];

/// Somebody who waits until a link is up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watcher {
    until: Time,
    /// Nothing is wrong any more: a link must be up in time.
    must: bool,
}

impl World {
    /// Whether an event needs the process to run; what the servers and the network do goes on without it.
    pub(super) fn is_local(event: &Event) -> bool {
        !matches!(
            event,
            Event::ServerReads(_)
                | Event::ServerActs(..)
                | Event::Stall { .. }
                | Event::ClockJumps(_)
                | Event::TokensExpire
                | Event::Freeze(_)
                | Event::FaultsEnd
        )
    }

    pub(super) fn on_freeze(&mut self, length: Duration) {
        self.trace.add(self.now, "the process stands still", &[]);
        self.frozen_until = self.frozen_until.max(self.now + length);
        self.oracle.stood_still(self.now, self.frozen_until);
    }

    /// The process stands still: the event happens when it goes on.
    pub(super) fn put_off(&mut self, event: Event) {
        let (now, later) = (self.now, self.frozen_until);
        match event {
            Event::Turn { slot, conn } => {
                let link = self.links.get_mut(slot).and_then(Option::as_mut);
                if let Some(driver) = link.filter(|driver| driver.conn == conn) {
                    driver.put_off(now, later);
                }
            }
            Event::PoolTimer if self.pool_timer == Some(now) => self.pool_timer = Some(later),
            _ => {}
        }
        self.heap.plan(later, event);
    }

    pub(super) fn on_new_credential(&mut self, auth: Auth) {
        let credential = self.credentials.len() as u64;
        self.trace
            .add(self.now, "credential {} is set", &[credential]);
        let team = u32::try_from(credential).unwrap_or(0);
        self.credentials.push((auth, team));
        self.oracle.resized(self.setup.pool.max_links);
        self.pool.set_credential(self.now, auth);
        self.drain_actions();
    }

    pub(super) fn on_resize(&mut self, min: u16, max: u16) {
        self.trace
            .add(self.now, "resize to {}..={}", &[min.into(), max.into()]);
        self.bounds = (min, self.bounds.1.max(max));
        self.oracle.resized(max);
        self.pool.resize(self.now, min, max);
        self.drain_actions();
    }

    /// Timers may be served too early.
    pub(super) fn on_spurious_timer(&mut self) {
        self.pool.handle_timeout(self.now);
        self.drain_actions();
        for slot in 0..self.links.len() {
            let conn = self.links.get_mut(slot).and_then(Option::as_mut);
            let conn = conn.map(|driver| {
                driver.link.handle_timeout(self.now);
                driver.conn
            });
            if let Some(conn) = conn {
                self.run_soon(slot, conn);
            }
        }
    }

    /// Somebody asks whether the pool is ready, and waits for it.
    pub(super) fn ask_ready(&mut self, limit: Duration) {
        let until = self.now + limit;
        self.watchers.push(Watcher { until, must: false });
        self.heap.plan(until, Event::ReadyLimit);
    }

    /// From now on nothing is wrong: a pool that keeps links up must be ready in time.
    pub(super) fn demand_ready(&mut self) {
        if self.bounds.0 > 0 && self.phase == Phase::Settling {
            let injected = self.swarm.injected();
            let struck = |kind: &Kind| injected.get(*kind as usize).is_some_and(|n| *n > 0);
            let breaker = if FATAL.iter().any(struck) {
                BREAKER
            } else {
                Duration::ZERO
            };
            let until = self.now + READY + breaker;
            self.watchers.push(Watcher { until, must: true });
            self.heap.plan(until, Event::ReadyLimit);
        }
    }

    /// After each event: those who wait are answered, once the pool is ready or closes.
    pub(super) fn tell_watchers(&mut self) {
        if self.watchers.is_empty() {
            return;
        }
        let is_over = matches!(self.phase, Phase::Closing | Phase::Over);
        if self.pool.is_ready() && self.links.iter().all(Option::is_none) {
            let rule = Rule::Ready;
            self.oracle
                .fail(self.now, rule, || "ready without a link".to_owned());
        }
        if is_over || self.pool.is_ready() {
            self.trace.add(
                self.now,
                "{} who asked are told that the pool is ready",
                &[self.watchers.len() as u64],
            );
            self.watchers.clear();
        }
    }

    pub(super) fn on_ready_limit(&mut self) {
        let now = self.now;
        let late = self.watchers.iter().any(|w| w.must && w.until <= now);
        self.watchers.retain(|watcher| watcher.until > now);
        if late {
            let stats = self.pool.stats();
            self.oracle.fail(now, Rule::Ready, || {
                format!("nothing is wrong any more, but no link is up: {stats:?}")
            });
        }
    }

    /// Faults of the process, and what its user does.
    pub(super) fn plan_process(&mut self, until: u64) {
        let swarm = &mut self.swarm;
        for _ in 0..3 {
            let at = Time::ZERO + swarm.rng.micros(0, until);
            if swarm.strikes(Kind::Freeze, 150) {
                let longest = swarm.rng.pick(&[100, 1_000, 9_000]).unwrap_or(100);
                let length = swarm.rng.millis(1, longest);
                self.heap.plan(at, Event::Freeze(length));
            }
            if swarm.strikes(Kind::SpuriousWake, 300) {
                let slot = usize::try_from(swarm.rng.below(4)).unwrap_or(0);
                self.heap.plan(at, Event::Wake(slot));
            }
            if swarm.strikes(Kind::SpuriousTimer, 300) {
                self.heap.plan(at, Event::SpuriousTimer);
            }
            let limit = swarm.rng.millis(1, 20_000);
            self.heap.plan(at, Event::AskReady(limit));
        }
    }
}
