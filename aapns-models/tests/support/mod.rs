//! The JSON Schema as a check on what the crate writes.

use std::sync::LazyLock;

use aapns_models::Notification;
use aapns_models::notification::kind::Kind;
use jsonschema::Validator;
use serde_json::Value;

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../schema/notification.schema.json");
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

/// What the schema has against a notification's JSON, a line each.
pub(crate) fn complaints(json: &Value) -> Vec<String> {
    SCHEMA
        .iter_errors(json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// Holds a notification's JSON against the schema, reads it back, and answers whether the payload
/// came through.
pub(crate) fn round_trip<K: Kind>(notification: &Notification<K>) {
    let json = serde_json::to_value(notification).expect("it can be written");
    assert_eq!(complaints(&json), [""; 0], "{json:#}");
    let back = Notification::from_json(json.to_string().as_bytes()).expect("it can be read back");
    let (sent, back) = (notification.encode().unwrap(), back.encode().unwrap());
    let value = |payload: &[u8]| serde_json::from_slice::<Value>(payload).unwrap();
    assert_eq!(value(&sent.payload), value(&back.payload));
    assert_eq!(sent.push_type, back.push_type);
    assert_eq!(sent.topic, back.topic);
    assert_eq!(sent.priority, back.priority);
    assert_eq!(sent.expiration, back.expiration);
    assert_eq!(sent.collapse_id, back.collapse_id);
}
