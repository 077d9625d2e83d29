//! What each frame shows by itself, exactly at its bound.

use super::*;

/// Code and scope of what is wrong with a frame of this kind, flags, stream and payload.
fn wrong(kind: u8, flags: u8, id: u8, payload: &[u8]) -> Option<(ErrorCode, Scope)> {
    let length = payload.len() as u8;
    let octets = [&[0, 0, length, kind, flags, 0, 0, 0, id][..], payload].concat();
    let error = parsed(&octets).err();
    error.map(|error| (error.code, error.scope))
}

#[test]
fn padding_fits_exactly_or_not_at_all() {
    let protocol = Some((ErrorCode::PROTOCOL_ERROR, Scope::Connection));
    let size = Some((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));
    const PADDED: u8 = 0x8;
    for kind in [0, 1] {
        assert_eq!(wrong(kind, PADDED, 1, &[]), size);
        assert_eq!(wrong(kind, PADDED, 1, &[0]), None);
        assert_eq!(wrong(kind, PADDED, 1, &[1]), protocol);
        assert_eq!(wrong(kind, PADDED, 1, &[2, 0, 0]), None);
        assert_eq!(wrong(kind, PADDED, 1, &[3, 0, 0]), protocol);
        assert_eq!(wrong(kind, 0, 1, &[3, 0, 0]), None, "no padding at all");
    }
    let priority = PADDED | 0x20;
    assert_eq!(wrong(1, 0x20, 1, &[0; 4]), size);
    assert_eq!(wrong(1, 0x20, 1, &[0; 5]), None);
    assert_eq!(wrong(1, priority, 1, &[0; 5]), size);
    assert_eq!(wrong(1, priority, 1, &[0; 6]), None);
    assert_eq!(wrong(1, priority, 1, &[1, 0, 0, 0, 0, 0]), protocol);
    assert_eq!(wrong(1, priority, 1, &[1, 0, 0, 0, 0, 0, 0]), None);
    // PUSH_PROMISE: padding, then four octets of the promised stream.
    assert_eq!(wrong(5, PADDED, 1, &[1, 0, 0, 0, 2, 0]), None);
    assert_eq!(wrong(5, PADDED, 1, &[1, 0, 0, 0, 2]), size);
    assert_eq!(wrong(5, PADDED, 1, &[6, 0, 0, 0, 2, 0]), protocol);
}

#[test]
fn lengths_streams_and_values_of_each_kind() {
    let protocol = Some((ErrorCode::PROTOCOL_ERROR, Scope::Connection));
    let size = Some((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));
    let of_stream = |code| Some((code, Scope::Stream));
    for kind in [0, 1, 2, 3, 5, 9] {
        assert_eq!(
            wrong(kind, 0, 0, &[0, 0, 0, 2]),
            protocol,
            "stream 0: {kind}"
        );
    }
    for (kind, payload) in [(4, &[0; 6][..]), (6, &[0; 8]), (7, &[0; 8])] {
        assert_eq!(wrong(kind, 0, 0, payload), None);
        assert_eq!(wrong(kind, 0, 1, payload), protocol, "a stream: {kind}");
    }
    for (kind, id, right) in [(3, 1, 4), (6, 0, 8)] {
        assert_eq!(wrong(kind, 0, id, &[1; 12][..right - 1]), size);
        assert_eq!(wrong(kind, 0, id, &[1; 12][..right]), None);
        assert_eq!(wrong(kind, 0, id, &[1; 12][..right + 1]), size);
    }
    for id in [0, 1] {
        assert_eq!(wrong(8, 0, id, &[1; 3]), size);
        assert_eq!(wrong(8, 0, id, &[1; 4]), None);
        assert_eq!(wrong(8, 0, id, &[1; 5]), size);
    }
    assert_eq!(wrong(8, 0, 0, &[0x80, 0, 0, 0]), protocol);
    assert_eq!(
        wrong(8, 0, 1, &[0x80, 0, 0, 0]),
        of_stream(ErrorCode::PROTOCOL_ERROR)
    );
    for length in [4, 6] {
        let error = of_stream(ErrorCode::FRAME_SIZE_ERROR);
        assert_eq!(wrong(2, 0, 1, &[0; 6][..length]), error);
    }
    assert_eq!(wrong(7, 0, 0, &[0; 7]), size);
    assert_eq!(wrong(7, 0, 0, &[0; 9]), None);
    assert_eq!(wrong(5, 0, 1, &[0; 3]), size);
    for promised in [[0, 0, 0, 0], [0x80, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 3]] {
        assert_eq!(wrong(5, 0, 1, &promised), protocol);
    }
    assert_eq!(wrong(5, 0, 1, &[0, 0, 0, 2]), None);
}

