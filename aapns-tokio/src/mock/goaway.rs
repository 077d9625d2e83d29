//! How a mock says GOAWAY.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// How to say GOAWAY.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Goaway {
    /// Before it, so many requests are taken in and not processed; they are above the last-stream-id.
    pub unprocessed: u64,
    /// The error code; 0, NO_ERROR, if absent.
    pub code: u32,
    /// Apple's JSON with this reason as debug data.
    pub reason: Option<Cow<'static, str>>,
    /// Debug data in place of JSON.
    pub debug: Option<Cow<'static, str>>,
    /// First a GOAWAY with 2³¹−1, then after so many milliseconds the real one (RFC 9113 §6.8).
    pub two_step_ms: Option<u64>,
    /// Leaves the connection open until the client closes it, rather than close once all is answered.
    pub linger: bool,
}

impl Goaway {
    /// NO_ERROR without debug data, after which all is answered and the connection closed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before it, so many requests are taken in and not processed; they are above the last-stream-id.
    #[must_use]
    pub const fn unprocessed(mut self, requests: u64) -> Self {
        self.unprocessed = requests;
        self
    }

    /// With this error code.
    #[must_use]
    pub const fn code(mut self, code: u32) -> Self {
        self.code = code;
        self
    }

    /// With Apple's JSON of this reason as debug data.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// With this debug data in place of JSON.
    #[must_use]
    pub fn debug(mut self, data: impl Into<Cow<'static, str>>) -> Self {
        self.debug = Some(data.into());
        self
    }

    /// First a GOAWAY with 2³¹−1, then after so many milliseconds the real one.
    #[must_use]
    pub const fn two_step(mut self, millis: u64) -> Self {
        self.two_step_ms = Some(millis);
        self
    }

    /// Leaves the connection open until the client closes it.
    #[must_use]
    pub const fn linger(mut self) -> Self {
        self.linger = true;
        self
    }

    pub(super) fn debug_data(&self) -> Vec<u8> {
        match (&self.debug, &self.reason) {
            (Some(debug), _) => debug.as_bytes().to_vec(),
            (None, Some(reason)) => serde_json::json!({ "reason": reason }).to_string().into(),
            (None, None) => Vec::new(),
        }
    }
}
