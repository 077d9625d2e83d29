//! From a notification to the fields and the body of its request.

use std::fmt;

use super::Notification;
use super::kind::Kind;
use crate::{
    CollapseId, Expiration, InvalidNotification, PAYLOAD_LIMIT, Priority, PushType, Topic,
};

/// Most payloads fit in without growing.
const TYPICAL_PAYLOAD: usize = 256;

/// What a request to `/3/device/…` is made of, whichever the device.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Encoded {
    /// `apns-push-type`; absent for Wallet passes only.
    pub push_type: Option<PushType>,
    /// `apns-topic`, suffix included; if absent, the client's default with
    /// [`Topic::for_push_type`].
    pub topic: Option<Topic>,
    /// `apns-priority`.
    pub priority: Option<Priority>,
    /// `apns-expiration`.
    pub expiration: Expiration,
    /// `apns-collapse-id`.
    pub collapse_id: Option<CollapseId>,
    /// The body: JSON.
    pub payload: Vec<u8>,
}

impl Encoded {
    /// A body of this push type, with nothing else said; the other fields can be set. Nothing is checked.
    pub fn new(push_type: impl Into<Option<PushType>>, payload: impl Into<Vec<u8>>) -> Self {
        Self {
            push_type: push_type.into(),
            topic: None,
            priority: None,
            expiration: Expiration::Absent,
            collapse_id: None,
            payload: payload.into(),
        }
    }
}

impl<K: Kind> Notification<K> {
    /// Encodes under another limit than the push type's.
    pub(crate) fn encode_within(
        &self,
        limit: Option<usize>,
    ) -> Result<Encoded, InvalidNotification> {
        let push_type = self.kind.push_type();
        let priority = self.kind.checked_priority(self.priority)?;
        let mut payload = Vec::with_capacity(TYPICAL_PAYLOAD);
        self.kind.write_payload(&self.data, &mut payload)?;
        let limit = limit.unwrap_or_else(|| {
            push_type
                .as_ref()
                .map_or(PAYLOAD_LIMIT, PushType::payload_limit)
        });
        if payload.len() > limit {
            return Err(InvalidNotification::PayloadTooLarge {
                size: payload.len(),
                limit,
            });
        }
        let topic = match (&self.topic, &push_type) {
            (Some(topic), Some(push_type)) => Some(topic.for_push_type(push_type)),
            (topic, _) => topic.clone(),
        };
        Ok(Encoded {
            push_type,
            topic,
            priority,
            expiration: self.kind.checked_expiration(self.expiration)?,
            collapse_id: self.collapse_id.clone(),
            payload,
        })
    }
}

/// Shows how long the payload is; what it says is content.
impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encoded")
            .field("push_type", &self.push_type)
            .field("topic", &self.topic)
            .field("priority", &self.priority)
            .field("expiration", &self.expiration)
            .field("collapse_id", &self.collapse_id)
            .field("payload", &format_args!("{} octets", self.payload.len()))
            .finish()
    }
}
