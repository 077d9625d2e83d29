//! What a fake server does: answers, limits, credit, GOAWAY, silence.

use std::time::Duration;

use aapns_proto::Time;

use super::fate::{self, Fate, No};
use super::server::{Act, Context, Mood, Server};
use super::wire::{self, code, kind};
use crate::callers;
use crate::swarm::Kind;

const TWO_STEPS: u32 = 0x7fff_ffff;

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
            Act::GoAwayFor(reason) => {
                let debug = format!(r#"{{"reason":"{reason}"}}"#);
                wire::put_goaway(&mut self.out, 0, code::NO_ERROR, debug.as_bytes());
                self.goaway = Some(0);
                self.streams.forget_above(0);
                self.has_left = true;
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
            Act::Leave => self.has_left = true,
            Act::Heal => self.heal(cx),
        }
    }

    fn heal(&mut self, cx: &mut Context<'_>) {
        self.habits.is_strict = false;
        self.is_slow_to_credit = false;
        self.pay(false, cx);
        if self.goaway.is_none() {
            self.announce(self.habits.limit.max(100));
        }
    }

    /// A request's fate is decided: the truth is told now, the answer comes later.
    pub(super) fn decide(&mut self, id: u32, fate: Fate, cx: &mut Context<'_>) {
        self.streams.decided(id);
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.fate = Some(fate);
        let tag = stream.tag.unwrap_or(u32::MAX);
        if fate.is_processed() {
            cx.trace.add(
                cx.now,
                "server {} processes tag {}",
                &[self.id.into(), tag.into()],
            );
            cx.oracle.was_processed(cx.now, tag);
        }
        let delay = fate::delay(cx.swarm, &mut self.rng, self.habits.delay);
        match fate {
            Fate::Forget { .. } => {}
            _ => cx.later.push((cx.now + delay, Act::Answer(id))),
        }
    }

    /// Says no before the request is complete, and that nothing more is needed (RFC 9113 §8.1).
    pub(super) fn answer_early(&mut self, id: u32, cx: &mut Context<'_>) {
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        let tag = stream.tag.unwrap_or(u32::MAX);
        cx.oracle.answered(tag, 413);
        let no = No::new(413, "PayloadTooLarge");
        let apns_id = callers::apns_id(tag);
        self.reply.reject(&mut self.out, id, apns_id.as_bytes(), no);
        wire::put_reset(&mut self.out, id, code::NO_ERROR);
    }

    fn answer(&mut self, id: u32, cx: &mut Context<'_>) {
        if self.mood == Mood::Zombie {
            return;
        }
        let Some(stream) = self.streams.remove(id) else {
            return;
        };
        let (Some(tag), Some(fate)) = (stream.tag, stream.fate) else {
            return;
        };
        cx.trace.add(
            cx.now,
            "server {} ends stream {} of tag {}",
            &[self.id.into(), id.into(), tag.into()],
        );
        cx.trace.say(cx.now, || format!("  {fate:?}"));
        let apns_id = callers::apns_id(tag);
        let out = &mut self.out;
        match fate {
            Fate::Accept => {
                cx.oracle.answered(tag, 200);
                self.reply.accept(out, id, apns_id.as_bytes());
                self.relax();
            }
            Fate::CutShort => {
                cx.oracle.answered(tag, 200);
                self.reply.cut_short(out, id, apns_id.as_bytes());
            }
            Fate::Reject(no) => {
                cx.oracle.answered(tag, no.status);
                self.reply.reject(out, id, apns_id.as_bytes(), no);
                self.punish(no);
            }
            Fate::Refuse { twice } => {
                wire::put_reset(out, id, code::REFUSED_STREAM);
                if twice {
                    wire::put_reset(out, id, code::STREAM_CLOSED);
                }
            }
            Fate::Reset { code, .. } => wire::put_reset(out, id, code),
            Fate::Malform => {
                self.reply.malform(out, id);
                self.malformed.push(id);
            }
            Fate::Forget { .. } => {}
        }
        self.leave_if_empty();
    }

    /// After a success the limit rises (FACTS §13.1).
    fn relax(&mut self) {
        if !self.has_accepted {
            self.has_accepted = true;
            if let Some(limit) = self.habits.raised_limit {
                self.announce(limit);
            }
        }
    }

    /// After a no it falls to 1.
    fn punish(&mut self, no: No) {
        if self.habits.is_strict && self.has_accepted && no.status != 410 {
            self.has_accepted = false;
            self.announce(1);
        }
    }

    fn say_goaway(&mut self, in_two_steps: bool, leaves: bool, cx: &mut Context<'_>) {
        if in_two_steps && self.goaway.is_none() {
            wire::put_goaway(&mut self.out, TWO_STEPS, code::NO_ERROR, b"");
            let wait = cx.swarm.rng.millis(1, 2_000);
            let act = Act::GoAway {
                in_two_steps: false,
                leaves,
            };
            cx.later.push((cx.now + wait, act));
            return;
        }
        let highest = self.streams.highest();
        let decided = self.streams.highest_decided();
        let last = if cx.swarm.rng.chance(700) {
            decided
        } else {
            highest
        };
        let last = self.goaway.map_or(last, |before| before.min(last));
        let debug: &[u8] = cx
            .swarm
            .rng
            .pick(&[
                b"".as_slice(),
                br#"{"reason":"Shutdown"}"#,
                br#"{"reason":"IdleTimeout","timestamp":1}"#,
                b"Maximum active streams violated for this endpoint.",
                br#"{"reas"#,
            ])
            .unwrap_or(b"");
        let code = cx
            .swarm
            .rng
            .pick(&[0, 0, 0, code::ENHANCE_YOUR_CALM])
            .unwrap_or(0);
        cx.trace.add(
            cx.now,
            "server {} says GOAWAY, last stream {}",
            &[self.id.into(), last.into()],
        );
        wire::put_goaway(&mut self.out, last, code, debug);
        if cx.swarm.rng.chance(200) {
            wire::put_goaway(&mut self.out, last, code, debug);
        }
        self.goaway = Some(last);
        self.streams.forget_above(last);
        if leaves {
            let soon = cx.swarm.rng.millis(0, 100);
            cx.later.push((cx.now + soon, Act::Leave));
        }
        self.leaves_when_empty = cx.swarm.rng.chance(500);
        self.leave_if_empty();
    }

    pub(super) fn leave_if_empty(&mut self) {
        if self.goaway.is_some() && self.leaves_when_empty && self.streams.is_empty() {
            self.has_left = true;
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
