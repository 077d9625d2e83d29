//! What a fake server makes of the frames that carry requests, and of those about them.

use super::block;
use super::fate::{self, Fate};
use super::server::{Context, Mood, Server};
use super::streams::Stream;
use super::token::Token;
use super::wire::{self, Frame, code, flag};
use crate::callers;
use crate::oracle::Rule;
use crate::swarm::Kind;

impl Server {
    pub(super) fn on_headers(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let end = frame.flags & flag::END_STREAM != 0;
        let Some(fragment) = wire::unpad(frame) else {
            return self.blame(cx, "bad padding");
        };
        self.block = Some((frame.stream, end, fragment.to_vec()));
        if frame.flags & flag::END_HEADERS != 0 {
            self.on_block(cx);
        }
    }

    pub(super) fn on_continuation(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        match &mut self.block {
            Some((stream, _, block)) if *stream == frame.stream => block.extend(frame.payload),
            _ => return self.blame(cx, "CONTINUATION of no block"),
        }
        if frame.flags & flag::END_HEADERS != 0 {
            self.on_block(cx);
        }
    }

    /// A field block is complete: a request begins.
    fn on_block(&mut self, cx: &mut Context<'_>) {
        let Some((id, end, coded)) = self.block.take() else {
            return;
        };
        let mut stream = Stream::new(self.announced_window());
        let (mut plain, mut pseudo) = (Vec::with_capacity(512), 0);
        let is_plain = block::make_plain(&coded, &mut plain).is_some();
        let decoded = self.decoder.decode_with_cb(&plain, |name, value| {
            pseudo += u32::from(name.starts_with(b":"));
            stream.learn(&name, &value);
        });
        if !is_plain || decoded.is_err() || pseudo != 4 {
            return self.blame(cx, "a field block that isn't a request's");
        }
        if id % 2 == 0 || id <= self.streams.highest() {
            return self.blame(cx, "a stream id that isn't new");
        }
        self.streams.saw(id);
        if self.goaway.is_some_and(|last| id > last) {
            return;
        }
        let Some(tag) = stream.tag else {
            return self.blame(cx, "a request without apns-id");
        };
        cx.trace.add(
            cx.now,
            "server {} sees stream {} of tag {}",
            &[self.id.into(), id.into(), tag.into()],
        );
        cx.oracle.began(cx.now, tag);
        let open = self.streams.len();
        let limit = self.current.map_or(0, |current| current.limit);
        if open >= limit as usize {
            let rule = Rule::Limit;
            cx.oracle.fail(cx.now, rule, || {
                format!("stream {id}: {open} are open, the limit is {limit}")
            });
        }
        self.streams.insert(id, stream);
        let pending = self.announced.iter().map(|announced| announced.limit).min();
        if self.habits.is_hasty && pending.is_some_and(|limit| open >= limit as usize) {
            cx.swarm.count(Kind::Refused);
            return self.decide(id, Fate::Refuse { twice: true }, cx);
        }
        if end {
            self.on_complete(id, cx);
        } else if cx.swarm.strikes(Kind::EarlyAnswer, 30) {
            self.answer_early(id, cx);
        }
    }

    fn announced_window(&self) -> i64 {
        self.current
            .map_or(65_535, |current| i64::from(current.initial_window))
    }

    pub(super) fn on_data(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let Some(data) = wire::unpad(frame) else {
            return self.blame(cx, "bad padding");
        };
        let length = u32::try_from(frame.payload.len()).unwrap_or(0);
        self.window -= i64::from(length);
        self.owed += length;
        if self.window < 0 && length > 0 {
            cx.oracle.fail(cx.now, Rule::Window, || {
                "DATA beyond the connection's window".to_owned()
            });
        }
        if let Some(stream) = self.streams.get_mut(frame.stream) {
            stream.window -= i64::from(length);
            stream.owed += length;
            stream.body += data.len();
            let (is_over, is_late) = (stream.window < 0 && length > 0, stream.is_complete);
            let expected = stream.tag.map(callers::body_octet);
            if is_over {
                cx.oracle.fail(cx.now, Rule::Window, || {
                    format!("DATA beyond stream {}'s window", frame.stream)
                });
            }
            let differ = |other: u8| data.iter().fold(0, |all, octet| all | (octet ^ other)) != 0;
            if is_late || expected.is_none_or(differ) {
                self.blame(cx, "DATA that isn't this request's");
            }
            if frame.flags & flag::END_STREAM != 0 {
                self.on_complete(frame.stream, cx);
            }
        } else if frame.stream > self.streams.highest() {
            self.blame(cx, "DATA on an idle stream");
        }
        self.give_credit(cx);
    }

    fn on_complete(&mut self, id: u32, cx: &mut Context<'_>) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.is_complete = true;
        let tag = stream.tag.unwrap_or(u32::MAX);
        if Some(stream.body) != cx.oracle.body_length(tag) {
            return self.blame(cx, "a body of another length");
        }
        cx.oracle.completed(cx.now, tag);
        let token = stream.authorization.as_deref().map(Token::parse);
        let is_own = match token {
            Some(token) => {
                self.habits.wants_token && token.is_some_and(|t| t.team == self.habits.team)
            }
            None => !self.habits.wants_token,
        };
        if !is_own {
            return self.blame(cx, "the authorization of another credential");
        }
        let no = if self.habits.wants_token {
            if cx.swarm.strikes(Kind::TokenUpdates, 8) {
                self.guard.spoil();
            }
            self.guard.check(
                stream.authorization.as_deref(),
                cx.unix,
                cx.revoked,
                self.habits.team,
            )
        } else {
            None
        };
        if self.mood == Mood::Zombie {
            let processed = cx.swarm.rng.chance(500);
            return self.decide(id, Fate::Forget { processed }, cx);
        }
        let fate = match (no.or(self.spell), self.habits.fate) {
            (Some(no), _) => Fate::Reject(no),
            (None, Some(fate)) => fate,
            (None, None) => fate::choose(cx.swarm),
        };
        self.decide(id, fate, cx);
    }

    pub(super) fn on_reset(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let reason = wire::number(frame.payload);
        let is_fair = match reason {
            Some(code::CANCEL | code::NO_ERROR) => true,
            Some(code::PROTOCOL_ERROR) => self.malformed.contains(&frame.stream),
            _ => false,
        };
        if !is_fair || frame.stream > self.streams.highest() {
            self.blame(cx, "RST_STREAM for no reason");
        }
        self.streams.remove(frame.stream);
        self.leave_if_empty();
    }

    pub(super) fn on_settings_ack(&mut self, cx: &mut Context<'_>) {
        let Some(now) = self.announced.pop_front() else {
            return self.blame(cx, "a SETTINGS ACK too many");
        };
        let before = self.announced_window();
        self.streams
            .shift_windows(i64::from(now.initial_window) - before);
        self.current = Some(now);
    }

    pub(super) fn on_goaway(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let reason = frame.payload.get(4..).and_then(wire::number);
        // Our ACK may be stuck on its way.
        let is_fair = matches!(reason, Some(code::NO_ERROR | code::SETTINGS_TIMEOUT))
            || (self.is_excused && reason == Some(code::ENHANCE_YOUR_CALM));
        if !is_fair && self.mood == Mood::Well && self.current.is_some() {
            self.blame(cx, "GOAWAY with an error, though all was well");
        }
    }
}
