use std::time::Duration;

use aapns_proto::{Policy, Time};

use super::token::Revoked;
use super::wire::{self, code, flag, kind};
use super::{Act, Context, Habits, Server};
use crate::callers;
use crate::oracle::{Oracle, Rule};
use crate::rng::Rng;
use crate::swarm::Swarm;
use crate::trace::Trace;

/// A fake server and a client that is nothing but hand-written frames.
struct Pair {
    server: Server,
    swarm: Swarm,
    oracle: Oracle,
    later: Vec<(Time, Act)>,
}

impl Pair {
    fn new(habits: Habits) -> Self {
        let mut oracle = Oracle::new(1, None);
        for _ in 0..4 {
            oracle.submitted(Time::ZERO, Policy::AtLeastOnce, None, 3);
        }
        let mut pair = Self {
            server: Server::new(0, habits, Rng::new(1, 1)),
            swarm: Swarm::of(1, &[]),
            oracle,
            later: Vec::new(),
        };
        pair.with(|server, cx| server.start(cx));
        let mut hello = wire::PREFACE.to_vec();
        wire::put_settings(&mut hello, &[]);
        wire::put(&mut hello, kind::SETTINGS, flag::ACK, 0, b"");
        pair.send(&hello);
        pair
    }

    fn with(&mut self, f: impl FnOnce(&mut Server, &mut Context<'_>)) {
        let mut cx = Context {
            now: Time::ZERO,
            unix: Duration::from_secs(1_700_000_000),
            swarm: &mut self.swarm,
            oracle: &mut self.oracle,
            revoked: &mut Revoked::default(),
            later: &mut self.later,
            trace: &mut Trace::new(false),
        };
        f(&mut self.server, &mut cx);
    }

    fn send(&mut self, octets: &[u8]) {
        self.with(|server, cx| server.receive(octets, cx));
    }

    fn request(&mut self, stream: u32, tag: u32, body: &[u8]) {
        let apns_id = callers::apns_id(tag);
        let fields: [(&[u8], &[u8]); 5] = [
            (b":path", b"/3/device/00"),
            (b":method", b"POST"),
            (b":scheme", b"https"),
            (b":authority", b"api.push.apple.com"),
            (b"apns-id", apns_id.as_bytes()),
        ];
        let block = fluke_hpack::Encoder::new().encode(fields);
        let mut out = Vec::new();
        wire::put(&mut out, kind::HEADERS, flag::END_HEADERS, stream, &block);
        wire::put(&mut out, kind::DATA, flag::END_STREAM, stream, body);
        // Octet by octet: the reader must not care.
        for octet in out {
            self.send(&[octet]);
        }
    }

    fn act(&mut self, act: Act) {
        self.with(|server, cx| server.act(act, cx));
    }

    /// What the server wrote since: (kind, flags, stream, payload).
    fn frames(&mut self) -> Vec<(u8, u8, u32, Vec<u8>)> {
        let out = std::mem::take(&mut self.server.out);
        let (mut rest, mut frames) = (out.as_slice(), Vec::new());
        while let Some((frame, length)) = wire::next(rest) {
            frames.push((
                frame.kind,
                frame.flags,
                frame.stream,
                frame.payload.to_vec(),
            ));
            rest = &rest[length..];
        }
        frames
    }

    fn rule(&self) -> Option<Rule> {
        self.oracle.violation().map(|violation| violation.rule)
    }
}

#[test]
fn a_whole_request_is_processed_and_answered_with_its_apns_id() {
    let mut pair = Pair::new(Habits::default());
    pair.frames();
    pair.request(1, 2, b"ccc");
    assert_eq!((pair.rule(), pair.oracle.processed(2)), (None, 1));
    pair.act(Act::Answer(1));
    let frames = pair.frames();
    let (_, flags, stream, block) = frames
        .iter()
        .find(|frame| frame.0 == kind::HEADERS)
        .unwrap();
    assert_eq!((*flags, *stream), (flag::END_STREAM | flag::END_HEADERS, 1));
    let fields = fluke_hpack::Decoder::new().decode(block).unwrap();
    assert_eq!(fields[0], (b":status".to_vec(), b"200".to_vec()));
    assert_eq!(fields[1].1, callers::apns_id(2).into_bytes());
}

#[test]
fn a_stream_over_the_acknowledged_limit_breaks_the_rule() {
    let habits = Habits {
        limit: 1,
        ..Habits::default()
    };
    let mut pair = Pair::new(habits);
    pair.request(1, 0, b"aaa");
    assert_eq!(pair.rule(), None);
    pair.request(3, 1, b"bbb");
    assert_eq!(pair.rule(), Some(Rule::Limit));
}

#[test]
fn a_lowered_limit_counts_only_once_it_is_acknowledged() {
    let mut pair = Pair::new(Habits::default());
    pair.request(1, 0, b"aaa");
    pair.act(Act::Limit(1));
    pair.request(3, 1, b"bbb");
    assert_eq!(pair.rule(), None);
    let mut ack = Vec::new();
    wire::put(&mut ack, kind::SETTINGS, flag::ACK, 0, b"");
    pair.send(&ack);
    pair.request(5, 2, b"ccc");
    assert_eq!(pair.rule(), Some(Rule::Limit));
}

#[test]
fn data_beyond_the_window_breaks_the_rule() {
    let habits = Habits {
        initial_window: 2,
        ..Habits::default()
    };
    let mut pair = Pair::new(habits);
    pair.request(1, 0, b"aaa");
    assert_eq!(pair.rule(), Some(Rule::Window));
}

#[test]
fn a_body_that_is_not_the_callers_breaks_the_rule() {
    let mut pair = Pair::new(Habits::default());
    pair.request(1, 0, b"abc");
    assert_eq!(pair.rule(), Some(Rule::Protocol));
}

#[test]
fn goaway_never_names_less_than_what_was_processed() {
    for seed in 0..50 {
        let mut pair = Pair::new(Habits::default());
        pair.swarm = Swarm::of(seed, &[]);
        pair.request(1, 0, b"aaa");
        pair.request(3, 1, b"bbb");
        pair.frames();
        let act = Act::GoAway {
            in_two_steps: false,
            leaves: false,
        };
        pair.act(act);
        let frames = pair.frames();
        let goaway = frames.iter().find(|frame| frame.0 == kind::GOAWAY).unwrap();
        assert!(wire::number(&goaway.3).unwrap() >= 3);
        pair.request(5, 2, b"ccc");
        assert_eq!(pair.oracle.processed(2), 0);
    }
}

#[test]
fn a_deaf_server_processes_and_writes_nothing() {
    let mut pair = Pair::new(Habits::default());
    pair.frames();
    pair.act(Act::Deafen);
    pair.request(1, 0, b"aaa");
    pair.act(Act::Answer(1));
    assert!(pair.frames().is_empty());
    assert_eq!(pair.oracle.processed(0), 0);
}

#[test]
fn a_reset_for_no_reason_is_blamed_and_a_cancel_is_not() {
    let mut pair = Pair::new(Habits::default());
    pair.request(1, 0, b"aaa");
    let mut out = Vec::new();
    wire::put_reset(&mut out, 1, code::CANCEL);
    pair.send(&out);
    assert_eq!(pair.rule(), None);
    pair.request(3, 1, b"bbb");
    out.clear();
    wire::put_reset(&mut out, 3, code::INTERNAL_ERROR);
    pair.send(&out);
    assert_eq!(pair.rule(), Some(Rule::Protocol));
}
