//! Streams and their states (RFC 9113 §5.1).

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, Delivery};

use crate::peer::*;

connection_errors! {
    /// §5.1: HEADERS on an idle stream → CE PROTOCOL_ERROR
    headers_on_an_idle_stream_are_a_protocol_error:
        PROTOCOL_ERROR after headers(3, END_HEADERS, OK);
    /// §5.1: DATA on an idle stream → CE PROTOCOL_ERROR
    data_on_an_idle_stream_is_a_protocol_error: PROTOCOL_ERROR after data(3, 0, b"x");
    /// §5.1: RST_STREAM on an idle stream → CE PROTOCOL_ERROR
    rst_stream_on_an_idle_stream_is_a_protocol_error:
        PROTOCOL_ERROR after rst_stream(3, ErrorCode::CANCEL);
    /// §5.1: WINDOW_UPDATE on an idle stream → CE PROTOCOL_ERROR
    window_update_on_an_idle_stream_is_a_protocol_error:
        PROTOCOL_ERROR after window_update(3, 1);
    /// §5.1: WINDOW_UPDATE of 0 on an idle stream → CE PROTOCOL_ERROR
    window_update_of_0_on_an_idle_stream_is_a_protocol_error:
        PROTOCOL_ERROR after window_update(3, 0);
    /// §5.1.1: HEADERS on an even stream, with push disabled → CE PROTOCOL_ERROR
    headers_on_an_even_stream_are_a_protocol_error:
        PROTOCOL_ERROR after headers(2, END_HEADERS, OK);
    /// §5.1.1: DATA on an even stream → CE PROTOCOL_ERROR
    data_on_an_even_stream_is_a_protocol_error: PROTOCOL_ERROR after data(2, 0, b"x");
}

/// §5.1.1: client ids → odd, strictly rising from 1
#[test]
fn stream_ids_are_odd_and_rise() {
    let mut peer = Peer::ready();
    for tag in 0..100 {
        peer.starts(tag);
    }
    let heard = peer.hears();
    let ids = heard
        .iter()
        .filter(|f| f.kind == Kind::Headers)
        .map(|f| f.id);
    assert!(ids.eq((0..100).map(|n| 2 * n + 1)));
}

/// §5.1: a frame for a stream that was started but never sent → CE PROTOCOL_ERROR, the job NotSent
#[test]
fn an_answer_to_a_request_that_was_not_sent_is_a_protocol_error() {
    let mut peer = Peer::ready();
    peer.starts(1);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    let told = peer.tells();
    assert!(
        matches!(
            told[0],
            Told::Returned(1, Delivery::NotSent, Cause::Protocol(..))
        ),
        "{told:?}"
    );
    let heard = peer.hears();
    assert_eq!(
        heard.len(),
        1,
        "the request must not go out any more: {heard:?}"
    );
    assert_eq!(heard[0].kind, Kind::GoAway);
}

/// §5.1: late frames on a stream that we reset → tolerated, HPACK and window kept in step
#[test]
fn late_frames_on_a_stream_that_we_reset_are_tolerated() {
    let mut peer = Peer::busy(2);
    peer.says(headers(1, END_HEADERS, &block(&[("x", "y")])));
    let told = peer.assert_late_frames_are_harmless();
    assert!(matches!(
        told,
        Told::Returned(1, _, Cause::MalformedResponse(_))
    ));
}

/// §5.1: late frames on a stream that ended → tolerated, HPACK and window kept in step
#[test]
fn late_frames_on_a_stream_that_ended_are_tolerated() {
    let mut peer = Peer::busy(2);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    assert_eq!(
        peer.assert_late_frames_are_harmless(),
        Told::Answered(1, 200)
    );
}

/// §5.1: late frames on a stream that the server reset → tolerated, HPACK and window kept in step
#[test]
fn late_frames_on_a_stream_that_the_server_reset_are_tolerated() {
    let mut peer = Peer::busy(2);
    peer.says(rst_stream(1, ErrorCode::REFUSED_STREAM));
    assert_eq!(
        peer.assert_late_frames_are_harmless(),
        Told::Returned(1, Delivery::Refused, Cause::Refused)
    );
}

impl Peer {
    fn assert_late_frames_are_harmless(&mut self) -> Told {
        let [told] = self.tells().try_into().unwrap();
        self.hears();
        // `x: y` enters the dynamic table by the late block; the next response uses it as index 62.
        self.says(headers(1, END_HEADERS, &[0x88, 0x40, 1, b'x', 1, b'y']));
        self.says(data(1, 0, b"late"));
        self.says(window_update(1, 5));
        self.says(window_update(1, 0));
        self.says(rst_stream(1, ErrorCode::STREAM_CLOSED));
        assert_eq!(self.tells(), []);
        assert_eq!(self.hears(), [], "never answer RST_STREAM with RST_STREAM");
        self.says(headers(3, END_HEADERS | END_STREAM, &[0x88, 0xbe]));
        assert_eq!(self.tells(), [Told::Answered(2, 200)]);
        told
    }
}

/// §8.7, FACTS §13.4: REFUSED_STREAM and then another RST_STREAM → the first decides
#[test]
fn the_first_rst_stream_decides() {
    let mut peer = Peer::busy(1);
    peer.says(rst_stream(1, ErrorCode::REFUSED_STREAM));
    peer.says(rst_stream(1, ErrorCode::STREAM_CLOSED));
    assert_eq!(
        peer.tells(),
        [Told::Returned(1, Delivery::Refused, Cause::Refused)]
    );
}

/// §8.1: the response ends before the request is sent → the response counts, the rest is cancelled
#[test]
fn a_response_before_the_end_of_the_request_is_delivered() {
    let mut peer = Peer::ready();
    peer.starts_job(job(1, &[b'x'; 100_000]));
    peer.hears();
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
    let heard = peer.hears();
    assert_eq!(heard[0].kind, Kind::RstStream);
    assert_eq!(heard[0].payload, ErrorCode::CANCEL.0.to_be_bytes());
    peer.says(rst_stream(1, ErrorCode::NO_ERROR));
    peer.says(window_update(0, 100_000));
    assert_eq!(peer.hears(), []);
}

/// §8.1: a complete response, then RST_STREAM(NO_ERROR) → the response counts
#[test]
fn rst_no_error_after_a_complete_response_changes_nothing() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    peer.says(rst_stream(1, ErrorCode::NO_ERROR));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §5.1.1: the ids run out → no new requests in time, those in flight go on
#[test]
fn a_connection_retires_before_its_ids_run_out() {
    let mut config = aapns_proto::ConnectionConfig::default();
    config.first_stream_id = 0x7fff_ffff - 2 * 1_024 - 4;
    let mut peer = Peer::ready_with(&config, &[]);
    assert_eq!(peer.connection.credit().streams, 2);
    peer.starts(1);
    peer.starts(2);
    assert_eq!(peer.refused(3), aapns_proto::RejectReason::Closed);
    assert_eq!(peer.tells(), [Told::Draining]);
    let first = peer.hears()[0].id;
    peer.assert_answers(first, 1);
    peer.says(headers(first + 2, END_HEADERS | END_STREAM, OK));
    assert_eq!(peer.tells(), [Told::Answered(2, 200), Told::Closed(None)]);
}
