//! What each frame costs of the flood budget (DESIGN §6, FACTS §25).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::limits::{FLOOD_BURST, FLOOD_GOAWAY, FLOOD_PROGRESS, FLOOD_REFILL};

use crate::peer::*;

/// How many frames of one point the connection still takes; the next one ends it.
fn left(peer: &mut Peer) -> u32 {
    let point = frame(Kind::Unknown(0x99), 0, 0, &[]);
    for n in 0..100_000 {
        peer.says(&point);
        if let Some(Told::Closed(cause)) = peer.tells().last() {
            let cause = cause.clone().map(|cause| cause.to_string());
            assert!(cause.is_some_and(|cause| cause.contains("ENHANCE_YOUR_CALM")));
            return n;
        }
    }
    panic!("never too much");
}

/// What these octets cost with requests 1 and 2 in flight and request 3 answered.
fn cost(octets: impl AsRef<[u8]>) -> i64 {
    let ready = || {
        let mut peer = Peer::busy(3);
        peer.says(headers(5, END_HEADERS | END_STREAM, OK));
        peer.tells();
        // Away from the bound, which progress can't exceed.
        peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]).repeat(100));
        peer
    };
    let before = left(&mut ready());
    let mut peer = ready();
    peer.says(octets);
    i64::from(before) - i64::from(left(&mut peer))
}

/// §10.5: the budget → ten thousand frames without effect and four for each stream open, and not one more
#[test]
fn the_budget_is_exact() {
    assert_eq!(left(&mut Peer::busy(1)), FLOOD_BURST + FLOOD_PROGRESS);
    let mut peer = Peer::busy(1);
    let points = FLOOD_BURST + FLOOD_PROGRESS;
    peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]).repeat(points as usize));
    assert_eq!(peer.tells(), []);
    peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]));
    peer.assert_connection_error(ErrorCode::ENHANCE_YOUR_CALM);
}

/// DESIGN §6: a frame without effect → one point
#[test]
fn a_frame_without_effect_costs_a_point() {
    for (octets, what) in [
        (frame(Kind::Unknown(0x20), 7, 9, b"xyz"), "an unknown frame"),
        (frame(Kind::Priority, 0, 1, &[0; 5]), "PRIORITY"),
        (
            frame(Kind::Priority, 0, 5, &[0; 4]),
            "a broken PRIORITY on a closed stream",
        ),
        (frame(Kind::Settings, ACK, 0, &[]), "an ACK of nothing"),
        (ping(ACK, b"whatever"), "an ACK of no PING of ours"),
        (window_update(0, 1), "WINDOW_UPDATE, no body waits"),
        (
            window_update(1, 1),
            "WINDOW_UPDATE of a stream that has sent all",
        ),
        (window_update(5, 1), "WINDOW_UPDATE of a closed stream"),
        (window_update(5, 0), "WINDOW_UPDATE of 0 of a closed stream"),
        (
            rst_stream(5, ErrorCode::CANCEL),
            "RST_STREAM of a closed stream",
        ),
        (headers(5, END_HEADERS, OK), "HEADERS of a closed stream"),
        (data(5, 0, b"x"), "DATA of a closed stream"),
        (response(&[(":status", "103")]), "an interim response"),
        (
            [headers(1, END_HEADERS, OK), data(1, 0, b"")].concat(),
            "empty DATA",
        ),
    ] {
        assert_eq!(cost(octets), 1, "{what}");
    }
}

/// DESIGN §6: a frame that makes us answer, or go away → ten points, or a hundred
#[test]
fn a_frame_that_makes_us_answer_costs_more() {
    assert_eq!(cost(ping(0, &[0; 8])), 10);
    assert_eq!(cost(settings(&[])), 10);
    assert_eq!(cost(settings(&[(4, 1_000)])), 10);
    assert_eq!(
        cost(goaway(5, ErrorCode::NO_ERROR, b"")),
        i64::from(FLOOD_GOAWAY)
    );
}

