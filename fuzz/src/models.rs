//! JSON in, out and in again.

use aapns_models::ndjson::{Defaults, InputLine};
use aapns_models::{ErrorBody, Notification};
use serde_json::Value;

/// Reads the octets as whatever the models can read.
pub fn models(data: &[u8]) {
    if let Ok(notification) = serde_json::from_slice::<Notification>(data) {
        check(&notification);
    }
    let defaults = Defaults::default();
    if let Ok(line) = InputLine::parse(data, 1, &defaults) {
        let payload: Value = serde_json::from_slice(line.payload).expect("a payload is JSON");
        assert!(payload.is_object());
    }
    let _ = ErrorBody::parse(data);
}

/// What can be written can be read again, and is the same when written again.
fn check(notification: &Notification) {
    let encoded = notification.encode();
    let Ok(json) = serde_json::to_vec(notification) else {
        assert!(encoded.is_err(), "what can be sent can be written");
        return;
    };
    let again: Notification = serde_json::from_slice(&json).expect("what was written can be read");
    assert_eq!(serde_json::to_vec(&again).ok().as_ref(), Some(&json));
    if let Ok(encoded) = encoded {
        let again = again.encode().expect("what could be sent can be sent");
        let value = |payload: &[u8]| serde_json::from_slice::<Value>(payload).ok();
        assert_eq!(value(&again.payload), value(&encoded.payload));
    }
}
