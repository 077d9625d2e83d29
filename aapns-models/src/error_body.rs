//! The body of an answer other than 200.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::Reason;

/// What the body of an answer says: `{"reason": "…", "timestamp": …}`, either part optional.
///
/// ```
/// use aapns_models::{ErrorBody, Reason};
///
/// let body = ErrorBody::parse(br#"{"reason":"Unregistered","timestamp":1629000000000}"#);
/// assert_eq!(body.reason, Some(Reason::Unregistered));
/// assert_eq!(body.timestamp, Some(1_629_000_000_000));
/// assert_eq!(ErrorBody::parse(b"<html>"), ErrorBody::default());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ErrorBody {
    /// Why; `None` if the body is missing, cut, or not JSON.
    pub reason: Option<Reason>,
    /// With status 410: when Apple learned that the device token was dead, in UNIX milliseconds.
    pub timestamp: Option<u64>,
}

impl ErrorBody {
    /// Bodies over this many octets aren't looked at; Apple's are under a hundred.
    pub const MAX_LEN: usize = 8192;

    /// Reads a body, or a GOAWAY's debug data, as far as it makes sense; never fails.
    pub fn parse(body: &[u8]) -> Self {
        if body.len() > Self::MAX_LEN {
            return Self::default();
        }
        serde_json::from_slice(body).unwrap_or_default()
    }
}

impl<'de> Deserialize<'de> for ErrorBody {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(BodyVisitor)
    }
}

struct BodyVisitor;

impl<'de> Visitor<'de> for BodyVisitor {
    type Value = ErrorBody;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a reason")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ErrorBody, A::Error> {
        let mut body = ErrorBody::default();
        while let Some(Text(key)) = map.next_key()? {
            match &*key {
                "reason" => match map.next_value()? {
                    Scalar::Text(text) => body.reason = Some(Reason::from(&*text)),
                    _ => continue,
                },
                "timestamp" => match map.next_value()? {
                    Scalar::Number(number) => body.timestamp = Some(number),
                    _ => continue,
                },
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(body)
    }
}

/// A text, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(Self(text)),
            _ => Err(serde::de::Error::custom("a key must be text")),
        }
    }
}

/// A value of any kind, of which only texts and numbers ≥ 0 matter: a part of the wrong kind must
/// not cost the other part.
enum Scalar<'a> {
    Text(Cow<'a, str>),
    Number(u64),
    Other,
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        // A cast of a float saturates, and milliseconds fit a double's 53 bits.
        Ok(if number >= 0.0 {
            Scalar::Number(number as u64)
        } else {
            Scalar::Other
        })
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(body: &str) -> Option<Reason> {
        ErrorBody::parse(body.as_bytes()).reason
    }

    #[test]
    fn a_reason_is_read_beside_other_keys() {
        assert_eq!(
            reason(r#"{"x":[1,{"y":null}],"reason":"BadTopic"}"#),
            Some(Reason::BadTopic)
        );
        assert_eq!(
            reason(r#" { "reason" : "Bad\u0054opic" } "#),
            Some(Reason::BadTopic)
        );
        assert_eq!(
            reason(r#"{"reason":"New"}"#),
            Some(Reason::Other("New".to_owned()))
        );
    }

    #[test]
    fn a_part_of_the_wrong_kind_does_not_cost_the_other() {
        let body = ErrorBody::parse(br#"{"timestamp":"soon","reason":"Unregistered"}"#);
        assert_eq!(
            (body.reason, body.timestamp),
            (Some(Reason::Unregistered), None)
        );
        let body = ErrorBody::parse(br#"{"reason":null,"timestamp":1.6e12}"#);
        assert_eq!(
            (body.reason, body.timestamp),
            (None, Some(1_600_000_000_000))
        );
        let body = ErrorBody::parse(br#"{"reason":{"a":[]},"timestamp":-1}"#);
        assert_eq!(body, ErrorBody::default());
    }

    #[test]
    fn what_is_missing_cut_or_not_json_says_nothing() {
        for body in [
            "",
            "{",
            "null",
            "[]",
            "\"BadTopic\"",
            "Maximum active streams violated",
        ] {
            assert_eq!(
                ErrorBody::parse(body.as_bytes()),
                ErrorBody::default(),
                "{body}"
            );
        }
        let whole = r#"{"reason":"Shutdown"}"#;
        for cut in 0..whole.len() {
            assert_eq!(reason(&whole[..cut]), None);
        }
    }

    #[test]
    fn deep_or_long_bodies_say_nothing() {
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(3000), "]".repeat(3000));
        assert_eq!(reason(&deep), None);
        let long = format!(r#"{{"reason":"{}"}}"#, "x".repeat(ErrorBody::MAX_LEN));
        assert_eq!(reason(&long), None);
    }

    proptest! {
        #[test]
        fn no_octets_make_it_fail(body in prop::collection::vec(any::<u8>(), 0..200)) {
            ErrorBody::parse(&body);
        }
    }
}
