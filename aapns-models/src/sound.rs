//! What a notification sounds like.

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::InvalidNotification;
use crate::notification::Object;

/// The sound of a notification: `aps.sound`.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sound {
    /// A file in the app's bundle or its `Library/Sounds`, by name.
    Named(String),
    /// A sound that the mute switch doesn't silence; needs Apple's entitlement.
    Critical {
        /// The file, or `default`.
        name: String,
        /// From 0 (silent) to 1 (full); absent for full.
        volume: Option<f64>,
    },
}

impl Sound {
    /// The name of the system's sound.
    const DEFAULT: &'static str = "default";

    /// The system's sound.
    pub fn system() -> Self {
        Self::Named(Self::DEFAULT.to_owned())
    }

    /// The sound in this file.
    pub fn named(name: impl Into<String>) -> Self {
        Self::Named(name.into())
    }

    /// The critical sound in this file (`default` for the system's), at a volume from 0 to 1.
    pub fn critical(name: impl Into<String>, volume: f64) -> Self {
        Self::Critical {
            name: name.into(),
            volume: Some(volume),
        }
    }
}

/// The sound of this name.
impl From<&str> for Sound {
    fn from(name: &str) -> Self {
        Self::named(name)
    }
}

/// The sound of this name.
impl From<String> for Sound {
    fn from(name: String) -> Self {
        Self::Named(name)
    }
}

impl Sound {
    /// Takes `sound` out of an `aps`: a name, or the object of a critical sound.
    pub(crate) fn read(aps: &mut Object) -> Result<Option<Self>, InvalidNotification> {
        if aps.is_text("sound") {
            return Ok(aps.text("sound")?.map(Self::Named));
        }
        let Some(mut object) = aps.object("sound")? else {
            return Ok(None);
        };
        let is_critical = object.flag("critical")?;
        let name = object
            .text("name")?
            .unwrap_or_else(|| Self::DEFAULT.to_owned());
        let volume = object.number("volume")?;
        if !is_critical && volume.is_some() {
            return Err(object.invalid("volume", "needs critical to be 1"));
        }
        object.finish()?;
        Ok(Some(if is_critical {
            Self::Critical { name, volume }
        } else {
            Self::Named(name)
        }))
    }
}

impl Serialize for Sound {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Named(name) => serializer.serialize_str(name),
            Self::Critical { name, volume } => {
                let mut sound = serializer.serialize_struct("Sound", 3)?;
                sound.serialize_field("critical", &1)?;
                sound.serialize_field("name", name)?;
                if let Some(volume) = volume {
                    sound.serialize_field("volume", volume)?;
                }
                sound.end()
            }
        }
    }
}
