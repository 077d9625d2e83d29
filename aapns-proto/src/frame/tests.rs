use proptest::prelude::*;

use super::*;

mod rules;

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

/// Parses one frame whose octets are all there.
fn parsed(octets: &[u8]) -> Result<Frame<'_>, FrameError> {
    let (header, payload) = octets.split_first_chunk().unwrap();
    let header = FrameHeader::parse(header);
    assert_eq!(header.length as usize, payload.len());
    Frame::parse(header, payload)
}

/// Frames with every bit that matters, and the octets of RFC 9113 §6.
fn examples_with_flags() -> Vec<(Frame<'static>, Vec<u8>)> {
    let octets = |head: &[u8], payload: &[u8]| [head, payload].concat();
    let mut examples = Vec::new();
    for end in [false, true] {
        let bit = u8::from(end);
        let data = Data {
            stream_id: 0x1234_5679,
            data: b"abc",
            flow_length: 3,
            end_stream: end,
        };
        let head = [0, 0, 3, 0, bit, 0x12, 0x34, 0x56, 0x79];
        examples.push((Frame::Data(data), octets(&head, b"abc")));
        for end_headers in [false, true] {
            let headers = Headers {
                stream_id: 7,
                fragment: b"xy",
                end_stream: end,
                end_headers,
            };
            let bits = bit | u8::from(end_headers) << 2;
            let head = [0, 0, 2, 1, bits, 0, 0, 0, 7];
            examples.push((Frame::Headers(headers), octets(&head, b"xy")));
        }
        let continuation = Continuation {
            stream_id: 7,
            fragment: b"z",
            end_headers: end,
        };
        let head = [0, 0, 1, 9, bit << 2, 0, 0, 0, 7];
        examples.push((Frame::Continuation(continuation), octets(&head, b"z")));
        let promise = PushPromise {
            stream_id: 7,
            promised_id: 0x7fff_fffe,
            fragment: b"p",
            end_headers: end,
        };
        let head = [0, 0, 5, 5, bit << 2, 0, 0, 0, 7];
        let payload = [0x7f, 0xff, 0xff, 0xfe, b'p'];
        examples.push((Frame::PushPromise(promise), octets(&head, &payload)));
        let ping = Ping {
            ack: end,
            opaque: *b"12345678",
        };
        let head = [0, 0, 8, 6, bit, 0, 0, 0, 0];
        examples.push((Frame::Ping(ping), octets(&head, b"12345678")));
        let priority = Priority {
            stream_id: 7,
            dependency: 0x0102_0304,
            exclusive: end,
            weight: 200,
        };
        let head = [0, 0, 5, 2, 0, 0, 0, 0, 7];
        let payload = [bit << 7 | 1, 2, 3, 4, 200];
        examples.push((Frame::Priority(priority), octets(&head, &payload)));
    }
    examples
}

fn examples() -> Vec<(Frame<'static>, Vec<u8>)> {
    let octets = |head: &[u8], payload: &[u8]| [head, payload].concat();
    let mut examples = examples_with_flags();
    let reset = RstStream {
        stream_id: 7,
        code: ErrorCode(0x0102_0308),
    };
    let head = [0, 0, 4, 3, 0, 0, 0, 0, 7];
    examples.push((Frame::RstStream(reset), octets(&head, &[1, 2, 3, 8])));
    let goaway = GoAway {
        last_stream_id: 0x7fff_ffff,
        code: ErrorCode(0xb),
        debug: b"why",
    };
    let head = [0, 0, 11, 7, 0, 0, 0, 0, 0];
    let payload = b"\x7f\xff\xff\xff\0\0\0\x0bwhy";
    examples.push((Frame::GoAway(goaway), octets(&head, payload)));
    for stream_id in [0, 9] {
        let update = WindowUpdate {
            stream_id,
            increment: 0x7fff_fffe,
        };
        let head = [0, 0, 4, 8, 0, 0, 0, 0, stream_id as u8];
        let payload = [0x7f, 0xff, 0xff, 0xfe];
        examples.push((Frame::WindowUpdate(update), octets(&head, &payload)));
    }
    examples
}

#[test]
fn frames_are_the_octets_of_rfc_9113_section_6() {
    for (frame, octets) in examples() {
        assert_eq!(encoded(&frame), octets, "{frame:?}");
        assert_eq!(parsed(&octets), Ok(frame));
    }
}

#[test]
fn reserved_bits_are_ignored_and_never_sent() {
    let dropped = |octets: &[u8]| encoded(&parsed(octets).unwrap());
    for (kind, payload) in [
        (7, &[0x80, 0, 0, 5, 0, 0, 0, 0][..]),
        (8, &[0x80, 0, 0, 5]),
        (5, &[0x80, 0, 0, 4]),
    ] {
        let id = if kind == 7 { 0 } else { 1 };
        let length = payload.len() as u8;
        let octets = [&[0, 0, length, kind, 0, 0x80, 0, 0, id][..], payload].concat();
        let sent = dropped(&octets);
        assert_eq!((sent[5], sent[9]), (0, 0));
        assert_eq!(sent[10..], octets[10..]);
    }
    let goaway = GoAway {
        last_stream_id: u32::MAX,
        code: ErrorCode::NO_ERROR,
        debug: b"",
    };
    let update = WindowUpdate {
        stream_id: 0,
        increment: u32::MAX,
    };
    for frame in [Frame::GoAway(goaway), Frame::WindowUpdate(update)] {
        assert_eq!(encoded(&frame)[9..13], [0x7f, 0xff, 0xff, 0xff]);
    }
}

#[test]
fn debug_shows_what_is_not_secret() {
    for (frame, octets) in examples() {
        let shown = format!("{frame:?}");
        let fields = match octets[3] {
            0 => "flow_length: 3",
            1 => "stream_id: 7, fragment: 2 octets",
            5 => "promised_id: 2147483646, fragment: 1 octets",
            7 => "ENHANCE_YOUR_CALM, debug: 3 octets",
            9 => "stream_id: 7, fragment: 1 octets",
            _ => continue,
        };
        assert!(shown.contains(fields), "{shown}");
    }
}

fn encoded(frame: &Frame<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    frame.encode(&mut out);
    out
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
        let out = encoded(&frame);
        let Some((octets, rest)) = out.split_first_chunk() else {
            prop_assert!(out.is_empty() && matches!(frame, Frame::Unknown(_)));
            return Ok(());
        };
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
