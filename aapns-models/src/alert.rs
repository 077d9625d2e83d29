//! What an alert says.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::InvalidNotification;
use crate::notification::Object;

/// A text that the device looks up in the app's string tables, and fills with arguments.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Localized {
    /// The key in the app's `Localizable.strings`.
    pub key: String,
    /// What takes the places of `%@` and `%n$@`.
    pub args: Vec<String>,
}

impl Localized {
    /// The text of this key, with these arguments in its places.
    pub fn new<A: Into<String>>(key: impl Into<String>, args: impl IntoIterator<Item = A>) -> Self {
        Self {
            key: key.into(),
            args: args.into_iter().map(Into::into).collect(),
        }
    }

    /// The text of this key, without arguments.
    pub fn key(key: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            args: Vec::new(),
        }
    }
}

/// As a Live Activity's alert has it: an object in the place of the text.
impl Serialize for Localized {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("loc-key", &self.key)?;
        if !self.args.is_empty() {
            map.serialize_entry("loc-args", &self.args)?;
        }
        map.end()
    }
}

/// Shows the key; the arguments are content.
impl fmt::Debug for Localized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Localized({:?}, {} arguments)",
            self.key,
            self.args.len()
        )
    }
}

/// A text as it is, or one that the device localises.
#[derive(Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Text {
    /// Shown as it is.
    Plain(String),
    /// Looked up on the device.
    Localized(Localized),
}

/// Shows how long a text is; what it says is content.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(text) => write!(f, "Plain({} octets)", text.len()),
            Self::Localized(localized) => localized.fmt(f),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Plain(text.to_owned())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Plain(text)
    }
}

impl From<Localized> for Text {
    fn from(localized: Localized) -> Self {
        Self::Localized(localized)
    }
}

/// The alert of a notification: `aps.alert`.
///
/// ```
/// use aapns_models::{Alert, Localized};
///
/// let alert = Alert::new()
///     .title("Game request")
///     .body(Localized::new("GAME_PLAY_REQUEST_FORMAT", ["Jenna", "Frank"]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Alert {
    title: Option<Text>,
    subtitle: Option<Text>,
    body: Option<Text>,
    launch_image: Option<String>,
    action: Option<String>,
    action_loc_key: Option<String>,
}

impl Alert {
    /// An alert that says nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the title.
    #[must_use]
    pub fn title(mut self, title: impl Into<Text>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Sets the line below the title.
    #[must_use]
    pub fn subtitle(mut self, subtitle: impl Into<Text>) -> Self {
        self.subtitle = Some(subtitle.into());
        self
    }

    /// Sets the text itself.
    #[must_use]
    pub fn body(mut self, body: impl Into<Text>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Sets the launch image or storyboard to show when the user opens the app by this alert.
    #[must_use]
    pub fn launch_image(mut self, name: impl Into<String>) -> Self {
        self.launch_image = Some(name.into());
        self
    }

    /// Sets the label of the action button, as a website push takes it (legacy).
    #[must_use]
    pub fn action(mut self, label: impl Into<String>) -> Self {
        self.action = Some(label.into());
        self
    }

    /// Sets the key of the localised label of the action button (legacy).
    #[must_use]
    pub fn action_loc_key(mut self, key: impl Into<String>) -> Self {
        self.action_loc_key = Some(key.into());
        self
    }

    /// Whether it says nothing: no title, subtitle or body.
    pub(crate) fn is_empty(&self) -> bool {
        self.title.is_none() && self.subtitle.is_none() && self.body.is_none()
    }

    pub(crate) fn read(mut object: Object) -> Result<Self, InvalidNotification> {
        let [title, subtitle, body] = TEXTS;
        let alert = Self {
            title: read_text(&mut object, title)?,
            subtitle: read_text(&mut object, subtitle)?,
            body: read_text(&mut object, body)?,
            launch_image: object.text("launch-image")?,
            action: object.text("action")?,
            action_loc_key: object.text("action-loc-key")?,
        };
        object.finish()?;
        Ok(alert)
    }
}

/// An alert with this body.
impl From<&str> for Alert {
    fn from(body: &str) -> Self {
        Self::new().body(body)
    }
}

/// An alert with this body.
impl From<String> for Alert {
    fn from(body: String) -> Self {
        Self::new().body(body)
    }
}

/// An alert with this body.
impl From<Localized> for Alert {
    fn from(body: Localized) -> Self {
        Self::new().body(body)
    }
}

/// The keys of title, subtitle and body: as they are, localised, and the arguments.
const TEXTS: [[&str; 3]; 3] = [
    ["title", "title-loc-key", "title-loc-args"],
    ["subtitle", "subtitle-loc-key", "subtitle-loc-args"],
    ["body", "loc-key", "loc-args"],
];

fn read_text(
    object: &mut Object,
    [plain, key, args]: [&str; 3],
) -> Result<Option<Text>, InvalidNotification> {
    let text = object.text(plain)?;
    let loc_key = object.text(key)?;
    let loc_args = object.texts(args)?;
    match (text, loc_key, loc_args) {
        (Some(_), Some(_), _) => Err(object.invalid(key, format!("takes the place of {plain}"))),
        (_, None, Some(_)) => Err(object.invalid(args, format!("needs {key}"))),
        (None, Some(key), args) => Ok(Some(Text::Localized(Localized {
            key,
            args: args.unwrap_or_default(),
        }))),
        (text, None, None) => Ok(text.map(Text::Plain)),
    }
}

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let texts = [&self.title, &self.subtitle, &self.body];
        for (text, [plain, key, args]) in texts.into_iter().zip(TEXTS) {
            match text {
                None => {}
                Some(Text::Plain(text)) => map.serialize_entry(plain, text)?,
                Some(Text::Localized(localized)) => {
                    map.serialize_entry(key, &localized.key)?;
                    if !localized.args.is_empty() {
                        map.serialize_entry(args, &localized.args)?;
                    }
                }
            }
        }
        let names = [
            (&self.launch_image, "launch-image"),
            (&self.action, "action"),
            (&self.action_loc_key, "action-loc-key"),
        ];
        for (name, key) in names {
            if let Some(name) = name {
                map.serialize_entry(key, name)?;
            }
        }
        map.end()
    }
}
