//! Broadcast channels as Apple keeps them ("Sending channel management requests to APNs", "Sending broadcast
//! push notification requests to APNs").

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;

use http::request::Parts;
use http::{HeaderMap, Method};
use serde::Deserialize;

use super::Answer;
use super::check::{is_canonical_uuid, text, whole_number};
use super::tap::lock;

pub(super) const MANAGEMENT: &str = "/1/apps/";
const BROADCASTS: &str = "/4/broadcasts/apps/";
/// It belongs to topics of device pushes; the paths here want the bundle id alone.
const SUFFIX: &str = ".push-type.liveactivity";
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
            None => {
                let rest = path.strip_prefix(MANAGEMENT).unwrap_or("");
                self.manage(parts, rest, body, length)
            }
        };
        done.unwrap_or_else(|rejection| rejection)
    }

    /// The ids of an app's channels.
    pub(super) fn ids(&self, app: &str) -> Vec<String> {
        let apps = lock(&self.apps);
        apps.get(app).map_or_else(Vec::new, App::ids)
    }

    fn manage(
        &self,
        parts: &Parts,
        rest: &str,
        body: &[u8],
        length: usize,
    ) -> Result<Answer, Answer> {
        let (name, what) = rest.split_once('/').unwrap_or((rest, ""));
        let methods: &[Method] = match what {
            "channels" if !name.is_empty() => &[Method::POST, Method::GET, Method::DELETE],
            "all-channels" if !name.is_empty() => &[Method::GET],
            _ => return Err(Answer::rejection(404, "BadPath")),
        };
        if !methods.contains(&parts.method) {
            return Err(Answer::rejection(405, "MethodNotAllowed"));
        }
        check_request(&parts.headers, name)?;
        let mut apps = lock(&self.apps);
        if parts.method == Method::POST {
            let policy = Config::read(body, length)?;
            // Only a channel makes an app known: what is merely asked for leaves nothing behind.
            return apps.entry(name.to_owned()).or_default().create(policy);
        }
        let mut unknown = App::default();
        let app = apps.get_mut(name).unwrap_or(&mut unknown);
        if what == "all-channels" {
            let body = serde_json::json!({ "channels": app.ids() });
            return Ok(Answer::ok().body(body.to_string()));
        }
        let policy = app.find(&parts.headers)?;
        if parts.method == Method::DELETE {
            app.channels.remove(channel_id(&parts.headers)?);
            return Ok(Answer::ok().with_status(204));
        }
        let body = serde_json::json!({
            "message-storage-policy": policy, "push-type": "LiveActivity",
        });
        Ok(Answer::ok().body(body.to_string()))
    }

    fn broadcast(
        &self,
        parts: &Parts,
        app: &str,
        body: &[u8],
        length: usize,
    ) -> Result<Answer, Answer> {
        if app.is_empty() || app.contains('/') {
            return Err(Answer::rejection(404, "BadPath"));
        }
        if parts.method != Method::POST {
            return Err(Answer::rejection(405, "MethodNotAllowed"));
        }
        let fields = &parts.headers;
        check_request(fields, app)?;
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
        match text(fields, "apns-expiration").and_then(whole_number) {
            Some(0) => {}
            Some(_) if policy == 1 => {}
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

impl Config {
    /// The storage policy, if all is in order.
    fn read(body: &[u8], length: usize) -> Result<u8, Answer> {
        if length == 0 {
            return Err(bad("PayloadEmpty"));
        }
        if length > PAYLOAD {
            return Err(Answer::rejection(413, "PayloadTooLarge"));
        }
        let config: Self = serde_json::from_slice(body).map_err(|error| {
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
        Ok(policy)
    }
}

impl App {
    fn create(&mut self, policy: u8) -> Result<Answer, Answer> {
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

/// What is the same for all: the request's id and the bundle id.
fn check_request(fields: &HeaderMap, app: &str) -> Result<(), Answer> {
    if text(fields, "apns-request-id").is_some_and(|id| !is_canonical_uuid(id)) {
        return Err(bad("BadMessageId"));
    }
    if app.ends_with(SUFFIX) {
        return Err(bad("TopicDisallowed"));
    }
    Ok(())
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
mod tests;
