//! Notifications: what to tell an app or its user, with the fields that go beside the payload.

mod alert;
mod any;
mod background;
mod data;
mod encoded;
mod envelope;
mod fixed;
mod flag;
mod free;
mod json;
pub mod kind;
mod live_activity;
mod raw;
mod read;

use std::fmt;

use serde::Serialize;

use data::Data;
pub use encoded::Encoded;
use kind::{Any, Kind};
pub(crate) use read::Object;

use crate::{CollapseId, Expiration, InvalidNotification, Priority, PushType, Topic};

/// A notification of one kind, to be sent to any number of devices.
///
/// The constructors are on `Notification` itself, one for each thing that Apple knows; what they
/// return offers just what that kind may have. `.into()` or [`erase`](Self::erase) makes kinds
/// equal, for queues and collections.
///
/// ```
/// use aapns_models::{Alert, Localized, Notification, Priority};
///
/// let notification = Notification::alert(Alert::new().body(Localized::new("WELCOME", ["Ada"])))
///     .badge(42)
///     .priority(Priority::Immediate);
/// let encoded = notification.encode()?;
/// assert_eq!(
///     encoded.payload,
///     br#"{"aps":{"alert":{"loc-key":"WELCOME","loc-args":["Ada"]},"badge":42}}"#
/// );
/// # Ok::<(), aapns_models::InvalidNotification>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct Notification<K: Kind = Any> {
    topic: Option<Topic>,
    priority: Option<Priority>,
    expiration: Expiration,
    collapse_id: Option<CollapseId>,
    data: Data,
    kind: K,
}

impl<K: Kind> Notification<K> {
    pub(crate) fn of(kind: K) -> Self {
        Self {
            topic: None,
            priority: None,
            expiration: Expiration::Absent,
            collapse_id: None,
            data: Data::default(),
            kind,
        }
    }

    /// Sets the topic: the app's bundle id, to which the push type's suffix is added. Without one
    /// the client's default is taken.
    #[must_use]
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }

    /// Sets the collapse id: a device shows only the latest notification of one id.
    #[must_use]
    pub fn collapse_id(mut self, collapse_id: CollapseId) -> Self {
        self.collapse_id = Some(collapse_id);
        self
    }

    /// The push type; `None` for a Wallet pass, whose pushes have none.
    pub fn push_type(&self) -> Option<PushType> {
        self.kind.push_type()
    }

    pub(crate) fn kind(&self) -> &K {
        &self.kind
    }

    /// Checks the notification, and writes its payload.
    ///
    /// # Errors
    /// [`InvalidNotification`]: a field that breaks a rule of its push type, or a payload over
    /// 4096 octets (5120 for VoIP).
    pub fn encode(&self) -> Result<Encoded, InvalidNotification> {
        self.encode_within(None)
    }

    /// Forgets the kind, so that notifications of different kinds have the same type.
    pub fn erase(self) -> Notification
    where
        K: Into<Any>,
    {
        Notification {
            topic: self.topic,
            priority: self.priority,
            expiration: self.expiration,
            collapse_id: self.collapse_id,
            data: self.data,
            kind: self.kind.into(),
        }
    }
}

impl<K: Kind + kind::FreePriority> Notification<K> {
    /// Sets the priority; without one Apple takes 10.
    #[must_use]
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = Some(priority);
        self
    }
}

impl<K: Kind + kind::FreeExpiration> Notification<K> {
    /// Sets until when Apple's servers keep what they can't deliver.
    #[must_use]
    pub fn expiration(mut self, expiration: Expiration) -> Self {
        self.expiration = expiration;
        self
    }
}

impl<K: Kind + kind::CarriesData> Notification<K> {
    /// Adds data of the app's own to the payload, beside `aps`. The same key again replaces it; a
    /// value that is `null` as JSON is left out.
    ///
    /// # Errors
    /// [`InvalidNotification`] if the key is `aps` or empty, or the value can't be JSON.
    pub fn data(
        mut self,
        key: impl Into<String>,
        value: impl Serialize,
    ) -> Result<Self, InvalidNotification> {
        self.data.insert(key.into(), &value)?;
        Ok(self)
    }
}

/// Shows the fields and the names of the data, never what the payload says.
impl<K: Kind> fmt::Debug for Notification<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("push_type", &self.push_type())
            .field("topic", &self.topic)
            .field("priority", &self.priority)
            .field("expiration", &self.expiration)
            .field("collapse_id", &self.collapse_id)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
