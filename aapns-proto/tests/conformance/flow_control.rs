//! Flow control (RFC 9113 §5.2, §6.9).

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, ConnectionConfig, Delivery, RejectReason};

use crate::peer::*;

connection_errors! {
    /// §6.9: WINDOW_UPDATE of 0 on stream 0 → CE PROTOCOL_ERROR
    window_update_of_0_on_the_connection_is_a_protocol_error:
        PROTOCOL_ERROR after window_update(0, 0);
    /// §6.9.1: the connection's window over 2^31 − 1 → CE FLOW_CONTROL_ERROR
    a_connection_window_over_the_maximum_is_a_flow_control_error:
        FLOW_CONTROL_ERROR after window_update(0, 0x7fff_ffff);
}

stream_errors! {
    /// §6.9: WINDOW_UPDATE of 0 on a stream → SE PROTOCOL_ERROR
    window_update_of_0_on_a_stream_is_a_stream_error:
        PROTOCOL_ERROR after window_update(1, 0), tells (Told::Returned(1, Delivery::Unknown, _));
    /// §6.9.1: a stream's window over 2^31 − 1 → SE FLOW_CONTROL_ERROR
    a_stream_window_over_the_maximum_is_a_stream_error:
        FLOW_CONTROL_ERROR after window_update(1, 0x7fff_ffff),
        tells (Told::Returned(1, Delivery::Unknown, _));
}

tolerated! {
    /// §6.9: WINDOW_UPDATE on a stream that has sent all → not an error
    window_update_on_a_half_closed_stream_is_ignored: window_update(1, 1_000);
}

/// §6.9: bodies → never more than the stream's window and the connection's
#[test]
fn data_stays_within_both_windows() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 1_000)]);
    peer.starts_job(job(1, &[b'x'; 2_500]));
    assert_eq!(peer.hears_data(), [(1, 1_000, false)]);
    peer.says(window_update(1, 1));
    assert_eq!(peer.hears_data(), [(1, 1, false)]);
    peer.says(window_update(1, 8));
    assert_eq!(peer.hears_data(), [(1, 8, false)]);
    peer.says(window_update(1, 100_000));
    assert_eq!(peer.hears_data(), [(1, 1_491, true)]);
    peer.assert_answers(1, 1);
}

/// §6.9.1: the connection's window → shared by all streams, changed by WINDOW_UPDATE on stream 0 alone
#[test]
fn the_connections_window_blocks_all_streams() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0x7fff_ffff)]);
    peer.starts_job(job(1, &[b'x'; 60_000]));
    peer.starts_job(job(2, &[b'x'; 10_000]));
    assert_eq!(peer.connection.credit().streams, 0, "the window is spent");
    assert_eq!(peer.refused(3), RejectReason::Blocked);
    let sent: usize = peer.hears_data().iter().map(|(_, n, _)| n).sum();
    assert_eq!(sent, 65_535);
    peer.says(settings(&[(4, 0x7fff_ffff)]));
    assert_eq!(peer.hears_data(), []);
    peer.says(window_update(0, 4_465));
    assert_eq!(peer.hears_data(), [(3, 4_465, true)]);
}

/// §6.9.2: INITIAL_WINDOW_SIZE falls → windows go negative, DATA waits until they are positive
#[test]
fn a_negative_window_sends_nothing_until_it_is_positive() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 1_000)]);
    peer.starts_job(job(1, &[b'x'; 1_100]));
    assert_eq!(peer.hears_data(), [(1, 1_000, false)]);
    peer.says(settings(&[(4, 0)]));
    peer.says(window_update(1, 1_000));
    assert_eq!(peer.hears_data(), []);
    peer.says(window_update(1, 1));
    assert_eq!(peer.hears_data(), [(1, 1, false)]);
    peer.says(settings(&[(4, 99)]));
    assert_eq!(peer.hears_data(), [(1, 99, true)]);
}

/// §6.9.2: an initial window of 0 → never blocks a start, the body waits
#[test]
fn a_zero_initial_window_blocks_the_body_alone() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    peer.starts(1);
    let heard = peer.hears();
    assert_eq!(heard.len(), 1);
    assert_eq!(
        (heard[0].kind, heard[0].flags),
        (Kind::Headers, END_HEADERS)
    );
    peer.says(window_update(1, 2));
    assert_eq!(peer.hears_data(), [(1, 2, true)]);
}

/// §6.9.1: an empty body → END_STREAM on HEADERS, whatever the windows
#[test]
fn an_empty_body_needs_no_window() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    peer.starts_job(job(1, b""));
    assert_eq!(peer.hears()[0].flags, END_HEADERS | END_STREAM);
    peer.assert_answers(1, 1);
}

