//! What breaks a rule is refused, with the field and the rule.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use aapns_models::notification::kind::Kind;
use aapns_models::{
    ActivityAlert, Alert, InvalidNotification, Notification, Priority, PushType, Sound, Topic,
};
use serde_json::json;

#[track_caller]
fn refused<K: Kind>(notification: Notification<K>, message: &str) {
    assert_eq!(notification.encode().unwrap_err().to_string(), message);
}

/// The error of reading this JSON.
fn unreadable(json: &str) -> String {
    Notification::from_json(json.as_bytes())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_alert_must_say_show_or_sound_something() {
    refused(
        Notification::alert(Alert::new().launch_image("x")),
        "payload.aps.alert: must say something: a title, subtitle or body",
    );
}

#[test]
fn volume_and_relevance_are_within_their_ranges() {
    for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
        refused(
            Notification::only_sound(Sound::critical("default", wrong)),
            "payload.aps.sound.volume: must be from 0 to 1",
        );
        refused(
            Notification::alert("a").relevance_score(wrong),
            "payload.aps.relevance-score: must be from 0 to 1",
        );
    }
    let update = || Notification::live_activity_update(1, &json!({})).unwrap();
    assert!(update().relevance_score(-1e9).encode().is_ok());
    refused(
        update().relevance_score(f64::NAN),
        "payload.aps.relevance-score: must be a finite number",
    );
}

#[test]
fn milliseconds_are_no_seconds() {
    let end = |timestamp| Notification::live_activity_end(timestamp, &json!({})).unwrap();
    let rule = "must be in UNIX seconds, not milliseconds";
    refused(
        end(1_700_000_000_000),
        &format!("payload.aps.timestamp: {rule}"),
    );
    refused(
        end(1).stale_date(1_700_000_000_000),
        &format!("payload.aps.stale-date: {rule}"),
    );
    refused(
        end(1).dismissal_date(1_700_000_000_000),
        &format!("payload.aps.dismissal-date: {rule}"),
    );
}

#[test]
fn a_live_activity_takes_objects_and_an_alert_that_says_something() {
    let state = Notification::live_activity_update(1, "text").unwrap_err();
    let message = "payload.aps.content-state: must be an object: a struct or a map";
    assert_eq!(state.to_string(), message);
    let start = |attributes: serde_json::Value, alert| {
        Notification::live_activity_start(1, "A", &attributes, &json!({}), alert)
    };
    let attributes = start(json!([]), ActivityAlert::new("t", "b")).unwrap_err();
    assert!(
        attributes
            .to_string()
            .starts_with("payload.aps.attributes: ")
    );
    refused(
        start(json!({}), ActivityAlert::new("", "")).unwrap(),
        "payload.aps.alert: must say something: a title or body",
    );
    refused(
        start(json!({}), ActivityAlert::new("t", "b"))
            .unwrap()
            .priority(Priority::Low),
        "priority: must be 10 or 5",
    );
}

