//! GOAWAY (RFC 9113 §6.8).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, Delivery, RejectReason};

use crate::peer::*;

/// §6.8: after GOAWAY → no new stream; streams up to its id may finish; then we close
#[test]
fn streams_up_to_the_last_stream_id_finish_after_goaway() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(3, ErrorCode::NO_ERROR, b"{\"reason\":\"Shutdown\"}"));
    assert_eq!(peer.tells(), [Told::GoingAway(3, Some("Shutdown".into()))]);
    assert_eq!(peer.connection.credit().streams, 0);
    assert_eq!(peer.refused(3), RejectReason::Closed);
    peer.says(ping(0, &[1; 8]));
    assert_eq!(
        peer.hears()[0].kind,
        Kind::Ping,
        "still answered while draining"
    );
    peer.assert_answers(1, 1);
    peer.says(headers(3, END_HEADERS | END_STREAM, OK));
    assert_eq!(peer.tells(), [Told::Answered(2, 200), Told::Closed(None)]);
    let heard = peer.hears();
    assert_eq!(heard[0].kind, Kind::GoAway);
    assert_eq!(
        heard[0].payload, [0; 8],
        "NO_ERROR, and no stream of the server"
    );
    assert!(peer.connection.is_closed());
}

/// §6.8: streams above the last-stream-id → refused at once
#[test]
fn goaway_above_last_stream_id_returns_the_job_as_refused() {
    let mut peer = Peer::busy(3);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    let told = peer.tells();
    assert_eq!(told[0], Told::GoingAway(1, None));
    assert!(matches!(
        told[1],
        Told::Returned(2, Delivery::Refused, Cause::GoAway(_))
    ));
    assert!(matches!(
        told[2],
        Told::Returned(3, Delivery::Refused, Cause::GoAway(_))
    ));
    assert_eq!(told.len(), 3);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    assert_eq!(peer.tells(), [Told::Answered(1, 200), Told::Closed(None)]);
}

/// §6.8: late frames on refused streams → dropped, HPACK kept in step
#[test]
fn late_frames_on_refused_streams_are_dropped() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    peer.tells();
    peer.says(headers(3, END_HEADERS, &[0x88, 0x40, 1, b'x', 1, b'y']));
    peer.says(headers(1, END_HEADERS | END_STREAM, &[0x88, 0xbe]));
    assert_eq!(peer.tells(), [Told::Answered(1, 200), Told::Closed(None)]);
}

/// §6.8: 2^31 − 1 first → a notice; the second GOAWAY decides
#[test]
fn a_two_step_goaway_refuses_nothing_until_the_second_step() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(0x7fff_ffff, ErrorCode::NO_ERROR, b""));
    assert_eq!(peer.tells(), [Told::GoingAway(0x7fff_ffff, None)]);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    let told = peer.tells();
    assert!(
        matches!(told[..], [Told::Returned(2, Delivery::Refused, _)]),
        "{told:?}"
    );
    peer.assert_answers_and_closes(1, 1);
}

/// §6.8: a second GOAWAY is told of if its reason or code is news
#[test]
fn the_reason_of_the_second_step_is_told() {
    let mut peer = Peer::busy(1);
    peer.says(goaway(0x7fff_ffff, ErrorCode::NO_ERROR, b""));
    peer.tells();
    for debug in [&b"{\"reason\":\"Shutdown\"}"[..], b""] {
        peer.says(goaway(1, ErrorCode::NO_ERROR, debug));
        let news = (!debug.is_empty()).then(|| Told::GoingAway(1, Some("Shutdown".into())));
        assert_eq!(peer.tells(), Vec::from_iter(news));
    }
    peer.assert_answers_and_closes(1, 1);
}

/// §6.8: a GOAWAY that raises the id → the lowest counts
#[test]
fn the_lowest_last_stream_id_counts() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    peer.says(goaway(5, ErrorCode::NO_ERROR, b"text"));
    let told = peer.tells();
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(matches!(told[1], Told::Returned(2, Delivery::Refused, _)));
    assert_eq!(told[2], Told::GoingAway(1, Some("text".into())));
    peer.assert_answers_and_closes(1, 1);
}

impl Peer {
    fn assert_answers_and_closes(&mut self, id: u32, tag: u32) {
        self.says(headers(id, END_HEADERS | END_STREAM, OK));
        assert_eq!(self.tells(), [Told::Answered(tag, 200), Told::Closed(None)]);
    }
}

/// §6.8: GOAWAY with an error, or an unknown, code → the id rule alone counts
#[test]
fn the_code_of_goaway_changes_no_delivery() {
    for code in [
        ErrorCode::ENHANCE_YOUR_CALM,
        ErrorCode::REFUSED_STREAM,
        ErrorCode(0xdead),
    ] {
        let mut peer = Peer::busy(1);
        peer.says(goaway(
            1,
            code,
            b"Maximum active streams violated for this endpoint.",
        ));
        peer.hangs_up();
        let told = peer.tells();
        assert!(
            matches!(told[1], Told::Returned(1, Delivery::Unknown, _)),
            "{told:?}"
        );
    }
}

