//! What the mock answers.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use serde::{Deserialize, Serialize};

/// The ids that an answer names.
pub(super) enum Ids {
    /// `apns-id`, and `apns-unique-id` of the development service.
    Notification(HeaderValue, Option<HeaderValue>),
    /// `apns-request-id`, about channels.
    Request(HeaderValue),
}

/// An answer: status, and for other than 200 the reason in Apple's JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Apple's reason string; no body without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Cow<'static, str>>,
    /// For 410: when Apple learned that the token is dead, in milliseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<u64>,
    /// The value of `retry-after`, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// A body in place of Apple's JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Cow<'static, str>>,
    /// `apns-channel-id`, of a channel that was made.
    #[serde(skip)]
    pub channel_id: Option<Cow<'static, str>>,
}

impl Answer {
    /// 200.
    pub const fn ok() -> Self {
        Self {
            status: 200,
            reason: None,
            timestamp: None,
            retry_after: None,
            body: None,
            channel_id: None,
        }
    }

    /// Another status with a reason.
    pub const fn rejection(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason: Some(Cow::Borrowed(reason)),
            timestamp: None,
            retry_after: None,
            body: None,
            channel_id: None,
        }
    }

    /// Since when the device token is dead, in milliseconds since 1970.
    #[must_use]
    pub const fn timestamp(mut self, millis: u64) -> Self {
        self.timestamp = Some(millis);
        self
    }

    /// With `retry-after`, in seconds.
    #[must_use]
    pub const fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// With this body in place of Apple's JSON.
    #[must_use]
    pub fn body(mut self, body: impl Into<Cow<'static, str>>) -> Self {
        self.body = Some(body.into());
        self
    }

    pub(super) const fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// 410 `Unregistered` since `timestamp`, in milliseconds since 1970.
    pub const fn unregistered(timestamp: u64) -> Self {
        Self::rejection(410, "Unregistered").timestamp(timestamp)
    }

    /// Whether the notification was accepted, or what was asked was done.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    fn octets(&self) -> Option<Bytes> {
        if let Some(body) = &self.body {
            return Some(Bytes::copy_from_slice(body.as_bytes()));
        }
        let reason = self.reason.as_ref()?;
        let mut json = serde_json::json!({ "reason": reason });
        if let Some(timestamp) = self.timestamp {
            json["timestamp"] = timestamp.into();
        }
        Some(json.to_string().into())
    }

    /// Sends it: HEADERS with END_STREAM, or HEADERS and DATA. What fails fails with its stream. Says whether
    /// there is DATA, which may have to wait for the client's window.
    pub(super) fn send(
        &self,
        mut respond: h2::server::SendResponse<Bytes>,
        ids: Ids,
        is_head: bool,
    ) -> bool {
        let mut response = Response::new(());
        *response.status_mut() =
            http::StatusCode::from_u16(self.status).unwrap_or(http::StatusCode::OK);
        let fields = response.headers_mut();
        match ids {
            Ids::Request(id) => {
                fields.insert("apns-request-id", id);
            }
            Ids::Notification(id, unique_id) => {
                fields.insert("apns-id", id);
                if let Some(unique_id) = unique_id {
                    fields.insert("apns-unique-id", unique_id);
                }
            }
        }
        if let Some(id) = self.channel_id.as_deref()
            && let Ok(id) = HeaderValue::from_str(id)
        {
            fields.insert("apns-channel-id", id);
        }
        if let Some(seconds) = self.retry_after {
            fields.insert(header::RETRY_AFTER, seconds.into());
        }
        let body = self.octets();
        if body.is_some() {
            fields.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/json"),
            );
        }
        send(&mut respond, response, body.filter(|_| !is_head))
    }
}

/// Sends a response whose fields are complete, and says whether it has DATA.
pub(super) fn send(
    respond: &mut h2::server::SendResponse<Bytes>,
    response: Response<()>,
    body: Option<Bytes>,
) -> bool {
    // A stream that the client has reset meanwhile takes no answer: nothing to do then.
    match (respond.send_response(response, body.is_none()), body) {
        (Ok(mut stream), Some(body)) => stream.send_data(body, true).is_ok(),
        _ => false,
    }
}
