//! Broadcast channels as Apple keeps them ("Sending channel management requests to APNs", "Sending broadcast
//! push notification requests to APNs").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;

use http::request::Parts;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::Answer;
use super::check::text;
use super::tap::lock;

const MANAGEMENT: &str = "/1/apps/";
const BROADCASTS: &str = "/4/broadcasts/apps/";
/// Channels of one app.
const LIMIT: usize = 10_000;
const PAYLOAD: usize = 5120;

/// Whether a path is about channels.
pub(super) fn is_path(path: &str) -> bool {
    path.starts_with(MANAGEMENT) || path.starts_with(BROADCASTS)
}

/// All channels, by app.
#[derive(Debug, Default)]
pub(super) struct Channels {
    apps: Mutex<BTreeMap<String, App>>,
}

#[derive(Debug, Default)]
struct App {
    /// Channels ever made: ids are never used again.
    made: u64,
    /// What each stores.
    channels: BTreeMap<String, u8>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Config {
    message_storage_policy: Option<u64>,
    push_type: Option<String>,
}

impl Channels {
    /// Does what a request about channels asks for.
    pub(super) fn answer(&self, parts: &Parts, body: &[u8], length: usize) -> Answer {
        let path = parts.uri.path();
        let done = match path.strip_prefix(BROADCASTS) {
            Some(app) => self.broadcast(parts, app, body, length),
            None => self.manage(parts, path.strip_prefix(MANAGEMENT).unwrap_or(""), body),
        };
        done.unwrap_or_else(|rejection| rejection)
    }

    /// The ids of an app's channels.
    pub(super) fn ids(&self, app: &str) -> Vec<String> {
        let apps = lock(&self.apps);
        apps.get(app).map_or_else(Vec::new, App::ids)
    }

    fn manage(&self, parts: &Parts, rest: &str, body: &[u8]) -> Result<Answer, Answer> {
        let Some((app, what)) = rest.split_once('/') else {
            return Err(Answer::rejection(404, "BadPath"));
        };
        let mut apps = lock(&self.apps);
        let app = apps.entry(app.to_owned()).or_default();
        match (&parts.method, what) {
            (&Method::POST, "channels") => app.create(body),
            (&Method::GET, "channels") => {
                let policy = app.find(&parts.headers)?;
                let body = serde_json::json!({
                    "message-storage-policy": policy, "push-type": "LiveActivity",
                });
                Ok(Answer::ok().body(body.to_string()))
            }
            (&Method::DELETE, "channels") => {
                app.find(&parts.headers)?;
                app.channels.remove(channel_id(&parts.headers)?);
                Ok(Answer::ok().with_status(204))
            }
            (&Method::GET, "all-channels") => {
                let body = serde_json::json!({ "channels": app.ids() });
                Ok(Answer::ok().body(body.to_string()))
            }
            (_, "channels" | "all-channels") => Err(Answer::rejection(405, "MethodNotAllowed")),
            _ => Err(Answer::rejection(404, "BadPath")),
        }
    }

    fn broadcast(
        &self,
        parts: &Parts,
        app: &str,
        body: &[u8],
        length: usize,
    ) -> Result<Answer, Answer> {
        if parts.method != Method::POST {
            return Err(Answer::rejection(405, "MethodNotAllowed"));
        }
        let fields = &parts.headers;
        let apps = lock(&self.apps);
        let id = channel_id(fields)?;
        let known = apps.get(app).and_then(|app| app.channels.get(id));
        let policy = *known.ok_or_else(|| bad("ChannelNotRegistered"))?;
        match text(fields, "apns-push-type") {
            None => return Err(bad("MissingPushType")),
            Some(kind) if !kind.eq_ignore_ascii_case("liveactivity") => {
                return Err(bad("InvalidPushType"));
            }
            Some(_) => {}
        }
        if !matches!(text(fields, "apns-priority"), Some("5" | "10")) {
            return Err(bad("BadPriority"));
        }
        match text(fields, "apns-expiration").map(str::parse::<u64>) {
            Some(Ok(0)) => {}
            Some(Ok(_)) if policy == 1 => {}
            _ => return Err(bad("BadExpirationDate")),
        }
        match length {
            0 => Err(bad("PayloadEmpty")),
            n if n > PAYLOAD => Err(Answer::rejection(413, "PayloadTooLarge")),
            _ if serde_json::from_slice::<serde_json::Value>(body).is_err() => {
                Err(bad("BadRequestPayload"))
            }
            _ => Ok(Answer::ok()),
        }
    }
}

impl App {
    fn create(&mut self, body: &[u8]) -> Result<Answer, Answer> {
        if body.is_empty() {
            return Err(bad("PayloadEmpty"));
        }
        let config: Config = serde_json::from_slice(body).map_err(|error| {
            bad(if error.is_data() {
                "BadRequestParams"
            } else {
                "BadRequestPayload"
            })
        })?;
        let policy = match config.message_storage_policy {
            Some(0) => 0,
            Some(1) => 1,
            _ => return Err(bad("MissingChannelQueueSize")),
        };
        match config.push_type.as_deref() {
            None => return Err(bad("MissingPushType")),
            Some("LiveActivity") => {}
            Some(_) => return Err(bad("InvalidPushType")),
        }
        if self.channels.len() >= LIMIT {
            return Err(bad("CannotCreateChannelConfig"));
        }
        self.made += 1;
        // Base64, as Apple's; which octets it stands for is nobody's business.
        let id = format!("bW9ja{:017}==", self.made);
        self.channels.insert(id.clone(), policy);
        let mut answer = Answer::ok().with_status(201);
        answer.channel_id = Some(Cow::Owned(id));
        Ok(answer)
    }

    fn find(&self, fields: &HeaderMap) -> Result<u8, Answer> {
        let policy = self.channels.get(channel_id(fields)?);
        policy.copied().ok_or_else(|| bad("ChannelNotRegistered"))
    }

    fn ids(&self) -> Vec<String> {
        self.channels.keys().cloned().collect()
    }
}

fn channel_id(fields: &HeaderMap) -> Result<&str, Answer> {
    let id = text(fields, "apns-channel-id").ok_or_else(|| bad("MissingChannelId"))?;
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=".contains(&b);
    if id.is_empty() || !id.bytes().all(is_base64) {
        return Err(bad("BadChannelId"));
    }
    Ok(id)
}

fn bad(reason: &'static str) -> Answer {
    Answer::rejection(400, reason)
}

#[cfg(test)]
mod tests {
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
        let path = ask(&channels, "GET", "/1/apps/x/y", &[], "");
        assert_eq!((path.status, reason(&path)), (404, "BadPath"));
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
}
