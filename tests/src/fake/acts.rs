//! What a fake server does beside answering: limits, credit, GOAWAY, silence.

use std::time::Duration;

use aapns_proto::Time;

use super::fate;
use super::goaway::TWO_STEPS;
use super::server::{Act, Context, Mood, Server};
use super::wire::{self, code, kind};
use crate::swarm::Kind;

/// What GOAWAY can give as its reason (FACTS §13.4).
const GOAWAY_REASONS: [&str; 6] = [
    "IdleTimeout",
    "BadCertificate",
    "InvalidProviderToken",
    "ExpiredProviderToken",
    "TooManyProviderTokenUpdates",
    "Shutdown",
];

impl Server {
    /// Speaks first, and plans what will go wrong.
    pub fn start(&mut self, cx: &mut Context<'_>) {
        if cx.swarm.strikes(Kind::NoSettings, 40) {
            self.mood = Mood::Deaf;
            return;
        }
        self.announce(self.habits.limit);
        if self.habits.extra_window > 0 {
            self.window += i64::from(self.habits.extra_window);
            wire::put_credit(&mut self.out, 0, self.habits.extra_window);
        }
        self.is_slow_to_credit = cx.swarm.strikes(Kind::TinyWindow, 300);
        for scripted in &self.habits.script {
            if scripted.conn.is_none_or(|conn| conn == self.id) {
                cx.later.push((cx.now + scripted.after, scripted.act));
            }
        }
        self.plan(cx);
    }

    fn plan(&mut self, cx: &mut Context<'_>) {
        let mut at = |swarm: &mut crate::swarm::Swarm, act| {
            let when = swarm.rng.millis(0, 15_000);
            cx.later.push((cx.now + when, act));
        };
        let swarm = &mut *cx.swarm;
        if swarm.strikes(Kind::GoAway, 200) {
            let act = Act::GoAway {
                in_two_steps: false,
                leaves: false,
            };
            at(swarm, act);
        }
        if swarm.strikes(Kind::GoAwayTwice, 150) {
            let act = Act::GoAway {
                in_two_steps: true,
                leaves: false,
            };
            at(swarm, act);
        }
        if swarm.strikes(Kind::GoAwayLeaves, 150) {
            let in_two_steps = swarm.rng.chance(500);
            let act = Act::GoAway {
                in_two_steps,
                leaves: true,
            };
            at(swarm, act);
        }
        for _ in 0..3 {
            if swarm.strikes(Kind::LimitFalls, 200) {
                let limit = swarm.rng.pick(&[0, 1, 1, 2, 5]).unwrap_or(1);
                at(swarm, Act::Limit(limit));
            }
            if swarm.strikes(Kind::LimitRises, 200) {
                at(swarm, Act::Limit(1000));
            }
            if swarm.strikes(Kind::Noise, 250) {
                at(swarm, Act::Noise);
            }
        }
        self.plan_more(cx);
        let mut at = |swarm: &mut crate::swarm::Swarm, act| {
            let when = swarm.rng.millis(0, 15_000);
            cx.later.push((cx.now + when, act));
        };
        let swarm = &mut *cx.swarm;
        if swarm.strikes(Kind::Deaf, 80) {
            at(swarm, Act::Deafen);
        }
        if swarm.strikes(Kind::Zombie, 60) {
            at(swarm, Act::Zombify);
        }
        if swarm.strikes(Kind::HalfClose, 120) {
            at(swarm, Act::Leave);
        }
    }

    /// The rarer things.
    fn plan_more(&mut self, cx: &mut Context<'_>) {
        let mut at = |swarm: &mut crate::swarm::Swarm, act| {
            let when = swarm.rng.millis(0, 15_000);
            cx.later.push((cx.now + when, act));
        };
        let swarm = &mut *cx.swarm;
        if swarm.strikes(Kind::LimitBounces, 150) {
            let left = u32::try_from(swarm.rng.range(2, 20)).unwrap_or(2);
            at(swarm, Act::Bounce(left));
        }
        if swarm.strikes(Kind::WindowChanges, 200) {
            let octets = swarm
                .rng
                .pick(&[0, 100, 300, 65_535, 1_000_000])
                .unwrap_or(0);
            at(swarm, Act::Window(octets));
        }
        if swarm.strikes(Kind::TableChanges, 200) {
            let octets = swarm.rng.pick(&[0, 100, 4_096, 65_536]).unwrap_or(0);
            at(swarm, Act::Table(octets));
        }
        if swarm.strikes(Kind::TinyFieldList, 50) {
            at(swarm, Act::FieldList(200));
        }
        if swarm.strikes(Kind::PingFlood, 50) {
            let pings = swarm.rng.pick(&[100, 700, 2_000]).unwrap_or(100);
            at(swarm, Act::Flood(pings));
        }
        if swarm.strikes(Kind::GoAwayReason, 100) {
            let reason = swarm.rng.pick(&GOAWAY_REASONS).unwrap_or("IdleTimeout");
            at(swarm, Act::GoAwayForFault(reason));
        }
        if swarm.strikes(Kind::GoAwayNotice, 100) {
            at(swarm, Act::GoAwayNotice);
        }
        if swarm.strikes(Kind::Shut, 100) {
            at(swarm, Act::Shut);
        }
        if swarm.strikes(Kind::Spell, 150) {
            let begin = cx.now + swarm.rng.millis(0, 8_000);
            let length = swarm.rng.millis(10, 4_000);
            let no = swarm.rng.pick(&fate::SPELLS);
            cx.later.push((begin, Act::Spell(no)));
            cx.later.push((begin + length, Act::Spell(None)));
        }
    }

