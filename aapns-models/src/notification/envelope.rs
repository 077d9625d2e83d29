//! A notification as JSON of our own, both ways: for queues and files.
//!
//! `{"push_type": …, "topic": …, "priority": …, "expiration": …, "collapse_id": …, "payload": {…}}`,
//! where only the payload must be there. The keys are those of a line of bulk sending.

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use serde_json::Value;

use super::Notification;
use super::fixed::read_content_changed;
use super::free::read_no_aps;
use super::kind::{
    Alert, Any, Background, Complication, Controls, End, FileProvider, Kind, LiveActivity,
    Location, Mdm, PushToTalk, Raw, Start, Update, Voip, WalletPass, Widgets,
};
use super::read::Object;
use crate::{BROADCAST_PAYLOAD_LIMIT, Expiration, InvalidNotification, Priority, PushType};

impl Notification {
    /// Reads a notification from JSON:
    ///
    /// ```
    /// use aapns_models::Notification;
    ///
    /// let json = br#"{"topic": "com.example.app", "payload": {"aps": {"alert": "Hello"}}}"#;
    /// assert_eq!(Notification::from_json(json)?.encode()?.topic.unwrap().as_str(), "com.example.app");
    ///
    /// let wrong = br#"{"payload": {"aps": {"alert": "Hello", "sound": {"critical": true}}}}"#;
    /// assert_eq!(
    ///     Notification::from_json(wrong).unwrap_err().to_string(),
    ///     "payload.aps.sound.critical: must be the number 1"
    /// );
    /// # Ok::<(), aapns_models::InvalidNotification>(())
    /// ```
    ///
    /// Beside `payload`, all of `push_type`, `topic`, `priority`, `expiration` (UNIX seconds) and
    /// `collapse_id` may be absent or `null`. Without a `push_type`, `{}` is a Wallet pass, and
    /// what has `content-available` and nothing to show is a background push; all else is an alert.
    /// With `"raw": true` only the size of the payload is checked.
    ///
    /// # Errors
    /// [`InvalidNotification`] with the path of what breaks a rule of its push type. A key in `aps`
    /// that the push type doesn't have breaks one.
    pub fn from_json(json: &[u8]) -> Result<Self, InvalidNotification> {
        let value = serde_json::from_slice(json).map_err(|error| {
            let at = format!("line {}, column {}", error.line(), error.column());
            InvalidNotification::NotJson(at.into())
        })?;
        Self::from_value(value)
    }

    fn from_value(value: Value) -> Result<Self, InvalidNotification> {
        let mut object = Object::new(String::new(), value)?;
        let push_type = object.parsed("push_type")?;
        let is_raw = object.boolean("raw")?;
        let mut notification = match push_type {
            Some(push_type) if is_raw || matches!(push_type, PushType::Other(_)) => {
                let payload = object.value("payload");
                let payload = payload.ok_or_else(|| object.invalid("payload", "must be there"))?;
                Notification::of(Raw::read(push_type, payload.to_string().into_bytes())).erase()
            }
            None if is_raw => return Err(object.invalid("push_type", "must be there")),
            push_type => typed(push_type, object.required_object("payload")?)?,
        };
        let priority = object
            .integer("priority")?
            .map(Priority::try_from)
            .transpose();
        notification.priority =
            priority.map_err(|error| object.invalid("priority", error.to_string()))?;
        notification.topic = object.parsed("topic")?;
        notification.collapse_id = object.parsed("collapse_id")?;
        let expiration = object.integer("expiration")?.map(Expiration::from_unix);
        notification.expiration = expiration.unwrap_or_default();
        object.finish()?;
        // A broadcast has more room: what is too large for a device only is found when it is sent.
        let limit = match notification.push_type() {
            Some(PushType::LiveActivity) => Some(BROADCAST_PAYLOAD_LIMIT),
            _ => None,
        };
        notification.encode_within(limit).map(|_| notification)
    }
}

