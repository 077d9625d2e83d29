//! What an alert of a Live Activity says: another shape than that of other alerts.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::notification::Object;
use crate::{InvalidNotification, Localized, Text};

/// The alert of a Live Activity: localised texts are objects, and the sound is a part of it.
///
/// ```
/// use aapns_models::{ActivityAlert, Localized};
///
/// let alert = ActivityAlert::new(
///     Localized::new("%@ is knocked down!", ["Power Panda"]),
///     "Use a potion to heal Power Panda!",
/// )
/// .sound("HeroDown.mp4");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityAlert {
    title: Option<Text>,
    body: Option<Text>,
    sound: Option<String>,
}

impl ActivityAlert {
    /// An alert with this title and body.
    pub fn new(title: impl Into<Text>, body: impl Into<Text>) -> Self {
        Self {
            title: Some(title.into()),
            body: Some(body.into()),
            sound: None,
        }
    }

    /// Sets the sound: a file in the app's bundle, or `default`.
    #[must_use]
    pub fn sound(mut self, name: impl Into<String>) -> Self {
        self.sound = Some(name.into());
        self
    }

    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        let is_empty = |text: &Option<Text>| match text {
            None => true,
            Some(Text::Plain(text)) => text.is_empty(),
            Some(Text::Localized(localized)) => localized.key.is_empty(),
        };
        is_empty(&self.title) && is_empty(&self.body)
    }

    pub(crate) fn read(mut object: Object) -> Result<Self, InvalidNotification> {
        let alert = Self {
            title: read_text(&mut object, "title")?,
            body: read_text(&mut object, "body")?,
            sound: object.text("sound")?,
        };
        object.finish()?;
        Ok(alert)
    }
}

impl Serialize for ActivityAlert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut alert = serializer.serialize_struct("ActivityAlert", 3)?;
        for (key, text) in [("title", &self.title), ("body", &self.body)] {
            match text {
                None => {}
                Some(Text::Plain(text)) => alert.serialize_field(key, text)?,
                Some(Text::Localized(localized)) => alert.serialize_field(key, localized)?,
            }
        }
        if let Some(sound) = &self.sound {
            alert.serialize_field("sound", sound)?;
        }
        alert.end()
    }
}

fn read_text(object: &mut Object, key: &str) -> Result<Option<Text>, InvalidNotification> {
    if object.is_text(key) {
        return Ok(object.text(key)?.map(Text::Plain));
    }
    let Some(mut localized) = object.object(key)? else {
        return Ok(None);
    };
    let text = Localized {
        key: localized.required_text("loc-key")?,
        args: localized.texts("loc-args")?.unwrap_or_default(),
    };
    localized.finish()?;
    Ok(Some(Text::Localized(text)))
}