    /// Does what it planned.
    pub fn act(&mut self, act: Act, cx: &mut Context<'_>) {
        if self.mood == Mood::Deaf || self.has_left {
            return;
        }
        match act {
            Act::Answer(stream) => self.answer(stream, cx),
            Act::Credit => {
                self.credit_is_due = false;
                self.pay(true, cx);
            }
            Act::Limit(limit) => {
                cx.trace.add(
                    cx.now,
                    "server {} sets limit {}",
                    &[self.id.into(), limit.into()],
                );
                self.announce(limit);
            }
            Act::GoAway {
                in_two_steps,
                leaves,
            } => self.say_goaway(in_two_steps, leaves, cx),
            Act::GoAwayFor(reason) => self.say_goaway_for(reason, 0),
            Act::GoAwayForFault(reason) if cx.swarm.is_on() => {
                self.say_goaway_for(reason, self.streams.highest_decided());
            }
            Act::GoAwayNotice => {
                wire::put_goaway(&mut self.out, TWO_STEPS, code::NO_ERROR, b"");
            }
            Act::Deafen => {
                cx.trace
                    .add(cx.now, "server {} goes deaf", &[self.id.into()]);
                self.mood = Mood::Deaf;
            }
            Act::Zombify => {
                cx.trace
                    .add(cx.now, "server {} answers no more", &[self.id.into()]);
                self.mood = Mood::Zombie;
            }
            Act::Noise => self.make_noise(),
            Act::Bounce(left) => self.bounce(left, cx),
            Act::Window(octets) if cx.swarm.is_on() => {
                self.habits.initial_window = octets;
                self.announce(self.last_limit());
            }
            Act::Table(octets) => {
                self.habits.table = octets;
                self.announce(self.last_limit());
            }
            Act::FieldList(octets) if cx.swarm.is_on() => {
                self.habits.field_list = octets;
                self.announce(self.last_limit());
            }
            Act::Flood(pings) => {
                self.is_excused = true;
                for _ in 0..pings {
                    wire::put(&mut self.out, kind::PING, 0, 0, b"12345678");
                }
            }
            Act::Spell(no) => self.spell = no.filter(|_| cx.swarm.is_on()),
            // Afterwards nothing goes wrong that isn't over by itself.
            Act::Window(_) | Act::FieldList(_) | Act::GoAwayForFault(_) => {}
            Act::Release => self.withheld = None,
            Act::Shut => self.is_shut = true,
            Act::Leave => self.has_left = true,
            Act::Heal => self.heal(cx),
        }
    }

    fn heal(&mut self, cx: &mut Context<'_>) {
        self.habits.is_strict = false;
        self.is_slow_to_credit = false;
        (self.spell, self.withheld) = (None, None);
        self.pay(false, cx);
        if self.goaway.is_none() {
            self.habits.initial_window = self.habits.initial_window.max(65_535);
            self.habits.field_list = 8_000;
            self.announce(self.habits.limit.max(100));
        }
    }

    /// The limit goes up and down while the client still acknowledges the last one.
    fn bounce(&mut self, left: u32, cx: &mut Context<'_>) {
        let limit = if left.is_multiple_of(2) { 1000 } else { 1 };
        self.announce(limit);
        if left > 0 {
            let wait = self.rng.millis(0, 50);
            cx.later.push((cx.now + wait, Act::Bounce(left - 1)));
        }
    }

    fn make_noise(&mut self) {
        wire::put(&mut self.out, kind::PING, 0, 0, b"12345678");
        wire::put(&mut self.out, 0xfa, 0, 0, b"unknown");
        wire::put(&mut self.out, kind::PRIORITY, 0, 1, &[0, 0, 0, 0, 7]);
        if let Some(id) = self.streams.oldest() {
            self.reply.hint(&mut self.out, id);
        }
    }

    /// Gives window back, at once or in its own time.
    pub(super) fn give_credit(&mut self, cx: &mut Context<'_>) {
        if !self.is_slow_to_credit {
            return self.pay(false, cx);
        }
        self.plan_credit(cx);
    }

    fn plan_credit(&mut self, cx: &mut Context<'_>) {
        if self.owed > 0 && !self.credit_is_due {
            self.credit_is_due = true;
            let wait: Duration = self.rng.micros(100, 20_000);
            let at: Time = cx.now + wait;
            cx.later.push((at, Act::Credit));
        }
    }

    fn pay(&mut self, in_pieces: bool, cx: &mut Context<'_>) {
        let most = if in_pieces {
            u32::try_from(self.rng.range(200, 2_000)).unwrap_or(200)
        } else {
            u32::MAX
        };
        for (id, owed, window) in self.streams.owed() {
            let piece = (*owed).min(most);
            *owed -= piece;
            *window += i64::from(piece);
            wire::put_credit(&mut self.out, id, piece);
        }
        // In pieces, the connection's window comes back faster than any stream's: it serves them all.
        let piece = self.owed.min(most.saturating_mul(4));
        if piece > 0 {
            self.owed -= piece;
            self.window += i64::from(piece);
            wire::put_credit(&mut self.out, 0, piece);
        }
        if in_pieces {
            self.plan_credit(cx);
        }
    }
}
