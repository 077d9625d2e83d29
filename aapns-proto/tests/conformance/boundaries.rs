//! Limits, exactly at their bound and one past it.

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::limits::{HELD_RESPONSES, OUTPUT_ROOM};
use aapns_proto::{ConnectionConfig, Delivery, Job, RejectReason};

use crate::peer::*;

/// The greatest window (RFC 9113 §6.9.1).
const MAX: u32 = 0x7fff_ffff;

tolerated! {
    /// §4.2: a frame of exactly our MAX_FRAME_SIZE → taken
    a_frame_of_exactly_our_max_frame_size_is_taken: frame(Kind::Unknown(0x42), 0, 0, &[0; 16_384]);
    /// §6.5.2: the greatest and the least values that SETTINGS may have → taken
    settings_at_their_bounds_are_taken:
        settings(&[(2, 0), (4, MAX), (5, 16_384), (5, 0xff_ffff), (6, 0), (1, u32::MAX), (3, u32::MAX)]);
    /// §6.9.1: the connection's window of exactly 2^31 − 1 → taken
    a_connection_window_of_the_maximum_is_taken: window_update(0, MAX - 65_535 + 2);
    /// §6.9: the reserved bit of WINDOW_UPDATE → ignored
    the_reserved_bit_of_an_increment_is_ignored: window_update(0, 0x8000_0001);
    /// §6.9.2: INITIAL_WINDOW_SIZE moves a stream's window to exactly 2^31 − 1 → taken
    an_initial_window_that_just_fits_a_stream_is_taken:
        [window_update(1, 2), settings(&[(4, MAX)])].concat();
}

connection_errors! {
    /// §6.9.1: the connection's window of exactly 2^31 → CE FLOW_CONTROL_ERROR
    a_connection_window_one_over_the_maximum_is_a_flow_control_error:
        FLOW_CONTROL_ERROR after window_update(0, MAX - 65_535 + 3);
    /// §6.9.2: INITIAL_WINDOW_SIZE moves a stream's window to exactly 2^31 → CE FLOW_CONTROL_ERROR
    an_initial_window_one_over_for_a_stream_is_a_flow_control_error:
        FLOW_CONTROL_ERROR after [window_update(1, 3), settings(&[(4, MAX)])].concat();
    /// DESIGN §5: one octet more than 64 KiB of coded field block → CE ENHANCE_YOUR_CALM
    a_coded_field_block_one_octet_over_64_kib_is_too_much:
        ENHANCE_YOUR_CALM after [&in_pieces(&long_codes())[..], &continuation(1, END_HEADERS, &[0x88])].concat();
    /// DESIGN §5: one octet more than 64 KiB of decoded fields → CE COMPRESSION_ERROR
    decoded_fields_one_octet_over_64_kib_are_a_compression_error:
        COMPRESSION_ERROR after [in_pieces(&decoded_to(65_537)), continuation(1, END_HEADERS, &[])].concat();
}

stream_errors! {
    /// §6.9.1: a stream's window of exactly 2^31 → SE FLOW_CONTROL_ERROR
    a_stream_window_one_over_the_maximum_is_a_stream_error:
        FLOW_CONTROL_ERROR after [window_update(1, MAX - 65_535 + 2), window_update(1, 1)].concat(),
        tells (Told::Returned(1, Delivery::Unknown, _));
    /// §8.1.1: trailers though `content-length` promises more → SE PROTOCOL_ERROR, answered by the head
    trailers_before_the_end_of_the_body_are_malformed:
        PROTOCOL_ERROR after [
            response(&[(":status", "400"), ("content-length", "5")]),
            data(1, 0, b"four"),
            headers(1, END_HEADERS | END_STREAM, &block(&[("a", "b")])),
        ].concat(),
        tells (Told::Cut(1, 400));
}

/// A block on stream 1 that isn't complete, in frames of the largest size.
fn in_pieces(block: &[u8]) -> Vec<u8> {
    let mut pieces = block.chunks(16_384);
    let first = headers(1, END_STREAM, pieces.next().unwrap_or_default());
    let rest = pieces.flat_map(|piece| continuation(1, 0, piece));
    first.into_iter().chain(rest).collect()
}

/// 200 and a field whose value is Huffman-coded to more than it is: 64 KiB coded, 23 KiB decoded.
fn long_codes() -> Vec<u8> {
    // Codes of 23 bits, eight of them in 23 octets; then 38 of five bits and two of padding.
    let text = [vec![0x01; 2_848 * 8], vec![b'a'; 38]].concat();
    let mut coded = Vec::new();
    httlib_huffman::encode(&text, &mut coded).unwrap();
    assert_eq!(coded.len(), 65_528);
    let length = coded.len() - 127;
    let mut block = vec![0x88, 0x00, 1, b'x', 0xff];
    block.extend([
        length as u8 | 0x80,
        (length >> 7) as u8 | 0x80,
        (length >> 14) as u8,
    ]);
    block.extend(coded);
    assert_eq!(block.len(), 65_536);
    block
}

