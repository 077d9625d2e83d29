//! Broadcast push: channels, and Live Activity updates to all who follow one.

use std::fmt;

use serde::Deserialize;

use crate::notification::kind::{End, Kind, LiveActivity, Update};
use crate::{
    BROADCAST_PAYLOAD_LIMIT, BundleId, ChannelId, Expiration, InvalidNotification, Notification,
    Priority, PushType,
};

/// An update or end of a Live Activity for all who follow a channel (iOS 18 and later).
///
/// A broadcast can't start an activity, has no topic and no collapse id, and may have 5120 octets.
///
/// ```
/// use aapns_models::{Broadcast, BundleId, ChannelId, Notification};
/// use serde_json::json;
///
/// let score = Notification::live_activity_update(1_700_000_000, &json!({"home": 2, "away": 1}))?;
/// let broadcast = Broadcast::new(
///     BundleId::new("com.example.app")?,
///     ChannelId::new("dHN0LXNyY2gtY2hubA==")?,
///     score,
/// );
/// assert_eq!(broadcast.encode()?.path, "/4/broadcasts/apps/com.example.app");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Broadcast {
    bundle_id: BundleId,
    channel_id: ChannelId,
    notification: Notification,
}

/// Kinds of notification that a channel takes. Sealed.
pub trait Broadcastable: Kind + Into<crate::notification::kind::Any> {}

impl Broadcastable for LiveActivity<Update> {}
impl Broadcastable for LiveActivity<End> {}

impl Broadcast {
    /// A broadcast of this update or end. Its expiration is 0 unless one is set, which only a
    /// channel that [stores](StoragePolicy::MostRecent) takes.
    pub fn new<K: Broadcastable>(
        bundle_id: BundleId,
        channel_id: ChannelId,
        notification: Notification<K>,
    ) -> Self {
        Self {
            bundle_id,
            channel_id,
            notification: notification.erase(),
        }
    }

    /// The same of a notification whose kind was forgotten, or that was read from JSON.
    ///
    /// # Errors
    /// [`InvalidNotification`] if it isn't an update or end of a Live Activity.
    pub fn from_any(
        bundle_id: BundleId,
        channel_id: ChannelId,
        notification: Notification,
    ) -> Result<Self, InvalidNotification> {
        if notification.kind().is_broadcastable() {
            Ok(Self {
                bundle_id,
                channel_id,
                notification,
            })
        } else {
            Err(InvalidNotification::field(
                "payload.aps.event",
                "a broadcast can only update or end a Live Activity",
            ))
        }
    }

    /// Checks the broadcast, and writes its payload.
    ///
    /// # Errors
    /// [`InvalidNotification`]: a field that breaks a rule, or a payload over 5120 octets.
    pub fn encode(&self) -> Result<EncodedBroadcast, InvalidNotification> {
        let encoded = self
            .notification
            .encode_within(Some(BROADCAST_PAYLOAD_LIMIT))?;
        if encoded.collapse_id.is_some() {
            return Err(InvalidNotification::field(
                "collapse_id",
                "a broadcast has none",
            ));
        }
        Ok(EncodedBroadcast {
            path: format!("/4/broadcasts/apps/{}", self.bundle_id),
            channel_id: self.channel_id.clone(),
            push_type: PushType::LiveActivity,
            priority: encoded.priority.unwrap_or(Priority::Immediate),
            expiration: match encoded.expiration {
                Expiration::Absent => Expiration::Immediately,
                set => set,
            },
            payload: encoded.payload,
        })
    }
}

/// What a request to `/4/broadcasts/apps/…` is made of.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedBroadcast {
    /// `:path`, which has the bundle id.
    pub path: String,
    /// `apns-channel-id`.
    pub channel_id: ChannelId,
    /// `apns-push-type`: always `liveactivity`.
    pub push_type: PushType,
    /// `apns-priority`: never absent, since Apple requires it here; 10 unless one was chosen.
    pub priority: Priority,
    /// `apns-expiration`: never absent.
    pub expiration: Expiration,
    /// The body: JSON.
    pub payload: Vec<u8>,
}

/// Shows how long the payload is; what it says is content.
impl fmt::Debug for EncodedBroadcast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncodedBroadcast")
            .field("path", &self.path)
            .field("channel_id", &self.channel_id)
            .field("priority", &self.priority)
            .field("expiration", &self.expiration)
            .field("payload", &format_args!("{} octets", self.payload.len()))
            .finish_non_exhaustive()
    }
}

/// What a channel keeps for devices that are offline. Fixed when the channel is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoragePolicy {
    /// 0: nothing, with a larger budget; broadcasts must have expiration 0.
    NoStorage = 0,
    /// 1: the newest message, for up to 8 hours.
    MostRecent = 1,
}

/// What a channel is: the body that creates one, and the answer that describes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ChannelConfig {
    /// What it keeps.
    pub storage: StoragePolicy,
}

impl ChannelConfig {
    /// A channel that keeps this.
    pub const fn new(storage: StoragePolicy) -> Self {
        Self { storage }
    }

    /// The path to create (`POST`), read (`GET`) and delete (`DELETE`) channels of an app; the last
    /// two name the channel in `apns-channel-id`.
    pub fn path(bundle_id: &BundleId) -> String {
        format!("/1/apps/{bundle_id}/channels")
    }

