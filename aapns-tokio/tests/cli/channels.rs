//! `aapns channels` and `aapns broadcast`, against the mock.

use super::support::{Ran, Target, run};

const APP: &str = "com.example.app";

/// Runs the program for the app.
fn ask(target: &Target, args: &[&str]) -> Ran {
    let mut all: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    all.extend(["--topic".to_owned(), APP.to_owned()]);
    all.extend(target.open_flags());
    run(all)
}

fn create(target: &Target, storage: &str) -> String {
    let made = ask(target, &["channels", "create", "--storage", storage]).exits(0);
    made.stdout.trim().to_owned()
}

#[test]
fn a_channel_is_made_read_listed_and_deleted() {
    let target = Target::new();
    let (brief, newest) = (create(&target, "none"), create(&target, "newest"));
    let made = target.server.requests();
    assert_eq!(
        &made[1].body[..],
        br#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#
    );

    let read = ask(&target, &["channels", "read", &newest, "--json"]);
    assert_eq!(read.exits(0).json()["storage"], "newest");
    let read = ask(&target, &["channels", "read", &brief]).exits(0);
    assert_eq!(read.stdout.trim(), "storage: none");

    let list = ask(&target, &["channels", "list"]).exits(0);
    assert_eq!(list.stdout.lines().collect::<Vec<_>>(), [&*brief, &*newest]);

    ask(&target, &["channels", "delete", &newest]).exits(0);
    assert_eq!(target.server.channels(APP), [&*brief]);
    ask(&target, &["channels", "delete", &newest])
        .exits(1)
        .complains(&["400", "ChannelNotRegistered"]);
    let told = ask(&target, &["channels", "read", &newest, "--json"]).exits(1);
    let told = told.json();
    assert_eq!(told["outcome"], "rejected");
    assert_eq!(told["reason"], "ChannelNotRegistered");
    assert!(told["request_id"].is_string(), "{told}");
    let nowhere = ["--server", "https://127.0.0.1:9", "--timeout", "0.2"];
    let mut args = vec!["channels", "list", "--topic", APP, "--json"];
    args.extend(nowhere);
    let told = run(args).exits(1).json();
    assert_eq!(told["outcome"], "not_processed");
    assert!(told["cause"].as_str().unwrap().starts_with("connect:"));
}

#[test]
fn a_broadcast_goes_to_its_channel_without_a_topic() {
    let target = Target::new();
    let channel = create(&target, "none");
    let state = r#"{"home": 2}"#;
    let ran = ask(&target, &["broadcast", &channel, state, "--priority", "5"]).exits(0);
    let received = target.server.requests().pop().unwrap();
    assert_eq!(received.field("apns-request-id"), Some(ran.stdout.trim()));
    for (field, value) in [
        ("apns-channel-id", Some(&*channel)),
        ("apns-push-type", Some("liveactivity")),
        ("apns-priority", Some("5")),
        ("apns-expiration", Some("0")),
        ("apns-topic", None),
    ] {
        assert_eq!(received.field(field), value, "{field}");
    }
    let body: serde_json::Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(
        (&body["aps"]["event"], &body["aps"]["content-state"]["home"]),
        (&"update".into(), &2.into())
    );
    let ended = ask(&target, &["broadcast", &channel, "{}", "--end", "--json"]);
    let ended = ended.exits(0).json();
    assert_eq!(ended["outcome"], "delivered");
    let received = target.server.requests().pop().unwrap();
    assert_eq!(
        received.field("apns-request-id"),
        ended["request_id"].as_str()
    );
    let body = String::from_utf8(received.body.to_vec()).unwrap();
    assert!(body.contains(r#""event":"end""#), "{body}");
}

#[test]
fn a_rejected_broadcast_names_its_reason() {
    let target = Target::new();
    let channel = create(&target, "none");
    let late = ["broadcast", &channel, "{}", "--expiration", "1900000000"];
    ask(&target, &late)
        .exits(1)
        .complains(&["400", "BadExpirationDate"]);
    let json = ask(&target, &["broadcast", "bm9ib2R5", "{}", "--json"]).exits(1);
    let json = json.json();
    assert_eq!(json["reason"], "ChannelNotRegistered");
    assert!(json["request_id"].is_string());
}

#[test]
fn what_cannot_be_asked_is_refused_before_connecting() {
    let target = Target::new();
    ask(&target, &["channels", "read", "not base64!"])
        .exits(2)
        .complains(&["CHANNEL_ID"]);
    ask(&target, &["broadcast", "YQ==", "{"])
        .exits(2)
        .complains(&["CONTENT_STATE", "JSON"]);
    ask(&target, &["broadcast", "YQ==", "{}", "--priority", "1"])
        .exits(2)
        .complains(&["priority"]);
    assert_eq!(target.server.processed().connections, 0);
}
