//! Field blocks, CONTINUATION, HPACK (RFC 9113 §4.3, §6.10; RFC 7541).

use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{Cause, Delivery};

use crate::peer::*;

/// HEADERS whose block is this, whole.
fn coded(block: &[u8]) -> Vec<u8> {
    headers(1, END_HEADERS | END_STREAM, block)
}

connection_errors! {
    /// §6.10: another frame inside a field block → CE PROTOCOL_ERROR
    a_ping_inside_a_field_block_is_a_protocol_error:
        PROTOCOL_ERROR after [headers(1, 0, OK), ping(0, &[0; 8])].concat();
    /// §6.10: an unknown frame inside a field block → CE PROTOCOL_ERROR
    an_unknown_frame_inside_a_field_block_is_a_protocol_error:
        PROTOCOL_ERROR after [headers(1, 0, OK), frame(Kind::Unknown(0x77), 0, 1, &[])].concat();
    /// §6.10: CONTINUATION of another stream → CE PROTOCOL_ERROR
    continuation_of_another_stream_is_a_protocol_error:
        PROTOCOL_ERROR after [headers(1, 0, OK), continuation(3, END_HEADERS, &[])].concat();
    /// §6.10: a second HEADERS inside a field block → CE PROTOCOL_ERROR
    headers_inside_a_field_block_are_a_protocol_error:
        PROTOCOL_ERROR after [headers(1, 0, OK), headers(1, END_HEADERS, &[])].concat();
    /// §6.10: CONTINUATION without an open block → CE PROTOCOL_ERROR
    continuation_without_a_field_block_is_a_protocol_error:
        PROTOCOL_ERROR after continuation(1, END_HEADERS, OK);
    /// RFC 7541 §6.1: index 0 → CE COMPRESSION_ERROR
    index_0_is_a_compression_error: COMPRESSION_ERROR after coded(&[0x80]);
    /// RFC 7541 §2.3.3: an index beyond the tables → CE COMPRESSION_ERROR
    an_index_beyond_the_tables_is_a_compression_error: COMPRESSION_ERROR after coded(&[0xbe]);
    /// RFC 7541 §5.1: an endless integer → CE COMPRESSION_ERROR
    an_endless_integer_is_a_compression_error:
        COMPRESSION_ERROR after coded(&[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01]);
    /// RFC 7541 §5.2: Huffman padding that isn't all ones → CE COMPRESSION_ERROR
    wrong_huffman_padding_is_a_compression_error:
        COMPRESSION_ERROR after coded(&[0x88, 0x41, 0x81, 0x00]);
    /// RFC 7541 §5.2: EOS in a Huffman-coded string → CE COMPRESSION_ERROR
    eos_in_a_string_is_a_compression_error:
        COMPRESSION_ERROR after coded(&[0x88, 0x41, 0x84, 0xff, 0xff, 0xff, 0xff]);
    /// RFC 7541 §4.2: a table size update after a field → CE COMPRESSION_ERROR
    a_late_table_size_update_is_a_compression_error: COMPRESSION_ERROR after coded(&[0x88, 0x20]);
    /// RFC 7541 §6.3: a table size update over our limit → CE COMPRESSION_ERROR
    a_table_size_update_over_our_limit_is_a_compression_error:
        COMPRESSION_ERROR after coded(&[0x3f, 0xe2, 0x1f, 0x88]);
    /// RFC 9113 §4.3: a block that ends inside a field → CE COMPRESSION_ERROR
    a_truncated_field_is_a_compression_error: COMPRESSION_ERROR after coded(&[0x88, 0x40, 5, b'a']);
    /// DESIGN §5: a field block over 64 KiB → CE ENHANCE_YOUR_CALM
    a_field_block_over_64_kib_is_too_much:
        ENHANCE_YOUR_CALM after {
            let mut octets = headers(1, 0, &[0; 16_384]);
            for _ in 0..4 {
                octets.extend(continuation(1, 0, &[0; 16_384]));
            }
            octets
        };
    /// VU#421644: more than 8 CONTINUATION frames, empty ones too → CE ENHANCE_YOUR_CALM
    a_continuation_flood_is_too_much:
        ENHANCE_YOUR_CALM after {
            let mut octets = headers(1, 0, OK);
            for _ in 0..9 {
                octets.extend(continuation(1, 0, &[]));
            }
            octets
        };
    /// DESIGN §5: an HPACK bomb → CE COMPRESSION_ERROR at 64 KiB decoded
    an_hpack_bomb_is_a_compression_error:
        COMPRESSION_ERROR after {
            // A field of 3 KiB enters the table, and is named by one octet each from then on.
            let mut block = vec![0x88, 0x40, 1, b'a', 0x7f, 0x81, 0x17];
            block.extend([b'x'; 3_072]);
            block.extend([0xbe; 100]);
            coded(&block)
        };
}

