use proptest::prelude::*;

use super::*;

#[test]
fn a_header_comes_back_without_its_reserved_bit() {
    let octets = [0x00, 0x40, 0x01, 0x09, 0xff, 0xff, 0xff, 0xff, 0xfd];
    let header = FrameHeader::parse(&octets);
    let expected = FrameHeader {
        length: 16_385,
        kind: Kind::Continuation,
        flags: 0xff,
        stream_id: 0x7fff_fffd,
    };
    assert_eq!(header, expected);
    let mut out = Vec::new();
    header.encode(&mut out);
    assert_eq!(out, [0x00, 0x40, 0x01, 0x09, 0xff, 0x7f, 0xff, 0xff, 0xfd]);
}

#[test]
fn every_kind_has_its_octet() {
    for octet in 0..=255 {
        let kind = Kind::from_octet(octet);
        assert_eq!(kind.octet(), octet);
        assert_eq!(matches!(kind, Kind::Unknown(_)), octet > 9);
    }
}

#[test]
fn a_frame_over_the_frame_size_is_a_connection_error_known_from_its_header() {
    for (length, is_right) in [(16_384, true), (16_385, false), (0xff_ffff, false)] {
        for kind in [Kind::Data, Kind::Headers, Kind::Unknown(0xaa)] {
            let header = FrameHeader {
                length,
                kind,
                flags: 0,
                stream_id: 1,
            };
            let result = header.check_size(16_384);
            assert_eq!(result.is_ok(), is_right);
            if let Err(error) = result {
                assert_eq!(
                    (error.code, error.scope),
                    (ErrorCode::FRAME_SIZE_ERROR, Scope::Connection)
                );
            }
        }
    }
}

#[test]
fn flow_control_counts_the_padding_of_data() {
    let payload = [3, b'a', b'b', 0, 0, 0];
    let header = FrameHeader {
        length: 6,
        kind: Kind::Data,
        flags: flags::PADDED,
        stream_id: 1,
    };
    let data = Data::parse(header, &payload).unwrap();
    assert_eq!((data.data, data.flow_length), (&b"ab"[..], 6));
    assert!(!data.end_stream);
}

#[test]
fn settings_are_encoded_as_they_are_parsed() {
    let entries = [
        (setting::ENABLE_PUSH, 0),
        (setting::INITIAL_WINDOW_SIZE, 65_535),
    ];
    let mut out = Vec::new();
    Settings::encode_entries(&entries, &mut out);
    let (header, payload) = out.split_first_chunk().unwrap();
    let settings = Settings::parse(FrameHeader::parse(header), payload).unwrap();
    assert!(!settings.ack && settings.len() == 2 && !settings.is_empty());
    assert_eq!(settings.iter().collect::<Vec<_>>(), entries);

    let mut ack = Vec::new();
    Settings::encode_ack(&mut ack);
    assert_eq!(ack, [0, 0, 0, 4, 1, 0, 0, 0, 0]);
}

#[test]
fn debug_shows_no_octets_of_payloads() {
    for kind in [Kind::Data, Kind::Headers, Kind::Continuation] {
        let header = FrameHeader {
            length: 4,
            kind,
            flags: 0,
            stream_id: 1,
        };
        let shown = format!("{:?}", Frame::parse(header, b"zzzz").unwrap());
        assert!(
            shown.contains("4 octets") && !shown.contains("122"),
            "{shown}"
        );
    }
    let header = FrameHeader {
        length: 12,
        kind: Kind::GoAway,
        flags: 0,
        stream_id: 0,
    };
    let shown = format!(
        "{:?}",
        Frame::parse(header, b"\0\0\0\x01\0\0\0\0zzzz").unwrap()
    );
    assert!(
        shown.contains("4 octets") && !shown.contains("122"),
        "{shown}"
    );
}

#[test]
fn an_error_says_its_code_and_rule() {
    let header = FrameHeader {
        length: 0,
        kind: Kind::Data,
        flags: 0,
        stream_id: 0,
    };
    let error = Frame::parse(header, &[]).unwrap_err();
    assert_eq!(error.to_string(), "PROTOCOL_ERROR: DATA on stream 0 (§6.1)");
}

/// Encodes a frame of whatever kind; the unknown ones have nothing to encode.
fn encode(frame: &Frame<'_>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match frame {
        Frame::Data(frame) => frame.encode(&mut out),
        Frame::Headers(frame) => frame.encode(&mut out),
        Frame::Priority(frame) => frame.encode(&mut out),
        Frame::RstStream(frame) => frame.encode(&mut out),
        Frame::Settings(frame) => frame.encode(&mut out),
        Frame::PushPromise(frame) => frame.encode(&mut out),
        Frame::Ping(frame) => frame.encode(&mut out),
        Frame::GoAway(frame) => frame.encode(&mut out),
        Frame::WindowUpdate(frame) => frame.encode(&mut out),
        Frame::Continuation(frame) => frame.encode(&mut out),
        Frame::Unknown(_) => return None,
    }
    Some(out)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn what_parses_is_the_same_after_encoding_it(
        kind in 0..12_u8,
        flags: u8,
        stream_id in prop_oneof![Just(0), 0..=MAX_31],
        payload in prop::collection::vec(prop_oneof![Just(0), Just(2), any::<u8>()], 0..24),
    ) {
        let header = FrameHeader::of(Kind::from_octet(kind), flags, stream_id, payload.len());
        let Ok(frame) = Frame::parse(header, &payload) else { return Ok(()) };
        let Some(out) = encode(&frame) else { return Ok(()) };
        let (octets, rest) = out.split_first_chunk().unwrap();
        let again = Frame::parse(FrameHeader::parse(octets), rest);
        match (frame, again) {
            // Padding counts for flow control, and isn't sent again.
            (Frame::Data(before), Ok(Frame::Data(after))) => {
                prop_assert_eq!(before.data, after.data);
                prop_assert_eq!(before.end_stream, after.end_stream);
                prop_assert!(before.flow_length >= after.flow_length);
            }
            (before, after) => prop_assert_eq!(after, Ok(before)),
        }
    }
}
