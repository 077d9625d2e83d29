//! The vocabulary of the Apple Push Notification service: notifications, push types, topics, device tokens, reasons.

use uuid::Uuid;

/// A canonical notification id (`apns-id`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ApnsId(Uuid);
