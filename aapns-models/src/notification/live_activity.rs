//! Live Activities: start, update and end; push type `liveactivity`.

use std::fmt::Debug;
use std::marker::PhantomData;

use serde::Serialize;

use self::event::Named;
use super::Notification;
use super::data::Data;
use super::flag::{as_one, is_unset};
use super::free::not_low;
use super::json::Json;
use super::kind::body::{Body, write_with_aps};
use super::kind::{CarriesData, FreeExpiration, FreePriority, Kind};
use super::read::Object;
use crate::{ActivityAlert, ChannelId, InvalidNotification, Priority, PushType};

/// Times from here on, in the year 5138, are milliseconds by mistake.
const END_OF_SECONDS: u64 = 100_000_000_000;

/// A Live Activity's event: [`Start`], [`Update`] or [`End`].
#[derive(Clone, Debug, PartialEq)]
pub struct LiveActivity<E: Event> {
    aps: Aps,
    event: PhantomData<E>,
}

/// What a push does to a Live Activity. Sealed.
pub trait Event: Clone + Debug + PartialEq + Named {}

/// Starts a Live Activity, by its push-to-start token.
#[derive(Clone, Debug, PartialEq)]
pub struct Start(());

/// Updates a Live Activity, by its update token or a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Update(());

/// Ends a Live Activity, by its update token or a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct End(());

mod event {
    pub trait Named {
        const NAME: &'static str;
    }

    impl Named for super::Start {
        const NAME: &'static str = "start";
    }

    impl Named for super::Update {
        const NAME: &'static str = "update";
    }

    impl Named for super::End {
        const NAME: &'static str = "end";
    }
}

impl Event for Start {}
impl Event for Update {}
impl Event for End {}

/// The keys of `aps`, in the order in which they are written.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Aps {
    timestamp: u64,
    event: &'static str,
    content_state: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attributes: Option<Json>,
    #[serde(skip_serializing_if = "is_unset", serialize_with = "as_one")]
    input_push_token: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_push_channel: Option<ChannelId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    alert: Option<ActivityAlert>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale_date: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dismissal_date: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relevance_score: Option<f64>,
}

impl Notification {
    /// Starts a Live Activity, on a device token of the push-to-start kind (iOS 17.2 and later).
    ///
    /// `attributes_type` is the name of the app's `ActivityAttributes` type in Swift; `attributes`
    /// and `content_state` are its value and the first of its `ContentState`, as Swift's default
    /// `Codable` expects them: names as in Swift, a `Date` as seconds since 2001. `timestamp` is the
    /// time of sending in UNIX seconds.
    ///
    /// # Errors
    /// [`InvalidNotification`] if the attributes or the content state aren't objects in JSON.
    pub fn live_activity_start(
        timestamp: u64,
        attributes_type: impl Into<String>,
        attributes: &(impl Serialize + ?Sized),
        content_state: &(impl Serialize + ?Sized),
        alert: ActivityAlert,
    ) -> Result<Notification<LiveActivity<Start>>, InvalidNotification> {
        let mut kind = LiveActivity::new(timestamp, content_state)?;
        kind.aps.attributes_type = Some(attributes_type.into());
        kind.aps.attributes = Some(Json::object("payload.aps.attributes", attributes)?);
        kind.aps.alert = Some(alert);
        Ok(Notification::of(kind))
    }

    /// Updates a Live Activity, on its update token or by a [broadcast](crate::Broadcast). The device
    /// keeps the content state with the newest `timestamp` (UNIX seconds).
    ///
    /// # Errors
    /// [`InvalidNotification`] if the content state isn't an object in JSON.
    pub fn live_activity_update(
        timestamp: u64,
        content_state: &(impl Serialize + ?Sized),
    ) -> Result<Notification<LiveActivity<Update>>, InvalidNotification> {
        LiveActivity::new(timestamp, content_state).map(Notification::of)
    }

    /// Ends a Live Activity with its last content state, on its update token or by a
    /// [broadcast](crate::Broadcast). Without a [dismissal date](Notification::dismissal_date) it
    /// stays on the Lock Screen for up to four hours.
    ///
    /// # Errors
    /// [`InvalidNotification`] if the content state isn't an object in JSON.
    pub fn live_activity_end(
        timestamp: u64,
        content_state: &(impl Serialize + ?Sized),
    ) -> Result<Notification<LiveActivity<End>>, InvalidNotification> {
        LiveActivity::new(timestamp, content_state).map(Notification::of)
    }
}

impl<E: Event> Notification<LiveActivity<E>> {
    /// Sets when the content becomes stale, in UNIX seconds.
    #[must_use]
    pub fn stale_date(mut self, at: u64) -> Self {
        self.kind.aps.stale_date = Some(at);
        self
    }

    /// Sets which of the app's Live Activities comes first: the highest score, any number.
    #[must_use]
    pub fn relevance_score(mut self, score: f64) -> Self {
        self.kind.aps.relevance_score = Some(score);
        self
    }

