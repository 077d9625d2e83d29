//! The app's own data, beside `aps`.

use std::fmt;

use serde::Serialize;

use super::json::{Json, write_json};
use crate::InvalidNotification;

/// Keys and values, in the order in which they were added.
#[derive(Clone, Default, PartialEq)]
pub struct Data(Vec<(String, Json)>);

impl Data {
    /// Adds a value, or replaces the one of this key; a null only takes the old one away.
    pub fn insert(
        &mut self,
        key: String,
        value: &(impl Serialize + ?Sized),
    ) -> Result<(), InvalidNotification> {
        if key == "aps" {
            return Err(InvalidNotification::field(
                "payload.aps",
                "the key is Apple's own",
            ));
        }
        if key.is_empty() {
            return Err(InvalidNotification::field(
                "payload",
                "a key must not be empty",
            ));
        }
        let json = Json::new(format_args!("payload.{key}"), value)?;
        self.0.retain(|(present, _)| *present != key);
        if json.as_str() != "null" {
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
            out.extend_from_slice(json.as_str().as_bytes());
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
