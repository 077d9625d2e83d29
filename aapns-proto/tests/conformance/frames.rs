//! Frames, sizes, padding (RFC 9113 §4, §6).

use aapns_proto::frame::{ErrorCode, FrameHeader, Kind};

use crate::peer::*;

/// The header alone of a frame that is larger than allowed.
fn oversize(kind: Kind, id: u32) -> Vec<u8> {
    let mut octets = Vec::new();
    let header = FrameHeader {
        length: 16_385,
        kind,
        flags: 0,
        stream_id: id,
    };
    header.encode(&mut octets);
    octets
}

connection_errors! {
    /// §4.2: DATA over our MAX_FRAME_SIZE → CE FRAME_SIZE_ERROR, before the payload is there
    oversize_data_is_a_frame_size_error: FRAME_SIZE_ERROR after oversize(Kind::Data, 1);
    /// §4.2: HEADERS over our MAX_FRAME_SIZE → CE FRAME_SIZE_ERROR
    oversize_headers_are_a_frame_size_error: FRAME_SIZE_ERROR after oversize(Kind::Headers, 1);
    /// §4.2: an unknown frame over our MAX_FRAME_SIZE → CE FRAME_SIZE_ERROR
    an_oversize_unknown_frame_is_a_frame_size_error:
        FRAME_SIZE_ERROR after oversize(Kind::Unknown(0x42), 0);
    /// §6.1: padding as long as the payload → CE PROTOCOL_ERROR
    data_padding_beyond_the_payload_is_a_protocol_error:
        PROTOCOL_ERROR after data(1, PADDED, &[3, 0, 0]);
    /// §6.2: padding of HEADERS as long as the payload → CE PROTOCOL_ERROR
    headers_padding_beyond_the_payload_is_a_protocol_error:
        PROTOCOL_ERROR after headers(1, PADDED | END_HEADERS, &[5, 0x88, 0]);
    /// §4.2: PADDED without a pad length → CE FRAME_SIZE_ERROR
    headers_without_their_pad_length_are_a_frame_size_error:
        FRAME_SIZE_ERROR after headers(1, PADDED | END_HEADERS, &[]);
    /// §4.2: PRIORITY flag without the five octets → CE FRAME_SIZE_ERROR
    headers_without_their_priority_are_a_frame_size_error:
        FRAME_SIZE_ERROR after headers(1, PRIORITY | END_HEADERS, &[0; 4]);
    /// §6.1: DATA on stream 0 → CE PROTOCOL_ERROR
    data_on_stream_0_is_a_protocol_error: PROTOCOL_ERROR after data(0, 0, b"x");
    /// §6.2: HEADERS on stream 0 → CE PROTOCOL_ERROR
    headers_on_stream_0_are_a_protocol_error: PROTOCOL_ERROR after headers(0, END_HEADERS, OK);
    /// §6.3: PRIORITY on stream 0 → CE PROTOCOL_ERROR
    priority_on_stream_0_is_a_protocol_error:
        PROTOCOL_ERROR after frame(Kind::Priority, 0, 0, &[0; 5]);
    /// §6.4: RST_STREAM on stream 0 → CE PROTOCOL_ERROR
    rst_stream_on_stream_0_is_a_protocol_error:
        PROTOCOL_ERROR after rst_stream(0, ErrorCode::CANCEL);
    /// §6.10: CONTINUATION on stream 0 → CE PROTOCOL_ERROR
    continuation_on_stream_0_is_a_protocol_error:
        PROTOCOL_ERROR after continuation(0, END_HEADERS, OK);
    /// §6.7: PING on a stream → CE PROTOCOL_ERROR
    ping_on_a_stream_is_a_protocol_error: PROTOCOL_ERROR after frame(Kind::Ping, 0, 1, &[0; 8]);
    /// §6.8: GOAWAY on a stream → CE PROTOCOL_ERROR
    goaway_on_a_stream_is_a_protocol_error: PROTOCOL_ERROR after frame(Kind::GoAway, 0, 1, &[0; 8]);
    /// §6.7: PING that isn't 8 octets → CE FRAME_SIZE_ERROR
    ping_of_seven_octets_is_a_frame_size_error: FRAME_SIZE_ERROR after ping(0, &[0; 7]);
    /// §6.4: RST_STREAM that isn't 4 octets → CE FRAME_SIZE_ERROR
    rst_stream_of_three_octets_is_a_frame_size_error:
        FRAME_SIZE_ERROR after frame(Kind::RstStream, 0, 1, &[0; 3]);
    /// §6.9: WINDOW_UPDATE that isn't 4 octets → CE FRAME_SIZE_ERROR
    window_update_of_five_octets_is_a_frame_size_error:
        FRAME_SIZE_ERROR after frame(Kind::WindowUpdate, 0, 1, &[0; 5]);
    /// §6.8: GOAWAY under 8 octets → CE FRAME_SIZE_ERROR
    goaway_of_seven_octets_is_a_frame_size_error:
        FRAME_SIZE_ERROR after frame(Kind::GoAway, 0, 0, &[0; 7]);
}

