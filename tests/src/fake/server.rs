//! One connection of the fake APNs: what it reads, and what it makes of it.

use std::collections::VecDeque;
use std::time::Duration;

use aapns_proto::Time;
use fluke_hpack::Decoder;

use super::fate::No;
use super::habits::Habits;
use super::reply::Reply;
use super::streams::Streams;
use super::token::{Guard, Revoked};
use super::wire::{self, Frame, flag, kind, setting};
use crate::oracle::{Oracle, Rule};
use crate::rng::Rng;
use crate::swarm::Swarm;
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
    /// The same after the requests that it has taken, unless faults are over.
    GoAwayForFault(&'static str),
    /// Says that it will say GOAWAY, and never does.
    GoAwayNotice,
    /// Neither reads nor writes any more.
    Deafen,
    /// Answers no request any more.
    Zombify,
    /// Frames without use.
    Noise,
    /// Announces a stream limit of 1, then of 1000, so many times in turn.
    Bounce(u32),
    /// Announces another initial window.
    Window(u32),
    /// Announces another size of the HPACK table.
    Table(u32),
    /// Announces how large a request's fields may be.
    FieldList(u32),
    /// Sends so many PINGs at once.
    Flood(u32),
    /// Says no to all requests, or no longer.
    Spell(Option<No>),
    /// Sends what it withheld.
    Release,
    /// Closes its side for writing, and reads on.
    Shut,
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
    /// Its answer to all requests.
    pub(super) spell: Option<No>,
    /// From here on what it has written doesn't go out yet: a field block is sent in two parts.
    pub(super) withheld: Option<usize>,
    /// It did what a client need not put up with.
    pub(super) is_excused: bool,
    /// It writes no more.
    pub is_shut: bool,
    input: Vec<u8>,
    has_preface: bool,
    pub(super) block: Option<(u32, bool, Vec<u8>)>,
    pub(super) decoder: Decoder<'static>,
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
            spell: None,
            withheld: None,
            is_excused: false,
            is_shut: false,
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

    /// How many octets of [`out`](Self::out) may go.
    pub fn sendable(&self) -> usize {
        self.withheld.unwrap_or(usize::MAX).min(self.out.len())
    }

    /// So many of them went.
    pub fn sent(&mut self, octets: usize) {
        self.out.drain(..octets);
        self.withheld = self.withheld.map(|at| at.saturating_sub(octets));
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

    /// The limit that was announced last.
    pub(super) fn last_limit(&self) -> u32 {
        let last = self.announced.back().or(self.current.as_ref());
        last.map_or(self.habits.limit, |last| last.limit)
    }

    /// Announces settings; they hold once acknowledged.
    pub(super) fn announce(&mut self, limit: u32) {
        let initial_window = self.habits.initial_window;
        self.announced.push_back(Announced {
            limit,
            initial_window,
        });
        let settings = [
            (setting::HEADER_TABLE_SIZE, self.habits.table),
            (setting::MAX_CONCURRENT_STREAMS, limit),
            (setting::INITIAL_WINDOW_SIZE, initial_window),
            (setting::MAX_HEADER_LIST_SIZE, self.habits.field_list),
        ];
        wire::put_settings(&mut self.out, &settings);
    }
}