/// DESIGN §6: progress → four points come back, for DATA and for answers
#[test]
fn progress_brings_four_points_back() {
    let head = headers(1, END_HEADERS, OK);
    assert_eq!(cost(&head), 0, "neither good nor bad");
    assert_eq!(cost([head, data(1, 0, b"x")].concat()), -4);
    assert_eq!(cost(headers(1, END_HEADERS | END_STREAM, OK)), -4);
    assert_eq!(cost(rst_stream(1, ErrorCode::CANCEL)), 0);
}

/// DESIGN §6: progress → never more than the burst and four points for each stream open
#[test]
fn progress_beyond_the_bound_brings_nothing() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_HEADERS, OK));
    for _ in 0..100 {
        peer.says(data(1, 0, b"x"));
    }
    assert_eq!(left(&mut peer), FLOOD_BURST + FLOOD_PROGRESS);
}

/// DESIGN §6: a body in pieces → four points for each DATA that goes out
#[test]
fn each_piece_of_a_body_that_goes_out_is_progress() {
    let spent = |window: u32| {
        let mut peer = Peer::ready_with(&aapns_proto::ConnectionConfig::default(), &[(4, 0)]);
        peer.starts_job(job(1, &[b'x'; 10]));
        peer.hears();
        peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]).repeat(100));
        peer.says(window_update(1, window));
        peer.hears();
        peer.says(window_update(1, 10));
        peer.hears();
        left(&mut peer)
    };
    assert_eq!(spent(5), spent(10) + FLOOD_PROGRESS);
}

/// DESIGN §6: INITIAL_WINDOW_SIZE moves every stream → a point more for each 64 of them
#[test]
fn a_new_initial_window_costs_a_point_for_64_streams() {
    let spent = |streams: u32, window: u32| {
        let peer = || {
            let mut peer = Peer::ready();
            for tag in 0..streams {
                peer.starts_job(job(tag, b""));
            }
            peer.hears();
            peer
        };
        let mut moved = peer();
        moved.says(settings(&[(4, window)]));
        left(&mut peer()) - left(&mut moved)
    };
    assert_eq!(spent(63, 1_000), 10);
    assert_eq!(spent(64, 1_000), 11);
    assert_eq!(spent(128, 1_000), 12);
    assert_eq!(spent(128, 65_535), 10, "no change");
}

/// DESIGN §6: time → a hundred points a second, by whole seconds, up to the burst
#[test]
fn time_brings_points_back() {
    let after = |steps: u32, each: Duration| {
        let mut peer = Peer::ready();
        peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]).repeat(1_000));
        for _ in 0..steps {
            peer.now += each;
            peer.says(frame(Kind::Unknown(0x99), 0, 0, &[]));
        }
        left(&mut peer)
    };
    let rest = FLOOD_BURST - 1_000;
    assert_eq!(after(1, Duration::from_millis(999)), rest - 1);
    assert_eq!(after(1, Duration::from_secs(1)), rest - 1 + FLOOD_REFILL);
    assert_eq!(
        after(2, Duration::from_millis(500)),
        rest - 2 + FLOOD_REFILL
    );
    assert_eq!(
        after(3, Duration::from_secs(1)),
        rest - 3 + 3 * FLOOD_REFILL
    );
    assert_eq!(after(1, Duration::from_secs(3_600)), FLOOD_BURST - 1);
}

/// DESIGN §6: time → takes no points away that open streams gave
#[test]
fn time_takes_no_points_away() {
    let mut peer = Peer::busy(100);
    peer.now += Duration::from_secs(1);
    assert_eq!(left(&mut peer), FLOOD_BURST + 100 * FLOOD_PROGRESS);
}

/// §6.7: a second ACK of our PING → without effect
#[test]
fn a_second_ack_of_our_ping_costs_a_point() {
    let probed = || {
        let mut peer = Peer::busy(1);
        peer.waits(Duration::from_secs(2));
        let opaque = peer.hears()[0].payload.clone();
        peer.says(ping(ACK, &opaque));
        (peer, opaque)
    };
    let (mut peer, _) = probed();
    let (mut again, opaque) = probed();
    again.says(ping(ACK, &opaque));
    assert_eq!(left(&mut peer), left(&mut again) + 1);
}
