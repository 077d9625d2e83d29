//! The vocabulary of the Apple Push Notification service: notifications, push types, topics, device tokens, reasons.

mod alert;
mod device_token;
mod error_body;
mod id;
mod invalid;
#[cfg(feature = "ndjson")]
pub mod ndjson;
pub mod notification;
mod priority;
mod push_type;
mod reason;
mod sound;
mod text;
mod topic;

pub use alert::{Alert, InterruptionLevel, Localized, Text};
pub use device_token::DeviceToken;
pub use error_body::ErrorBody;
pub use id::{ApnsId, ChannelId, CollapseId};
pub use invalid::{InvalidNotification, InvalidValue};
pub use notification::{Encoded, Notification};
pub use priority::{Expiration, Priority};
pub use push_type::PushType;
pub use reason::{Reason, Retry};
pub use sound::Sound;
pub use topic::{BundleId, Topic};

/// The longest payload that Apple takes for most push types, in octets.
pub const PAYLOAD_LIMIT: usize = 4096;
/// The longest payload of a VoIP push, in octets.
pub const VOIP_PAYLOAD_LIMIT: usize = 5120;
/// The longest payload of a broadcast, in octets.
pub const BROADCAST_PAYLOAD_LIMIT: usize = 5120;