#[test]
fn data_goes_beside_aps_and_null_is_left_out() {
    let alert = || Notification::alert("a");
    let refused = alert().data("aps", 1).unwrap_err();
    assert_eq!(refused.to_string(), "payload.aps: the key is Apple's own");
    let notification = alert().data("x", 1).unwrap().data("x", None::<u8>).unwrap();
    assert_eq!(
        notification.encode().unwrap().payload,
        br#"{"aps":{"alert":{"body":"a"}}}"#
    );
    let twice = alert().data("x", 1).unwrap().data("x", [2]).unwrap();
    let payload = twice.encode().unwrap().payload;
    assert_eq!(payload, br#"{"aps":{"alert":{"body":"a"}},"x":[2]}"#);
    let unwritable = std::collections::BTreeMap::from([((1, 2), 3)]);
    let error = alert().data("k", unwritable).unwrap_err();
    assert_eq!(
        error.to_string(),
        "payload.k: must be a value that JSON can express"
    );
}

#[test]
fn a_payload_is_measured_in_octets_after_encoding() {
    let body = |size: usize| Notification::alert("é".repeat(size / 2).as_str());
    let frame = body(0).encode();
    assert!(frame.is_ok(), "an empty body is still a body");
    let room = 4096 - frame.unwrap().payload.len();
    assert_eq!(
        body(room - room % 2).encode().unwrap().payload.len(),
        4096 - room % 2
    );
    assert!(matches!(
        body(room + 2).encode(),
        Err(InvalidNotification::PayloadTooLarge { limit: 4096, .. })
    ));
    let call = |size: usize| Notification::voip().data("x", "y".repeat(size)).unwrap();
    let room = 5120 - call(0).encode().unwrap().payload.len();
    assert_eq!(call(room).encode().unwrap().payload.len(), 5120);
    refused(
        call(room + 1),
        "payload: 5121 octets, over the limit of 5120",
    );
    let raw = Notification::raw(PushType::LiveActivity, vec![b' '; 4097]);
    refused(raw, "payload: 4097 octets, over the limit of 4096");
    refused(
        Notification::raw(PushType::Voip, ""),
        "payload: must not be empty",
    );
}

#[test]
fn a_raw_background_push_of_priority_ten_is_refused() {
    refused(
        Notification::raw(PushType::Background, "{}").priority(Priority::Immediate),
        "priority: a background push must have 5, never 10",
    );
}

#[test]
fn a_push_type_that_could_break_a_field_is_refused() {
    refused(
        Notification::raw(PushType::Other("a\r\nb: c".to_owned()), "{}"),
        "push_type: a push type is 1 to 64 letters, digits and '-'",
    );
}

#[test]
fn mdm_and_file_provider_must_name_something() {
    refused(
        Notification::mdm(Topic::new("t").unwrap(), ""),
        "payload.mdm: must not be empty",
    );
    refused(
        Notification::file_provider(""),
        "payload.container-identifier: must not be empty",
    );
}

#[test]
fn an_error_of_reading_names_the_path() {
    let aps = |aps: &str| unreadable(&format!(r#"{{"payload":{{"aps":{aps}}}}}"#));
    let alert = |alert: &str| aps(&format!(r#"{{"alert":{alert}}}"#));
    for (error, expected) in [
        (unreadable("[]"), "notification: must be an object"),
        (unreadable("{"), "not JSON: line 1, column 1"),
        (unreadable("{}"), "payload: must be there"),
        (
            unreadable(r#"{"payload":{},"priority":7}"#),
            "priority: a priority is 10, 5 or 1",
        ),
        (
            unreadable(r#"{"payload":{},"prio":7}"#),
            "prio: is not a key that belongs here",
        ),
        (
            unreadable(r#"{"payload":{},"expiration":-1}"#),
            "expiration: must be an integer, 0 or more",
        ),
        (
            unreadable(r#"{"payload":{"x":1}}"#),
            "payload.aps: must be there",
        ),
        (
            aps("{}"),
            "payload.aps: must have an alert, a badge or a sound",
        ),
        (
            aps(r#"{"alert":"a","baddge":1}"#),
            "payload.aps.baddge: is not a key that belongs here",
        ),
        (
            aps(r#"{"badge":1.5}"#),
            "payload.aps.badge: must be an integer from 0 to 4294967295",
        ),
        (
            aps(r#"{"alert":"a","mutable-content":true}"#),
            "payload.aps.mutable-content: must be the number 1",
        ),
        (
            aps(r#"{"sound":{"critical":1,"volume":2}}"#),
            "payload.aps.sound.volume: must be from 0 to 1",
        ),
        (
            alert(r#"{"title":7}"#),
            "payload.aps.alert.title: must be a string",
        ),
        (
            alert(r#"{"loc-key":"K","body":"b"}"#),
            "payload.aps.alert.loc-key: takes the place of body",
        ),
        (
            alert(r#"{"title-loc-args":["a"]}"#),
            "payload.aps.alert.title-loc-args: needs title-loc-key",
        ),
        (
            alert(r#"{"loc-key":"K","loc-args":[1]}"#),
            "payload.aps.alert.loc-args: must be a list of strings",
        ),
    ] {
        assert_eq!(error, expected);
    }
}

#[test]
fn an_error_of_reading_a_live_activity_names_the_path() {
    let aps = |aps: &str| {
        unreadable(&format!(
            r#"{{"push_type":"liveactivity","payload":{{"aps":{aps}}}}}"#
        ))
    };
    let start = |rest: &str| {
        aps(&format!(
            r#"{{"event":"start","timestamp":1,"content-state":{{}},"attributes-type":"A","attributes":{{}}{rest}}}"#
        ))
    };
    for (error, expected) in [
        (
            aps(r#"{"event":"stop"}"#),
            "payload.aps.event: must be start, update or end",
        ),
        (
            aps(r#"{"event":"update"}"#),
            "payload.aps.timestamp: must be there",
        ),
        (
            aps(r#"{"event":"update","timestamp":1}"#),
            "payload.aps.content-state: must be there",
        ),
        (
            aps(r#"{"event":"update","timestamp":1,"content-state":{},"dismissal-date":1}"#),
            "payload.aps.dismissal-date: is not a key that belongs here",
        ),
        (start(""), "payload.aps.alert: must be there"),
        (
            start(r#","alert":{"title":{"loc-args":[]}}"#),
            "payload.aps.alert.title.loc-key: must be there",
        ),
        (
            start(r#","input-push-token":1,"input-push-channel":"YQ==""#),
            "payload.aps.input-push-channel: excludes input-push-token",
        ),
        (
            start(r#","input-push-channel":"a b""#),
            "payload.aps.input-push-channel: a channel id is base64 text",
        ),
    ] {
        assert_eq!(error, expected);
    }
}

#[test]
fn what_a_push_type_forces_is_refused_when_json_says_otherwise() {
    for (json, expected) in [
        (
            r#"{"payload":{"aps":{"content-available":1}},"priority":10}"#,
            "priority: must be 5 for this push type",
        ),
        (
            r#"{"push_type":"background","payload":{"aps":{"content-available":1,"badge":1}}}"#,
            "payload.aps.badge: is not a key that belongs here",
        ),
        (
            r#"{"push_type":"pushtotalk","payload":{},"expiration":5}"#,
            "expiration: must be 0",
        ),
        (
            r#"{"push_type":"widgets","payload":{"aps":{"content-changed":1}}}"#,
            "payload.aps.content-changed: must be true or false",
        ),
        (
            r#"{"push_type":"mdm","payload":{"mdm":"x","aps":{}}}"#,
            "payload.aps: is not a key that belongs here",
        ),
        (
            r#"{"push_type":"voip","payload":{"aps":{"alert":"a"}}}"#,
            "payload.aps.alert: is not a key that belongs here",
        ),
    ] {
        assert_eq!(unreadable(json), expected);
    }
}

#[test]
fn debug_shows_nothing_of_what_a_notification_says() {
    let notification = Notification::alert(Alert::new().title("secret"))
        .sound("s")
        .data("key", "secret")
        .unwrap();
    let start = Notification::live_activity_start(
        1,
        "A",
        &json!({"a": "secret"}),
        &json!({"b": "secret"}),
        ActivityAlert::new("secret", aapns_models::Localized::new("k", ["secret"])),
    )
    .unwrap();
    let mdm = Notification::mdm(Topic::new("t").unwrap(), "secret");
    for shown in [
        format!("{notification:?} {:?}", notification.encode().unwrap()),
        format!("{start:?} {:?}", start.encode().unwrap()),
        format!("{mdm:?} {:?}", mdm.clone().erase()),
        format!("{:?}", Alert::new().body("secret")),
        format!("{:?}", Notification::raw(PushType::Alert, "secret").erase()),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}
