//! The vocabulary of the Apple Push Notification service: notifications, push types, topics, device
//! tokens, reasons. No HTTP and no IO: what this crate makes, a client sends.
//!
//! # A notification
//! [`Notification`] has a constructor for each thing that Apple knows. What it returns offers what
//! that kind may have, and no more; topic suffix, priority and expiration follow Apple's rules for
//! the kind, and [`encode`](Notification::encode) refuses what Apple would refuse, with the field
//! and the rule.
//!
//! | constructor | push type | topic = bundle id + | forced |
//! |---|---|---|---|
//! | [`alert`], [`only_badge`], [`only_sound`] | `alert` | | an alert, badge or sound |
//! | [`background`] | `background` | | priority 5, nothing to show |
//! | [`live_activity_start`], [`_update`], [`_end`] | `liveactivity` | `.push-type.liveactivity` | priority 10 or 5, see below |
//! | [`voip`] | `voip` | `.voip` | expiration 0 unless set; up to 5120 octets |
//! | [`push_to_talk`] | `pushtotalk` | `.voip-ptt` | priority 10, expiration 0 |
//! | [`location`] | `location` | `.location-query` | priority 10 or 5 |
//! | [`complication`] | `complication` | `.complication` | |
//! | [`widgets`], [`controls`] | the same | `.push-type.widgets`, `.push-type.controls` | the whole body |
//! | [`file_provider`] | `fileprovider` | `.pushkit.fileprovider` | the body without `aps` |
//! | [`mdm`] | `mdm` | the certificate's UID as it is | the body without `aps` |
//! | [`wallet_pass`] | none | the pass type identifier as it is | an empty body |
//! | [`raw`] | any | by the push type | the size |
//!
//! [`alert`]: Notification::alert
//! [`only_badge`]: Notification::only_badge
//! [`only_sound`]: Notification::only_sound
//! [`background`]: Notification::background
//! [`live_activity_start`]: Notification::live_activity_start
//! [`_update`]: Notification::live_activity_update
//! [`_end`]: Notification::live_activity_end
//! [`voip`]: Notification::voip
//! [`push_to_talk`]: Notification::push_to_talk
//! [`location`]: Notification::location
//! [`complication`]: Notification::complication
//! [`widgets`]: Notification::widgets
//! [`controls`]: Notification::controls
//! [`file_provider`]: Notification::file_provider
//! [`mdm`]: Notification::mdm
//! [`wallet_pass`]: Notification::wallet_pass
//! [`raw`]: Notification::raw
//!
//! ```
//! use aapns_models::{Alert, Expiration, Localized, Notification, Priority, Topic};
//!
//! let notification = Notification::alert(
//!     Alert::new().title("Chess").body(Localized::new("YOUR_MOVE", ["Ada"])),
//! )
//! .badge(42)
//! .sound("default")
//! .topic(Topic::new("com.example.chess")?)
//! .priority(Priority::Immediate)
//! .expiration(Expiration::Immediately)
//! .data("game", 1851)?;
//! # notification.encode()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Starting a Live Activity
//! The app sends its server a *push-to-start token*, one for each activity type (iOS 17.2 and
//! later): that is the [`DeviceToken`] to send to. With this in the app,
//!
//! ```swift
//! struct AdventureAttributes: ActivityAttributes {
//!     struct ContentState: Codable, Hashable { var currentHealthLevel: Int }
//!     var heroName: String
//! }
//! ```
//!
//! the push that starts one is made of the same names, in anything that is `Serialize`:
//!
//! ```
//! use aapns_models::{ActivityAlert, DeviceToken, Localized, Notification, Priority, Topic};
//! use serde::Serialize;
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "camelCase")]
//! struct Adventure { hero_name: String }
//!
//! #[derive(Serialize)]
//! #[serde(rename_all = "camelCase")]
//! struct State { current_health_level: u8 }
//!
//! let now = 1_700_000_000; // UNIX seconds: the device keeps the state with the newest timestamp
//! let start = Notification::live_activity_start(
//!     now,
//!     "AdventureAttributes",
//!     &Adventure { hero_name: "Power Panda".to_owned() },
//!     &State { current_health_level: 100 },
//!     ActivityAlert::new(
//!         Localized::new("%@ is on an adventure!", ["Power Panda"]),
//!         "Follow it on your Lock Screen.",
//!     )
//!     .sound("default"),
//! )?
//! .topic(Topic::new("com.example.adventure")?) // the bundle id: the suffix is added
//! .stale_date(now + 3600)
//! .priority(Priority::Immediate)
//! .input_push_token(); // iOS 18: the app gets an update token, and sends it to its server
//!
//! let token: DeviceToken = "80f3a5d2".parse()?; // the push-to-start token, in hexadecimal
//! let encoded = start.encode()?;
//! assert_eq!(encoded.topic.unwrap().as_str(), "com.example.adventure.push-type.liveactivity");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A client sends it: with `aapns-tokio` or `aapns-async-std` that is
//! `client.send(&token, &start).await?`. By hand, it is a `POST` to `/3/device/{token}` over HTTP/2
//! with the fields of [`Encoded`]: `apns-push-type`, `apns-topic`, `apns-priority` (10 and 5 are all
//! that Live Activities have), `apns-expiration`, and the payload as the body. Later pushes go to
//! the activity's update token, with
//! [`live_activity_update`](Notification::live_activity_update) and
//! [`live_activity_end`](Notification::live_activity_end); or to all who follow a channel, with
//! [`Broadcast`] (then start it with
//! [`input_push_channel`](Notification::input_push_channel)).
//!
//! # What comes back
//! [`ErrorBody::parse`] reads the body of an answer, [`Reason`] names what is wrong,
//! [`Retry::classify`] says what would help, and [`Reason::is_device_token_dead`] when to forget a
//! token.
//!
//! # Kept and read
//! Notifications are `Serialize`, and [`Notification::from_json`] (or `Deserialize`) reads them back
//! by the rules of their push type. `schema/notification.schema.json` describes that JSON.
//!
//! # Features
//! - `random`: `ApnsId::random` and `CollapseId::random`.
//! - `ndjson`: the line codec of bulk sending, in the module `ndjson`.

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
    Broadcast, Broadcastable, ChannelConfig, ChannelList, EncodedBroadcast, InvalidAnswer,
    StoragePolicy,
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

/// The README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
