//! The vocabulary of the Apple Push Notification service: notifications, push types, topics, device tokens, reasons.

mod activity_alert;
mod alert;
mod broadcast;
mod device_token;
mod error_body;
mod id;
mod interruption_level;
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

pub use activity_alert::ActivityAlert;
pub use alert::{Alert, Localized, Text};
pub use broadcast::{
    Broadcast, ChannelConfig, ChannelList, EncodedBroadcast, InvalidAnswer, StoragePolicy,
};
pub use device_token::DeviceToken;
pub use error_body::ErrorBody;
pub use id::{ApnsId, ChannelId, CollapseId};
pub use interruption_level::InterruptionLevel;
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