/// 200 and a field, as large as this once decoded: 42 octets for `:status`, 33 and the value for `a`.
fn decoded_to(size: usize) -> Vec<u8> {
    let value = size - 42 - 33;
    let length = value - 127;
    let mut block = vec![0x88, 0x00, 1, b'a', 0x7f];
    block.extend([
        length as u8 | 0x80,
        (length >> 7) as u8 | 0x80,
        (length >> 14) as u8,
    ]);
    block.extend(vec![b'v'; value]);
    block
}

/// DESIGN §5: a field block of exactly 64 KiB, coded or decoded → taken
#[test]
fn a_field_block_of_exactly_64_kib_is_taken() {
    for block in [long_codes(), decoded_to(65_536)] {
        let mut peer = Peer::busy(1);
        peer.says(in_pieces(&block));
        assert_eq!(peer.tells(), []);
        peer.says(continuation(1, END_HEADERS, &[]));
        assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
    }
}

/// VU#421644: exactly 8 CONTINUATION frames → taken
#[test]
fn eight_continuation_frames_are_taken() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_STREAM, OK));
    for _ in 0..7 {
        peer.says(continuation(1, 0, &[]));
    }
    peer.says(continuation(1, END_HEADERS, &[]));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §6.9.1: a stream's window of exactly 2^31 − 1 → taken
#[test]
fn a_stream_window_of_the_maximum_is_taken() {
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, 0)]);
    peer.starts(1);
    peer.hears();
    peer.says(window_update(1, MAX));
    assert_eq!(peer.tells(), []);
    peer.hears();
    peer.assert_answers(1, 1);
}

/// §6.5.2: MAX_HEADER_LIST_SIZE of exactly the request's → it goes; one less → too large
#[test]
fn a_request_of_exactly_the_peers_field_list_size_goes() {
    // `:method` POST, `:scheme` https, `:path` /3/device/00: name, value and 32 each.
    let size = (7 + 4 + 32) + (7 + 5 + 32) + (5 + 12 + 32);
    let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(6, size - 1)]);
    assert_eq!(peer.refused(1), RejectReason::TooLarge);
    peer.says(settings(&[(6, size)]));
    peer.starts(1);
}

/// The frames of a request with this much of a field, to its end.
fn frames_with_field(octets: usize) -> Vec<Seen> {
    let mut peer = Peer::ready();
    let request = request("/", b"").field("x", vec![b'v'; octets]).unwrap();
    peer.starts_job(Job::new(request, 1));
    peer.hears()
}

/// §4.2: a request's field block of exactly MAX_FRAME_SIZE → one HEADERS; one octet more → CONTINUATION
#[test]
fn a_request_block_of_exactly_the_frame_size_needs_no_continuation() {
    let others = frames_with_field(16_000)[0].payload.len() - 16_000;
    let [whole] = &frames_with_field(16_384 - others)[..] else {
        panic!("more than one frame");
    };
    assert_eq!(whole.payload.len(), 16_384);
    assert_eq!(whole.flags, END_HEADERS | END_STREAM);
    let [first, rest] = &frames_with_field(16_385 - others)[..] else {
        panic!("not two frames");
    };
    assert_eq!((first.kind, first.flags), (Kind::Headers, END_STREAM));
    assert_eq!((rest.kind, rest.flags), (Kind::Continuation, END_HEADERS));
    assert_eq!((first.payload.len(), rest.payload.len()), (16_384, 1));
}

/// Whether a second body goes at once when this much room is left in the output for it.
fn goes_with_room(room: usize) -> bool {
    let wide = || {
        let mut peer = Peer::ready_with(&ConnectionConfig::default(), &[(4, MAX)]);
        peer.says(window_update(0, MAX - 65_535));
        peer
    };
    let mut twin = wide();
    let mut sizes = [0; 2];
    for size in &mut sizes {
        twin.starts_job(job(9, b""));
        *size = twin.octets().len();
    }
    let frames = OUTPUT_ROOM - room - sizes[0] - sizes[1];
    let body = frames - 9 * frames.div_ceil(16_384 + 9);
    let mut peer = wide();
    peer.starts_job(job(1, &vec![b'x'; body]));
    peer.starts_job(job(2, b"body"));
    let lent = peer.connection.transmit().to_vec();
    let heard = frames_of(&lent);
    let is_second = |frame: &&Seen| frame.kind == Kind::Data && frame.id == 3;
    let second = heard.iter().find(is_second);
    let octets = second.map_or(0, |frame| 9 + frame.payload.len());
    assert_eq!(lent.len(), OUTPUT_ROOM - room + octets);
    second.is_some()
}

/// DESIGN §2: room in the output → no DATA is begun below 1,024 octets of it
#[test]
fn no_data_is_begun_below_the_least_room() {
    assert!(goes_with_room(1_025));
    assert!(goes_with_room(1_024));
    assert!(!goes_with_room(1_023));
}

