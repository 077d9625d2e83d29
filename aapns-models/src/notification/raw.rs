//! Payloads that the sender wrote.

use std::fmt;

use super::Notification;
use super::data::Data;
use super::kind::body::Body;
use super::kind::{FreeExpiration, FreePriority, Kind};
use crate::{InvalidNotification, Priority, PushType};

/// A payload as the sender wrote it.
#[derive(Clone, PartialEq)]
pub struct Raw {
    push_type: PushType,
    payload: Vec<u8>,
}

impl Notification {
    /// A payload that you wrote yourself, sent as it is. Only its size is checked, and that a
    /// background push has priority 5.
    pub fn raw(push_type: PushType, payload: impl Into<Vec<u8>>) -> Notification<Raw> {
        Notification::of(Raw {
            push_type,
            payload: payload.into(),
        })
    }
}

impl Raw {
    pub(super) fn read(push_type: PushType, payload: Vec<u8>) -> Self {
        Self { push_type, payload }
    }
}

impl Kind for Raw {}
impl FreePriority for Raw {}
impl FreeExpiration for Raw {}

impl Body for Raw {
    fn push_type(&self) -> Option<PushType> {
        Some(self.push_type.clone())
    }

    fn checked_priority(
        &self,
        chosen: Option<Priority>,
    ) -> Result<Option<Priority>, InvalidNotification> {
        match (&self.push_type, chosen) {
            (PushType::Background, None) => Ok(Some(Priority::Normal)),
            (PushType::Background, Some(Priority::Immediate)) => Err(InvalidNotification::field(
                "priority",
                "a background push must have 5, never 10",
            )),
            (_, chosen) => Ok(chosen),
        }
    }

    fn is_raw(&self) -> bool {
        true
    }

    fn write_payload(&self, _: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        if let PushType::Other(name) = &self.push_type
            && let Err(error) = name.parse::<PushType>()
        {
            return Err(InvalidNotification::field("push_type", error.to_string()));
        }
        if self.payload.is_empty() {
            return Err(InvalidNotification::field("payload", "must not be empty"));
        }
        out.extend_from_slice(&self.payload);
        Ok(())
    }
}

/// Shows how long the payload is; what it says is content.
impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({}, {} octets)", self.push_type, self.payload.len())
    }
}
