//! Live Activities: started, updated, ended.

use aapns_models::{ActivityAlert, ChannelId, Localized, Notification};
use serde_json::json;

use super::support::round_trip;
use super::{APP, Golden, check, topic};

/// The fields that all Live Activity pushes below have.
fn activity(payload: &'static str) -> Golden {
    Golden {
        push_type: "liveactivity",
        topic: "com.example.app.push-type.liveactivity",
        priority: None,
        expiration: None,
        payload,
    }
}

#[test]
fn a_live_activity_starts_with_attributes_and_an_alert_in_its_own_shape() {
    let start = Notification::live_activity_start(
        1_234,
        "AdventureAttributes",
        &json!({"hero": "Power Panda"}),
        &json!({"currentHealthLevel": 100}),
        ActivityAlert::new(
            Localized::new("%@ is on an adventure!", ["Power Panda"]),
            Localized::key("Start the adventure!"),
        )
        .sound("chime.aiff"),
    )
    .unwrap()
    .topic(topic(APP));
    check(
        start.clone(),
        &activity(concat!(
            r#"{"aps":{"timestamp":1234,"event":"start","content-state":{"currentHealthLevel":100},"#,
            r#""attributes-type":"AdventureAttributes","attributes":{"hero":"Power Panda"},"#,
            r#""alert":{"title":{"loc-key":"%@ is on an adventure!","loc-args":["Power Panda"]},"#,
            r#""body":{"loc-key":"Start the adventure!"},"sound":"chime.aiff"}}}"#
        )),
    );
    let channel = ChannelId::new("dHN0LXNyY2gtY2hubA==").unwrap();
    let by_token = start
        .clone()
        .input_push_channel(channel.clone())
        .input_push_token();
    let by_channel = start.input_push_token().input_push_channel(channel);
    let payload = |notification: &Notification<_>| {
        let payload = notification.encode().unwrap().payload;
        serde_json::from_slice::<serde_json::Value>(&payload).unwrap()["aps"].clone()
    };
    assert_eq!(payload(&by_token)["input-push-token"], 1);
    assert!(payload(&by_token).get("input-push-channel").is_none());
    assert_eq!(
        payload(&by_channel)["input-push-channel"],
        "dHN0LXNyY2gtY2hubA=="
    );
    assert!(payload(&by_channel).get("input-push-token").is_none());
    round_trip(&by_token);
    round_trip(&by_channel);
}

#[test]
fn a_live_activity_is_updated_and_ended() {
    let state =
        json!({"currentHealthLevel": 0, "eventDescription": "Power Panda has been knocked down!"});
    check(
        Notification::live_activity_update(1_168_364_460, &state)
            .unwrap()
            .with_alert(
                ActivityAlert::new("Power Panda is knocked down!", "Use a potion!")
                    .sound("default"),
            )
            .stale_date(1_650_998_941)
            .relevance_score(100.0)
            .topic(topic(APP)),
        &activity(concat!(
            r#"{"aps":{"timestamp":1168364460,"event":"update","content-state":{"currentHealthLevel":0,"#,
            r#""eventDescription":"Power Panda has been knocked down!"},"#,
            r#""alert":{"title":"Power Panda is knocked down!","body":"Use a potion!","sound":"default"},"#,
            r#""stale-date":1650998941,"relevance-score":100.0}}"#
        )),
    );
    check(
        Notification::live_activity_end(1_663_177_260, &json!({"score": 1}))
            .unwrap()
            .dismissal_date(1_663_177_260)
            .topic(topic(APP)),
        &activity(
            r#"{"aps":{"timestamp":1663177260,"event":"end","content-state":{"score":1},"dismissal-date":1663177260}}"#,
        ),
    );
}