#[test]
fn settings_of_each_length_and_value() {
    let protocol = Some((ErrorCode::PROTOCOL_ERROR, Scope::Connection));
    let size = Some((ErrorCode::FRAME_SIZE_ERROR, Scope::Connection));
    let flow = Some((ErrorCode::FLOW_CONTROL_ERROR, Scope::Connection));
    for (length, expected) in [(0, None), (5, size), (6, None), (7, size), (12, None)] {
        assert_eq!(wrong(4, 0, 0, &[0; 12][..length]), expected, "{length}");
    }
    assert_eq!(wrong(4, 1, 0, &[]), None);
    assert_eq!(wrong(4, 1, 0, &[0; 6]), size);
    let value = |id: u8, value: u32| {
        let payload = [&[0, id][..], &value.to_be_bytes()].concat();
        wrong(4, 0, 0, &payload)
    };
    assert_eq!(value(2, 0), None);
    for enabled in [1, 2, u32::MAX] {
        assert_eq!(value(2, enabled), protocol);
    }
    assert_eq!(value(4, 0x7fff_ffff), None);
    assert_eq!(value(4, 0x8000_0000), flow);
    assert_eq!(value(5, 0x3fff), protocol);
    assert_eq!(value(5, 0x4000), None);
    assert_eq!(value(5, 0xff_ffff), None);
    assert_eq!(value(5, 0x100_0000), protocol);
    for id in [0, 1, 3, 6, 7, 255] {
        assert_eq!(value(id, u32::MAX), None);
    }
    let right_then_wrong = [&[0, 4, 0, 0, 0, 0][..], &[0, 2, 0, 0, 0, 1]].concat();
    assert_eq!(
        wrong(4, 0, 0, &right_then_wrong),
        protocol,
        "all are checked"
    );
}

#[test]
fn settings_know_their_number() {
    let header = |length| FrameHeader::of(Kind::Settings, 0, CONNECTION, length);
    let none = Settings::parse(header(0), &[]).unwrap();
    assert_eq!((none.is_empty(), none.len()), (true, 0));
    let two = Settings::parse(header(12), &[0; 12]).unwrap();
    assert_eq!((two.is_empty(), two.len()), (false, 2));
    let mut out = Vec::new();
    two.encode(&mut out);
    assert_eq!(out, [&[0, 0, 12, 4, 0, 0, 0, 0, 0][..], &[0; 12]].concat());
    let ack = Settings::parse(FrameHeader::of(Kind::Settings, 1, 0, 0), &[]).unwrap();
    out.clear();
    ack.encode(&mut out);
    assert_eq!(out, [0, 0, 0, 4, 1, 0, 0, 0, 0]);
}

#[test]
fn codes_have_the_names_of_section_7() {
    let name = |code: u32| ErrorCode(code).to_string();
    assert_eq!(name(0), "NO_ERROR");
    assert_eq!(name(0xb), "ENHANCE_YOUR_CALM");
    assert_eq!(name(0xd), "HTTP_1_1_REQUIRED");
    assert_eq!(name(0xe), "0xe");
    assert_eq!(format!("{:?}", ErrorCode(0x9)), "COMPRESSION_ERROR");
}

#[test]
fn the_exclusive_bit_is_the_highest_and_no_other() {
    for (octets, exclusive) in [([0x7f, 0xff, 0xff, 0xff], false), ([0x80, 0, 0, 0], true)] {
        let header = FrameHeader::of(Kind::Priority, 0, 1, 5);
        let payload = [&octets[..], &[7]].concat();
        let priority = Priority::parse(header, &payload).unwrap();
        assert_eq!(priority.exclusive, exclusive);
        assert_eq!(priority.dependency, if exclusive { 0 } else { MAX_31 });
    }
}
