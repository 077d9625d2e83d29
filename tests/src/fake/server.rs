//! One connection of the fake APNs: what it reads, and what it makes of it.

use std::collections::VecDeque;
use std::time::Duration;

use aapns_proto::Time;
use fluke_hpack::Decoder;

use super::block;
use super::fate::{self, Fate};
use super::habits::Habits;
use super::reply::Reply;
use super::streams::{Stream, Streams};
use super::token::{Guard, Revoked};
use super::wire::{self, Frame, code, flag, kind, setting};
use crate::callers;
use crate::oracle::{Oracle, Rule};
use crate::rng::Rng;
use crate::swarm::{Kind, Swarm};
use crate::trace::Trace;

/// What the world lends to a server while it acts.
#[derive(Debug)]
pub struct Context<'a> {
    /// The present.
    pub now: Time,
    /// The true wall clock.
    pub unix: Duration,
    /// Decides on faults.
    pub swarm: &'a mut Swarm,
    /// Hears what really happened.
    pub oracle: &'a mut Oracle,
    /// Tokens that no server takes any more.
    pub revoked: &'a mut Revoked,
    /// What the server will do later.
    pub later: &'a mut Vec<(Time, Act)>,
    /// The record.
    pub trace: &'a mut Trace,
}

/// What a server does by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Answers this stream.
    Answer(u32),
    /// Gives back some of the window.
    Credit,
    /// Announces a stream limit.
    Limit(u32),
    /// Says GOAWAY.
    GoAway {
        /// First the notice, the exact id later.
        in_two_steps: bool,
        /// Leaves without finishing.
        leaves: bool,
    },
    /// Says GOAWAY for this reason before it has taken any request, and leaves (FACTS §13.4).
    GoAwayFor(&'static str),
    /// Neither reads nor writes any more.
    Deafen,
    /// Answers no request any more.
    Zombify,
    /// Frames without use.
    Noise,
    /// Ends the connection.
    Leave,
    /// Everything is as it should be from now on, as far as this server can help it.
    Heal,
}

/// Settings that the server sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Announced {
    pub(super) limit: u32,
    pub(super) initial_window: u32,
}

/// How alive a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Well,
    Zombie,
    Deaf,
}

/// One connection of the fake APNs.
pub struct Server {
    /// Which connection of its world.
    pub id: u32,
    /// What it has written; the world takes it.
    pub out: Vec<u8>,
    /// It has closed its side.
    pub has_left: bool,
    pub(super) habits: Habits,
    pub(super) rng: Rng,
    pub(super) reply: Reply,
    pub(super) streams: Streams,
    pub(super) mood: Mood,
    /// The settings in force: the last acknowledged.
    pub(super) current: Option<Announced>,
    /// Sent and not acknowledged yet.
    pub(super) announced: VecDeque<Announced>,
    pub(super) goaway: Option<u32>,
    pub(super) leaves_when_empty: bool,
    pub(super) has_accepted: bool,
    pub(super) window: i64,
    pub(super) owed: u32,
    pub(super) is_slow_to_credit: bool,
    pub(super) credit_is_due: bool,
    pub(super) guard: Guard,
    pub(super) malformed: Vec<u32>,
    input: Vec<u8>,
    has_preface: bool,
    block: Option<(u32, bool, Vec<u8>)>,
    decoder: Decoder<'static>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("id", &self.id)
            .field("mood", &self.mood)
            .field("streams", &self.streams)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// A server that has just accepted a connection.
    pub fn new(id: u32, habits: Habits, mut rng: Rng) -> Self {
        let reply = Reply::new(habits.is_elaborate, Rng::new(rng.next_u64(), 7));
        Self {
            id,
            out: Vec::new(),
            has_left: false,
            reply,
            streams: Streams::default(),
            mood: Mood::Well,
            current: None,
            announced: VecDeque::new(),
            goaway: None,
            leaves_when_empty: false,
            has_accepted: false,
            window: 65_535,
            owed: 0,
            is_slow_to_credit: false,
            credit_is_due: false,
            guard: Guard::default(),
            malformed: Vec::new(),
            input: Vec::new(),
            has_preface: false,
            block: None,
            decoder: Decoder::new(),
            habits,
            rng,
        }
    }

    /// Whether it takes octets from the wire at all.
    pub fn is_reading(&self) -> bool {
        self.mood != Mood::Deaf && !self.has_left
    }

