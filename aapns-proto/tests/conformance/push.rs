//! Server push, which we turn off (RFC 9113 §8.4).

use aapns_proto::frame::{ErrorCode, Kind};

use crate::peer::*;

connection_errors! {
    /// §6.6: PUSH_PROMISE with push disabled → CE PROTOCOL_ERROR
    a_push_promise_is_a_protocol_error:
        PROTOCOL_ERROR after frame(Kind::PushPromise, END_HEADERS, 1, &[0, 0, 0, 2, 0x82]);
    /// §6.6: PUSH_PROMISE with an odd promised id → CE PROTOCOL_ERROR
    a_push_promise_of_an_odd_stream_is_a_protocol_error:
        PROTOCOL_ERROR after frame(Kind::PushPromise, END_HEADERS, 1, &[0, 0, 0, 3, 0x82]);
    /// §6.6: PUSH_PROMISE on a closed or idle stream → CE PROTOCOL_ERROR
    a_push_promise_on_an_idle_stream_is_a_protocol_error:
        PROTOCOL_ERROR after frame(Kind::PushPromise, END_HEADERS, 77, &[0, 0, 0, 2, 0x82]);
}

/// §6.6: PUSH_PROMISE before our SETTINGS were acknowledged → CE PROTOCOL_ERROR (strict)
#[test]
fn a_push_promise_before_our_settings_are_acknowledged_is_a_protocol_error() {
    let mut peer = Peer::silent();
    peer.says(settings(&[]));
    peer.starts(1);
    peer.hears();
    peer.says(frame(
        Kind::PushPromise,
        END_HEADERS,
        1,
        &[0, 0, 0, 2, 0x82],
    ));
    peer.assert_connection_error(ErrorCode::PROTOCOL_ERROR);
}
