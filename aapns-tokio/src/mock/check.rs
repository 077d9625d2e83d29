//! The checks that Apple makes of a device push ("Handling notification responses from APNs").

use http::HeaderMap;
use http::Method;
use http::request::Parts;

use super::Answer;

const PATH: &str = "/3/device/";
const COLLAPSE_ID: usize = 64;
const PAYLOAD: usize = 4096;
const VOIP_PAYLOAD: usize = 5120;

/// Push types, and the suffix that each wants on its topic.
const PUSH_TYPES: [(&str, &str); 11] = [
    ("alert", ""),
    ("background", ""),
    ("complication", ".complication"),
    ("controls", ".push-type.controls"),
    ("fileprovider", ".pushkit.fileprovider"),
    ("liveactivity", ".push-type.liveactivity"),
    ("location", ".location-query"),
    ("mdm", ""),
    ("pushtotalk", ".voip-ptt"),
    ("voip", ".voip"),
    ("widgets", ".push-type.widgets"),
];

/// The device token of a path, if it has the right form.
pub(super) fn device_token(path: &str) -> Option<&str> {
    path.strip_prefix(PATH)
}

/// Judges a request of `length` octets of body; `topic_needed` is false for a client certificate, whose
/// topic is the default.
pub(super) fn check(parts: &Parts, length: usize, topic_needed: bool) -> Result<(), Answer> {
    let Some(token) = device_token(parts.uri.path()) else {
        return Err(Answer::rejection(404, "BadPath"));
    };
    if parts.method != Method::POST {
        return Err(Answer::rejection(405, "MethodNotAllowed"));
    }
    if token.is_empty() {
        return Err(Answer::rejection(400, "MissingDeviceToken"));
    }
    if token.contains('/') {
        return Err(Answer::rejection(404, "BadPath"));
    }
    if !token.len().is_multiple_of(2) || !token.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(Answer::rejection(400, "BadDeviceToken"));
    }
    let fields = &parts.headers;
    if fields.keys_len() != fields.len() {
        return Err(Answer::rejection(400, "DuplicateHeaders"));
    }
    check_fields(fields, length, topic_needed)
}

fn check_fields(fields: &HeaderMap, length: usize, topic_needed: bool) -> Result<(), Answer> {
    let bad = |reason| Err(Answer::rejection(400, reason));
    let push_type = text(fields, "apns-push-type");
    let is_known = |kind| PUSH_TYPES.iter().any(|(name, _)| *name == kind);
    if push_type.is_some_and(|kind| !is_known(kind)) {
        return bad("InvalidPushType");
    }
    match text(fields, "apns-topic") {
        None if topic_needed => return bad("MissingTopic"),
        Some(topic) if !is_topic(topic, push_type) => return bad("BadTopic"),
        _ => {}
    }
    let push_type = push_type.unwrap_or("alert");
    match text(fields, "apns-priority") {
        None | Some("5" | "1") => {}
        Some("10") if push_type != "background" => {}
        Some(_) => return bad("BadPriority"),
    }
    let expiration = text(fields, "apns-expiration");
    if expiration.is_some_and(|value| whole_number(value).is_none()) {
        return bad("BadExpirationDate");
    }
    if text(fields, "apns-id").is_some_and(|id| !is_canonical_uuid(id)) {
        return bad("BadMessageId");
    }
    if fields
        .get("apns-collapse-id")
        .is_some_and(|id| id.len() > COLLAPSE_ID)
    {
        return bad("BadCollapseId");
    }
    let most = if push_type == "voip" {
        VOIP_PAYLOAD
    } else {
        PAYLOAD
    };
    match length {
        0 => bad("PayloadEmpty"),
        n if n > most => Err(Answer::rejection(413, "PayloadTooLarge")),
        _ => Ok(()),
    }
}

/// Whether it is a name with the suffix that the push type wants, and with none that can only be another's: the
/// name of an app may end in `.voip`, but not in `.push-type.controls`. Without a push type any is right.
fn is_topic(topic: &str, push_type: Option<&str>) -> bool {
    let wanted = PUSH_TYPES.iter().find(|(kind, _)| Some(*kind) == push_type);
    let suffix = wanted.map_or("", |(_, suffix)| *suffix);
    let is_anothers = |(_, other): &(&str, &str)| {
        *other != suffix && other.matches('.').count() > 1 && topic.ends_with(other)
    };
    let is_alone = PUSH_TYPES.iter().any(|(_, suffix)| *suffix == topic);
    let is_foreign = wanted.is_some() && PUSH_TYPES.iter().any(is_anothers);
    !topic.is_empty() && topic.ends_with(suffix) && !is_alone && !is_foreign
}

