//! A world's phases: faults, then none until all is settled, probes, and the end.

use std::time::Duration;

use aapns_proto::Time;
use aapns_proto::pool::{Auth, Close};

use super::{Event, Phase, World};
use crate::fake::Act;
use crate::fake::token::Revoked;
use crate::oracle::Rule;
use crate::swarm::Kind;

impl World {
    /// The faults that belong to no connection.
    pub(super) fn plan_faults(&mut self) {
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
                let auth = self.swarm.rng.pick(&[Auth::None, Auth::Token]);
                let auth = auth.unwrap_or(self.setup.pool.auth);
                self.heap.plan(at, Event::NewCredential(auth));
            }
            if self.swarm.strikes(Kind::Resize, 200) {
                let min = u16::try_from(self.swarm.rng.range(0, 3)).unwrap_or(1);
                let max = min.max(1) + u16::try_from(self.swarm.rng.range(0, 3)).unwrap_or(0);
                self.heap.plan(at, Event::Resize(min, max));
            }
        }
        self.plan_process(until);
    }

    pub(super) fn on_faults_end(&mut self) {
        self.trace.add(self.now, "no more faults", &[]);
        self.swarm.stop();
        self.clock_offset = 0;
        self.revoked = Revoked::default();
        for conn in 0..self.conns.len() {
            if let Some(the) = self.conns.get_mut(conn) {
                the.up.spare();
                the.down.spare();
            }
            self.on_server_acts(conn, Act::Heal);
        }
        if self.phase == Phase::Faults {
            self.phase = Phase::Settling;
            self.demand_ready();
        }
    }

    pub(super) fn on_close(&mut self, how: Close) {
        if self.phase != Phase::Over {
            self.swarm.count(Kind::Close);
            self.close(how);
        }
    }

    pub(super) fn close(&mut self, how: Close) {
        self.trace.say(self.now, || format!("close: {how:?}"));
        self.phase = Phase::Closing;
        self.closed_at = self.closed_at.min(self.now);
        self.pool.close(self.now, how);
        self.drain_actions();
        while let Some(job) = self.waiting.pop_front() {
            self.oracle.handed_back(self.now, job.tag.id);
        }
    }

    /// From one phase to the next.
    pub(super) fn advance_phase(&mut self) {
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

    pub(super) fn give_up(&mut self, why: &str) {
        let (open, phase, stats) = (self.oracle.unsettled_tags(), self.phase, self.pool.stats());
        self.oracle.fail(self.now, Rule::Liveness, || {
            format!("{why}, in phase {phase:?}, unsettled: {open:?}; {stats:?}")
        });
    }

    /// What the pool counted is what came out.
    fn check_counters(&mut self) {
        let (stats, outcomes) = (self.pool.stats(), self.oracle.outcomes());
        let answered = outcomes.accepted + outcomes.rejected;
        let failed = outcomes.not_sent + outcomes.refused + outcomes.unknown;
        let counted = (stats.completed, stats.errors, stats.possible_duplicates);
        if counted != (answered, failed, outcomes.possible_duplicates) {
            self.oracle.fail(self.now, Rule::Counters, || {
                format!("{stats:?} are not the counts of {outcomes}")
            });
        }
    }

    /// After `Closed` nothing may be left.
    pub(super) fn check_rest(&mut self) {
        let stats = self.pool.stats();
        if self.oracle.unsettled() > 0 {
            self.give_up("closed");
        }
        if self.links.iter().any(Option::is_some) {
            self.give_up("closed, but links are up");
        }
        self.check_counters();
        let left = stats.pending + stats.retrying + stats.inflight + stats.buffered;
        if left > 0 {
            let rule = Rule::Memory;
            self.oracle.fail(self.now, rule, || {
                format!("counted though all is over: {stats:?}")
            });
        }
    }
}
