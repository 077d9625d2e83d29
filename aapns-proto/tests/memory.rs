//! What a connection allocates: nothing for a request in steady state, and never more than its bound.

#![allow(
    clippy::unwrap_used,
    reason = "a test that unwraps nothing fails as it should"
)]

#[path = "conformance/peer.rs"]
#[allow(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "shared with `conformance`"
)]
mod peer;

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{
    Cause, Connection, ConnectionConfig, Event, Fields, Head, Job, Method, Request, Time,
};
use aapns_proto::{Response, limits};
use allocation_counter::measure;

use crate::peer::*;

const IN_FLIGHT: u32 = 1_000;

/// The most octets that a connection held while the server did this to a thousand requests.
fn most_held(attack: impl Fn(&mut Peer)) -> u64 {
    let info = measure(|| {
        let mut config = ConnectionConfig::default();
        // Nobody but the server ends the connection.
        config.progress_timeout = Duration::from_secs(1_000_000);
        let mut peer = Peer::ready_with(&config, &[]);
        for tag in 1..=IN_FLIGHT {
            peer.starts_job(Job::new(request("/", b""), tag));
            forget(&mut peer);
        }
        attack(&mut peer);
    });
    info.bytes_max
}

/// Takes the output without keeping it.
fn forget(peer: &mut Peer) {
    let n = peer.connection.transmit().len();
    peer.connection.handle_written(peer.now, n);
}

fn assert_bounded(attack: impl Fn(&mut Peer)) {
    let most = most_held(attack);
    let bound = limits::CONNECTION_MEMORY as u64;
    assert!(most < bound, "{most} octets of {bound}");
}

fn ids() -> impl Iterator<Item = u32> {
    (0..IN_FLIGHT).map(|n| 2 * n + 1)
}

#[test]
fn bodies_that_never_end_are_bounded() {
    assert_bounded(|peer| {
        for id in ids() {
            peer.says(headers(id, END_HEADERS, OK));
            for _ in 0..4 {
                peer.says(data(id, 0, &[0; 16_000]));
                forget(peer);
            }
        }
    });
}

/// Fields of 60 KiB from a few octets: an entry of 3 KiB in the dynamic table, named twenty times.
fn amplified() -> Vec<u8> {
    let mut block = vec![0x88, 0x40, 1, b'a', 0x7f, 0x81, 0x17];
    block.extend([b'x'; 3_072]);
    block
}

#[test]
fn amplified_fields_of_answers_that_nobody_takes_are_bounded() {
    for end in [0, END_STREAM] {
        assert_bounded(|peer| {
            peer.says(headers(1, END_HEADERS | end, &amplified()));
            for id in ids().skip(1) {
                peer.says(headers(
                    id,
                    END_HEADERS | end,
                    &[&[0x88][..], &[0xbe; 20]].concat(),
                ));
            }
        });
    }
}

#[test]
fn a_field_block_that_is_never_complete_is_bounded() {
    assert_bounded(|peer| {
        peer.says(headers(1, 0, &[0; 16_384]));
        for _ in 0..10 {
            peer.says(continuation(1, 0, &[0; 16_384]));
        }
    });
}

#[test]
fn answers_that_are_never_read_are_bounded() {
    assert_bounded(|peer| {
        // As slowly as the flood budget refills: the output alone ends it.
        let answers = ping(ACK, &[0; 8]).len() + settings(&[]).len();
        for _ in 0..=limits::OUTPUT_LIMIT / answers {
            assert!(!peer.connection.is_draining());
            peer.says(ping(0, &[0; 8])).says(settings(&[]));
            peer.waits(Duration::from_millis(200));
        }
        let told = peer.tells();
        let rule = "the peer makes us answer more than it reads (§10.5)";
        let cause = Cause::Protocol(ErrorCode::ENHANCE_YOUR_CALM, rule);
        assert_eq!(told.last(), Some(&Told::Closed(Some(cause))));
    });
}

#[test]
fn resets_and_goaways_are_bounded() {
    assert_bounded(|peer| {
        for id in ids() {
            peer.says(rst_stream(id, ErrorCode::REFUSED_STREAM));
        }
    });
    assert_bounded(|peer| {
        for _ in 0..200 {
            peer.says(goaway(1, ErrorCode::NO_ERROR, &[b'x'; 16_000]));
        }
    });
}

#[test]
fn frames_of_all_kinds_for_closed_streams_are_bounded() {
    assert_bounded(|peer| {
        for id in ids() {
            peer.says(headers(id, END_HEADERS | END_STREAM, OK));
        }
        while peer.connection.poll_event().is_some() {}
        for _ in 0..50_000 {
            peer.says(data(1, 0, &[0; 100]));
            peer.says(frame(Kind::Unknown(0x20), 0, 1, &[0; 1_000]));
        }
    });
}

#[test]
fn an_answered_request_allocates_nothing_in_steady_state() {
    let mut now = Time::from_millis(1);
    let mut connection = Connection::<u32>::new(&ConnectionConfig::default(), now);
    let says = |connection: &mut Connection<u32>, now, octets: &[u8]| {
        connection.read_buf()[..octets.len()].copy_from_slice(octets);
        connection.handle_read(now, octets.len());
    };
    says(&mut connection, now, &settings(&[]));
    says(&mut connection, now, &frame(Kind::Settings, ACK, 0, &[]));
    says(&mut connection, now, &window_update(0, 0x7000_0000));
    let mut fields = Fields::new();
    fields.push("apns-topic", "com.example.app").unwrap();
    let head = Head::new(Method::POST, fields);
    let request = Request::new(head, "/3/device/00", b"{}".to_vec()).unwrap();
    let block = block(&[
        (":status", "200"),
        ("apns-id", "01234567-89ab-cdef-0123-456789abcdef"),
        ("apns-unique-id", "01234567-89ab-cdef-0123-456789abcdef"),
    ]);
    let answers: Vec<Vec<u8>> = (0..2_000)
        .map(|n| headers(2 * n + 1, END_HEADERS | END_STREAM, &block))
        .collect();
    let mut answers = answers.chunks(10);
    let mut run = |rounds: usize| {
        for batch in answers.by_ref().take(rounds) {
            now += Duration::from_millis(1);
            for tag in 0..10 {
                let deadline = Some(now + Duration::from_secs(9));
                let job = Job::new(request.clone(), tag).deadline(deadline);
                connection.start(now, job).unwrap();
            }
            let n = connection.transmit().len();
            connection.handle_written(now, n);
            for answer in batch {
                says(&mut connection, now, answer);
            }
            for _ in 0..10 {
                let event = connection.poll_event();
                let is_answer = |response: &Response| response.unique_id.is_some();
                assert!(matches!(event, Some(Event::Answered(_, r)) if is_answer(&r)));
            }
        }
    };
    run(20);
    assert_eq!(measure(|| run(100)).count_total, 0);
}
