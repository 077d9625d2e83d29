//! The push types.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{InvalidValue, PAYLOAD_LIMIT, VOIP_PAYLOAD_LIMIT};

/// What a notification is for (`apns-push-type`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PushType {
    /// `alert`: an alert, a sound or a badge for the user.
    Alert,
    /// `background`: content for the app, without the user.
    Background,
    /// `complication`: a watchOS complication, the ClockKit way.
    Complication,
    /// `controls`: reload the app's controls.
    Controls,
    /// `fileprovider`: a File Provider extension has changes to fetch.
    FileProvider,
    /// `liveactivity`: start, update or end a Live Activity.
    LiveActivity,
    /// `location`: ask a Location Push Service extension for the position.
    Location,
    /// `mdm`: have a managed device contact its server.
    Mdm,
    /// `pushtotalk`: a Push to Talk channel.
    PushToTalk,
    /// `voip`: an incoming call.
    Voip,
    /// `widgets`: reload the app's widgets.
    Widgets,
    /// A type that this version doesn't know.
    Other(String),
}

impl PushType {
    /// The field's value.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Alert => "alert",
            Self::Background => "background",
            Self::Complication => "complication",
            Self::Controls => "controls",
            Self::FileProvider => "fileprovider",
            Self::LiveActivity => "liveactivity",
            Self::Location => "location",
            Self::Mdm => "mdm",
            Self::PushToTalk => "pushtotalk",
            Self::Voip => "voip",
            Self::Widgets => "widgets",
            Self::Other(name) => name,
        }
    }

    /// What the topic has after the bundle id; empty for types that take the bundle id alone.
    pub const fn topic_suffix(&self) -> &'static str {
        match self {
            Self::Complication => ".complication",
            Self::Controls => ".push-type.controls",
            Self::FileProvider => ".pushkit.fileprovider",
            Self::LiveActivity => ".push-type.liveactivity",
            Self::Location => ".location-query",
            Self::PushToTalk => ".voip-ptt",
            Self::Voip => ".voip",
            Self::Widgets => ".push-type.widgets",
            Self::Alert | Self::Background | Self::Mdm | Self::Other(_) => "",
        }
    }

    /// The longest payload in octets: 5120 for VoIP, else 4096.
    pub const fn payload_limit(&self) -> usize {
        match self {
            Self::Voip => VOIP_PAYLOAD_LIMIT,
            _ => PAYLOAD_LIMIT,
        }
    }
}

impl FromStr for PushType {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "alert" => Self::Alert,
            "background" => Self::Background,
            "complication" => Self::Complication,
            "controls" => Self::Controls,
            "fileprovider" => Self::FileProvider,
            "liveactivity" => Self::LiveActivity,
            "location" => Self::Location,
            "mdm" => Self::Mdm,
            "pushtotalk" => Self::PushToTalk,
            "voip" => Self::Voip,
            "widgets" => Self::Widgets,
            other if is_name(other) => Self::Other(other.to_owned()),
            _ => return Err(InvalidValue::PushType),
        })
    }
}

impl fmt::Display for PushType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for PushType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for PushType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

fn is_name(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Apple's table: type and suffix.
    const TABLE: [(&str, &str); 11] = [
        ("alert", ""),
        ("background", ""),
        ("complication", ".complication"),
        ("controls", ".push-type.controls"),
        ("fileprovider", ".pushkit.fileprovider"),
        ("liveactivity", ".push-type.liveactivity"),
        ("location", ".location-query"),
        ("mdm", ""),
        ("pushtotalk", ".voip-ptt"),
        ("voip", ".voip"),
        ("widgets", ".push-type.widgets"),
    ];

    #[test]
    fn apples_eleven_types_have_their_suffixes_and_round_trip() {
        for (name, suffix) in TABLE {
            let push_type: PushType = name.parse().unwrap();
            assert!(!matches!(push_type, PushType::Other(_)), "{name}");
            assert_eq!(push_type.as_str(), name);
            assert_eq!(push_type.topic_suffix(), suffix);
            assert_eq!(
                push_type.payload_limit(),
                if name == "voip" { 5120 } else { 4096 }
            );
        }
    }

    #[test]
    fn a_type_unknown_to_us_round_trips() {
        let push_type: PushType = "hologram".parse().unwrap();
        assert_eq!(push_type, PushType::Other("hologram".to_owned()));
        assert_eq!(push_type.to_string(), "hologram");
    }

    #[test]
    fn text_that_could_break_a_field_is_no_type() {
        for text in ["", "a b", "a\r\n", "ä", &"a".repeat(65)] {
            assert_eq!(text.parse::<PushType>(), Err(InvalidValue::PushType));
        }
    }
}
