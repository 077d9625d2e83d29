//! For every push type: the exact payload and fields, written by hand after Apple's pages.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod live_activity;
#[path = "../support/mod.rs"]
mod support;

use aapns_models::notification::kind::Kind;
use aapns_models::{
    Alert, Encoded, Expiration, InterruptionLevel, Localized, Notification, Priority, PushType,
    Sound, Topic,
};
use support::round_trip;

const APP: &str = "com.example.app";

/// What is expected of a notification.
struct Golden {
    push_type: &'static str,
    topic: &'static str,
    priority: Option<Priority>,
    expiration: Option<u64>,
    payload: &'static str,
}

fn topic(text: &str) -> Topic {
    Topic::new(text).unwrap()
}

#[track_caller]
fn check<K: Kind>(notification: Notification<K>, golden: &Golden) {
    let Encoded {
        push_type,
        topic,
        priority,
        expiration,
        collapse_id,
        payload,
        ..
    } = notification.encode().unwrap();
    assert_eq!(String::from_utf8(payload).unwrap(), golden.payload);
    let push_type = push_type.map_or(String::new(), |push_type| push_type.to_string());
    assert_eq!(push_type, golden.push_type);
    assert_eq!(topic.unwrap().as_str(), golden.topic);
    assert_eq!(priority, golden.priority);
    assert_eq!(expiration.as_unix(), golden.expiration);
    assert_eq!(collapse_id, None);
    round_trip(&notification);
}

#[test]
fn an_alert_has_title_subtitle_and_body_beside_the_apps_data() {
    check(
        Notification::alert(
            Alert::new()
                .title("Game Request")
                .subtitle("Five Card Draw")
                .body("Bob wants to play poker"),
        )
        .category("GAME_INVITATION")
        .topic(topic(APP))
        .data("gameID", "12345678")
        .unwrap(),
        &Golden {
            push_type: "alert",
            topic: "com.example.app",
            priority: None,
            expiration: None,
            payload: r#"{"aps":{"alert":{"title":"Game Request","subtitle":"Five Card Draw","body":"Bob wants to play poker"},"category":"GAME_INVITATION"},"gameID":"12345678"}"#,
        },
    );
}

#[test]
fn a_localised_alert_has_keys_and_arguments() {
    check(
        Notification::alert(
            Alert::new()
                .title(Localized::new("T", ["t1"]))
                .subtitle(Localized::key("S"))
                .body(Localized::new(
                    "GAME_PLAY_REQUEST_FORMAT",
                    ["Jenna", "Frank"],
                )),
        )
        .badge(42)
        .priority(Priority::Immediate)
        .topic(topic(APP)),
        &Golden {
            push_type: "alert",
            topic: "com.example.app",
            priority: Some(Priority::Immediate),
            expiration: None,
            payload: r#"{"aps":{"alert":{"title-loc-key":"T","title-loc-args":["t1"],"subtitle-loc-key":"S","loc-key":"GAME_PLAY_REQUEST_FORMAT","loc-args":["Jenna","Frank"]},"badge":42}}"#,
        },
    );
}

#[test]
fn a_badge_and_a_sound_do_without_an_alert() {
    check(
        Notification::only_badge(9)
            .sound("bingbong.aiff")
            .topic(topic(APP))
            .expiration(Expiration::Immediately)
            .data("messageID", "ABCDEFGHIJ")
            .unwrap(),
        &Golden {
            push_type: "alert",
            topic: "com.example.app",
            priority: None,
            expiration: Some(0),
            payload: r#"{"aps":{"badge":9,"sound":"bingbong.aiff"},"messageID":"ABCDEFGHIJ"}"#,
        },
    );
    check(
        Notification::only_badge(0).topic(topic(APP)),
        &Golden {
            push_type: "alert",
            topic: "com.example.app",
            priority: None,
            expiration: None,
            payload: r#"{"aps":{"badge":0}}"#,
        },
    );
}

#[test]
fn every_key_of_aps_has_its_name_and_type() {
    check(
        Notification::alert(
            Alert::new()
                .body("b")
                .launch_image("launch")
                .action("View")
                .action_loc_key("VIEW"),
        )
        .badge(1)
        .sound(Sound::critical("default", 0.5))
        .thread_id("thread")
        .category("category")
        .content_available()
        .mutable_content()
        .target_content_id("window")
        .interruption_level(InterruptionLevel::TimeSensitive)
        .relevance_score(0.25)
        .filter_criteria("work")
        .url_args(["boarding", "A998"])
        .summary("Ada", 3)
        .topic(topic(APP))
        .expiration(Expiration::At(1_700_000_000)),
        &Golden {
            push_type: "alert",
            topic: "com.example.app",
            priority: None,
            expiration: Some(1_700_000_000),
            payload: concat!(
                r#"{"aps":{"alert":{"body":"b","launch-image":"launch","action":"View","action-loc-key":"VIEW"},"#,
                r#""badge":1,"sound":{"critical":1,"name":"default","volume":0.5},"thread-id":"thread","#,
                r#""category":"category","content-available":1,"mutable-content":1,"#,
                r#""target-content-id":"window","interruption-level":"time-sensitive","#,
                r#""relevance-score":0.25,"filter-criteria":"work","url-args":["boarding","A998"],"#,
                r#""summary-arg":"Ada","summary-arg-count":3}}"#
            ),
        },
    );
}

