//! The app's own data, beside `aps`.

use std::fmt;

use serde::Serialize;

use crate::InvalidNotification;

/// Keys and values in the order in which they were added; values are JSON already.
#[derive(Clone, Default, PartialEq)]
pub struct Data(Vec<(String, String)>);

impl Data {
    /// Adds a value, or replaces the one of this key.
    pub fn insert(
        &mut self,
        key: String,
        value: &impl Serialize,
    ) -> Result<(), InvalidNotification> {
        if key == "aps" {
            return Err(InvalidNotification::field(
                "data.aps",
                "the key is Apple's own",
            ));
        }
        if key.is_empty() {
            return Err(InvalidNotification::field(
                "data",
                "a key must not be empty",
            ));
        }
        let json = to_json(format_args!("data.{key}"), value)?;
        self.0.retain(|(present, _)| *present != key);
        if json != "null" {
            self.0.push((key, json));
        }
        Ok(())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Writes `"key":value` pairs, separated by commas.
    pub fn write(&self, out: &mut Vec<u8>) {
        for (index, (key, json)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json(out, key);
            out.push(b':');
            out.extend_from_slice(json.as_bytes());
        }
    }
}

/// Shows the keys; the values are content.
impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.0.iter().map(|(key, _)| key))
            .finish()
    }
}

/// A user's value as JSON text.
pub(super) fn to_json(
    field: fmt::Arguments<'_>,
    value: &impl Serialize,
) -> Result<String, InvalidNotification> {
    serde_json::to_string(value)
        .map_err(|_| InvalidNotification::field(field.to_string(), "the value can't be JSON"))
}

/// Writes a value of ours, which is JSON for sure.
pub(super) fn write_json(out: &mut Vec<u8>, value: &(impl Serialize + ?Sized)) {
    serde_json::to_writer(out, value)
        .expect("a Vec takes all, and our values are text, numbers and lists");
}