/// §5.2: bodies that wait → a frame each in turn
#[test]
fn waiting_bodies_take_turns() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    peer.starts_job(job(1, &[b'x'; 20_000]));
    peer.starts_job(job(2, &[b'x'; 20_000]));
    peer.says(settings(&[(4, 20_000)]));
    let order: Vec<u32> = peer.hears_data().iter().map(|(id, ..)| *id).collect();
    assert_eq!(order, [1, 3, 1, 3]);
}

/// §5.2: bodies that wait in vain for a turn → keep their order
#[test]
fn a_turn_in_vain_changes_no_order() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    for tag in 1..=3 {
        peer.starts_job(job(tag, b"{}"));
    }
    peer.hears();
    peer.says(window_update(0, 1));
    assert_eq!(peer.hears_data(), []);
    peer.says(settings(&[(4, 1)]));
    assert_eq!(
        peer.hears_data(),
        [(1, 1, false), (3, 1, false), (5, 1, false)]
    );
}

/// §6.9: received DATA, discarded DATA too → credit is given back for the connection
#[test]
fn credit_for_discarded_data_is_given_back() {
    let mut peer = Peer::busy(2);
    peer.says(headers(1, END_HEADERS | END_STREAM, OK));
    let mut credit = 0;
    for _ in 0..100 {
        peer.says(data(1, PADDED, &[&[255][..], &[0; 16_383]].concat()));
        for update in peer.hears() {
            assert_eq!((update.kind, update.id), (Kind::WindowUpdate, 0));
            credit += u32::from_be_bytes(update.payload.try_into().unwrap());
        }
    }
    assert!(credit > 50 * 16_384, "{credit}");
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
    peer.assert_answers(3, 2);
}

/// §6.9: a long body → credit is given back for its stream
#[test]
fn credit_for_a_long_body_is_given_back_to_its_stream() {
    let mut peer = Peer::ready();
    let request = request("/", b"").with_response_limit(1_000_000);
    peer.starts_job(aapns_proto::Job::new(request, 1));
    peer.hears();
    peer.says(headers(1, END_HEADERS, OK));
    for _ in 0..40 {
        peer.says(data(1, 0, &[b'x'; 16_000]));
        peer.hears();
    }
    peer.says(data(1, END_STREAM, b""));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §6.9.1: DATA beyond the connection's window → CE FLOW_CONTROL_ERROR
#[test]
fn data_beyond_the_connections_window_is_a_flow_control_error() {
    let mut peer = Peer::busy(2);
    peer.says(headers(3, END_HEADERS | END_STREAM, OK));
    peer.tells();
    for _ in 0..64 {
        peer.says(data(3, 0, &[0; 16_384]));
    }
    assert_eq!(peer.tells(), [], "exactly 1 MiB");
    peer.says(data(3, 0, b"x"));
    peer.assert_connection_error(ErrorCode::FLOW_CONTROL_ERROR);
}

/// §6.9.1: DATA beyond a stream's window → SE FLOW_CONTROL_ERROR
#[test]
fn data_beyond_a_streams_window_is_a_stream_error() {
    let mut peer = Peer::ready();
    for tag in 1..=2 {
        let request = request("/", b"").with_response_limit(1_000_000);
        peer.starts_job(aapns_proto::Job::new(request, tag));
    }
    peer.hears();
    peer.says(headers(1, END_HEADERS, OK));
    for _ in 0..3 {
        peer.says(data(1, 0, &[0; 16_384]));
    }
    peer.says(data(1, 0, &[0; 16_383]));
    assert_eq!(peer.tells(), [], "exactly 65,535 octets");
    peer.says(data(1, 0, b"x"));
    let told = peer.assert_stream_error(ErrorCode::FLOW_CONTROL_ERROR);
    assert_eq!(told, Told::Cut(1, 200));
}

impl Peer {
    /// Stream, octets and END_STREAM of each DATA frame.
    fn hears_data(&mut self) -> Vec<(u32, usize, bool)> {
        let heard = self.hears();
        let data = heard.iter().filter(|f| f.kind == Kind::Data);
        data.map(|f| (f.id, f.payload.len(), f.flags & END_STREAM != 0))
            .collect()
    }
}

/// §6.9: a zero window for minutes → the deadline decides, nothing else
#[test]
fn a_zero_window_for_minutes_ends_at_the_deadline() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    let deadline = peer.now + std::time::Duration::from_secs(50);
    peer.starts_job(job(1, b"{}").deadline(Some(deadline)));
    peer.hears();
    for _ in 0..50 {
        assert_eq!(peer.tells(), []);
        peer.waits(std::time::Duration::from_secs(1));
        for probe in peer.hears() {
            if probe.kind == Kind::Ping {
                peer.says(ping(ACK, &probe.payload));
            }
        }
    }
    assert_eq!(
        peer.tells(),
        [Told::Returned(1, Delivery::NotSent, Cause::Timeout)]
    );
}
