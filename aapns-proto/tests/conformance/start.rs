//! The start of the connection (RFC 9113 §3.4).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, RejectReason};

use crate::peer::*;

/// §3.4: the client's preface → 24 magic octets, then SETTINGS at once
#[test]
fn the_first_output_is_the_magic_octets_and_settings() {
    let mut peer = Peer::silent();
    let octets = peer.octets();
    assert!(octets.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    let frames = frames_of(&octets[24..]);
    assert_eq!(frames[0].kind, Kind::Settings);
    assert_eq!((frames[0].flags, frames[0].id), (0, 0));
}

/// §6.5.2: our SETTINGS → push is off, no limit below the initial values
#[test]
fn our_settings_turn_push_off_and_advertise_a_field_list_size() {
    let frames = Peer::silent().hears();
    let payload = [&[0, 2, 0, 0, 0, 0][..], &[0, 6, 0, 0, 0x40, 0]].concat();
    assert_eq!(frames[0].payload, payload);
    assert_eq!((frames[1].kind, frames[1].id), (Kind::WindowUpdate, 0));
    let increment = 1024 * 1024 - 65_535_u32;
    assert_eq!(frames[1].payload, increment.to_be_bytes());
    assert_eq!(frames.len(), 2);
}

/// §3.4: the server's first frame is not SETTINGS → CE PROTOCOL_ERROR
#[test]
fn a_first_frame_other_than_settings_is_a_protocol_error() {
    for first in [
        ping(0, &[0; 8]),
        goaway(0, ErrorCode::NO_ERROR, b"{\"reason\":\"BadCertificate\"}"),
        window_update(0, 1),
        frame(Kind::Unknown(0x0a), 0, 0, &[]),
    ] {
        assert_refuses_first(&first);
    }
}

/// §3.4: the server's first frame is an ACK of SETTINGS → CE PROTOCOL_ERROR
#[test]
fn a_settings_ack_as_the_first_frame_is_a_protocol_error() {
    assert_refuses_first(&frame(Kind::Settings, ACK, 0, &[]));
}

/// §3.4: the server speaks HTTP/1.1 → CE PROTOCOL_ERROR
#[test]
fn an_http_1_server_is_a_protocol_error() {
    assert_refuses_first(b"HTTP/1.1 400 Bad Request\r\n\r\n");
}

fn assert_refuses_first(octets: &[u8]) {
    let mut peer = Peer::silent();
    peer.hears();
    peer.says(octets);
    let told = peer.tells();
    let code = ErrorCode::PROTOCOL_ERROR;
    assert!(
        matches!(&told[..], [Told::Closed(Some(Cause::Protocol(c, _)))] if *c == code),
        "{told:?}"
    );
    assert_eq!(peer.hears().last().unwrap().kind, Kind::GoAway);
}

/// DESIGN §4: before the server's SETTINGS → no credit, `Blocked`
#[test]
fn nothing_starts_before_the_servers_settings() {
    let mut peer = Peer::silent();
    peer.hears();
    assert_eq!(peer.connection.credit().streams, 0);
    assert_eq!(peer.refused(1), RejectReason::Blocked);
    peer.says(settings(&[(3, 7)]));
    assert_eq!(peer.connection.credit().streams, 7);
    peer.starts(1);
}

/// FACTS §15: no SETTINGS from the server within 10 s → close, SETTINGS_TIMEOUT
#[test]
fn a_server_without_settings_is_given_up_after_ten_seconds() {
    let mut peer = Peer::silent();
    peer.hears();
    peer.idles(Duration::from_millis(9_999));
    assert_eq!(peer.tells(), []);
    peer.idles(Duration::from_millis(1));
    assert_eq!(
        peer.tells(),
        [Told::Closed(Some(Cause::Unresponsive("no SETTINGS came")))]
    );
    let heard = peer.hears();
    assert_eq!(
        heard[0].payload[4..],
        ErrorCode::SETTINGS_TIMEOUT.0.to_be_bytes()
    );
}

/// DESIGN §4: `authorization` → in every request from then on, with the generation that it has
#[test]
fn the_authorization_is_in_the_requests_after_it() {
    let mut peer = Peer::ready();
    assert_eq!(peer.connection.authorization_generation(), 0);
    let sends = |peer: &mut Peer, tag| {
        peer.starts(tag);
        let block = peer.hears()[0].payload.clone();
        // Huffman-coded, for that is shorter.
        let mut coded = Vec::new();
        httlib_huffman::encode(b"bearer 0000000000", &mut coded).unwrap();
        block.windows(coded.len()).any(|window| window == coded)
    };
    assert!(!sends(&mut peer, 1));
    peer.connection
        .set_authorization(7, Some("bearer 0000000000".into()));
    assert_eq!(peer.connection.authorization_generation(), 7);
    assert!(sends(&mut peer, 2));
    peer.connection.set_authorization(8, None);
    assert!(!sends(&mut peer, 3));
}

/// STYLE: `Debug` → the state, and no octet of a request
#[test]
fn debug_shows_the_state_and_no_request() {
    let mut peer = Peer::busy(1);
    peer.connection
        .set_authorization(1, Some("bearer abc".into()));
    let shown = format!("{:?}", peer.connection);
    for part in ["Connection", "in_flight: 1", "phase: Open", "waiting: 0"] {
        assert!(shown.contains(part), "{shown}");
    }
    assert!(
        !shown.contains("bearer") && !shown.contains("device"),
        "{shown}"
    );
}
