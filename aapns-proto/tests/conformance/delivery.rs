//! What the server can have processed (DESIGN §3).

use std::time::Duration;

use aapns_proto::delivery::Disconnect;
use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, ConnectionConfig, Delivery, Event};

use crate::peer::*;

fn returned(peer: &mut Peer) -> (Delivery, Cause, u32) {
    loop {
        match peer.connection.poll_event() {
            Some(Event::Returned(job, delivery, cause)) => {
                return (delivery, cause, job.attempts());
            }
            Some(_) => {}
            None => panic!("nothing was returned"),
        }
    }
}

const LOST: Cause = Cause::ConnectionLost(Disconnect::Eof);

/// DESIGN §3: nothing was lent, and the connection is lost → NotSent, no attempt
#[test]
fn a_request_that_was_never_lent_is_not_sent() {
    let mut peer = Peer::ready();
    peer.starts(1);
    peer.hangs_up();
    assert_eq!(returned(&mut peer), (Delivery::NotSent, LOST, 0));
}

/// DESIGN §3: all was lent, though nothing was written → Unknown, one attempt
#[test]
fn a_request_that_was_lent_is_unknown_even_if_nothing_was_written() {
    let mut peer = Peer::ready();
    peer.starts(1);
    assert!(!peer.connection.transmit().is_empty());
    peer.hangs_up();
    assert_eq!(returned(&mut peer), (Delivery::Unknown, LOST, 1));
}

/// DESIGN §3: HEADERS were lent, the last of the body wasn't → NotSent, one attempt
#[test]
fn a_request_whose_end_was_not_lent_is_not_sent() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 1)]);
    peer.starts(1);
    peer.hears();
    peer.says(window_update(1, 1));
    peer.hangs_up();
    assert_eq!(returned(&mut peer), (Delivery::NotSent, LOST, 1));
}

/// DESIGN §3: RST_STREAM(REFUSED_STREAM) before the response → Refused
#[test]
fn a_refused_stream_is_refused() {
    let mut peer = Peer::busy(1);
    peer.says(rst_stream(1, ErrorCode::REFUSED_STREAM));
    assert_eq!(returned(&mut peer), (Delivery::Refused, Cause::Refused, 1));
}

/// DESIGN §3: any other RST_STREAM before the response → Unknown
#[test]
fn a_reset_stream_is_unknown() {
    for code in [0x0, 0x1, 0x2, 0x5, 0x6, 0x8, 0xb, 0xd, 0x77].map(ErrorCode) {
        let mut peer = Peer::busy(1);
        peer.says(rst_stream(1, code));
        assert_eq!(
            returned(&mut peer),
            (Delivery::Unknown, Cause::Reset(code), 1)
        );
    }
}

/// DESIGN §3: RST_STREAM after the response's HEADERS → answered, cut
#[test]
fn a_reset_after_the_head_of_the_response_is_an_answer() {
    for code in [
        ErrorCode::REFUSED_STREAM,
        ErrorCode::NO_ERROR,
        ErrorCode::CANCEL,
    ] {
        let mut peer = Peer::busy(1);
        peer.says(response(&[(":status", "500")]));
        peer.says(rst_stream(1, code));
        assert_eq!(peer.tells(), [Told::Cut(1, 500)]);
    }
}

/// DESIGN §3: the connection is lost after the response's HEADERS → answered, cut
#[test]
fn a_connection_lost_after_the_head_of_the_response_is_an_answer() {
    let mut peer = Peer::busy(2);
    peer.says(response(&[(":status", "400")]))
        .says(data(1, 0, b"{\"rea"));
    peer.hangs_up();
    assert_eq!(
        peer.tells(),
        [
            Told::Cut(1, 400),
            Told::Returned(2, Delivery::Unknown, LOST),
            Told::Closed(Some(LOST)),
        ]
    );
}

