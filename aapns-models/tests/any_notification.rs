//! Whatever is built obeys the schema, has no null, and comes back from JSON.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use aapns_models::{
    ActivityAlert, Alert, CollapseId, Expiration, InterruptionLevel, Localized, Notification,
    Priority, Sound, Text, Topic,
};
use proptest::option::of;
use proptest::prelude::*;
use serde_json::{Value, json};
use support::round_trip;

fn text() -> impl Strategy<Value = Text> {
    prop_oneof![
        any::<String>().prop_map(Text::Plain),
        (
            any::<String>(),
            prop::collection::vec(any::<String>(), 0..3)
        )
            .prop_map(|(key, args)| Text::Localized(Localized::new(key, args))),
    ]
}

fn alert() -> impl Strategy<Value = Alert> {
    (of(text()), of(text()), text(), of(any::<String>())).prop_map(
        |(title, subtitle, body, image)| {
            let mut alert = Alert::new().body(body);
            if let Some(title) = title {
                alert = alert.title(title);
            }
            if let Some(subtitle) = subtitle {
                alert = alert.subtitle(subtitle);
            }
            if let Some(image) = image {
                alert = alert.launch_image(image);
            }
            alert
        },
    )
}

fn sound() -> impl Strategy<Value = Sound> {
    prop_oneof![
        any::<String>().prop_map(Sound::Named),
        (any::<String>(), of(0.0..=1.0))
            .prop_map(|(name, volume)| Sound::Critical { name, volume }),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inner, 0..3).prop_map(|map| json!(map)),
        ]
    })
}

fn state() -> impl Strategy<Value = Value> {
    prop::collection::btree_map(any::<String>(), value(), 0..3).prop_map(|map| json!(map))
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(values) => values.iter().any(has_null),
        Value::Object(map) => map.values().any(has_null),
        _ => false,
    }
}

proptest! {
    #[test]
    fn alerts(
        (alert, sound, badge) in (alert(), of(sound()), of(any::<u32>())),
        level in of(prop::sample::select(vec![
            InterruptionLevel::Passive,
            InterruptionLevel::Active,
            InterruptionLevel::TimeSensitive,
            InterruptionLevel::Critical,
        ])),
        score in of(0.0..=1.0),
        priority in of(prop::sample::select(vec![Priority::Immediate, Priority::Normal, Priority::Low])),
        expiration in of(any::<u64>()),
        data in prop::collection::btree_map("[a-z]{1,8}x", value(), 0..3),
        flags in any::<[bool; 2]>(),
    ) {
        let mut notification = Notification::alert(alert).topic(Topic::new("com.example").unwrap());
        if let Some(sound) = sound { notification = notification.sound(sound); }
        if let Some(badge) = badge { notification = notification.badge(badge); }
        if let Some(level) = level { notification = notification.interruption_level(level); }
        if let Some(score) = score { notification = notification.relevance_score(score); }
        if let Some(priority) = priority { notification = notification.priority(priority); }
        if let Some(seconds) = expiration {
            notification = notification.expiration(Expiration::from_unix(seconds));
        }
        if flags[0] { notification = notification.mutable_content().content_available(); }
        if flags[1] { notification = notification.collapse_id(CollapseId::new("c").unwrap()); }
        for (key, value) in data { notification = notification.data(key, value).unwrap(); }
        prop_assume!(notification.encode().is_ok());
        let payload: Value = serde_json::from_slice(&notification.encode().unwrap().payload).unwrap();
        prop_assert!(!has_null(&payload), "{payload}");
        round_trip(&notification);
    }

    #[test]
    fn live_activities(
        timestamp in 0..100_000_000_000_u64,
        (state, attributes) in (state(), state()),
        (title, body, sound) in (text(), text(), of(any::<String>())),
        stale in of(0..100_000_000_000_u64),
        score in of(-1e9..1e9),
    ) {
        let mut alert = ActivityAlert::new(title, body);
        if let Some(sound) = sound { alert = alert.sound(sound); }
        let start = Notification::live_activity_start(timestamp, "A", &attributes, &state, alert.clone()).unwrap();
        let mut end = Notification::live_activity_end(timestamp, &state).unwrap().with_alert(alert);
        if let Some(stale) = stale { end = end.stale_date(stale); }
        if let Some(score) = score { end = end.relevance_score(score); }
        prop_assume!(start.encode().is_ok() && end.encode().is_ok());
        round_trip(&start);
        round_trip(&end);
    }

    #[test]
    fn reading_anything_fails_by_an_error_only(json in value(), aps in value(), push_type in prop::sample::select(vec![
        "alert", "background", "complication", "controls", "fileprovider", "liveactivity",
        "location", "mdm", "pushtotalk", "voip", "widgets", "other",
    ])) {
        let _ = Notification::from_json(json.to_string().as_bytes());
        let json = json!({"push_type": push_type, "payload": {"aps": aps, "x": json}});
        if let Ok(notification) = Notification::from_json(json.to_string().as_bytes()) {
            round_trip(&notification);
        }
    }
}
