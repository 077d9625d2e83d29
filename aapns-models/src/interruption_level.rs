//! How much a notification may interrupt.

use serde::{Serialize, Serializer};

use crate::InvalidValue;

/// How much a notification may interrupt: `aps.interruption-level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
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

impl std::str::FromStr for InterruptionLevel {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "passive" => Ok(Self::Passive),
            "active" => Ok(Self::Active),
            "time-sensitive" => Ok(Self::TimeSensitive),
            "critical" => Ok(Self::Critical),
            _ => Err(InvalidValue::InterruptionLevel),
        }
    }
}

impl Serialize for InterruptionLevel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