    /// The body that creates such a channel. The answer has its id in `apns-channel-id`.
    pub fn encode(&self) -> Vec<u8> {
        let policy = self.storage as u8;
        format!(r#"{{"message-storage-policy":{policy},"push-type":"LiveActivity"}}"#).into_bytes()
    }

    /// Reads the answer that describes a channel.
    ///
    /// # Errors
    /// [`InvalidAnswer`] if it isn't one.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidAnswer> {
        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        struct Wire {
            message_storage_policy: u64,
        }

        let wire: Wire = serde_json::from_slice(body).map_err(|_| InvalidAnswer::Channel)?;
        let storage = match wire.message_storage_policy {
            0 => StoragePolicy::NoStorage,
            1 => StoragePolicy::MostRecent,
            _ => return Err(InvalidAnswer::Channel),
        };
        Ok(Self { storage })
    }
}

/// The channels of an app: up to 10,000.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelList {
    /// Their ids.
    pub channels: Vec<ChannelId>,
}

impl ChannelList {
    /// The path to list (`GET`) the channels of an app.
    pub fn path(bundle_id: &BundleId) -> String {
        format!("/1/apps/{bundle_id}/all-channels")
    }

    /// Reads the answer. An empty body is an empty list, since Apple's page says either.
    ///
    /// # Errors
    /// [`InvalidAnswer`] if it isn't one.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidAnswer> {
        #[derive(Deserialize)]
        struct Wire {
            channels: Vec<ChannelId>,
        }

        if body.is_empty() {
            return Ok(Self::default());
        }
        let wire: Wire = serde_json::from_slice(body).map_err(|_| InvalidAnswer::List)?;
        Ok(Self {
            channels: wire.channels,
        })
    }
}

/// Why the body of a 200 of channel management can't be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidAnswer {
    /// Not the description of a channel.
    #[error("the answer doesn't describe a channel")]
    Channel,
    /// Not a list of channels.
    #[error("the answer isn't a list of channels")]
    List,
    /// No id of the channel that was made.
    #[error("the channel was made, but the answer doesn't name it")]
    ChannelId,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn broadcast<K: Broadcastable>(notification: Notification<K>) -> Broadcast {
        Broadcast::new(
            BundleId::new("com.example.app").unwrap(),
            ChannelId::new("dHN0LXNyY2gtY2hubA==").unwrap(),
            notification,
        )
    }

    #[test]
    fn a_broadcast_has_an_expiration_and_five_kilobytes() {
        let sized = |size: usize| {
            let state = json!({ "x": "y".repeat(size) });
            broadcast(Notification::live_activity_update(1, &state).unwrap()).encode()
        };
        let empty = sized(0).unwrap();
        assert_eq!(empty.expiration, Expiration::Immediately);
        assert_eq!(empty.priority, Priority::Immediate);
        assert_eq!(empty.path, "/4/broadcasts/apps/com.example.app");
        let room = 5120 - empty.payload.len();
        assert_eq!(sized(room).unwrap().payload.len(), 5120);
        assert_eq!(
            sized(room + 1),
            Err(InvalidNotification::PayloadTooLarge {
                size: 5121,
                limit: 5120
            })
        );
    }

    #[test]
    fn a_broadcast_keeps_the_expiration_that_is_set_and_refuses_a_collapse_id() {
        let end = Notification::live_activity_end(1, &json!({})).unwrap();
        let chosen = end.clone().expiration(Expiration::At(9));
        let kept = broadcast(chosen.priority(Priority::Normal))
            .encode()
            .unwrap();
        assert_eq!(kept.expiration, Expiration::At(9));
        assert_eq!(kept.priority, Priority::Normal);
        let collapsing = end.collapse_id("c".parse().unwrap());
        assert!(broadcast(collapsing).encode().is_err());
    }

    #[test]
    fn only_updates_and_ends_are_broadcast_whatever_their_type() {
        let read = |event: &str| {
            let json = json!({"push_type": "liveactivity", "payload": {"aps": {
                "event": event, "timestamp": 1, "content-state": {"x": "y".repeat(4900)},
            }}});
            Notification::from_json(json.to_string().as_bytes()).unwrap()
        };
        let cast = |notification| {
            let id = BundleId::new("com.example.app").unwrap();
            Broadcast::from_any(id, ChannelId::new("YQ==").unwrap(), notification)
        };
        for event in ["update", "end"] {
            assert!(read(event).encode().is_err(), "too large for a device");
            assert!(cast(read(event)).unwrap().encode().is_ok());
        }
        assert!(cast(Notification::alert("a").erase()).is_err());
    }

    #[test]
    fn a_channel_is_created_and_described_by_the_same_body() {
        let config = ChannelConfig {
            storage: StoragePolicy::MostRecent,
        };
        let body = config.encode();
        assert_eq!(
            body,
            br#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#
        );
        assert_eq!(ChannelConfig::parse(&body), Ok(config));
        for body in ["", "{}", r#"{"message-storage-policy":2}"#] {
            assert_eq!(
                ChannelConfig::parse(body.as_bytes()),
                Err(InvalidAnswer::Channel)
            );
        }
    }

    #[test]
    fn a_list_may_be_long_or_empty() {
        let ids: Vec<String> = (0..10_000).map(|n| format!("{n:024}==")).collect();
        let list = ChannelList::parse(json!({ "channels": ids }).to_string().as_bytes()).unwrap();
        assert_eq!(list.channels.len(), 10_000);
        assert_eq!(ChannelList::parse(b""), Ok(ChannelList::default()));
        assert_eq!(
            ChannelList::parse(b"{\"channels\":[]}"),
            Ok(ChannelList::default())
        );
        assert_eq!(ChannelList::parse(b"[]"), Err(InvalidAnswer::List));
    }
}
