//! The kinds of notification: what [`Notification`](crate::Notification)'s type parameter can be.
//!
//! They are made by the constructors of `Notification` only. What a kind can't have doesn't compile:
//!
//! ```compile_fail
//! aapns_models::Notification::background().badge(1); // has nothing to show
//! ```
//! ```compile_fail
//! use aapns_models::{Notification, Priority};
//! Notification::background().priority(Priority::Immediate); // is 5, always
//! ```
//! ```compile_fail
//! use aapns_models::{Expiration, Notification};
//! Notification::push_to_talk().expiration(Expiration::At(7)); // is 0, always
//! ```
//! ```compile_fail
//! aapns_models::Notification::widgets().data("key", "value"); // has a fixed body
//! ```
//! ```compile_fail
//! use aapns_models::{ActivityAlert, Broadcast, Notification};
//! let start = Notification::live_activity_start(1, "A", &[(); 0], &[(); 0], ActivityAlert::new("t", "b"));
//! Broadcast::new("a".parse().unwrap(), "a".parse().unwrap(), start.unwrap()); // can't start one
//! ```

pub use super::alert::Alert;
pub use super::any::Any;
pub use super::background::Background;
pub use super::fixed::{Controls, FileProvider, Mdm, WalletPass, Widgets};
pub use super::free::{Complication, Location, PushToTalk, Voip};
pub use super::live_activity::{End, Event, LiveActivity, Start, Update};
pub use super::raw::Raw;

/// A kind of notification. Sealed: the kinds are those of this module.
pub trait Kind: body::Body {}

/// Kinds whose priority is for the sender to choose.
pub trait FreePriority: body::Body {}

/// Kinds whose expiration is for the sender to choose.
pub trait FreeExpiration: body::Body {}

/// Kinds whose payload takes data of the app's own.
pub trait CarriesData: body::Body {}

/// What encoding asks of a kind; public in name only, which seals the traits above.
pub(crate) mod body {
    use super::super::data::Data;
    use super::super::json::write_json;
    use crate::{Expiration, InvalidNotification, Priority, PushType};

    pub trait Body: Clone {
        /// `apns-push-type`, if it has one.
        fn push_type(&self) -> Option<PushType>;

        /// The priority to send, by the one that was chosen.
        fn checked_priority(
            &self,
            chosen: Option<Priority>,
        ) -> Result<Option<Priority>, InvalidNotification> {
            Ok(chosen)
        }

        /// The expiration to send, by the one that was chosen.
        fn checked_expiration(
            &self,
            chosen: Expiration,
        ) -> Result<Expiration, InvalidNotification> {
            Ok(chosen)
        }

        /// Whether the payload follows the sender's rules rather than its push type's.
        fn is_raw(&self) -> bool {
            false
        }

        /// Writes the payload, or says which key breaks which rule.
        fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification>;
    }

    /// Writes `{"aps":…}` with the data beside it.
    pub(crate) fn write_with_aps(aps: &impl serde::Serialize, data: &Data, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"aps\":");
        write_json(out, aps);
        if !data.is_empty() {
            out.push(b',');
            data.write(out);
        }
        out.push(b'}');
    }
}