/// DESIGN §4: the connection's window is spent → credit if no stream is open, none if one is
#[test]
fn a_spent_window_blocks_only_while_a_stream_is_open() {
    let mut peer = Peer::ready();
    assert_eq!(peer.connection.credit().octets, 65_535);
    peer.starts_job(job(1, &[b'x'; 65_535]));
    peer.hears();
    assert_eq!(peer.connection.credit().octets, 0);
    assert_eq!(peer.connection.credit().streams, 0);
    peer.assert_answers(1, 1);
    assert!(peer.connection.credit().streams > 0);
    peer.starts_job(job(2, b""));
    assert_eq!(peer.connection.credit().streams, 0);
    peer.says(window_update(0, 1));
    assert!(peer.connection.credit().streams > 0);
}

/// 64 KiB of body for stream `id`.
fn says_64_kib(peer: &mut Peer, id: u32) {
    peer.says(headers(id, END_HEADERS, OK));
    for _ in 0..4 {
        peer.says(data(id, 0, &[0; 16_384]));
        peer.hears();
    }
}

/// FACTS §25: bodies of exactly 4 MiB → kept; one octet more → cut, until an answer is taken
#[test]
fn four_mebibytes_of_bodies_are_kept_and_no_octet_more() {
    let mut peer = Peer::busy(67);
    for n in 0..64 {
        says_64_kib(&mut peer, 2 * n + 1);
    }
    assert_eq!(peer.tells(), [], "{HELD_RESPONSES} octets");
    peer.says(data(1, END_STREAM, b""));
    // Complete, but not taken yet.
    peer.says([headers(129, END_HEADERS, OK), data(129, 0, b"x")].concat());
    let told: Vec<Told> = peer.tells();
    assert_eq!(told, [Told::Answered(1, 200), Told::Cut(65, 200)]);
    says_64_kib(&mut peer, 131);
    peer.says(data(131, 0, b""));
    assert_eq!(peer.tells(), []);
    peer.says([headers(133, END_HEADERS, OK), data(133, 0, b"x")].concat());
    assert_eq!(peer.tells(), [Told::Cut(67, 200)]);
}

/// The least room within the 4 MiB in which an answer with these fields is whole.
fn least_room_for(fields: &[(&str, &str)]) -> usize {
    let fields = block(fields);
    let is_whole = |room: &usize| {
        let mut peer = Peer::busy(65);
        for n in 0..63 {
            says_64_kib(&mut peer, 2 * n + 1);
        }
        peer.says(headers(127, END_HEADERS, OK));
        for piece in vec![0; 65_536 - room].chunks(16_384) {
            peer.says(data(127, 0, piece));
            peer.hears();
        }
        peer.says(headers(129, END_HEADERS | END_STREAM, &fields));
        peer.tells() == [Told::Answered(65, 400)]
    };
    (1..100).find(is_whole).unwrap()
}

/// FACTS §25: fields that would exceed the 4 MiB → left out, and the answer is marked as cut
#[test]
fn fields_count_among_what_is_held() {
    let one = least_room_for(&[(":status", "400"), ("x-y", "0123456789")]);
    let two = least_room_for(&[
        (":status", "400"),
        ("x-y", "0123456789"),
        ("x-y", "0123456789"),
    ]);
    // Name and value, and what says where they end; not an octet besides.
    assert!((13..=24).contains(&one), "{one}");
    assert_eq!(two, 2 * one);
}

/// §6.5.2: HEADER_TABLE_SIZE of 0 → the next block says so and uses no table
#[test]
fn a_table_size_of_zero_is_signalled_by_the_next_block() {
    let mut peer = Peer::busy(1);
    peer.says(settings(&[(1, 0)]));
    peer.starts(2);
    let heard = peer.hears();
    assert_eq!(heard[1].payload[0], 0x20);
    peer.starts(3);
    assert_ne!(peer.hears()[0].payload[0], 0x20);
}

/// §5.1: the next id after those used → idle; those before it → closed
#[test]
fn the_id_after_the_last_one_used_is_idle() {
    let mut peer = Peer::busy(2);
    peer.says(headers(3, END_HEADERS | END_STREAM, OK));
    peer.says(rst_stream(3, ErrorCode::CANCEL));
    assert_eq!(peer.tells(), [Told::Answered(2, 200)]);
    peer.says(rst_stream(5, ErrorCode::CANCEL));
    peer.assert_connection_error(ErrorCode::PROTOCOL_ERROR);
}

/// §8.1: the response ends, by DATA or trailers, before the request does → CANCEL, the response counts
#[test]
fn a_request_is_cancelled_however_its_response_ends() {
    for end in [
        data(1, END_STREAM, b"x"),
        headers(1, END_HEADERS | END_STREAM, &block(&[("a", "b")])),
    ] {
        let mut peer = Peer::ready();
        peer.starts_job(job(1, &[b'x'; 100_000]));
        peer.hears();
        peer.says([headers(1, END_HEADERS, OK), end].concat());
        assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
        let heard = peer.hears();
        assert_eq!(heard.len(), 1);
        assert_eq!(heard[0].payload, ErrorCode::CANCEL.0.to_be_bytes());
    }
}
