//! Notifications for the app alone: push type `background`.

use super::Notification;
use super::data::Data;
use super::free::always;
use super::kind::body::{Body, write_with_aps};
use super::kind::{CarriesData, FreeExpiration, Kind};
use super::read::Object;
use crate::{InvalidNotification, Priority, PushType};

/// New content for the app, without telling the user. Always of priority 5.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Background(());

impl Notification {
    /// New content for the app, without telling the user.
    pub fn background() -> Notification<Background> {
        Notification::of(Background(()))
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps {
    content_available: u8,
}

impl Background {
    pub(super) fn read(mut aps: Object) -> Result<Self, InvalidNotification> {
        if !aps.flag("content-available")? {
            return Err(aps.invalid("content-available", "must be 1"));
        }
        aps.finish()?;
        Ok(Self(()))
    }
}

impl Kind for Background {}
impl FreeExpiration for Background {}
impl CarriesData for Background {}

impl Body for Background {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Background)
    }

    fn checked_priority(
        &self,
        chosen: Option<Priority>,
    ) -> Result<Option<Priority>, InvalidNotification> {
        always(Priority::Normal, chosen)
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        write_with_aps(
            &Aps {
                content_available: 1,
            },
            data,
            out,
        );
        Ok(())
    }
}
