use super::*;

const APP: &str = "/1/apps/com.example.app/channels";
const ALL: &str = "/1/apps/com.example.app/all-channels";
const BROADCAST: &str = "/4/broadcasts/apps/com.example.app";

fn ask(
    channels: &Channels,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: &str,
) -> Answer {
    let mut request = http::Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    channels.answer(&parts, body.as_bytes(), body.len())
}

fn create(channels: &Channels, policy: u8) -> String {
    let body = format!(r#"{{"message-storage-policy":{policy},"push-type":"LiveActivity"}}"#);
    let answer = ask(channels, "POST", APP, &[], &body);
    assert_eq!(answer.status, 201);
    answer.channel_id.unwrap().into_owned()
}

fn reason(answer: &Answer) -> &str {
    answer.reason.as_deref().unwrap_or("")
}

#[test]
fn a_channel_is_known_from_its_making_to_its_deletion() {
    let channels = Channels::default();
    let (first, second) = (create(&channels, 0), create(&channels, 1));
    assert_ne!(first, second);
    let named = [("apns-channel-id", &*second)];
    let read = ask(&channels, "GET", APP, &named, "");
    assert!(read.body.unwrap().contains(r#""message-storage-policy":1"#));
    assert_eq!(ask(&channels, "DELETE", APP, &named, "").status, 204);
    for method in ["GET", "DELETE"] {
        let gone = ask(&channels, method, APP, &named, "");
        assert_eq!(reason(&gone), "ChannelNotRegistered");
    }
    let list = ask(&channels, "GET", ALL, &[], "").body.unwrap();
    assert!(list.contains(&first) && !list.contains(&second), "{list}");
    assert_eq!(channels.ids("com.example.other"), [""; 0]);
}

#[test]
fn each_fault_of_a_creation_has_apples_reason() {
    let channels = Channels::default();
    for (body, expected) in [
        ("", "PayloadEmpty"),
        ("{", "BadRequestPayload"),
        (r#"{"x":1}"#, "BadRequestParams"),
        (r#"{"push-type":"LiveActivity"}"#, "MissingChannelQueueSize"),
        (r#"{"message-storage-policy":0}"#, "MissingPushType"),
        (
            r#"{"message-storage-policy":0,"push-type":"alert"}"#,
            "InvalidPushType",
        ),
    ] {
        let answer = ask(&channels, "POST", APP, &[], body);
        assert_eq!((answer.status, reason(&answer)), (400, expected));
    }
    let read = |fields: &[(&str, &str)]| ask(&channels, "GET", APP, fields, "");
    assert_eq!(reason(&read(&[])), "MissingChannelId");
    assert_eq!(reason(&read(&[("apns-channel-id", "?")])), "BadChannelId");
    let put = ask(&channels, "PUT", APP, &[], "");
    assert_eq!((put.status, reason(&put)), (405, "MethodNotAllowed"));
    let long = format!(r#""{}""#, "x".repeat(PAYLOAD));
    let answer = ask(&channels, "POST", APP, &[], &long);
    assert_eq!((answer.status, reason(&answer)), (413, "PayloadTooLarge"));
}

#[test]
fn each_fault_of_path_bundle_id_or_request_id_has_apples_reason() {
    const ID: &str = "00000000-0000-4000-8000-000000000001";
    let channels = Channels::default();
    let body = r#"{"message-storage-policy":0,"push-type":"LiveActivity"}"#;
    let suffixed = |path: &str| path.replace(".app", ".app.push-type.liveactivity");
    for (method, path) in [
        ("POST", APP),
        ("GET", APP),
        ("DELETE", APP),
        ("GET", ALL),
        ("POST", BROADCAST),
    ] {
        let ask = |path: &str, id| {
            let answer = ask(&channels, method, path, &[("apns-request-id", id)], body);
            format!("{} {}", answer.status, reason(&answer))
        };
        assert_eq!(ask(path, "1"), "400 BadMessageId", "{method} {path}");
        assert_eq!(ask(&suffixed(path), ID), "400 TopicDisallowed", "{path}");
        let nobodys = path.replace("com.example.app", "");
        assert_eq!(ask(&nobodys, ID), "404 BadPath", "{nobodys}");
        assert_eq!(ask(&format!("{path}/y"), ID), "404 BadPath", "{path}/y");
        let fine = ask(path, ID);
        assert!(
            !fine.contains("BadMessageId") && !fine.contains("TopicDisallowed"),
            "{fine}"
        );
    }
    for path in ["/1/apps/x/y", "/1/apps/x", "/1/apps/", BROADCASTS] {
        let answer = ask(&channels, "GET", path, &[], "");
        assert_eq!((answer.status, reason(&answer)), (404, "BadPath"), "{path}");
    }
}

#[test]
fn only_a_channel_makes_an_app_known() {
    let channels = Channels::default();
    for n in 0..10 {
        let path = format!("/1/apps/com.example.n{n}/channels");
        let named = [("apns-channel-id", "dGhlcmU=")];
        for (method, path, reason_given) in [
            ("GET", &path, "ChannelNotRegistered"),
            ("DELETE", &path, "ChannelNotRegistered"),
            ("POST", &path, "BadRequestPayload"),
            ("PUT", &path, "MethodNotAllowed"),
            ("GET", &path.replace("/channels", "/all-channels"), ""),
        ] {
            let answer = ask(&channels, method, path, &named, "{");
            assert_eq!(reason(&answer), reason_given, "{method} {path}");
        }
    }
    assert!(lock(&channels.apps).is_empty());
    create(&channels, 0);
    assert_eq!(lock(&channels.apps).len(), 1);
}

#[test]
fn an_app_has_ten_thousand_channels_at_most() {
    let channels = Channels::default();
    for _ in 0..LIMIT {
        create(&channels, 0);
    }
    let body = r#"{"message-storage-policy":0,"push-type":"LiveActivity"}"#;
    let answer = ask(&channels, "POST", APP, &[], body);
    assert_eq!(reason(&answer), "CannotCreateChannelConfig");
}

#[test]
fn each_fault_of_a_broadcast_has_apples_reason() {
    let channels = Channels::default();
    let (brief, kept) = (create(&channels, 0), create(&channels, 1));
    let cast = |id: &str, kind: &str, priority: &str, expiration: &str, body: &str| {
        let fields = [
            ("apns-channel-id", id),
            ("apns-push-type", kind),
            ("apns-priority", priority),
            ("apns-expiration", expiration),
        ];
        let answer = ask(&channels, "POST", BROADCAST, &fields, body);
        format!("{} {}", answer.status, reason(&answer))
    };
    let long = format!(r#""{}""#, "x".repeat(PAYLOAD));
    for (found, expected) in [
        (cast(&brief, "liveactivity", "10", "0", "{}"), "200 "),
        (cast(&kept, "liveactivity", "5", "1900000000", "{}"), "200 "),
        (
            cast(&brief, "liveactivity", "5", "1900000000", "{}"),
            "400 BadExpirationDate",
        ),
        (
            cast("dGhlcmU=", "liveactivity", "5", "0", "{}"),
            "400 ChannelNotRegistered",
        ),
        (cast(&brief, "alert", "5", "0", "{}"), "400 InvalidPushType"),
        (
            cast(&brief, "liveactivity", "7", "0", "{}"),
            "400 BadPriority",
        ),
        (
            cast(&brief, "liveactivity", "5", "0", ""),
            "400 PayloadEmpty",
        ),
        (
            cast(&brief, "liveactivity", "5", "0", "{"),
            "400 BadRequestPayload",
        ),
        (
            cast(&brief, "liveactivity", "5", "0", &long),
            "413 PayloadTooLarge",
        ),
    ] {
        assert_eq!(found, expected);
    }
}