stream_errors! {
    /// §6.3: PRIORITY that isn't 5 octets → SE FRAME_SIZE_ERROR
    priority_of_four_octets_is_a_stream_error:
        FRAME_SIZE_ERROR after frame(Kind::Priority, 0, 1, &[0; 4]), tells (Told::Returned(1, ..));
}

tolerated! {
    /// §4.1: an unknown frame → discarded
    unknown_frames_are_discarded: frame(Kind::Unknown(0xbe), 0xff, 77, &[1; 1_000]);
    /// §5.5: ALTSVC, ORIGIN, PRIORITY_UPDATE → discarded
    extension_frames_are_discarded: [
        frame(Kind::Unknown(0x0a), 0, 0, b"x"),
        frame(Kind::Unknown(0x0c), 0, 0, b"x"),
        frame(Kind::Unknown(0x10), 0, 0, b"x"),
    ].concat();
    /// §5.3.2: PRIORITY in any state, idle included → ignored
    priority_is_ignored_in_every_state: [
        frame(Kind::Priority, 0, 1, &[0; 5]),
        frame(Kind::Priority, 0, 99, &[0; 5]),
        frame(Kind::Priority, 0, 2, &[0; 5]),
    ].concat();
    /// §6.3: PRIORITY of a wrong size on an idle stream → ignored, for nothing can be reset
    a_broken_priority_on_an_idle_stream_is_ignored: frame(Kind::Priority, 0, 99, &[0; 4]);
    /// §6.7: PING with ACK that answers none of ours → ignored
    an_unmatched_ping_ack_is_ignored: ping(ACK, b"whatever");
}

/// §4.1: undefined flags and the reserved bit → ignored
#[test]
fn undefined_flags_and_the_reserved_bit_are_ignored() {
    let mut peer = Peer::busy(1);
    let mut octets = headers(1, END_HEADERS | END_STREAM | 0xc2, OK);
    octets[5] |= 0x80;
    peer.says(octets);
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §6.2: padding and the deprecated priority of HEADERS → stripped
#[test]
fn padding_and_priority_of_headers_are_stripped() {
    let mut peer = Peer::busy(1);
    let payload = [&[2][..], &[0; 5], OK, &[9, 9]].concat();
    peer.says(headers(
        1,
        PADDED | PRIORITY | END_HEADERS | END_STREAM,
        &payload,
    ));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §6.7: PING → answered with the same octets, ahead of requests that weren't sent
#[test]
fn ping_is_answered_ahead_of_requests() {
    let mut peer = Peer::ready();
    peer.starts(1);
    peer.says(ping(0, b"8 octets"));
    let heard = peer.hears();
    assert_eq!(heard[0].kind, Kind::Ping);
    assert_eq!(
        (heard[0].flags, &heard[0].payload[..]),
        (ACK, &b"8 octets"[..])
    );
    assert_eq!(heard[1].kind, Kind::Headers);
}

/// §6.7: PING before our preface went out → answered behind it
#[test]
fn ping_is_not_answered_ahead_of_the_preface() {
    let mut peer = Peer::silent();
    peer.says([settings(&[]), ping(0, b"8 octets")].concat());
    assert!(peer.octets().starts_with(b"PRI * HTTP/2.0"));
}
