//! Floods (RFC 9113 §10.5, FACTS §25).

use std::time::Duration;

use aapns_proto::Cause;
use aapns_proto::frame::{ErrorCode, Kind};

use crate::peer::*;

/// With request 1 in flight, the server says this again and again.
fn assert_flood(octets: &[u8], at_least: usize) {
    let mut peer = Peer::busy(1);
    for n in 0..100_000 {
        peer.says(octets);
        if peer.connection.is_draining() && peer.connection.credit().streams == 0 {
            let told = peer.tells();
            if matches!(told.last(), Some(Told::Closed(_))) {
                assert!(n >= at_least, "after {n} already");
                let heard = peer.hears();
                let goaway = heard.last().unwrap();
                assert_eq!(goaway.kind, Kind::GoAway);
                assert_eq!(
                    goaway.payload[4..],
                    ErrorCode::ENHANCE_YOUR_CALM.0.to_be_bytes()
                );
                return;
            }
        }
        peer.hears();
    }
    panic!("never too much");
}

/// CVE-2019-9512: PING without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_ping_flood_is_too_much() {
    assert_flood(&ping(0, &[0; 8]), 900);
}

/// CVE-2019-9515: SETTINGS without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_settings_flood_is_too_much() {
    assert_flood(&settings(&[(3, 100)]), 900);
}

/// CVE-2019-9515: more than 32 entries in one SETTINGS → CE ENHANCE_YOUR_CALM
#[test]
fn a_settings_frame_of_many_entries_is_too_much() {
    let mut peer = Peer::busy(1);
    peer.says(settings(&[(0x99, 1); 32]));
    assert_eq!(peer.tells(), []);
    peer.says(settings(&[(0x99, 1); 33]));
    peer.assert_connection_error(ErrorCode::ENHANCE_YOUR_CALM);
}

/// CVE-2019-9518: empty DATA without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_flood_of_empty_data_is_too_much() {
    let mut peer = Peer::busy(1);
    peer.says(response(&[(":status", "200")]));
    for _ in 0..20_000 {
        peer.says(data(1, 0, b""));
    }
    assert!(matches!(
        peer.tells()[..],
        [Told::Cut(1, 200), Told::Closed(Some(_))]
    ));
}

/// CVE-2019-9517: WINDOW_UPDATE without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_window_update_flood_is_too_much() {
    assert_flood(&window_update(0, 1), 9_000);
    assert_flood(&window_update(1, 1), 9_000);
}

/// CVE-2019-9513: PRIORITY without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_priority_flood_is_too_much() {
    assert_flood(&frame(Kind::Priority, 0, 1, &[0; 5]), 9_000);
}

/// FACTS §25: unknown frames without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_flood_of_unknown_frames_is_too_much() {
    assert_flood(&frame(Kind::Unknown(0x99), 0, 0, b"x"), 9_000);
}

/// FACTS §25: frames for closed streams without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_flood_of_late_frames_is_too_much() {
    for late in [
        rst_stream(3, ErrorCode::CANCEL),
        headers(3, END_HEADERS, OK),
        data(3, 0, b"x"),
        window_update(3, 1),
    ] {
        let mut peer = Peer::busy(2);
        peer.says(headers(3, END_HEADERS | END_STREAM, OK));
        for _ in 0..20_000 {
            peer.says(&late);
            peer.hears();
        }
        let told = peer.tells();
        assert!(
            matches!(told.last(), Some(Told::Closed(Some(_)))),
            "{told:?}"
        );
    }
}

/// FACTS §25: GOAWAY without end → CE ENHANCE_YOUR_CALM
#[test]
fn a_goaway_flood_is_too_much() {
    assert_flood(&goaway(1, ErrorCode::NO_ERROR, &[b'x'; 10_000]), 50);
}