/// DESIGN §3: the deadline passes in flight → Unknown, RST_STREAM(CANCEL)
#[test]
fn a_deadline_in_flight_is_unknown_and_cancels_the_stream() {
    let mut peer = Peer::ready();
    peer.starts_job(job(1, b"{}").deadline(Some(peer.now + Duration::from_secs(1))));
    peer.hears();
    peer.idles(Duration::from_millis(999));
    assert_eq!(peer.tells(), []);
    peer.idles(Duration::from_millis(1));
    assert_eq!(returned(&mut peer), (Delivery::Unknown, Cause::Timeout, 1));
    let heard = peer.hears();
    assert_eq!(heard[0].kind, Kind::RstStream);
    assert_eq!(heard[0].payload, ErrorCode::CANCEL.0.to_be_bytes());
    assert_eq!(peer.connection.in_flight(), 0);
}

/// DESIGN §3: the deadline passes before anything was lent → NotSent, and the request never ends
#[test]
fn a_deadline_before_anything_was_lent_is_not_sent() {
    for body in [&b""[..], b"{}"] {
        let mut peer = Peer::ready();
        let deadline = peer.now + Duration::from_secs(1);
        peer.starts_job(job(1, body).deadline(Some(deadline)));
        peer.waits(Duration::from_secs(1));
        assert_eq!(returned(&mut peer), (Delivery::NotSent, Cause::Timeout, 0));
        let heard = peer.hears();
        assert!(heard.iter().all(|f| f.flags & END_STREAM == 0), "{heard:?}");
        assert_eq!(heard.last().unwrap().kind, Kind::RstStream);
    }
}

/// DESIGN §3: deadlines by the hundred → at most 100 RST_STREAM a second, then the connection drains
#[test]
fn deadlines_reset_at_most_a_hundred_streams_a_second() {
    let mut peer = Peer::ready();
    for tag in 0..150 {
        let deadline = peer.now + Duration::from_secs(1);
        peer.starts_job(job(tag, b"{}").deadline(Some(deadline)));
    }
    peer.hears();
    peer.waits(Duration::from_secs(1));
    let told = peer.tells();
    let returned = told.iter().filter(|t| matches!(t, Told::Returned(..)));
    assert_eq!(returned.count(), 150);
    assert!(told.contains(&Told::Draining));
    assert_eq!(told.last(), Some(&Told::Closed(None)));
    let heard = peer.hears();
    let resets = heard.iter().filter(|f| f.kind == Kind::RstStream);
    assert_eq!(resets.count(), 100);
}

/// DESIGN §3: a connection error → what was not lent is NotSent, and never goes out
#[test]
fn a_connection_error_keeps_unlent_requests_from_going_out() {
    let mut peer = Peer::busy(1);
    peer.starts(2);
    peer.says(ping(0, &[0; 7]));
    let told = peer.tells();
    assert!(matches!(told[0], Told::Returned(1, Delivery::Unknown, _)));
    assert!(matches!(told[1], Told::Returned(2, Delivery::NotSent, _)));
    let heard = peer.hears();
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].kind, Kind::GoAway);
}

/// DESIGN §2: after the end → every input is a no-op, `Closed` comes once
#[test]
fn after_the_end_every_input_is_a_no_op() {
    let mut peer = Peer::busy(1);
    peer.hangs_up();
    assert_eq!(peer.tells().len(), 2);
    peer.says(ping(0, &[0; 8])).hangs_up();
    peer.waits(Duration::from_secs(100));
    peer.connection.close(peer.now);
    assert_eq!(peer.refused(2), aapns_proto::RejectReason::Closed);
    assert_eq!((peer.tells(), peer.hears()), (vec![], vec![]));
    assert_eq!(peer.connection.poll_timeout(), None);
    assert!(peer.connection.is_closed());
}

/// DESIGN §3: an error after answers in the same octets → the answers are not lost
#[test]
fn answers_ahead_of_an_error_are_delivered() {
    let mut peer = Peer::busy(2);
    let octets = [
        headers(1, END_HEADERS | END_STREAM, OK),
        ping(0, &[0; 7]),
        headers(3, END_HEADERS | END_STREAM, OK),
    ];
    peer.says(octets.concat());
    let told = peer.tells();
    assert_eq!(told[0], Told::Answered(1, 200));
    assert!(matches!(
        told[1],
        Told::Returned(2, Delivery::Unknown, Cause::Protocol(..))
    ));
}
