//! What can be wrong with a value or a notification, by field and rule.

use std::borrow::Cow;

/// Why a text isn't a value of its type. The message states the rule, never the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidValue {
    /// Not a [`DeviceToken`](crate::DeviceToken).
    #[error("a device token is hexadecimal digits, an even number of them")]
    DeviceToken,
    /// Not a [`Topic`](crate::Topic).
    #[error("a topic is letters, digits, '.', '-' and '_', at most 255 of them")]
    Topic,
    /// Not a [`BundleId`](crate::BundleId).
    #[error("a bundle id is letters, digits, '.', '-' and '_', at most 255 of them")]
    BundleId,
    /// Not a [`CollapseId`](crate::CollapseId).
    #[error("a collapse id is 1 to 64 octets, without control characters or spaces at its ends")]
    CollapseId,
    /// Not an [`ApnsId`](crate::ApnsId).
    #[error("an apns-id is a UUID, such as 123e4567-e89b-12d3-a456-426614174000")]
    ApnsId,
    /// Not a [`ChannelId`](crate::ChannelId).
    #[error("a channel id is base64 text")]
    ChannelId,
    /// Not a [`PushType`](crate::PushType).
    #[error("a push type is 1 to 64 letters, digits and '-'")]
    PushType,
    /// Not a [`Priority`](crate::Priority).
    #[error("a priority is 10, 5 or 1")]
    Priority,
    /// Not an [`InterruptionLevel`](crate::InterruptionLevel).
    #[error("an interruption level is passive, active, time-sensitive or critical")]
    InterruptionLevel,
}

/// Why a notification can't be sent or read: the field, and the rule that it breaks.
///
/// The message never holds a payload's contents.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidNotification {
    /// A field breaks a rule of Apple's.
    #[error("{field}: {rule}")]
    Field {
        /// The path of the field, such as `payload.aps.sound.volume`.
        field: Cow<'static, str>,
        /// What the field must be.
        rule: Cow<'static, str>,
    },
    /// The payload is longer than Apple takes: 4096 octets, 5120 for VoIP and broadcasts.
    #[error("payload: {size} octets, over the limit of {limit}")]
    PayloadTooLarge {
        /// The payload's size in octets.
        size: usize,
        /// The limit in octets.
        limit: usize,
    },
    /// What was read is no JSON at all.
    #[error("not JSON: {0}")]
    NotJson(Cow<'static, str>),
}

impl InvalidNotification {
    pub(crate) fn field(
        field: impl Into<Cow<'static, str>>,
        rule: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self::Field {
            field: field.into(),
            rule: rule.into(),
        }
    }
}