/// Decimal digits and nothing else: no sign.
pub(super) fn whole_number(text: &str) -> Option<u64> {
    let is_plain = text.bytes().all(|octet| octet.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// A field's value; what isn't text is as bad as an empty one.
pub(super) fn text<'a>(fields: &'a HeaderMap, name: &str) -> Option<&'a str> {
    fields.get(name).map(|value| value.to_str().unwrap_or(""))
}

/// 8-4-4-4-12 hexadecimal digits.
pub(super) fn is_canonical_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(method: &str, path: &str, fields: &[(&str, &str)], length: usize) -> String {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        match check(&parts, length, true) {
            Ok(()) => "200".into(),
            Err(answer) => format!("{} {}", answer.status, answer.reason.unwrap()),
        }
    }

    #[test]
    fn each_fault_has_apples_reason() {
        let topic = ("apns-topic", "com.example.app");
        let with = |field| judge("POST", "/3/device/abcd", &[topic, field], 10);
        let path = |path| judge("POST", path, &[topic], 10);
        for (found, expected) in [
            (path("/3/device/abcd"), "200"),
            (path("/3/devices/abcd"), "404 BadPath"),
            (path("/3/device/abcd/more"), "404 BadPath"),
            (path("/3/device/"), "400 MissingDeviceToken"),
            (path("/3/device/abc"), "400 BadDeviceToken"),
            (path("/3/device/abcx"), "400 BadDeviceToken"),
            (
                judge("GET", "/3/device/abcd", &[topic], 10),
                "405 MethodNotAllowed",
            ),
            (judge("POST", "/3/device/abcd", &[], 10), "400 MissingTopic"),
            (
                judge("POST", "/3/device/abcd", &[topic, topic], 10),
                "400 DuplicateHeaders",
            ),
            (
                judge("POST", "/3/device/abcd", &[topic], 0),
                "400 PayloadEmpty",
            ),
            (judge("POST", "/3/device/abcd", &[topic], 4096), "200"),
            (
                judge("POST", "/3/device/abcd", &[topic], 4097),
                "413 PayloadTooLarge",
            ),
            (with(("apns-push-type", "alarm")), "400 InvalidPushType"),
            (with(("apns-push-type", "voip")), "400 BadTopic"),
            (with(("apns-priority", "7")), "400 BadPriority"),
            (with(("apns-expiration", "soon")), "400 BadExpirationDate"),
            (with(("apns-expiration", "+5")), "400 BadExpirationDate"),
            (with(("apns-expiration", "")), "400 BadExpirationDate"),
            (with(("apns-expiration", "0")), "200"),
            (with(("apns-id", "1")), "400 BadMessageId"),
            (
                with(("apns-collapse-id", &"x".repeat(65))),
                "400 BadCollapseId",
            ),
            (with(("apns-collapse-id", &"x".repeat(64))), "200"),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_topic_has_the_suffix_of_its_push_type_and_no_other() {
        let with = |topic: &str, push_type: Option<&str>| {
            let kind = push_type.map(|kind| ("apns-push-type", kind));
            let fields: Vec<_> = kind.into_iter().chain([("apns-topic", topic)]).collect();
            judge("POST", "/3/device/abcd", &fields, 10)
        };
        for (kind, suffix) in PUSH_TYPES {
            let topic = format!("com.example.app{suffix}");
            assert_eq!(with(&topic, Some(kind)), "200", "{kind}");
            assert_eq!(with(&topic, None), "200", "{kind}, not said");
            assert_eq!(with(suffix, Some(kind)), "400 BadTopic", "{kind}, no name");
            assert_eq!(with(suffix, None), "400 BadTopic", "{suffix} alone");
            for (other, others) in PUSH_TYPES {
                let may_be_a_name = others.is_empty() && suffix.matches('.').count() < 2;
                let expected = match suffix == others || may_be_a_name {
                    true => "200",
                    false => "400 BadTopic",
                };
                assert_eq!(with(&topic, Some(other)), expected, "{topic} as {other}");
            }
        }
    }

    #[test]
    fn voip_may_be_longer_and_background_never_urgent() {
        let voip = [
            ("apns-topic", "com.example.app.voip"),
            ("apns-push-type", "voip"),
        ];
        assert_eq!(judge("POST", "/3/device/abcd", &voip, 5120), "200");
        assert_eq!(
            judge("POST", "/3/device/abcd", &voip, 5121),
            "413 PayloadTooLarge"
        );
        let background = |priority| {
            let fields = [
                ("apns-topic", "com.example.app"),
                ("apns-push-type", "background"),
                ("apns-priority", priority),
            ];
            judge("POST", "/3/device/abcd", &fields, 10)
        };
        assert_eq!(background("5"), "200");
        assert_eq!(background("10"), "400 BadPriority");
    }
}
