//! A notification of any kind.

use super::Notification;
use super::data::Data;
use super::kind::body::Body;
use super::kind::{
    Alert, Background, Complication, Controls, End, FileProvider, Kind, LiveActivity, Location,
    Mdm, PushToTalk, Raw, Start, Update, Voip, WalletPass, Widgets,
};
use crate::{Expiration, InvalidNotification, Priority, PushType};

/// Any of the kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct Any(Inner);

/// Defines the sum of all kinds, the ways into it, and what it passes on.
macro_rules! any_of {
    ($($variant:ident($kind:ty),)*) => {
        #[derive(Clone, Debug, PartialEq)]
        enum Inner {
            $($variant($kind),)*
        }

        $(
            impl From<$kind> for Any {
                fn from(kind: $kind) -> Self {
                    Self(Inner::$variant(kind))
                }
            }

            impl From<Notification<$kind>> for Notification {
                fn from(notification: Notification<$kind>) -> Self {
                    notification.erase()
                }
            }
        )*

        impl Body for Any {
            fn push_type(&self) -> Option<PushType> {
                match &self.0 { $(Inner::$variant(kind) => kind.push_type(),)* }
            }

            fn checked_priority(
                &self,
                chosen: Option<Priority>,
            ) -> Result<Option<Priority>, InvalidNotification> {
                match &self.0 { $(Inner::$variant(kind) => kind.checked_priority(chosen),)* }
            }

            fn checked_expiration(
                &self,
                chosen: Expiration,
            ) -> Result<Expiration, InvalidNotification> {
                match &self.0 { $(Inner::$variant(kind) => kind.checked_expiration(chosen),)* }
            }

            fn is_raw(&self) -> bool {
                match &self.0 { $(Inner::$variant(kind) => kind.is_raw(),)* }
            }

            fn write_payload(
                &self,
                data: &Data,
                out: &mut Vec<u8>,
            ) -> Result<(), InvalidNotification> {
                match &self.0 { $(Inner::$variant(kind) => kind.write_payload(data, out),)* }
            }
        }
    };
}

any_of! {
    Alert(Alert),
    Background(Background),
    Complication(Complication),
    Controls(Controls),
    FileProvider(FileProvider),
    LiveActivityStart(LiveActivity<Start>),
    LiveActivityUpdate(LiveActivity<Update>),
    LiveActivityEnd(LiveActivity<End>),
    Location(Location),
    Mdm(Mdm),
    PushToTalk(PushToTalk),
    Voip(Voip),
    WalletPass(WalletPass),
    Widgets(Widgets),
    Raw(Raw),
}

impl Kind for Any {}

impl Any {
    /// Whether a broadcast channel takes it.
    pub(crate) fn is_broadcastable(&self) -> bool {
        matches!(
            self.0,
            Inner::LiveActivityUpdate(_) | Inner::LiveActivityEnd(_)
        )
    }
}
