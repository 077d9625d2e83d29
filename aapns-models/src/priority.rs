//! How soon a notification is to be delivered, and how long it is worth it.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidValue;

/// How soon to deliver (`apns-priority`). Where it is absent, Apple takes 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Priority {
    /// 10: at once.
    Immediate = 10,
    /// 5: with the device's power in mind; may be grouped, delayed or dropped.
    Normal = 5,
    /// 1: power above all else; doesn't wake the device.
    Low = 1,
}

impl Priority {
    /// 10, 5 or 1.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// `"10"`, `"5"` or `"1"`: the field's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Immediate => "10",
            Self::Normal => "5",
            Self::Low => "1",
        }
    }
}

impl TryFrom<u64> for Priority {
    type Error = InvalidValue;

    fn try_from(number: u64) -> Result<Self, Self::Error> {
        match number {
            10 => Ok(Self::Immediate),
            5 => Ok(Self::Normal),
            1 => Ok(Self::Low),
            _ => Err(InvalidValue::Priority),
        }
    }
}

impl std::str::FromStr for Priority {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "10" => Ok(Self::Immediate),
            "5" => Ok(Self::Normal),
            "1" => Ok(Self::Low),
            _ => Err(InvalidValue::Priority),
        }
    }
}

impl Serialize for Priority {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}

impl<'de> Deserialize<'de> for Priority {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u64::deserialize(deserializer)?
            .try_into()
            .map_err(serde::de::Error::custom)
    }
}

/// Until when Apple's servers keep a notification that they can't deliver (`apns-expiration`).
///
/// Absent and 0 are different things: without the field a notification is stored for as long as
/// Apple sees fit, up to 30 days; with 0 it is tried once. There is no fourth way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Expiration {
    /// No field: stored as Apple sees fit.
    #[default]
    Absent,
    /// `0`: one attempt, never stored.
    Immediately,
    /// Stored until this time, in UNIX seconds.
    At(u64),
}

impl Expiration {
    /// From the field's number: 0 is [`Immediately`](Self::Immediately).
    pub const fn from_unix(seconds: u64) -> Self {
        match seconds {
            0 => Self::Immediately,
            at => Self::At(at),
        }
    }

    /// The field's number; `None` where there is no field.
    pub const fn as_unix(self) -> Option<u64> {
        match self {
            Self::Absent => None,
            Self::Immediately => Some(0),
            Self::At(seconds) => Some(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ten_five_and_one_are_priorities() {
        for number in 0..20_u64 {
            let priority = Priority::try_from(number);
            assert_eq!(priority.is_ok(), [10, 5, 1].contains(&number), "{number}");
            if let Ok(priority) = priority {
                assert_eq!(u64::from(priority.number()), number);
                assert_eq!(priority.as_str().parse(), Ok(priority));
            }
        }
    }

    #[test]
    fn absent_and_zero_and_a_time_are_three_things() {
        assert_eq!(Expiration::Absent.as_unix(), None);
        assert_eq!(Expiration::from_unix(0), Expiration::Immediately);
        assert_eq!(Expiration::Immediately.as_unix(), Some(0));
        assert_eq!(Expiration::from_unix(7).as_unix(), Some(7));
    }
}
