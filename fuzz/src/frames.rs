//! Frames, one after the other.

use aapns_proto::frame::{Data, Frame, FrameHeader};

/// Parses the octets as frames. What parses must be the same after encoding it.
pub fn frame(data: &[u8]) {
    let mut rest = data;
    while let Some((octets, after)) = rest.split_first_chunk() {
        let mut header = FrameHeader::parse(octets);
        // A length beyond the input would end most inputs at their first frame.
        header.length %= after.len() as u32 + 1;
        let (payload, after) = after.split_at(header.length as usize);
        rest = after;
        assert_eq!(header.check_size(64).is_ok(), header.length <= 64);
        if let Ok(frame) = Frame::parse(header, payload) {
            check(&frame, header);
        }
    }
}

fn check(frame: &Frame<'_>, header: FrameHeader) {
    let mut encoded = Vec::new();
    frame.encode(&mut encoded);
    let Some((octets, payload)) = encoded.split_first_chunk() else {
        assert!(encoded.is_empty() && matches!(frame, Frame::Unknown(_)));
        return;
    };
    let again = FrameHeader::parse(octets);
    assert_eq!(again.kind, header.kind);
    assert_eq!(again.length as usize, payload.len());
    assert!(again.length <= header.length);
    match (frame, Frame::parse(again, payload)) {
        (Frame::Data(before), Ok(Frame::Data(after))) => {
            // Padding isn't sent again.
            let flow_length = before.flow_length;
            assert_eq!(
                *before,
                Data {
                    flow_length,
                    ..after
                }
            );
        }
        (before, after) => assert_eq!(after, Ok(*before)),
    }
}
