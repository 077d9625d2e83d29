//! The contracts of the state machine (DESIGN §2).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Time, Wakeup};

use crate::peer::*;

/// A conversation with answers, bodies, resets, floods of small frames and an end.
fn conversation() -> Vec<u8> {
    [
        settings(&[(3, 100), (4, 10), (1, 0), (1, 4_096)]),
        frame(Kind::Settings, ACK, 0, &[]),
        window_update(0, 70_000),
        ping(0, b"12345678"),
        headers(1, 0, &OK[..0]),
        continuation(1, END_HEADERS, &block(&[(":status", "400"), ("a", "b")])),
        data(1, PADDED, &[3, b'x', 0, 0, 0]),
        headers(3, END_HEADERS | END_STREAM, &[0x88, 0x40, 1, b'x', 1, b'y']),
        frame(Kind::Unknown(0x55), 3, 9, &[7; 300]),
        rst_stream(5, ErrorCode::REFUSED_STREAM),
        window_update(7, 40),
        headers(7, END_HEADERS, &[0xbe]),
        data(1, END_STREAM, b"{\"reason\":\"BadTopic\"}"),
        goaway(13, ErrorCode::NO_ERROR, b"{\"reason\":\"Shutdown\"}"),
        headers(9, END_HEADERS | END_STREAM, OK),
        data(11, 0, b"late"),
        ping(0, &[0; 3]),
        headers(13, END_HEADERS | END_STREAM, OK),
    ]
    .concat()
}

/// What comes of the conversation if its octets arrive in pieces of these sizes, over and over.
fn outcome(sizes: &[usize]) -> (Vec<Told>, Vec<u8>) {
    let mut peer = Peer::ready_with(&aapns_proto::ConnectionConfig::default(), &[(3, 100)]);
    for tag in 1..=8 {
        peer.starts_job(job(tag, &[b'x'; 60]));
    }
    peer.octets();
    let octets = conversation();
    let mut rest = &octets[..];
    for size in sizes.iter().cycle() {
        let (piece, later) = rest.split_at((*size).min(rest.len()));
        peer.says(piece);
        rest = later;
        if rest.is_empty() {
            break;
        }
    }
    (peer.tells(), peer.octets())
}

/// DESIGN §2: the same octets in any split → the same events and output
#[test]
fn every_split_of_a_conversation_gives_the_same_events_and_output() {
    let whole = outcome(&[usize::MAX]);
    assert!(
        matches!(whole.0.last(), Some(Told::Closed(Some(_)))),
        "{whole:?}"
    );
    let length = conversation().len();
    for size in 1..64 {
        assert_eq!(outcome(&[size]), whole, "pieces of {size}");
    }
    for cut in 1..length {
        assert_eq!(outcome(&[cut, length]), whole, "cut at {cut}");
    }
    for seed in 0..200_usize {
        let sizes: Vec<usize> = (1..9).map(|n| 1 + (seed * 31 + n * n * 7) % 23).collect();
        assert_eq!(outcome(&sizes), whole, "{sizes:?}");
    }
}

/// DESIGN §2: any octets whatever → no panic, every job exactly once
#[test]
fn random_octets_never_panic_and_every_job_comes_back_once() {
    let mut seed = 7_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    let octets = conversation();
    for _ in 0..3_000 {
        let mut peer = Peer::ready();
        for tag in 1..=4 {
            peer.starts_job(job(tag, &[b'x'; 10]));
        }
        peer.octets();
        let mut mutated = octets.clone();
        for _ in 0..=random() % 4 {
            let at = random() as usize % mutated.len();
            match random() % 3 {
                0 => mutated[at] = random() as u8,
                1 => drop(mutated.drain(at..(at + 3).min(mutated.len()))),
                _ => mutated.insert(at, random() as u8),
            }
        }
        peer.says(mutated);
        peer.waits(Duration::from_millis(random() % 5_000));
        peer.octets();
        peer.hangs_up();
        let mut tags: Vec<u32> = peer.tells().iter().filter_map(Told::tag).collect();
        tags.sort_unstable();
        assert_eq!(tags, [1, 2, 3, 4]);
    }
}

impl Told {
    fn tag(&self) -> Option<u32> {
        match self {
            Self::Answered(tag, _) | Self::Cut(tag, _) | Self::Returned(tag, ..) => Some(*tag),
            _ => None,
        }
    }
}

/// DESIGN §2: queued events → `poll_timeout` answers now; drained → strictly later than now
#[test]
fn poll_timeout_is_now_while_events_wait_and_later_after_a_drain() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    assert_eq!(
        peer.connection.poll_timeout(),
        Some((peer.now, Wakeup::Now))
    );
    peer.tells();
    let (at, _) = peer.connection.poll_timeout().unwrap();
    assert!(at > peer.now);
}

/// DESIGN §2: deadlines of answered requests → nobody is woken for them
#[test]
fn nobody_is_woken_for_a_deadline_that_does_not_matter_any_more() {
    let mut peer = Peer::ready();
    let deadline = peer.now + Duration::from_millis(500);
    peer.starts_job(job(1, b"{}").deadline(Some(deadline)));
    peer.hears();
    assert_eq!(
        peer.connection.poll_timeout(),
        Some((deadline, Wakeup::Deadline))
    );
    peer.assert_answers(1, 1);
    let (at, why) = peer.connection.poll_timeout().unwrap();
    assert!(at > deadline && why == Wakeup::Health);
}

/// DESIGN §2: time that runs backwards → is not believed
#[test]
fn time_that_runs_backwards_changes_nothing() {
    let mut peer = Peer::busy(1);
    peer.waits(Duration::from_secs(1));
    peer.connection.handle_timeout(Time::ZERO);
    peer.now = Time::ZERO;
    peer.assert_answers(1, 1);
}
