//! Whether the server is still there (DESIGN §4, FACTS §26).

use std::time::Duration;

use aapns_proto::frame::Kind;
use aapns_proto::{Cause, Delivery, RejectReason};

use crate::peer::*;

const DEAD: Cause = Cause::Unresponsive("PING was not acknowledged");

impl Peer {
    pub(crate) fn answers_pings(&mut self) {
        for frame in self.hears() {
            if frame.kind == Kind::Ping && frame.flags == 0 {
                self.says(ping(ACK, &frame.payload));
            }
        }
    }
}

/// DESIGN §4: streams open and nothing received for 2 s → PING, nothing starts until its ACK
#[test]
fn silence_with_a_stream_open_is_probed() {
    let mut peer = Peer::busy(1);
    peer.idles(Duration::from_millis(1_999));
    assert_eq!(peer.hears(), []);
    peer.idles(Duration::from_millis(1));
    let heard = peer.hears();
    assert_eq!((heard[0].kind, heard[0].flags), (Kind::Ping, 0));
    assert!(peer.connection.is_probing());
    assert_eq!(peer.refused(2), RejectReason::Blocked);
    peer.says(ping(ACK, b"not ours"));
    assert!(peer.connection.is_probing());
    peer.says(ping(ACK, &heard[0].payload));
    assert!(!peer.connection.is_probing());
    peer.starts(2);
    peer.assert_answers(1, 1);
}

/// DESIGN §4: PING unanswered for 5 s → dead: Unknown
#[test]
fn a_ping_without_an_ack_ends_the_connection() {
    let mut peer = Peer::busy(1);
    peer.idles(Duration::from_millis(6_999));
    assert_eq!(peer.tells(), []);
    peer.idles(Duration::from_millis(1));
    assert_eq!(
        peer.tells(),
        [
            Told::Returned(1, Delivery::Unknown, DEAD),
            Told::Closed(Some(DEAD)),
        ]
    );
}

/// DESIGN §4: first use after 60 s of idleness → PING, the request goes out after its ACK
#[test]
fn the_first_request_after_idleness_waits_for_a_ping() {
    let mut peer = Peer::ready();
    peer.idles(Duration::from_secs(59));
    assert!(peer.connection.credit().streams > 1);
    peer.idles(Duration::from_secs(1));
    assert_eq!(peer.connection.credit().streams, 1);
    assert_eq!(
        peer.hears(),
        [],
        "no PING while nobody needs the connection"
    );
    peer.starts(1);
    assert_eq!(peer.refused(2), RejectReason::Blocked);
    let heard = peer.hears();
    assert_eq!(heard.len(), 1);
    peer.says(ping(ACK, &heard[0].payload));
    assert_eq!(peer.hears()[0].kind, Kind::Headers);
    peer.assert_answers(1, 1);
}

/// DESIGN §4: a connection found dead at first use → NotSent
#[test]
fn a_request_on_a_connection_that_died_in_idleness_is_not_sent() {
    let mut peer = Peer::ready();
    peer.idles(Duration::from_secs(60));
    peer.starts(1);
    peer.hears();
    peer.idles(Duration::from_secs(5));
    assert_eq!(
        peer.tells(),
        [
            Told::Returned(1, Delivery::NotSent, DEAD),
            Told::Closed(Some(DEAD)),
        ]
    );
}

/// DESIGN §4: a request waits for a PING, its deadline passes → NotSent, nothing goes out
#[test]
fn a_deadline_while_waiting_for_a_ping_is_not_sent() {
    let mut peer = Peer::ready();
    peer.idles(Duration::from_secs(60));
    let deadline = peer.now + Duration::from_secs(1);
    peer.starts_job(job(1, b"{}").deadline(Some(deadline)));
    let opaque = peer.hears()[0].payload.clone();
    peer.idles(Duration::from_secs(1));
    assert_eq!(
        peer.tells(),
        [Told::Returned(1, Delivery::NotSent, Cause::Timeout)]
    );
    peer.says(ping(ACK, &opaque));
    assert_eq!(peer.hears(), []);
    peer.starts(2);
    assert_eq!(peer.hears()[0].id, 3);
}

/// DESIGN §4: PINGs are acknowledged, no request is answered → drained after 60 s
#[test]
fn a_server_that_only_answers_pings_is_drained() {
    let mut peer = Peer::busy(1);
    for _ in 0..59 {
        peer.waits(Duration::from_secs(1));
        peer.answers_pings();
    }
    assert_eq!(peer.tells(), []);
    peer.waits(Duration::from_secs(1));
    assert_eq!(peer.tells(), [], "a PING first, for the driver may be late");
    peer.answers_pings();
    assert_eq!(peer.tells(), [], "the answer may be right behind the ACK");
    peer.idles(Duration::from_millis(250));
    assert_eq!(peer.tells(), [Told::Draining]);
}

/// DESIGN §4: a driver that slept past the PING's timeout → reads once more before it gives up
#[test]
fn a_driver_that_comes_late_reads_before_the_connection_is_given_up() {
    let mut peer = Peer::busy(1);
    peer.waits(Duration::from_secs(2));
    let opaque = peer.hears()[0].payload.clone();
    peer.waits(Duration::from_secs(3_600));
    assert_eq!(peer.tells(), []);
    peer.says(ping(ACK, &opaque));
    peer.assert_answers(1, 1);

    let mut peer = Peer::busy(1);
    peer.waits(Duration::from_secs(2))
        .waits(Duration::from_secs(3_600));
    peer.idles(Duration::from_millis(250));
    assert_eq!(peer.tells().last(), Some(&Told::Closed(Some(DEAD))));
}

/// DESIGN §4: the limit falls below a request that waits for a PING → NotSent, nothing goes over it
#[test]
fn a_request_that_waits_for_a_ping_is_given_back_if_the_limit_falls() {
    let mut peer = Peer::ready();
    peer.idles(Duration::from_secs(60));
    peer.starts(1);
    let heard = peer.hears();
    peer.says(settings(&[(3, 0)]));
    peer.says(ping(ACK, &heard[0].payload));
    let told = Told::Returned(1, Delivery::NotSent, Cause::Refused);
    assert_eq!(peer.tells(), [told]);
    let heard = peer.hears();
    assert!(heard.iter().all(|frame| frame.kind != Kind::Headers));
}