#[test]
fn a_background_push_has_priority_five() {
    check(
        Notification::background()
            .topic(topic(APP))
            .data("acme1", "bar")
            .unwrap()
            .data("acme2", 42)
            .unwrap(),
        &Golden {
            push_type: "background",
            topic: "com.example.app",
            priority: Some(Priority::Normal),
            expiration: None,
            payload: r#"{"aps":{"content-available":1},"acme1":"bar","acme2":42}"#,
        },
    );
}

#[test]
fn voip_is_tried_once_unless_told_otherwise() {
    let golden = Golden {
        push_type: "voip",
        topic: "com.example.app.voip",
        priority: Some(Priority::Immediate),
        expiration: Some(0),
        payload: r#"{"aps":{},"caller":"Ada"}"#,
    };
    let call = Notification::voip()
        .topic(topic(APP))
        .priority(Priority::Immediate)
        .data("caller", "Ada")
        .unwrap();
    check(call.clone(), &golden);
    check(
        call.expiration(Expiration::At(9)),
        &Golden {
            expiration: Some(9),
            ..golden
        },
    );
}

#[test]
fn location_complication_and_push_to_talk_have_their_suffixes() {
    check(
        Notification::location()
            .topic(topic(APP))
            .priority(Priority::Normal),
        &Golden {
            push_type: "location",
            topic: "com.example.app.location-query",
            priority: Some(Priority::Normal),
            expiration: None,
            payload: r#"{"aps":{}}"#,
        },
    );
    check(
        Notification::complication()
            .topic(topic(APP))
            .data("steps", 7)
            .unwrap(),
        &Golden {
            push_type: "complication",
            topic: "com.example.app.complication",
            priority: None,
            expiration: None,
            payload: r#"{"aps":{},"steps":7}"#,
        },
    );
    check(
        Notification::push_to_talk()
            .topic(topic(APP))
            .data("activeSpeaker", "Ada")
            .unwrap(),
        &Golden {
            push_type: "pushtotalk",
            topic: "com.example.app.voip-ptt",
            priority: Some(Priority::Immediate),
            expiration: Some(0),
            payload: r#"{"activeSpeaker":"Ada"}"#,
        },
    );
}

#[test]
fn widgets_and_controls_have_one_fixed_body() {
    let golden = Golden {
        push_type: "widgets",
        topic: "com.example.app.push-type.widgets",
        priority: None,
        expiration: None,
        payload: r#"{"aps":{"content-changed":true}}"#,
    };
    check(Notification::widgets().topic(topic(APP)), &golden);
    check(
        Notification::controls()
            .topic(topic(APP))
            .priority(Priority::Immediate)
            .expiration(Expiration::Immediately),
        &Golden {
            push_type: "controls",
            topic: "com.example.app.push-type.controls",
            priority: Some(Priority::Immediate),
            expiration: Some(0),
            ..golden
        },
    );
}

#[test]
fn mdm_file_provider_and_wallet_have_no_aps() {
    check(
        Notification::mdm(topic("com.apple.mgmt.External.1a2b"), "PushMagicValue"),
        &Golden {
            push_type: "mdm",
            topic: "com.apple.mgmt.External.1a2b",
            priority: None,
            expiration: None,
            payload: r#"{"mdm":"PushMagicValue"}"#,
        },
    );
    let root = "NSFileProviderRootContainerItemIdentifier";
    check(
        Notification::file_provider(root)
            .domain("domain-1")
            .topic(topic(APP)),
        &Golden {
            push_type: "fileprovider",
            topic: "com.example.app.pushkit.fileprovider",
            priority: None,
            expiration: None,
            payload: r#"{"container-identifier":"NSFileProviderRootContainerItemIdentifier","domain":"domain-1"}"#,
        },
    );
    check(
        Notification::wallet_pass(topic("pass.com.example.card")),
        &Golden {
            push_type: "",
            topic: "pass.com.example.card",
            priority: None,
            expiration: None,
            payload: "{}",
        },
    );
}

#[test]
fn raw_and_unknown_types_are_sent_as_they_are() {
    let own: PushType = "hologram".parse().unwrap();
    let payload = r#"{"aps":{"new-key":1}}"#;
    for push_type in [own, PushType::Alert] {
        let raw = Notification::raw(push_type.clone(), payload).topic(topic(APP));
        let encoded = raw.encode().unwrap();
        assert_eq!(encoded.payload, payload.as_bytes());
        assert_eq!(encoded.push_type, Some(push_type));
        round_trip(&raw);
    }
    let raw = Notification::raw(PushType::Background, r#"{"aps":{"content-available":1}}"#);
    assert_eq!(raw.encode().unwrap().priority, Some(Priority::Normal));
}