/// §10.5: PING that we answer, and the server never reads → bounded, CE ENHANCE_YOUR_CALM
#[test]
fn answers_that_are_never_read_are_bounded() {
    // Nothing else ends it: no request waits for an answer, and PINGs come as slowly as the budget refills.
    let mut peer = Peer::ready();
    let answer = ping(ACK, &[0; 8]).len();
    let bound = aapns_proto::limits::OUTPUT_LIMIT / answer;
    for _ in 0..bound {
        peer.waits(Duration::from_millis(100));
        peer.says(ping(0, &[0; 8]));
    }
    assert_eq!(peer.tells(), []);
    peer.waits(Duration::from_millis(100));
    peer.says(ping(0, &[0; 8]));
    let told = peer.tells();
    let [Told::Closed(Some(Cause::Protocol(code, rule)))] = &told[..] else {
        panic!("{told:?}");
    };
    assert_eq!(*code, ErrorCode::ENHANCE_YOUR_CALM);
    assert!(rule.contains("more than it reads"), "{rule}");
}

/// DESIGN §6: windows of one octet → slow, not hostile
#[test]
fn a_server_with_windows_of_one_octet_is_served() {
    let mut peer = Peer::ready_with(&aapns_proto::ConnectionConfig::default(), &[(4, 0)]);
    peer.starts_job(job(1, &[b'x'; 30_000]));
    peer.hears();
    for _ in 0..30_000 {
        peer.says(window_update(1, 1));
        let heard = peer.hears();
        assert_eq!(heard[0].payload, b"x");
    }
    peer.assert_answers(1, 1);
}

/// DESIGN §6: keep-alives of an idle connection for a day → never a flood
#[test]
fn a_ping_each_second_for_a_day_is_no_flood() {
    let mut peer = Peer::ready();
    for _ in 0..86_400 {
        peer.waits(Duration::from_secs(1)).says(ping(0, &[0; 8]));
        assert_eq!(peer.hears().len(), 1);
    }
    assert_eq!(peer.tells(), []);
}

/// DESIGN §6: two WINDOW_UPDATEs for each of many requests in flight → no flood
#[test]
fn window_updates_for_each_of_many_requests_are_no_flood() {
    let mut peer = Peer::busy(10_000);
    for n in 0..10_000 {
        peer.says(window_update(0, 2))
            .says(window_update(2 * n + 1, 2));
    }
    assert_eq!(peer.tells(), []);
}

/// FACTS §25: bodies and fields of many responses that never end → bounded, cut
#[test]
fn responses_that_never_end_are_bounded() {
    let mut peer = Peer::busy(1_000);
    for n in 0..1_000_u32 {
        let id = 2 * n + 1;
        peer.says(headers(id, END_HEADERS, OK));
        for _ in 0..3 {
            peer.says(data(id, 0, &[0; 16_384]));
            peer.hears();
        }
    }
    let cut = peer
        .tells()
        .iter()
        .filter(|t| matches!(t, Told::Cut(..)))
        .count();
    let kept = 1_000 - cut;
    assert!((80..90).contains(&kept), "4 MiB hold {kept} of 48 KiB");
}

/// FACTS §25: bodies that wait for a window and expire, again and again → forgotten
#[test]
fn bodies_that_expired_while_they_waited_are_forgotten() {
    let mut peer = Peer::ready_with(&aapns_proto::ConnectionConfig::default(), &[(4, 0)]);
    let waiting = |peer: &Peer| -> u32 {
        let shown = format!("{:?}", peer.connection);
        let (_, rest) = shown.split_once("waiting: ").unwrap();
        rest.split_once(',').unwrap().0.parse().unwrap()
    };
    for batch in [80, 1, 1, 1, 1] {
        let deadline = peer.now + Duration::from_secs(1);
        for tag in 0..batch {
            peer.starts_job(job(tag, b"{}").deadline(Some(deadline)));
        }
        peer.hears();
        assert!(waiting(&peer) >= batch);
        peer.waits(Duration::from_secs(1));
        assert_eq!(peer.tells().len(), batch as usize);
        assert_eq!(peer.connection.in_flight(), 0);
    }
    assert!(waiting(&peer) < 10, "{}", waiting(&peer));
}
