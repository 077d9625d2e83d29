//! The devices that a mock knows: their tokens, environment and topics.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use aapns_proto::client::Environment;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Answer;
use super::json::{JsonError, read};
use super::tap::lock;

/// A device as the push service knows it. As JSON: an object with the fields below, `token` alone required.
///
/// ```
/// use aapns_tokio::mock::Device;
///
/// let devices = Device::list_from_json(r#"[
///     {"token": "00fc13ad", "topics": ["com.example.app"]},
///     {"token": "d1e2", "environment": "production"}
/// ]"#)?;
/// assert_eq!(devices[0], Device::new("00FC13AD").topic("com.example.app"));
/// # Ok::<(), aapns_tokio::mock::JsonError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
#[must_use = "a mock knows the devices that it is given"]
pub struct Device {
    /// The device token, in hex.
    #[serde(deserialize_with = "hex")]
    pub token: String,
    /// Where the token is from; `sandbox` if absent.
    #[serde(
        default = "sandbox",
        serialize_with = "as_text",
        deserialize_with = "from_text"
    )]
    pub environment: Environment,
    /// The topics that it is for; any if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Since when it is dead, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unregistered_at: Option<u64>,
}

impl Device {
    /// A living device of the sandbox, for any topic.
    pub fn new(token: &str) -> Self {
        Self {
            token: token.to_ascii_lowercase(),
            environment: Environment::Sandbox,
            topics: Vec::new(),
            unregistered_at: None,
        }
    }

    /// For this topic, too: an app's bundle id, with the suffix that its push type wants.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// Of this environment.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Reads a JSON array of devices.
    ///
    /// # Errors
    /// [`JsonError`], which tells the place.
    pub fn list_from_json(json: &str) -> Result<Vec<Self>, JsonError> {
        read(json)
    }
}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Device")
            .field("environment", &self.environment)
            .field("topics", &self.topics)
            .field("unregistered_at", &self.unregistered_at)
            .finish_non_exhaustive()
    }
}

fn hex<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let token = String::deserialize(deserializer)?;
    let is_hex = token.bytes().all(|b| b.is_ascii_hexdigit());
    if token.is_empty() || token.len() % 2 != 0 || !is_hex {
        return Err(serde::de::Error::custom(
            "a device token is an even number of hex digits",
        ));
    }
    Ok(token.to_ascii_lowercase())
}

fn sandbox() -> Environment {
    Environment::Sandbox
}

fn as_text<S: Serializer>(environment: &Environment, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(environment)
}

fn from_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Environment, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(serde::de::Error::custom)
}

/// All that are known; until the first is, every token is good.
#[derive(Default)]
pub(super) struct Devices {
    any: AtomicBool,
    known: Mutex<HashMap<String, Device>>,
}

impl Devices {
    /// From now on only known devices get anything.
    pub(super) fn know(&self, devices: impl IntoIterator<Item = Device>) {
        let mut known = lock(&self.known);
        known.extend(devices.into_iter().map(|device| {
            let token = device.token.to_ascii_lowercase();
            (token, device)
        }));
        self.any.store(true, Ordering::Release);
    }

    /// Whether there was such a device.
    pub(super) fn unregister(&self, token: &str, when: u64) -> bool {
        let mut known = lock(&self.known);
        let device = known.get_mut(&token.to_ascii_lowercase());
        device
            .map(|device| device.unregistered_at = Some(when))
            .is_some()
    }

    /// Judges as Apple does ("Handling notification responses from APNs"); without a topic the
    /// certificate's own is meant, which isn't looked at.
    pub(super) fn judge(
        &self,
        token: &str,
        topic: Option<&str>,
        environment: Environment,
    ) -> Result<(), Answer> {
        if !self.any.load(Ordering::Acquire) {
            return Ok(());
        }
        let known = lock(&self.known);
        let device = known.get(&token.to_ascii_lowercase());
        let Some(device) = device.filter(|device| device.environment == environment) else {
            return Err(Answer::rejection(400, "BadDeviceToken"));
        };
        let is_for = |topic: &str| device.topics.iter().any(|known| known == topic);
        if !device.topics.is_empty() && topic.is_some_and(|topic| !is_for(topic)) {
            return Err(Answer::rejection(400, "DeviceTokenNotForTopic"));
        }
        match device.unregistered_at {
            Some(when) => Err(Answer::unregistered(when)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_judged_by_environment_topic_and_life_in_this_order() {
        let devices = Devices::default();
        let judge = |token, topic, environment| match devices.judge(token, topic, environment) {
            Ok(()) => "200".to_owned(),
            Err(answer) => format!("{} {}", answer.status, answer.reason.unwrap()),
        };
        let (sandbox, production) = (Environment::Sandbox, Environment::Production);
        assert_eq!(judge("abcd", Some("a"), sandbox), "200");
        devices.know([
            Device::new("ABCD").topic("a").topic("a.voip"),
            Device::new("01").environment(production),
        ]);
        assert!(devices.unregister("aBcD", 7) && !devices.unregister("ff", 7));
        for (token, topic, environment, expected) in [
            ("ff", Some("a"), sandbox, "400 BadDeviceToken"),
            ("abcd", Some("b"), production, "400 BadDeviceToken"),
            ("abcd", Some("b"), sandbox, "400 DeviceTokenNotForTopic"),
            ("abCD", Some("a.voip"), sandbox, "410 Unregistered"),
            ("abcd", None, sandbox, "410 Unregistered"),
            ("01", Some("b"), production, "200"),
            ("01", Some("b"), sandbox, "400 BadDeviceToken"),
        ] {
            assert_eq!(judge(token, topic, environment), expected, "{token}");
        }
        devices.know([Device::new("abcd")]);
        assert_eq!(judge("abcd", Some("b"), sandbox), "200", "registered again");
    }

    #[test]
    fn a_mistake_in_a_list_is_named_with_its_place() {
        for (json, part) in [
            (r#"[{"token": "abc"}]"#, "[0].token"),
            (r#"[{"token": ""}]"#, "hex"),
            (
                r#"[{"token": "ab"}, {"token": "ab", "topic": "a"}]"#,
                "[1].topic",
            ),
            (r#"[{"token": "ab", "environment": "test"}]"#, "sandbox"),
            (r#"{"token": "ab"}"#, "at ."),
        ] {
            let error = Device::list_from_json(json).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
