use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::{ApnsId, CollapseId, Expiration, Priority, PushType, Topic};

fn parse<'a>(line: &'a str, defaults: &'a Defaults) -> Result<InputLine<'a>, InvalidLine> {
    InputLine::parse(line.as_bytes(), 7, defaults)
}

fn reason(line: &str) -> String {
    parse(line, &Defaults::default()).unwrap_err().reason
}

/// The push type of a payload that leaves it to be told.
fn told(payload: &str) -> String {
    let line = format!(r#"{{"device_token":"ab","payload":{payload}}}"#);
    parse(&line, &Defaults::default())
        .unwrap()
        .push_type
        .to_string()
}

#[test]
fn a_full_line_is_read_in_place() {
    let line = r#"{"collapse_id":"game","expiration":1700000000,"priority":1,"push_type":"voip","topic":"com.example.app","apns_id":"EABEAE54-14A8-11E5-B60B-1697F925EC7B","payload": {"a" : [1,2]},"device_token":"00FCab"}"#;
    let defaults = Defaults::default();
    let input = parse(line, &defaults).unwrap();
    assert!(matches!(input.device_token, Cow::Borrowed("00FCab")));
    assert_eq!(
        input.apns_id,
        Some(ApnsId::from_u128(0xeabeae5414a811e5b60b1697f925ec7b))
    );
    assert_eq!(input.topic.as_deref(), Some("com.example.app.voip"));
    assert_eq!(input.push_type, PushType::Voip);
    assert_eq!(input.priority, Some(Priority::Low));
    assert_eq!(input.expiration, Expiration::At(1_700_000_000));
    assert_eq!(input.collapse_id.as_deref(), Some("game"));
    assert_eq!(input.payload, br#"{"a" : [1,2]}"#);
}

#[test]
fn null_means_absent() {
    let defaults = Defaults::default();
    let bare = parse(r#"{"device_token":"ab","payload":{}}"#, &defaults).unwrap();
    let nulls = r#"{"device_token":"ab","payload":{},"apns_id":null,"topic":null,"push_type":null,"priority":null,"expiration":null,"collapse_id":null,"mine":null}"#;
    assert_eq!(parse(nulls, &defaults).unwrap(), bare);
    assert_eq!(bare.expiration, Expiration::Absent);
    assert_eq!(
        reason(r#"{"device_token":"ab","payload":null}"#),
        "payload: must be there"
    );
}

#[test]
fn defaults_fill_what_a_line_leaves_out_and_no_more() {
    let defaults = Defaults {
        topic: Some(Topic::new("com.example.app").unwrap()),
        push_type: Some(PushType::Voip),
        priority: Some(Priority::Immediate),
        expiration: Expiration::Immediately,
        collapse_id: Some(CollapseId::new("c").unwrap()),
    };
    let input = parse(r#"{"device_token":"ab","payload":{}}"#, &defaults).unwrap();
    assert_eq!(input.topic.as_deref(), Some("com.example.app.voip"));
    assert_eq!(input.priority, Some(Priority::Immediate));
    assert_eq!(input.expiration, Expiration::Immediately);
    assert_eq!(input.collapse_id.as_deref(), Some("c"));
    let line = r#"{"device_token":"ab","payload":{},"push_type":"background","expiration":5,"topic":"org.other"}"#;
    let input = parse(line, &defaults).unwrap();
    assert_eq!(input.topic.as_deref(), Some("org.other"));
    assert_eq!(input.priority, Some(Priority::Normal));
    assert_eq!(input.expiration, Expiration::At(5));
}

#[test]
fn background_is_told_by_content_available_and_nothing_to_show() {
    assert_eq!(told(r#"{"aps":{"content-available":1}}"#), "background");
    assert_eq!(
        told(r#"{"aps":{"content-available":1,"category":"c"},"x":{"alert":1}}"#),
        "background"
    );
    assert_eq!(
        told(r#"{"aps":{"content\u002davailable":1}}"#),
        "background"
    );
    assert_eq!(
        told(r#"{"aps":{"content-available":1,"alert":null}}"#),
        "background"
    );
    for shown in ["\"alert\":\"a\"", "\"badge\":0", "\"sound\":\"default\""] {
        assert_eq!(
            told(&format!(r#"{{"aps":{{"content-available":1,{shown}}}}}"#)),
            "alert"
        );
    }
    for payload in [
        "{}",
        r#"{"aps":{}}"#,
        r#"{"aps":7}"#,
        r#"{"content-available":1}"#,
        r#"{"aps":{},"x":"content-available"}"#,
    ] {
        assert_eq!(told(payload), "alert", "{payload}");
    }
}

#[test]
fn each_fault_of_a_line_names_its_field() {
    for (line, expected) in [
        (r#"{"payload":{}}"#, "device_token: must be there"),
        (r#"{"device_token":"ab"}"#, "payload: must be there"),
        (
            r#"{"device_token":"xy","payload":{}}"#,
            "device_token: a device token is hex",
        ),
        (
            r#"{"device_token":"ab","payload":[]}"#,
            "payload: must be an object",
        ),
        (
            r#"{"device_token":"ab","payload":"{}"}"#,
            "payload: must be an object",
        ),
        (
            r#"{"device_token":"ab","payload":{},"priority":7}"#,
            "priority: a priority is",
        ),
        (
            r#"{"device_token":"ab","payload":{},"topic":"a b"}"#,
            "topic: ",
        ),
        (
            r#"{"device_token":"ab","payload":{},"collapse_id":""}"#,
            "collapse_id: ",
        ),
        (
            r#"{"device_token":"ab","payload":{},"push_type":"a\nb"}"#,
            "push_type: ",
        ),
        (
            r#"{"device_token":"ab","payload":{},"apns_id":"1"}"#,
            "apns_id: ",
        ),
        (
            r#"{"device_token":"ab","payload":{"aps":{"content-available":1}},"priority":10}"#,
            "priority: a background push must have 5",
        ),
    ] {
        let reason = reason(line);
        assert!(reason.starts_with(expected), "{line}: {reason}");
    }
}

#[test]
fn an_invalid_line_keeps_what_could_be_read() {
    let id = "eabeae54-14a8-11e5-b60b-1697f925ec7b";
    let line = format!(r#"{{"device_token":"xyz","apns_id":"{id}","payload":{{}}}}"#);
    let invalid = parse(&line, &Defaults::default()).unwrap_err();
    assert_eq!(
        (invalid.line, invalid.device_token.as_deref()),
        (7, Some("xyz"))
    );
    assert_eq!(invalid.apns_id.unwrap().to_string(), id);
    let invalid = parse(
        r#"{"device_token":"ab","payload":{},"expiration":-1}"#,
        &Defaults::default(),
    )
    .unwrap_err();
    assert_eq!(invalid.device_token.as_deref(), Some("ab"));
    assert!(!format!("{invalid:?}").contains("\"ab\""));
}

#[test]
fn a_line_must_be_an_object() {
    for line in [
        r#"["00fc13adff785122",{"aps":{}},null,null,null,null,null,null]"#,
        "[]",
        "7",
        r#""00fc13adff785122""#,
    ] {
        assert_eq!(reason(line), "a line must be a JSON object", "{line}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_named_by_its_field_and_not_shown() {
    for (field, expected) in [
        (
            r#""priority":"SECRET""#,
            "priority: must be an integer, 0 or more",
        ),
        (
            r#""expiration":1.5"#,
            "expiration: must be an integer, 0 or more",
        ),
        (r#""topic":["SECRET"]"#, "topic: must be a string"),
        (
            r#""collapse_id":{"SECRET":1}"#,
            "collapse_id: must be a string",
        ),
    ] {
        let line = format!(r#"{{"device_token":"ab","payload":{{}},{field}}}"#);
        assert_eq!(reason(&line), expected);
    }
    assert_eq!(
        reason(r#"{"device_token":5,"payload":{}}"#),
        "device_token: must be a string"
    );
}

#[test]
fn text_that_is_no_json_is_invalid() {
    for line in [
        "",
        "x",
        "{",
        "[]",
        "7",
        r#"{"device_token":"ab","payload":{}"#,
        r#"{"device_token":"ab","payload":{}} {}"#,
    ] {
        assert!(parse(line, &Defaults::default()).is_err(), "{line}");
    }
    assert!(
        InputLine::parse(
            b"{\"device_token\":\"ab\",\"payload\":{\"a\":\"\xff\"}}",
            1,
            &Defaults::default()
        )
        .is_err()
    );
}

#[test]
fn a_payload_is_measured_by_its_push_type() {
    let line = |size: usize, push_type: &str| {
        let payload = format!(r#"{{"a":"{}"}}"#, "x".repeat(size - 8));
        format!(r#"{{"device_token":"ab","push_type":"{push_type}","payload":{payload}}}"#)
    };
    for (push_type, limit) in [("alert", 4096), ("voip", 5120), ("liveactivity", 4096)] {
        assert!(parse(&line(limit, push_type), &Defaults::default()).is_ok());
        let expected = format!("payload: {} octets, over the limit of {limit}", limit + 1);
        assert_eq!(reason(&line(limit + 1, push_type)), expected);
    }
}

#[test]
fn an_output_line_is_written_as_the_contract_shows_it() {
    let id = ApnsId::from_u128(0xeabeae5414a811e5b60b1697f925ec7b);
    let mut output = OutputLine::new(1, Outcome::Delivered);
    output.device_token = Some("00fc");
    output.apns_id = Some(id);
    output.status = Some(200);
    output.attempts = 1;
    let mut out = Vec::new();
    output.write(&mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"line": 1, "device_token": "00fc", "apns_id": "eabeae54-14a8-11e5-b60b-1697f925ec7b", "#,
            r#""unique_id": null, "outcome": "delivered", "status": 200, "reason": null, "#,
            r#""timestamp": null, "attempts": 1, "possible_duplicate": false, "cause": null}"#,
            "\n"
        )
    );
}

#[test]
fn an_output_line_can_be_read_back() {
    let id = ApnsId::from_u128(u128::MAX);
    for outcome in Outcome::ALL {
        let mut output = OutputLine::new(u64::MAX, outcome);
        output.apns_id = Some(id);
        output.reason = Some("odd \"text\"\n\\ é");
        let mut out = Vec::new();
        output.write(&mut out);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(value["reason"], "odd \"text\"\n\\ é");
        let settled = Settled {
            line: u64::MAX,
            apns_id: Some(id),
            outcome,
        };
        assert_eq!(Settled::parse(&out), Some(settled));
        assert_eq!(Settled::parse(&out[..out.len() / 2]), None);
    }
}

proptest! {
    #[test]
    fn no_octets_make_parsing_fail_otherwise_than_by_an_error(line in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = InputLine::parse(&line, 1, &Defaults::default());
        let _ = Settled::parse(&line);
    }

    #[test]
    fn whatever_is_written_is_json_with_the_same_values(
        line: u64, token: Option<String>, reason: Option<String>, timestamp: Option<u64>, attempts: u32,
    ) {
        let mut output = OutputLine::new(line, Outcome::Rejected);
        output.device_token = token.as_deref();
        output.reason = reason.as_deref();
        output.timestamp = timestamp;
        output.attempts = attempts;
        let mut out = Vec::new();
        output.write(&mut out);
        prop_assert_eq!(out.iter().filter(|octet| **octet == b'\n').count(), 1);
        let value: serde_json::Value = serde_json::from_slice(&out).unwrap();
        prop_assert_eq!(&value["line"], line);
        prop_assert_eq!(value["device_token"].as_str(), token.as_deref());
        prop_assert_eq!(value["reason"].as_str(), reason.as_deref());
        prop_assert_eq!(value["timestamp"].as_u64(), timestamp);
        prop_assert_eq!(&value["attempts"], attempts);
    }
}
