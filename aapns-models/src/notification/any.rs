//! A notification of any kind.

use super::Notification;
use super::data::Data;
use super::kind::body::Body;
use super::kind::{Alert, Background, Kind, Raw};
use crate::{Expiration, InvalidNotification, Priority, PushType};

/// Any of the kinds.
#[derive(Clone, Debug, PartialEq)]
pub struct Any(Inner);

/// Defines the sum of all kinds, the ways into it, and what it passes on.
macro_rules! any_of {
    ($($kind:ident),*) => {
        #[derive(Clone, Debug, PartialEq)]
        enum Inner {
            $($kind($kind),)*
        }

        $(
            impl From<$kind> for Any {
                fn from(kind: $kind) -> Self {
                    Self(Inner::$kind(kind))
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
                match &self.0 { $(Inner::$kind(kind) => kind.push_type(),)* }
            }

            fn checked_priority(
                &self,
                chosen: Option<Priority>,
            ) -> Result<Option<Priority>, InvalidNotification> {
                match &self.0 { $(Inner::$kind(kind) => kind.checked_priority(chosen),)* }
            }

            fn expiration(&self, chosen: Expiration) -> Expiration {
                match &self.0 { $(Inner::$kind(kind) => kind.expiration(chosen),)* }
            }

            fn write_payload(
                &self,
                data: &Data,
                out: &mut Vec<u8>,
            ) -> Result<(), InvalidNotification> {
                match &self.0 { $(Inner::$kind(kind) => kind.write_payload(data, out),)* }
            }
        }
    };
}

any_of!(Alert, Background, Raw);

impl Kind for Any {}
