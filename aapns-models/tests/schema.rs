//! The schema and the reader agree on what is wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use aapns_models::Notification;
use serde_json::{Value, json};
use support::{complaints, round_trip};

#[test]
fn what_the_reader_refuses_the_schema_refuses_too() {
    let aps =
        |push_type: &str, aps: Value| json!({"push_type": push_type, "payload": {"aps": aps}});
    let activity = |event: &str, mut more: Value| {
        for (key, value) in [
            ("event", json!(event)),
            ("timestamp", json!(1)),
            ("content-state", json!({})),
        ] {
            more[key] = value;
        }
        aps("liveactivity", more)
    };
    for json in [
        json!({}),
        json!({"payload": []}),
        json!({"payload": {"aps": {"alert": "a"}}, "priority": 7}),
        json!({"payload": {"aps": {"alert": "a"}}, "topic": "a b"}),
        json!({"payload": {"aps": {"alert": "a"}}, "sent": true}),
        json!({"push_type": "a b", "payload": {}}),
        json!({"push_type": "mdm", "payload": {}}),
        json!({"push_type": "mdm", "payload": {"mdm": "x", "y": 1}}),
        json!({"push_type": "fileprovider", "payload": {"domain": "x"}}),
        json!({"push_type": "pushtotalk", "payload": {}, "priority": 5}),
        aps("alert", json!({})),
        aps("alert", json!({"badge": -1})),
        aps("alert", json!({"alert": {}})),
        aps("alert", json!({"alert": {"body": "b", "loc-key": "k"}})),
        aps("alert", json!({"alert": "a", "mutable-content": true})),
        aps("alert", json!({"alert": "a", "interruption-level": "loud"})),
        aps("alert", json!({"alert": "a", "content-state": {}})),
        aps(
            "alert",
            json!({"sound": {"critical": 1, "name": "n", "volume": 1.5}}),
        ),
        aps("background", json!({})),
        aps("background", json!({"content-available": 1, "sound": ""})),
        aps("voip", json!({"alert": "a"})),
        aps("widgets", json!({"content-changed": 1})),
        activity("stop", json!({})),
        activity("start", json!({})),
        activity(
            "start",
            json!({"attributes-type": "A", "attributes": {}, "alert": {}}),
        ),
        activity("update", json!({"attributes-type": "A"})),
        activity("update", json!({"dismissal-date": 1})),
        activity("end", json!({"stale-date": 1_700_000_000_000_u64})),
        activity("end", json!({"alert": {"title": "t", "subtitle": "s"}})),
    ] {
        assert!(
            Notification::from_json(json.to_string().as_bytes()).is_err(),
            "{json}"
        );
        assert!(!complaints(&json).is_empty(), "{json}");
    }
}

#[test]
fn payloads_as_apple_shows_them_are_read() {
    for (push_type, payload) in [
        (
            "alert",
            json!({"aps": {"alert": "Bob wants to play poker"}}),
        ),
        (
            "alert",
            json!({"aps": {"alert": {"loc-key": "GAME_PLAY_REQUEST_FORMAT", "loc-args": ["Shelly", "Rick"]}}}),
        ),
        (
            "alert",
            json!({"aps": {"mutable-content": 1, "alert": {"title": "Flight A998 Now Boarding", "body": "Boarding has begun.", "action": "View"}, "url-args": ["boarding", "A998"]}}),
        ),
        (
            "alert",
            json!({"aps": {"alert": {"body": "Alarm"}, "sound": {"critical": 1, "name": "default", "volume": 1.0}, "interruption-level": "critical"}, "encrypted": "Ω^¬%gq∞NÿÒQù"}),
        ),
        (
            "background",
            json!({"aps": {"content-available": 1}, "acme2": ["bang", "whiz"]}),
        ),
        ("controls", json!({"aps": {"content-changed": true}})),
        ("fileprovider", json!({"container-identifier": "root"})),
        ("mdm", json!({"mdm": "magic"})),
        (
            "pushtotalk",
            json!({"activeSpeaker": "The name of the active speaker"}),
        ),
        (
            "liveactivity",
            json!({"aps": {
                "timestamp": 1_234, "event": "start",
                "content-state": {"currentHealthLevel": 100, "eventDescription": "Adventure has begun!"},
                "attributes-type": "AdventureAttributes",
                "attributes": {"currentHealthLevel": 100, "eventDescription": "Adventure has begun!"},
                "input-push-token": 1,
                "alert": {
                    "title": {"loc-key": "%@ is on an adventure!", "loc-args": ["Power Panda"]},
                    "body": {"loc-key": "%@ found a sword!", "loc-args": ["Power Panda"]},
                    "sound": "chime.aiff"
                }
            }}),
        ),
        (
            "liveactivity",
            json!({"aps": {"timestamp": 1_663_177_260, "event": "end", "dismissal-date": 1_663_177_260, "content-state": {"driverName": "Anne Johnson", "estimatedDeliveryTime": 1_659_416_400}}}),
        ),
    ] {
        let json = json!({"push_type": push_type, "topic": "com.example.app", "payload": payload});
        let notification = Notification::from_json(json.to_string().as_bytes());
        let notification = notification.unwrap_or_else(|error| panic!("{error}: {json}"));
        round_trip(&notification);
        let sent: Value = serde_json::from_slice(&notification.encode().unwrap().payload).unwrap();
        if !payload["aps"]["alert"].is_string() {
            assert_eq!(sent, payload);
        }
    }
}
