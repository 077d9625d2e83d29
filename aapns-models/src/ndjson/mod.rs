//! Bulk sending as newline-delimited JSON: the lines in, and the lines out.
//!
//! Pure and quick: a line is read in place, its payload stays the octets that it was written in,
//! and a result is written straight into a buffer. Reading and writing files is the caller's.
//!
//! ```
//! use aapns_models::ndjson::{Defaults, InputLine, Outcome, OutputLine};
//!
//! let defaults = Defaults::default();
//! let line = br#"{"device_token": "00fc13ad", "payload": {"aps": {"content-available": 1}}}"#;
//! let input = InputLine::parse(line, 1, &defaults).expect("a good line");
//! assert_eq!(input.payload, br#"{"aps": {"content-available": 1}}"#);
//! assert_eq!(input.push_type.as_str(), "background");
//!
//! let mut out = Vec::new();
//! let mut result = OutputLine::new(1, Outcome::Delivered);
//! result.device_token = Some(&input.device_token);
//! result.status = Some(200);
//! result.write(&mut out);
//! assert!(out.starts_with(br#"{"line": 1, "device_token": "00fc13ad", "apns_id": null,"#));
//! ```

mod input;
mod lines;
mod output;
#[cfg(test)]
mod tests;

pub use input::{Defaults, InputLine, InvalidLine};
pub use lines::{Line, Lines};
pub use output::{Outcome, OutputLine, Settled};

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Visitor};

/// A text of a line, borrowed where it has no escapes.
struct Text<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl<'de> Visitor<'de> for TextVisitor {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}