    /// Sets the alert: it lights the screen and may have a sound.
    #[must_use]
    pub fn with_alert(mut self, alert: ActivityAlert) -> Self {
        self.kind.aps.alert = Some(alert);
        self
    }
}

impl Notification<LiveActivity<Start>> {
    /// Asks the app for an update token of the new activity (iOS 18 and later).
    #[must_use]
    pub fn input_push_token(mut self) -> Self {
        self.kind.aps.input_push_token = true;
        self.kind.aps.input_push_channel = None;
        self
    }

    /// Has the new activity follow a broadcast channel, in place of an update token. Below iOS 18 it
    /// doesn't start at all.
    #[must_use]
    pub fn input_push_channel(mut self, channel: ChannelId) -> Self {
        self.kind.aps.input_push_token = false;
        self.kind.aps.input_push_channel = Some(channel);
        self
    }
}

impl Notification<LiveActivity<End>> {
    /// Sets when the ended activity leaves the Lock Screen, in UNIX seconds: a time gone by for at
    /// once, at most four hours ahead.
    #[must_use]
    pub fn dismissal_date(mut self, at: u64) -> Self {
        self.kind.aps.dismissal_date = Some(at);
        self
    }
}

impl<E: Event> LiveActivity<E> {
    fn new(
        timestamp: u64,
        content_state: &(impl Serialize + ?Sized),
    ) -> Result<Self, InvalidNotification> {
        Ok(Self {
            aps: Aps {
                timestamp,
                event: E::NAME,
                content_state: Json::object("payload.aps.content-state", content_state)?,
                attributes_type: None,
                attributes: None,
                input_push_token: false,
                input_push_channel: None,
                alert: None,
                stale_date: None,
                dismissal_date: None,
                relevance_score: None,
            },
            event: PhantomData,
        })
    }
}

impl<E: Event> Kind for LiveActivity<E> {}
impl<E: Event> FreePriority for LiveActivity<E> {}
impl<E: Event> FreeExpiration for LiveActivity<E> {}
impl<E: Event> CarriesData for LiveActivity<E> {}

impl<E: Event> Body for LiveActivity<E> {
    fn push_type(&self) -> Option<PushType> {
        Some(PushType::LiveActivity)
    }

    fn checked_priority(
        &self,
        chosen: Option<Priority>,
    ) -> Result<Option<Priority>, InvalidNotification> {
        not_low(chosen)
    }

    fn write_payload(&self, data: &Data, out: &mut Vec<u8>) -> Result<(), InvalidNotification> {
        self.aps.check()?;
        write_with_aps(&self.aps, data, out);
        Ok(())
    }
}

impl<E: Event> LiveActivity<E> {
    /// Reads the keys of `aps` but `event`, which was read to know what `E` is.
    pub(super) fn read(mut object: Object) -> Result<Self, InvalidNotification> {
        let timestamp = object.required_integer("timestamp")?;
        let state = object.required_object("content-state")?.rest();
        let mut kind = Self::new(timestamp, &state)?;
        let aps = &mut kind.aps;
        if E::NAME == Start::NAME {
            aps.attributes_type = Some(object.required_text("attributes-type")?);
            let attributes = object.required_object("attributes")?.rest();
            aps.attributes = Some(Json::object("payload.aps.attributes", &attributes)?);
            aps.input_push_token = object.flag("input-push-token")?;
            aps.input_push_channel = object.parsed("input-push-channel")?;
            if aps.input_push_token && aps.input_push_channel.is_some() {
                return Err(object.invalid("input-push-channel", "excludes input-push-token"));
            }
        }
        aps.alert = match object.object("alert")? {
            Some(alert) => Some(ActivityAlert::read(alert)?),
            None if E::NAME == Start::NAME => return Err(object.invalid("alert", "must be there")),
            None => None,
        };
        aps.stale_date = object.integer("stale-date")?;
        if E::NAME == End::NAME {
            aps.dismissal_date = object.integer("dismissal-date")?;
        }
        aps.relevance_score = object.number("relevance-score")?;
        object.finish()?;
        aps.check()?;
        Ok(kind)
    }
}

impl Aps {
    fn check(&self) -> Result<(), InvalidNotification> {
        let invalid = |field, rule| Err(InvalidNotification::field(field, rule));
        for (field, time) in [
            ("payload.aps.timestamp", Some(self.timestamp)),
            ("payload.aps.stale-date", self.stale_date),
            ("payload.aps.dismissal-date", self.dismissal_date),
        ] {
            if time.is_some_and(|time| time >= END_OF_SECONDS) {
                return invalid(field, "must be in UNIX seconds, not milliseconds");
            }
        }
        if self.alert.as_ref().is_some_and(ActivityAlert::is_empty) {
            return invalid("payload.aps.alert", "must say something: a title or body");
        }
        if self.attributes_type.as_ref().is_some_and(String::is_empty) {
            return invalid("payload.aps.attributes-type", "must name the Swift type");
        }
        if self.relevance_score.is_some_and(|score| !score.is_finite()) {
            return invalid("payload.aps.relevance-score", "must be a finite number");
        }
        Ok(())
    }
}
