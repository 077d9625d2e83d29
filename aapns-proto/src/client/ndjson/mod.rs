//! Bulk sending by newline-delimited JSON (feature `ndjson`): from a line to a request, and from its end
//! to a line again.
//!
//! Lines are read and written by [`aapns_models::ndjson`]; what lies between is here, once for all
//! runtimes. Reading input and writing output is the caller's.
//!
//! ```
//! use aapns_models::ApnsId;
//! use aapns_models::ndjson::{Defaults, InputLine};
//! use aapns_proto::client::ndjson::{Requests, Settlement, device_token};
//! use aapns_proto::client::PostError;
//!
//! let line = br#"{"device_token": "00fc13ad", "payload": {"aps": {"alert": "hi"}}}"#;
//! let defaults = Defaults::default();
//! let input = InputLine::parse(line, 1, &defaults)?;
//! let id = ApnsId::from_u128(7);
//! let request = Requests::default().make(&input, id)?;
//! assert_eq!(device_token(&request), "00fc13ad");
//!
//! // `pool.post(request).await`, say, ends like this:
//! let result = Err(PostError::Blocked);
//! let settlement = Settlement::of(&result, false);
//! let mut output = Vec::new();
//! settlement.line(1, Some("00fc13ad"), Some(id)).write(&mut output);
//! let output = String::from_utf8(output)?;
//! assert!(output.contains(r#""outcome": "not_processed""#));
//! assert!(output.contains(r#""cause": "blocked"#));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod requests;
mod settlement;

pub use requests::{Requests, device_token};
pub use settlement::{INTERRUPTED, Settlement};
