//! SETTINGS (RFC 9113 §6.5).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, ConnectionConfig, Delivery, RejectReason};

use crate::peer::*;

connection_errors! {
    /// §6.5: SETTINGS on a stream → CE PROTOCOL_ERROR
    settings_on_a_stream_is_a_protocol_error:
        PROTOCOL_ERROR after frame(Kind::Settings, 0, 1, &[]);
    /// §6.5: a length that isn't a multiple of 6 → CE FRAME_SIZE_ERROR
    settings_of_five_octets_are_a_frame_size_error:
        FRAME_SIZE_ERROR after frame(Kind::Settings, 0, 0, &[0; 5]);
    /// §6.5: an ACK with a payload → CE FRAME_SIZE_ERROR
    a_settings_ack_with_a_payload_is_a_frame_size_error:
        FRAME_SIZE_ERROR after frame(Kind::Settings, ACK, 0, &[0; 6]);
    /// §6.5.2: ENABLE_PUSH = 1 from a server → CE PROTOCOL_ERROR
    enable_push_from_a_server_is_a_protocol_error: PROTOCOL_ERROR after settings(&[(2, 1)]);
    /// §6.5.2: ENABLE_PUSH > 1 → CE PROTOCOL_ERROR
    enable_push_of_two_is_a_protocol_error: PROTOCOL_ERROR after settings(&[(2, 2)]);
    /// §6.5.2: INITIAL_WINDOW_SIZE > 2^31 − 1 → CE FLOW_CONTROL_ERROR
    an_initial_window_over_the_maximum_is_a_flow_control_error:
        FLOW_CONTROL_ERROR after settings(&[(4, 0x8000_0000)]);
    /// §6.9.2: INITIAL_WINDOW_SIZE moves a stream's window over 2^31 − 1 → CE FLOW_CONTROL_ERROR
    an_initial_window_that_overflows_a_stream_is_a_flow_control_error:
        FLOW_CONTROL_ERROR after [window_update(1, 0x7fff_0000), settings(&[(4, 0x7fff_ffff)])].concat();
    /// §6.5.2: MAX_FRAME_SIZE below 2^14 → CE PROTOCOL_ERROR
    a_max_frame_size_below_the_minimum_is_a_protocol_error:
        PROTOCOL_ERROR after settings(&[(5, 16_383)]);
    /// §6.5.2: MAX_FRAME_SIZE over 2^24 − 1 → CE PROTOCOL_ERROR
    a_max_frame_size_over_the_maximum_is_a_protocol_error:
        PROTOCOL_ERROR after settings(&[(5, 1 << 24)]);
}

tolerated! {
    /// §6.5: an ACK without outstanding SETTINGS → ignored
    an_unexpected_settings_ack_is_ignored: frame(Kind::Settings, ACK, 0, &[]);
    /// §6.5.2: an unknown identifier → ignored
    an_unknown_setting_is_ignored: settings(&[(0x99, 5), (0, 0)]);
}

/// §6.5.3: every SETTINGS → acknowledged at once
#[test]
fn every_settings_is_acknowledged() {
    let mut peer = Peer::ready();
    peer.says([settings(&[]), settings(&[(3, 5)])].concat());
    let heard = peer.hears();
    assert_eq!(heard.len(), 2);
    for ack in heard {
        assert_eq!((ack.kind, ack.flags), (Kind::Settings, ACK));
        assert!(ack.payload.is_empty());
    }
}

/// §6.5: the same identifier twice → the last value holds
#[test]
fn the_last_of_two_values_holds() {
    let mut peer = Peer::ready();
    peer.says(settings(&[(3, 5), (3, 9)]));
    assert_eq!(peer.connection.credit().streams, 9);
}

/// §5.1.2: MAX_CONCURRENT_STREAMS → never exceeded; below what is in flight, none starts
#[test]
fn the_stream_limit_is_never_exceeded() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(3, 2)]);
    peer.starts(1);
    peer.starts(2);
    assert_eq!(peer.refused(3), RejectReason::Blocked);
    peer.hears();
    peer.says(settings(&[(3, 1)]));
    peer.assert_answers(1, 1);
    assert_eq!(
        peer.connection.credit().streams,
        0,
        "one is open, one is allowed"
    );
    peer.assert_answers(3, 2);
    assert_eq!(peer.connection.credit().streams, 1);
}

/// §6.5.2: MAX_CONCURRENT_STREAMS = 0 → legal, no stream is opened
#[test]
fn a_stream_limit_of_zero_only_blocks() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(3, 0)]);
    assert_eq!(peer.refused(1), RejectReason::Blocked);
    assert_eq!(peer.tells(), []);
    peer.says(settings(&[(3, 1)]));
    peer.starts(1);
}

/// §6.5.2: MAX_HEADER_LIST_SIZE → a larger request fails locally
#[test]
fn a_request_over_the_peers_field_list_size_is_too_large() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(6, 100)]);
    assert_eq!(peer.refused(1), RejectReason::TooLarge);
    peer.says(settings(&[(6, 1_000)]));
    peer.starts(1);
}

/// §6.5.3: SETTINGS → the ACK stands behind what was coded before and ahead of what is coded after
#[test]
fn the_ack_stands_between_old_and_new_requests() {
    let mut peer = Peer::ready();
    peer.starts(1);
    peer.says(settings(&[(1, 0)]));
    peer.starts(2);
    let order: Vec<(Kind, u32)> = peer.hears().iter().map(|f| (f.kind, f.id)).collect();
    let settings = order.iter().position(|f| f.0 == Kind::Settings).unwrap();
    assert!(settings > order.iter().position(|f| f.1 == 1).unwrap());
    assert!(settings < order.iter().position(|f| f.1 == 3).unwrap());
}

/// §6.5.3: our SETTINGS not acknowledged in 10 s → CE SETTINGS_TIMEOUT
#[test]
fn a_server_that_never_acknowledges_our_settings_is_given_up() {
    let mut peer = Peer::silent();
    peer.hears();
    peer.waits(Duration::from_secs(5)).says(settings(&[]));
    peer.starts(1);
    peer.hears();
    for _ in 0..9 {
        peer.waits(Duration::from_secs(1))
            .says(ping(ACK, &[0, 0, 0, 0, 0, 0, 0, 1]));
    }
    assert_eq!(peer.tells(), []);
    peer.waits(Duration::from_secs(1));
    let cause = Cause::Unresponsive("SETTINGS were not acknowledged");
    assert_eq!(
        peer.tells(),
        [
            Told::Returned(1, Delivery::Unknown, cause.clone()),
            Told::Closed(Some(cause)),
        ]
    );
    let code = ErrorCode::SETTINGS_TIMEOUT;
    assert_eq!(
        peer.hears().last().unwrap().payload[4..],
        code.0.to_be_bytes()
    );
}

/// §4.2: MAX_FRAME_SIZE → DATA and field blocks are cut to it
#[test]
fn frames_are_no_larger_than_the_peer_allows() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 100_000)]);
    peer.says(window_update(0, 100_000));
    peer.starts_job(job(1, &[b'x'; 50_000]));
    let sizes = |peer: &mut Peer| -> Vec<usize> {
        let heard = peer.hears();
        let data = heard.iter().filter(|f| f.kind == Kind::Data);
        data.map(|f| f.payload.len()).collect()
    };
    assert_eq!(sizes(&mut peer), [16_384, 16_384, 16_384, 848]);
    peer.says(settings(&[(5, 20_000)]));
    peer.starts_job(job(2, &[b'x'; 50_000]));
    assert_eq!(sizes(&mut peer), [20_000, 20_000, 10_000]);
}