/// Reads a payload by the rules of its push type.
fn typed(
    push_type: Option<PushType>,
    mut payload: Object,
) -> Result<Notification, InvalidNotification> {
    if push_type.is_none() && payload.is_empty() {
        return Ok(Notification::of(WalletPass(())).erase());
    }
    let kind: Any = match push_type.unwrap_or_else(|| payload.push_type()) {
        PushType::Controls => return fixed(Controls(()), read_content_changed(payload)?),
        PushType::Widgets => return fixed(Widgets(()), read_content_changed(payload)?),
        PushType::Mdm => return fixed(Mdm::read(payload)?, ()),
        PushType::FileProvider => return fixed(FileProvider::read(payload)?, ()),
        PushType::Background => Background::read(payload.required_object("aps")?)?.into(),
        PushType::LiveActivity => live_activity(payload.required_object("aps")?)?,
        PushType::Complication => read_no_aps(&mut payload).map(|()| Complication(()).into())?,
        PushType::Location => read_no_aps(&mut payload).map(|()| Location(()).into())?,
        PushType::PushToTalk => read_no_aps(&mut payload).map(|()| PushToTalk(()).into())?,
        PushType::Voip => read_no_aps(&mut payload).map(|()| Voip(()).into())?,
        PushType::Alert | PushType::Other(_) => {
            Alert::read(payload.required_object("aps")?)?.into()
        }
    };
    let mut notification = Notification::of(kind);
    for (key, value) in payload.rest() {
        notification.data.insert(key, &value)?;
    }
    Ok(notification)
}

/// A kind without data of the app's own; the second argument is the proof that all was read.
fn fixed<K: Kind + Into<Any>>(kind: K, (): ()) -> Result<Notification, InvalidNotification> {
    Ok(Notification::of(kind).erase())
}

fn live_activity(mut aps: Object) -> Result<Any, InvalidNotification> {
    Ok(match &*aps.required_text("event")? {
        "start" => LiveActivity::<Start>::read(aps)?.into(),
        "update" => LiveActivity::<Update>::read(aps)?.into(),
        "end" => LiveActivity::<End>::read(aps)?.into(),
        _ => return Err(aps.invalid("event", "must be start, update or end")),
    })
}

impl Object {
    /// The push type of a payload that doesn't say.
    fn push_type(&self) -> PushType {
        let is_background = self.peek("aps").is_some_and(|aps| {
            let has = |key| aps.get(key).is_some_and(|value| !value.is_null());
            has("content-available") && !["alert", "badge", "sound"].into_iter().any(has)
        });
        if is_background {
            PushType::Background
        } else {
            PushType::Alert
        }
    }
}

impl<'de> Deserialize<'de> for Notification {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_value(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl<K: Kind> Serialize for Notification<K> {
    /// Fails for a notification that [`encode`](Self::encode) refuses. The payload's keys may come
    /// in another order than in a request.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut payload = Vec::new();
        self.kind
            .write_payload(&self.data, &mut payload)
            .map_err(S::Error::custom)?;
        let payload: Value = serde_json::from_slice(&payload)
            .map_err(|_| S::Error::custom("payload: must be JSON"))?;
        let mut map = serializer.serialize_map(None)?;
        if let Some(push_type) = self.kind.push_type() {
            map.serialize_entry("push_type", &push_type)?;
        }
        if self.kind.is_raw() {
            map.serialize_entry("raw", &true)?;
        }
        if let Some(topic) = &self.topic {
            map.serialize_entry("topic", topic)?;
        }
        if let Some(priority) = self.priority {
            map.serialize_entry("priority", &priority)?;
        }
        if let Some(seconds) = self.expiration.as_unix() {
            map.serialize_entry("expiration", &seconds)?;
        }
        if let Some(collapse_id) = &self.collapse_id {
            map.serialize_entry("collapse_id", collapse_id)?;
        }
        map.serialize_entry("payload", &payload)?;
        map.end()
    }
}
