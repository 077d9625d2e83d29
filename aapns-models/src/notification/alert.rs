//! Notifications for the user: push type `alert`.

use serde::Serialize;

use super::Notification;
use super::data::Data;
use super::flag::{as_one, is_unset};
use super::kind::body::{Body, write_with_aps};
use super::kind::{CarriesData, FreeExpiration, FreePriority, Kind};
use super::read::Object;
use crate::{InterruptionLevel, InvalidNotification, PushType, Sound};

/// An alert, badge or sound for the user.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Alert {
    aps: Aps,
}

/// The keys of `aps` that a notification for the user may have, in the order of Apple's page.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps {
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<crate::Alert>,
    #[serde(skip_serializing_if = "Option::is_none")]
    badge: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sound: Option<Sound>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    category: Option<String>,
    #[serde(skip_serializing_if = "is_unset", serialize_with = "as_one")]
    content_available: bool,
    #[serde(skip_serializing_if = "is_unset", serialize_with = "as_one")]
    mutable_content: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_content_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interruption_level: Option<InterruptionLevel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance_score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_criteria: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url_args: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_arg: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_arg_count: Option<u32>,
}

impl Notification {
    /// An alert for the user.
    pub fn alert(alert: impl Into<crate::Alert>) -> Notification<Alert> {
        let mut kind = Alert::default();
        kind.aps.alert = Some(alert.into());
        Notification::of(kind)
    }

    /// No alert, only a badge on the app's icon; 0 takes it away.
    pub fn only_badge(badge: u32) -> Notification<Alert> {
        Notification::of(Alert::default()).badge(badge)
    }

    /// No alert, only a sound.
    pub fn only_sound(sound: impl Into<Sound>) -> Notification<Alert> {
        Notification::of(Alert::default()).sound(sound)
    }
}

impl Notification<Alert> {
    /// Sets the number on the app's icon; 0 takes it away. Without one it stays as it is.
    #[must_use]
    pub fn badge(mut self, badge: u32) -> Self {
        self.kind.aps.badge = Some(badge);
        self
    }

    /// Sets the sound.
    #[must_use]
    pub fn sound(mut self, sound: impl Into<Sound>) -> Self {
        self.kind.aps.sound = Some(sound.into());
        self
    }

    /// Groups the notification with others of this id.
    #[must_use]
    pub fn thread_id(mut self, id: impl Into<String>) -> Self {
        self.kind.aps.thread_id = Some(id.into());
        self
    }

    /// Sets the category, one that the app registered: it decides on the actions offered.
    #[must_use]
    pub fn category(mut self, identifier: impl Into<String>) -> Self {
        self.kind.aps.category = Some(identifier.into());
        self
    }

    /// Wakes the app in the background too (`content-available: 1`).
    #[must_use]
    pub fn content_available(mut self) -> Self {
        self.kind.aps.content_available = true;
        self
    }

    /// Hands the notification to the app's service extension first (`mutable-content: 1`).
    #[must_use]
    pub fn mutable_content(mut self) -> Self {
        self.kind.aps.mutable_content = true;
        self
    }

    /// Names the window to bring forward.
    #[must_use]
    pub fn target_content_id(mut self, id: impl Into<String>) -> Self {
        self.kind.aps.target_content_id = Some(id.into());
        self
    }

    /// Sets how much it may interrupt.
    #[must_use]
    pub fn interruption_level(mut self, level: InterruptionLevel) -> Self {
        self.kind.aps.interruption_level = Some(level);
        self
    }

    /// Sets how far up it goes in a summary: from 0 to 1.
    #[must_use]
    pub fn relevance_score(mut self, score: f64) -> Self {
        self.kind.aps.relevance_score = Some(score);
        self
    }

    /// Sets what a Focus decides on whether to show it.
    #[must_use]
    pub fn filter_criteria(mut self, criteria: impl Into<String>) -> Self {
        self.kind.aps.filter_criteria = Some(criteria.into());
        self
    }

    /// Sets the values of a website push's URL (legacy, Safari).
    #[must_use]
    pub fn url_args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.kind.aps.url_args = Some(args.into_iter().map(Into::into).collect());
        self
    }

    /// Sets what a group's summary names, and for how many items it counts (iOS 12 to 14).
    #[must_use]
    pub fn summary(mut self, arg: impl Into<String>, count: u32) -> Self {
        self.kind.aps.summary_arg = Some(arg.into());
        self.kind.aps.summary_arg_count = Some(count);
        self
    }
}

impl Kind for Alert {}
impl FreePriority for Alert {}
impl FreeExpiration for Alert {}
impl CarriesData for Alert {}

impl Body for Alert {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::Alert)
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        self.aps.check()?;
        write_with_aps(&self.aps, data, out);
        Ok(())
    }
}

impl Alert {
    pub(super) fn read(mut object: Object) -> Result<Self, InvalidNotification> {
        let alert = if object.is_text("alert") {
            object.text("alert")?.map(crate::Alert::from)
        } else {
            object
                .object("alert")?
                .map(crate::Alert::read)
                .transpose()?
        };
        let aps = Aps {
            alert,
            badge: object.count("badge")?,
            sound: Sound::read(&mut object)?,
            thread_id: object.text("thread-id")?,
            category: object.text("category")?,
            content_available: object.flag("content-available")?,
            mutable_content: object.flag("mutable-content")?,
            target_content_id: object.text("target-content-id")?,
            interruption_level: object.parsed("interruption-level")?,
            relevance_score: object.number("relevance-score")?,
            filter_criteria: object.text("filter-criteria")?,
            url_args: object.texts("url-args")?,
            summary_arg: object.text("summary-arg")?,
            summary_arg_count: object.count("summary-arg-count")?,
        };
        object.finish()?;
        aps.check()?;
        Ok(Self { aps })
    }
}

impl Aps {
    fn check(&self) -> Result<(), InvalidNotification> {
        let invalid = |field, rule| Err(InvalidNotification::field(field, rule));
        if self.alert.as_ref().is_some_and(crate::Alert::is_empty) {
            return invalid(
                "payload.aps.alert",
                "must say something: a title, subtitle or body",
            );
        }
        if let Some(Sound::Critical {
            volume: Some(volume),
            ..
        }) = self.sound
            && !(0.0..=1.0).contains(&volume)
        {
            return invalid("payload.aps.sound.volume", "must be from 0 to 1");
        }
        if let Some(score) = self.relevance_score
            && !(0.0..=1.0).contains(&score)
        {
            return invalid("payload.aps.relevance-score", "must be from 0 to 1");
        }
        if self.alert.is_none() && self.badge.is_none() && self.sound.is_none() {
            return invalid("payload.aps", "must have an alert, a badge or a sound");
        }
        Ok(())
    }
}
