//! How a fake server answers: when a fate is decided, early, and at last.

use super::fate::{self, Fate, No};
use super::server::{Act, Context, Mood, Server};
use super::wire::{self, code};
use crate::callers;
use crate::swarm::Kind;

impl Server {
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

    pub(super) fn answer(&mut self, id: u32, cx: &mut Context<'_>) {
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
        self.reply.splits_next = self.withheld.is_none() && cx.swarm.strikes(Kind::LateBlock, 20);
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
        if let Some(at) = self.reply.split_at.take() {
            self.withheld = Some(at);
            self.is_excused = true;
            let wait = cx.swarm.rng.pick(&[50, 3_000, 12_000]).unwrap_or(50);
            let wait = cx.swarm.rng.millis(1, wait);
            cx.later.push((cx.now + wait, Act::Release));
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
}
