//! The address of an app on a device.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::InvalidValue;

/// A device token: hexadecimal digits of any even number, since Apple promises no length.
///
/// The text is kept as it was given; tokens that differ only in case are equal. `Debug` shows the
/// first few digits only, for a token is an address that others should not learn from a log.
///
/// ```
/// use aapns_models::DeviceToken;
///
/// let token: DeviceToken = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0".parse()?;
/// assert_eq!(format!("{token:?}"), "DeviceToken(00fc13…)");
/// assert!("00fc1".parse::<DeviceToken>().is_err());
/// # Ok::<(), aapns_models::InvalidValue>(())
/// ```
#[derive(Clone)]
pub struct DeviceToken(Box<str>);

impl DeviceToken {
    /// Checks a token in hexadecimal, of either case.
    ///
    /// # Errors
    /// [`InvalidValue::DeviceToken`] if it is empty, odd in length, or not hexadecimal.
    pub fn new(hex: impl Into<Box<str>> + AsRef<str>) -> Result<Self, InvalidValue> {
        if Self::is_valid(hex.as_ref()) {
            Ok(Self(hex.into()))
        } else {
            Err(InvalidValue::DeviceToken)
        }
    }

    /// The token that a device reported as octets (MDM's come in base64, decoded to these).
    ///
    /// # Errors
    /// [`InvalidValue::DeviceToken`] if there are none.
    pub fn from_octets(octets: &[u8]) -> Result<Self, InvalidValue> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
        let hex: String = octets
            .iter()
            .flat_map(|octet| [digit(octet >> 4), digit(*octet)])
            .collect();
        Self::new(hex)
    }

    /// Whether a text would be taken by [`new`](Self::new): a check that allocates nothing.
    pub fn is_valid(hex: &str) -> bool {
        !hex.is_empty() && hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit())
    }

    /// The hexadecimal digits, as given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for DeviceToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for DeviceToken {}

impl Hash for DeviceToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.0.bytes() {
            state.write_u8(octet.to_ascii_lowercase());
        }
    }
}

impl fmt::Debug for DeviceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A short token shows at most half of itself.
        let shown = self.0.len().min(12) / 2;
        write!(f, "DeviceToken({}…)", self.0.get(..shown).unwrap_or(""))
    }
}

impl FromStr for DeviceToken {
    type Err = InvalidValue;

    fn from_str(hex: &str) -> Result<Self, Self::Err> {
        Self::new(hex)
    }
}

impl TryFrom<String> for DeviceToken {
    type Error = InvalidValue;

    fn try_from(hex: String) -> Result<Self, Self::Error> {
        Self::new(hex)
    }
}

impl AsRef<str> for DeviceToken {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Serialize for DeviceToken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DeviceToken {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let hex = String::deserialize(deserializer)?;
        Self::new(hex).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_even_number_of_hex_digits_of_either_case_is_a_token() {
        for hex in ["00", "aB", &"0f".repeat(32), &"Fe".repeat(100)] {
            assert_eq!(DeviceToken::new(hex).unwrap().as_str(), hex);
        }
    }

    #[test]
    fn odd_empty_or_other_text_is_no_token() {
        for text in ["", "0", "abc", "0g", "00 ", "%30", "/0", "ää"] {
            assert_eq!(
                DeviceToken::new(text),
                Err(InvalidValue::DeviceToken),
                "{text}"
            );
        }
    }

    #[test]
    fn octets_become_lower_case_hex() {
        let token = DeviceToken::from_octets(&[0x00, 0xfc, 0x1a]).unwrap();
        assert_eq!(token.as_str(), "00fc1a");
        assert!(DeviceToken::from_octets(&[]).is_err());
    }

    #[test]
    fn tokens_that_differ_in_case_are_equal() {
        assert_eq!(
            DeviceToken::new("aBcD").unwrap(),
            DeviceToken::new("AbCd").unwrap()
        );
    }

    #[test]
    fn debug_never_shows_a_whole_token() {
        assert_eq!(
            format!("{:?}", DeviceToken::new("ab").unwrap()),
            "DeviceToken(a…)"
        );
        let long = DeviceToken::new("ab".repeat(32)).unwrap();
        assert_eq!(format!("{long:?}"), "DeviceToken(ababab…)");
    }
}
