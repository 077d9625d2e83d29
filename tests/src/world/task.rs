//! The pool's task: dials, mints, its timer, and the rare things that the pool wants done.

use std::sync::Arc;
use std::time::Duration;

use aapns_proto::Link;
use aapns_proto::delivery::{DialError, DialStep};
use aapns_proto::pool::{Action, Dial, Mint, MintError, ProviderToken};

use super::heap::DialEnd;
use super::{Driver, Event, Phase, World};
use crate::callers::SimTag;
use crate::fake::token::Token;
use crate::oracle::Rule;
use crate::swarm::Kind;

impl World {
    /// Does what the pool wants done, after every call of it.
    pub(super) fn drain_actions(&mut self) {
        let mut is_timer = false;
        while let Some(action) = self.pool.poll_action() {
            match action {
                Action::Wake(link) => self.wake(Some(link)),
                Action::Dial(dial) => self.on_dial(dial),
                Action::Mint(mint) => self.on_mint(mint),
                Action::Room(count) => self.offer_room(count),
                Action::Timer => is_timer = true,
                Action::Done(done) => self.settle(done, None),
                Action::Closed => self.on_closed(),
            }
        }
        if is_timer {
            self.rearm_pool();
        }
    }

    /// Plans the pool's timer; only when the pool says so, as an adapter does.
    pub(super) fn rearm_pool(&mut self) {
        let at = self.pool.poll_timeout().map(|(at, _)| at.max(self.now));
        if at != self.pool_timer {
            self.pool_timer = at;
            if let Some(at) = at {
                self.heap.plan(at, Event::PoolTimer);
            }
        }
    }

    pub(super) fn on_pool_timer(&mut self) {
        let now = self.now;
        if self.pool_timer != Some(now) {
            return;
        }
        self.pool_timer = None;
        self.pool.handle_timeout(now);
        self.drain_actions();
        if let Some((at, why)) = self.pool.poll_timeout().filter(|(at, _)| *at <= now) {
            self.oracle.fail(now, Rule::BusyLoop, || {
                format!("the pool wants its timer at {at:?} ({why:?}) after it was served")
            });
        }
        self.rearm_pool();
    }

    fn on_closed(&mut self) {
        self.trace.add(self.now, "the pool is closed", &[]);
        if self.phase != Phase::Closing {
            let rule = Rule::Liveness;
            self.oracle
                .fail(self.now, rule, || "the pool closed by itself".to_owned());
        }
        self.phase = Phase::Over;
    }

    fn on_dial(&mut self, dial: Dial) {
        self.trace.add(self.now, "dial {}", &[dial.id]);
        self.oracle.dialed(self.now);
        let timeout = self.setup.pool.dial_timeout;
        if dial.deadline != self.now + timeout {
            let rule = Rule::Deadline;
            self.oracle.fail(self.now, rule, || {
                format!("a dial until {:?}", dial.deadline)
            });
        }
        let swarm = &mut self.swarm;
        let quick = swarm.rng.micros(self.net.dial.0, self.net.dial.1);
        let (after, end) = if swarm.strikes(Kind::DialFails, 150) {
            (quick, DialEnd::Down { is_fatal: false })
        } else if swarm.strikes(Kind::DialHangs, 60) {
            (timeout, DialEnd::Down { is_fatal: false })
        } else if swarm.strikes(Kind::DialFatal, 30) {
            if swarm.rng.chance(500) {
                (quick, DialEnd::Down { is_fatal: true })
            } else {
                (quick, DialEnd::NotHttp2)
            }
        } else {
            (quick, DialEnd::Up)
        };
        self.heap.plan(self.now + after, Event::DialEnds(dial, end));
    }

    pub(super) fn on_dial_ends(&mut self, dial: Dial, end: DialEnd) {
        self.trace.add(
            self.now,
            "dial {} ends: {}",
            &[dial.id, u64::from(end == DialEnd::Up)],
        );
        let now = self.now;
        match end {
            DialEnd::Down { is_fatal } => {
                let step = match is_fatal {
                    true => DialStep::Tls,
                    false => DialStep::Connect,
                };
                let error = DialError::new(step, is_fatal, "simulated");
                self.pool.dial_failed(now, dial, error);
            }
            DialEnd::NotHttp2 => {
                if self.pool.dialed(now, dial, Some(b"http/1.1")).is_ok() {
                    let rule = Rule::Protocol;
                    self.oracle
                        .fail(now, rule, || "a link that speaks HTTP/1.1".to_owned());
                }
            }
            DialEnd::Up => {
                if let Ok(link) = self.pool.dialed(now, dial, Some(b"h2")) {
                    self.link_up(link, dial.credential);
                }
            }
        }
        self.drain_actions();
    }

    fn link_up(&mut self, link: Link<SimTag>, credential: u64) {
        let slot = usize::from(link.id().0);
        while self.links.len() <= slot {
            self.links.push(None);
        }
        let conn = self.connect(slot, credential);
        self.trace
            .add(self.now, "link {} is up on {}", &[slot as u64, conn as u64]);
        let place = self.links.get_mut(slot);
        let is_taken =
            place.is_some_and(|place| place.replace(Box::new(Driver::new(link, conn))).is_some());
        if is_taken {
            let rule = Rule::Memory;
            self.oracle
                .fail(self.now, rule, || format!("two links in slot {slot}"));
        }
        self.run_soon(slot, conn);
        let (up, most) = (self.links.iter().flatten().count(), self.bounds.1);
        if up > 2 * usize::from(most) {
            self.oracle.fail(self.now, Rule::Memory, || {
                format!("{up} links, though at most {most} and as many that drain are allowed")
            });
        }
    }

    fn on_mint(&mut self, mint: Mint) {
        self.trace.add(self.now, "mint {}", &[mint.id]);
        let is_good = !self.swarm.strikes(Kind::MintFails, 200);
        let after = self.rng.micros(10, 50_000);
        let team = self.credentials.last().map(|(_, team)| *team);
        let team = team.filter(|_| is_good);
        self.heap
            .plan(self.now + after, Event::MintEnds(mint, team));
    }

    pub(super) fn on_mint_ends(&mut self, mint: Mint, team: Option<u32>) {
        let unix = self.local_unix();
        let result = if let Some(team) = team {
            self.serial += 1;
            let token = Token {
                team,
                issued_at: unix.as_secs(),
                serial: self.serial,
            };
            self.trace
                .add(self.now, "token {} is minted", &[self.serial.into()]);
            ProviderToken::new(&token.jwt(), Duration::from_secs(token.issued_at))
        } else {
            Err(MintError(Arc::from("simulated")))
        };
        self.pool.minted(self.now, unix, mint, result);
        self.drain_actions();
    }
}
