//! Notifications whose payload is the app's own: VoIP, location, complication, Push to Talk.

use serde::Serialize;

use super::Notification;
use super::data::Data;
use super::kind::body::{Body, write_with_aps};
use super::kind::{CarriesData, FreeExpiration, FreePriority, Kind};
use super::read::Object;
use crate::{Expiration, InvalidNotification, Priority, PushType};

/// An incoming call. Tried once, unless an expiration says otherwise; up to 5120 octets.
#[derive(Clone, Debug, PartialEq)]
pub struct Voip(pub(super) ());

/// A question for the position.
#[derive(Clone, Debug, PartialEq)]
pub struct Location(pub(super) ());

/// New data for a watchOS complication.
#[derive(Clone, Debug, PartialEq)]
pub struct Complication(pub(super) ());

/// An event of a Push to Talk channel. Always of priority 10, and tried once.
#[derive(Clone, Debug, PartialEq)]
pub struct PushToTalk(pub(super) ());

impl Notification {
    /// An incoming call, for PushKit: `data` tells the app who calls.
    pub fn voip() -> Notification<Voip> {
        Notification::of(Voip(()))
    }

    /// Wakes the app's Location Push Service extension. Token authentication only; priority 10 if
    /// the answer is needed at once, else 5.
    pub fn location() -> Notification<Location> {
        Notification::of(Location(()))
    }

    /// New data for a watchOS complication, the ClockKit way (new code has widgets).
    pub fn complication() -> Notification<Complication> {
        Notification::of(Complication(()))
    }

    /// An event of a Push to Talk channel, such as
    /// `.data("activeSpeaker", "Ada")`.
    pub fn push_to_talk() -> Notification<PushToTalk> {
        Notification::of(PushToTalk(()))
    }
}

/// The customary `"aps":{}` of payloads that Apple reads nothing in.
#[derive(Serialize)]
struct NoAps {}

/// Reads the `aps` of such payloads: absent or empty.
pub(super) fn read_no_aps(payload: &mut Object) -> Result<(), InvalidNotification> {
    match payload.object("aps")? {
        Some(aps) => aps.finish(),
        None => Ok(()),
    }
}

impl Kind for Voip {}
impl FreePriority for Voip {}
impl FreeExpiration for Voip {}
impl CarriesData for Voip {}

impl Body for Voip {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Voip)
    }

    fn checked_expiration(&self, chosen: Expiration) -> Result<Expiration, InvalidNotification> {
        // A call that rings when it is long over is worse than none.
        Ok(match chosen {
            Expiration::Absent => Expiration::Immediately,
            chosen => chosen,
        })
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        write_with_aps(&NoAps {}, data, out);
        Ok(())
    }
}

impl Kind for Location {}
impl FreePriority for Location {}
impl FreeExpiration for Location {}
impl CarriesData for Location {}

impl Body for Location {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Location)
    }

    fn checked_priority(
        &self,
        chosen: Option<Priority>,
    ) -> Result<Option<Priority>, InvalidNotification> {
        not_low(chosen)
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        write_with_aps(&NoAps {}, data, out);
        Ok(())
    }
}

impl Kind for Complication {}
impl FreePriority for Complication {}
impl FreeExpiration for Complication {}
impl CarriesData for Complication {}

impl Body for Complication {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Complication)
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        write_with_aps(&NoAps {}, data, out);
        Ok(())
    }
}

impl Kind for PushToTalk {}
impl CarriesData for PushToTalk {}

impl Body for PushToTalk {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::PushToTalk)
    }

    fn checked_priority(
        &self,
        chosen: Option<Priority>,
    ) -> Result<Option<Priority>, InvalidNotification> {
        always(Priority::Immediate, chosen)
    }

    fn checked_expiration(&self, chosen: Expiration) -> Result<Expiration, InvalidNotification> {
        match chosen {
            Expiration::Absent | Expiration::Immediately => Ok(Expiration::Immediately),
            Expiration::At(_) => Err(InvalidNotification::field("expiration", "must be 0")),
        }
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        out.push(b'{');
        data.write(out);
        out.push(b'}');
        Ok(())
    }
}

/// For the kinds that Apple wants at 10 or 5.
pub(super) fn not_low(chosen: Option<Priority>) -> Result<Option<Priority>, InvalidNotification> {
    match chosen {
        Some(Priority::Low) => Err(InvalidNotification::field("priority", "must be 10 or 5")),
        chosen => Ok(chosen),
    }
}

/// For the kinds that have one priority; only JSON can choose another.
pub(super) fn always(
    priority: Priority,
    chosen: Option<Priority>,
) -> Result<Option<Priority>, InvalidNotification> {
    match chosen {
        Some(other) if other != priority => Err(InvalidNotification::field(
            "priority",
            format!("must be {} for this push type", priority.number()),
        )),
        _ => Ok(Some(priority)),
    }
}