    /// Takes octets from the client.
    pub fn receive(&mut self, octets: &[u8], cx: &mut Context<'_>) {
        let mut input = std::mem::take(&mut self.input);
        input.extend_from_slice(octets);
        let mut rest = input.as_slice();
        if !self.has_preface {
            let Some(after) = rest.get(wire::PREFACE.len()..) else {
                self.input = input;
                return;
            };
            if !rest.starts_with(wire::PREFACE) {
                cx.oracle
                    .fail(cx.now, Rule::Protocol, || "a wrong preface".to_owned());
            }
            self.has_preface = true;
            rest = after;
        }
        while let Some((frame, length)) = wire::next(rest) {
            if self.mood == Mood::Deaf {
                break;
            }
            self.on_frame(&frame, cx);
            rest = rest.get(length..).unwrap_or(&[]);
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        self.input = input;
    }

    fn on_frame(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        if frame.payload.len() > 16_384 {
            self.blame(cx, "a frame over MAX_FRAME_SIZE");
        }
        if self.block.is_some() && frame.kind != kind::CONTINUATION {
            self.blame(cx, "a frame inside a field block");
        }
        let is_ack = frame.flags & flag::ACK != 0;
        match frame.kind {
            kind::HEADERS => self.on_headers(frame, cx),
            kind::CONTINUATION => self.on_continuation(frame, cx),
            kind::DATA => self.on_data(frame, cx),
            kind::RST_STREAM => self.on_reset(frame, cx),
            kind::SETTINGS if is_ack => self.on_settings_ack(cx),
            kind::SETTINGS => wire::put(&mut self.out, kind::SETTINGS, flag::ACK, 0, b""),
            kind::PING if !is_ack => {
                wire::put(&mut self.out, kind::PING, flag::ACK, 0, frame.payload);
            }
            kind::GOAWAY => self.on_goaway(frame, cx),
            _ => {}
        }
    }

    pub(super) fn blame(&self, cx: &mut Context<'_>, what: &str) {
        let id = self.id;
        cx.oracle.fail(cx.now, Rule::Protocol, || {
            format!("connection {id}: {what}")
        });
    }

    fn on_headers(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let end = frame.flags & flag::END_STREAM != 0;
        let Some(fragment) = wire::unpad(frame) else {
            return self.blame(cx, "bad padding");
        };
        self.block = Some((frame.stream, end, fragment.to_vec()));
        if frame.flags & flag::END_HEADERS != 0 {
            self.on_block(cx);
        }
    }

    fn on_continuation(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
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

    fn on_data(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
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
        let fate = match (no, self.habits.fate) {
            (Some(no), _) => Fate::Reject(no),
            (None, Some(fate)) => fate,
            (None, None) => fate::choose(cx.swarm),
        };
        self.decide(id, fate, cx);
    }

    fn on_reset(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
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

    fn on_settings_ack(&mut self, cx: &mut Context<'_>) {
        let Some(now) = self.announced.pop_front() else {
            return self.blame(cx, "a SETTINGS ACK too many");
        };
        let before = self.announced_window();
        self.streams
            .shift_windows(i64::from(now.initial_window) - before);
        self.current = Some(now);
    }

    fn on_goaway(&mut self, frame: &Frame<'_>, cx: &mut Context<'_>) {
        let reason = frame.payload.get(4..).and_then(wire::number);
        // Our ACK may be stuck on its way.
        let is_fair = matches!(reason, Some(code::NO_ERROR | code::SETTINGS_TIMEOUT));
        if !is_fair && self.mood == Mood::Well && self.current.is_some() {
            self.blame(cx, "GOAWAY with an error, though all was well");
        }
    }

    /// Announces settings; they hold once acknowledged.
    pub(super) fn announce(&mut self, limit: u32) {
        let initial_window = self.habits.initial_window;
        self.announced.push_back(Announced {
            limit,
            initial_window,
        });
        let settings = [
            (setting::HEADER_TABLE_SIZE, 4096),
            (setting::MAX_CONCURRENT_STREAMS, limit),
            (setting::INITIAL_WINDOW_SIZE, initial_window),
            (setting::MAX_HEADER_LIST_SIZE, 8000),
        ];
        wire::put_settings(&mut self.out, &settings);
    }
}