/// §6.8: a stream up to the last-stream-id, and then the connection is lost → Unknown
#[test]
fn a_stream_below_the_last_stream_id_is_unknown_when_the_connection_is_lost() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b"")).hangs_up();
    let told = peer.tells();
    assert!(matches!(told[1], Told::Returned(2, Delivery::Refused, _)));
    assert!(matches!(told[2], Told::Returned(1, Delivery::Unknown, _)));
    assert!(matches!(told[3], Told::Closed(Some(_))));
}

/// FACTS §13.4: debug data of any kind → never an error, bounded
#[test]
fn debug_data_never_fails() {
    for debug in [
        &b"\xff\xfe"[..],
        b"{\"reason\":\"Shu",
        b"{}",
        &[b'a'; 16_000],
    ] {
        let mut peer = Peer::busy(1);
        peer.says(goaway(1, ErrorCode::NO_ERROR, debug));
        let told = peer.tells();
        assert!(
            matches!(&told[..], [Told::GoingAway(1, Some(text))] if text.len() <= 4_096),
            "{told:?}"
        );
    }
}

/// FACTS §21: streams that don't finish → closed after 30 s, Unknown
#[test]
fn draining_ends_after_thirty_seconds() {
    let mut peer = Peer::busy(1);
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    peer.tells();
    for _ in 0..29 {
        peer.waits(Duration::from_secs(1));
        peer.answers_pings();
        assert_eq!(peer.tells(), []);
    }
    peer.waits(Duration::from_secs(1));
    let told = peer.tells();
    assert!(
        matches!(
            told[..],
            [
                Told::Returned(1, Delivery::Unknown, Cause::GoAway(_)),
                Told::Closed(Some(Cause::GoAway(_)))
            ]
        ),
        "{told:?}"
    );
    assert_eq!(peer.hears().last().unwrap().kind, Kind::GoAway);
    assert!(peer.connection.is_closed());
}

/// §6.8: our own `close` → no new requests, those in flight finish, then GOAWAY(NO_ERROR)
#[test]
fn close_drains_and_then_says_goaway() {
    let mut peer = Peer::busy(1);
    peer.connection.close(peer.now);
    assert_eq!(peer.tells(), [Told::Draining]);
    assert_eq!(peer.refused(2), RejectReason::Closed);
    peer.assert_answers_and_closes(1, 1);
    assert_eq!(peer.hears()[0].payload, [0; 8]);
}

/// §6.8: `close` with nothing in flight → GOAWAY at once; closed when it is written, or after 1 s
#[test]
fn closing_ends_when_goaway_is_written_or_after_a_second() {
    let mut peer = Peer::ready();
    peer.connection.close(peer.now);
    assert_eq!(peer.tells(), [Told::Draining, Told::Closed(None)]);
    assert!(!peer.connection.is_closed());
    peer.idles(Duration::from_millis(999));
    assert!(!peer.connection.is_closed());
    peer.idles(Duration::from_millis(1));
    assert!(peer.connection.is_closed());
    assert_eq!(peer.hears(), []);
    assert_eq!(peer.connection.poll_timeout(), None);
}

/// §6.8: a stream above the last-stream-id whose response began → answered, cut
#[test]
fn a_response_that_began_counts_though_goaway_refuses_its_stream() {
    let mut peer = Peer::busy(2);
    peer.says(headers(3, END_HEADERS, OK));
    peer.says(goaway(1, ErrorCode::NO_ERROR, b""));
    assert_eq!(peer.tells(), [Told::GoingAway(1, None), Told::Cut(2, 200)]);
    peer.assert_answers_and_closes(1, 1);
}

/// §6.8: a second GOAWAY without a reason → the first one's holds
#[test]
fn a_reason_survives_a_goaway_without_one() {
    let mut peer = Peer::busy(2);
    peer.says(goaway(3, ErrorCode::NO_ERROR, b"{\"reason\":\"Shutdown\"}"));
    peer.says(goaway(1, ErrorCode::PROTOCOL_ERROR, b""));
    let told = peer.tells();
    let shutdown = Told::GoingAway(1, Some("Shutdown".into()));
    assert_eq!(told[1], shutdown, "the code is news");
    let Told::Returned(2, Delivery::Refused, Cause::GoAway(goaway)) = &told[2] else {
        panic!("{told:?}");
    };
    assert_eq!(goaway.reason.as_deref(), Some("Shutdown"));
    assert_eq!(
        (goaway.last_stream_id, goaway.code),
        (1, ErrorCode::PROTOCOL_ERROR)
    );
    assert_eq!(peer.connection.goaway(), Some(goaway));
    assert_eq!(Peer::busy(1).connection.goaway(), None);
}
