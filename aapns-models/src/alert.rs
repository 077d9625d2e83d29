//! What an alert says.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

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
    pub(crate) title: Option<Text>,
    pub(crate) subtitle: Option<Text>,
    pub(crate) body: Option<Text>,
    pub(crate) launch_image: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) action_loc_key: Option<String>,
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

    /// Whether nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
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

impl Serialize for Alert {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let texts = [
            (&self.title, "title", "title-loc-key", "title-loc-args"),
            (
                &self.subtitle,
                "subtitle",
                "subtitle-loc-key",
                "subtitle-loc-args",
            ),
            (&self.body, "body", "loc-key", "loc-args"),
        ];
        for (text, plain, key, args) in texts {
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

/// How much a notification may interrupt: `aps.interruption-level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InterruptionLevel {
    /// `passive`: into the list, without lighting the screen or a sound.
    Passive,
    /// `active`: the default.
    Active,
    /// `time-sensitive`: breaks through notification controls and Focus.
    TimeSensitive,
    /// `critical`: breaks through the mute switch too; needs Apple's entitlement.
    Critical,
}

impl InterruptionLevel {
    pub(crate) const ALL: [Self; 4] = [
        Self::Passive,
        Self::Active,
        Self::TimeSensitive,
        Self::Critical,
    ];

    /// The key's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Passive => "passive",
            Self::Active => "active",
            Self::TimeSensitive => "time-sensitive",
            Self::Critical => "critical",
        }
    }
}

impl Serialize for InterruptionLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