/// §4.3: a broken block for a closed stream → CE COMPRESSION_ERROR all the same
#[test]
fn a_broken_block_for_a_closed_stream_is_a_compression_error() {
    let mut peer = Peer::busy(2);
    peer.says(headers(3, END_HEADERS | END_STREAM, OK));
    assert_eq!(peer.tells(), [Told::Answered(2, 200)]);
    peer.says(headers(3, END_HEADERS, &[0x80]));
    peer.assert_connection_error(ErrorCode::COMPRESSION_ERROR);
}

/// §4.3: HEADERS and CONTINUATION → one block, cut anywhere
#[test]
fn a_field_block_may_be_cut_anywhere() {
    let whole = block(&[(":status", "200"), ("apns-id", "x")]);
    for cut in 0..=whole.len() {
        let mut peer = Peer::busy(1);
        peer.says(headers(1, END_STREAM, &whole[..cut]));
        peer.says(continuation(1, 0, &[]));
        peer.says(continuation(1, END_HEADERS, &whole[cut..]));
        assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
    }
}

/// §6.10: END_STREAM on HEADERS with CONTINUATION → takes effect when the block is complete
#[test]
fn the_stream_ends_when_its_field_block_does() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_STREAM, &[]));
    assert_eq!(peer.tells(), []);
    peer.says(continuation(1, END_HEADERS, OK));
    assert_eq!(peer.tells(), [Told::Answered(1, 200)]);
}

/// §20: a field block that isn't completed in 10 s → CE
#[test]
fn a_field_block_that_is_never_completed_is_given_up() {
    let mut peer = Peer::busy(1);
    peer.says(headers(1, END_STREAM, OK));
    peer.waits(Duration::from_secs(2))
        .says(&continuation(1, 0, OK)[..3]);
    peer.waits(Duration::from_secs(8));
    let cause = Cause::Unresponsive("a field block was not completed");
    assert_eq!(
        peer.tells(),
        [
            Told::Returned(1, Delivery::Unknown, cause.clone()),
            Told::Closed(Some(cause)),
        ]
    );
}

/// §4.3: a request's field block over the peer's MAX_FRAME_SIZE → HEADERS and CONTINUATION, nothing between
#[test]
fn a_large_request_goes_out_as_headers_and_continuation() {
    let mut peer = Peer::ready();
    let mut request = request("/", b"{}");
    for n in 0..50 {
        request = request.field(&format!("x-{n}"), [b'v'; 1_000]).unwrap();
    }
    peer.starts_job(aapns_proto::Job::new(request, 1));
    peer.says(ping(0, &[0; 8]));
    let heard = peer.hears();
    let kinds: Vec<Kind> = heard.iter().map(|f| f.kind).collect();
    assert_eq!(kinds[..2], [Kind::Ping, Kind::Headers]);
    let end = kinds.iter().position(|kind| *kind == Kind::Data).unwrap();
    assert!(end > 4, "{kinds:?}");
    assert!(kinds[2..end].iter().all(|kind| *kind == Kind::Continuation));
    for (n, frame) in heard[1..end].iter().enumerate() {
        assert!(frame.payload.len() <= 16_384);
        let is_last = n + 2 == end;
        assert_eq!(frame.flags & END_HEADERS != 0, is_last);
        assert_eq!(frame.flags & END_STREAM, 0);
    }
    peer.assert_answers(1, 1);
}
