//! Values of the user's that are JSON already, so that encoding only copies them.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use crate::InvalidNotification;

/// A value as JSON text.
#[derive(Clone)]
pub(super) struct Json(Box<RawValue>);

impl Json {
    /// Any value that can be JSON.
    pub(super) fn new(
        field: impl fmt::Display,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Self, InvalidNotification> {
        to_raw_value(value).map(Self).map_err(|_| {
            InvalidNotification::field(field.to_string(), "must be a value that JSON can express")
        })
    }

    /// A value that is an object in JSON: a struct or a map.
    pub(super) fn object(
        field: &'static str,
        value: &(impl Serialize + ?Sized),
    ) -> Result<Self, InvalidNotification> {
        let json = Self::new(field, value)?;
        if json.as_str().starts_with('{') {
            Ok(json)
        } else {
            Err(InvalidNotification::field(
                field,
                "must be an object: a struct or a map",
            ))
        }
    }

    /// The JSON text.
    pub(super) fn as_str(&self) -> &str {
        self.0.get()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

/// Shows how long the value is; what it says is content.
impl fmt::Debug for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Json({} octets)", self.as_str().len())
    }
}

/// Writes a value of ours, which is JSON for sure.
pub(super) fn write_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value)
        .expect("a Vec takes all, and our values are text, numbers, lists and checked JSON");
}
