//! The ids of notifications and channels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::InvalidValue;
use crate::text::checked_text;

/// The id of a notification (`apns-id`): a UUID.
///
/// Apple's servers take the canonical form only (lower-case, 8-4-4-4-12) and have been seen to
/// answer in upper case, so any form is read and the canonical one is written.
///
/// ```
/// use aapns_models::ApnsId;
///
/// let id: ApnsId = "123E4567E89B12D3A456426614174000".parse()?;
/// assert_eq!(id.to_string(), "123e4567-e89b-12d3-a456-426614174000");
/// # Ok::<(), aapns_models::InvalidValue>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ApnsId(Uuid);

impl ApnsId {
    /// The id with this number.
    pub const fn from_u128(number: u128) -> Self {
        Self(Uuid::from_u128(number))
    }

    /// The id as a number.
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// A new random id (UUID version 4).
    #[cfg(feature = "random")]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }

    /// Reads an id of any case, with or without hyphens; allocates nothing.
    pub fn parse_bytes(text: &[u8]) -> Option<Self> {
        Uuid::try_parse_ascii(text).ok().map(Self)
    }

    /// The canonical text: 36 octets of ASCII.
    pub fn encode(&self) -> [u8; 36] {
        let mut text = [0; 36];
        self.0.hyphenated().encode_lower(&mut text);
        text
    }
}

impl From<Uuid> for ApnsId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl From<ApnsId> for Uuid {
    fn from(id: ApnsId) -> Self {
        id.0
    }
}

impl FromStr for ApnsId {
    type Err = InvalidValue;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse_bytes(text.as_bytes()).ok_or(InvalidValue::ApnsId)
    }
}

impl fmt::Display for ApnsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ApnsId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApnsId({self})")
    }
}

impl Serialize for ApnsId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ApnsId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

checked_text! {
    /// Groups notifications (`apns-collapse-id`): a device shows only the latest of one id.
    ///
    /// Since a notification that is sent again under the same id replaces the first, a
    /// random one (feature `random`) makes a possible duplicate harmless.
    CollapseId, is_collapse_id, InvalidValue::CollapseId
}

impl CollapseId {
    /// The longest that Apple takes, in octets.
    pub const MAX_LEN: usize = 64;

    /// A new random id, of 36 octets.
    #[cfg(feature = "random")]
    pub fn random() -> Self {
        let mut text = [0; 36];
        let text: &str = Uuid::new_v4().hyphenated().encode_lower(&mut text);
        Self(text.into())
    }
}

checked_text! {
    /// The id of a broadcast channel (`apns-channel-id`): base64 text that Apple's server chose.
    ChannelId, is_channel_id, InvalidValue::ChannelId
}

pub(crate) fn is_collapse_id(text: &str) -> bool {
    (1..=CollapseId::MAX_LEN).contains(&text.len())
        && text.trim_matches([' ', '\t']).len() == text.len()
        && !text.chars().any(char::is_control)
}

fn is_channel_id(text: &str) -> bool {
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/-_=".contains(&b);
    !text.is_empty() && text.bytes().all(is_base64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_in_every_form_and_written_in_the_canonical_one() {
        let canonical = "eabeae54-14a8-11e5-b60b-1697f925ec7b";
        let upper = canonical.to_uppercase();
        let simple = canonical.replace('-', "");
        for text in [canonical, &upper, &simple] {
            let id = ApnsId::parse_bytes(text.as_bytes()).unwrap();
            assert_eq!(id.to_string(), canonical);
            assert_eq!(id.encode(), canonical.as_bytes());
        }
    }

    #[test]
    fn text_that_is_no_uuid_is_no_id() {
        for text in [
            "",
            "eabeae54",
            "eabeae54-14a8-11e5-b60b-1697f925ec7g",
            "\u{e9}",
        ] {
            assert_eq!(text.parse::<ApnsId>(), Err(InvalidValue::ApnsId));
        }
    }

    #[test]
    fn a_collapse_id_is_measured_in_octets() {
        assert!(CollapseId::new("a".repeat(64)).is_ok());
        assert!(CollapseId::new("é".repeat(32)).is_ok());
        for text in ["", &"a".repeat(65), &"é".repeat(33), "a\nb", " a", "a\t"] {
            assert_eq!(
                CollapseId::new(text),
                Err(InvalidValue::CollapseId),
                "{text}"
            );
        }
    }

    #[test]
    fn a_channel_id_is_base64_of_any_length() {
        assert!(ChannelId::new("dHN0LXNyY2gtY2hubA==").is_ok());
        for text in ["", "a b", "a\r\n", "é"] {
            assert_eq!(ChannelId::new(text), Err(InvalidValue::ChannelId), "{text}");
        }
    }

    #[cfg(feature = "random")]
    #[test]
    fn random_ids_differ() {
        assert_ne!(ApnsId::random(), ApnsId::random());
        assert_ne!(CollapseId::random(), CollapseId::random());
    }
}
