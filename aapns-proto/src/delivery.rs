//! What became of a request, and whether the server can have processed it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::frame::ErrorCode;
use crate::request::Response;

/// Whether a request that got no answer can have been processed by the server.
///
/// The order is that of certainty lost: over several attempts the worst one counts. There will be no
/// fourth: match all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Delivery {
    /// The server has not got the whole request: the octets that end it were never handed out.
    NotSent,
    /// The server said that it did not process the request (RFC 9113 §6.8, §8.7).
    Refused,
    /// The server may have processed it.
    Unknown,
}

impl Delivery {
    /// Whether it is proven that the server did not process the request.
    pub const fn is_unprocessed(self) -> bool {
        matches!(self, Self::NotSent | Self::Refused)
    }

    /// `not_sent`, `refused` or `unknown`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The end of a request's life: its tag comes out exactly once, in one of these. To be taken apart:
/// it gets no further fields.
#[derive(Debug)]
#[must_use = "somebody waits for this outcome"]
pub struct Done<T> {
    /// What the caller attached to the job.
    pub tag: T,
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// How many attempts handed out the first octet of their HEADERS frame.
    pub attempts: u32,
    /// A resend followed an attempt whose delivery was [`Delivery::Unknown`]: the server may have processed the request twice.
    pub possible_duplicate: bool,
}

/// How a request ended; there is no third way.
#[derive(Debug)]
pub enum Outcome {
    /// A final response arrived.
    Answered(Response),
    /// No response; the delivery is the worst over all attempts.
    Failed(Cause, Delivery),
}

/// Why an attempt, or the whole request, got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The deadline passed.
    Timeout,
    /// The deadline passed, or the breaker is open, while no link was up; the last dial failed like this.
    Dial(DialError),
    /// The pool or connection was closed by its owner.
    Closed,
    /// The caller went away.
    Abandoned,
    /// RST_STREAM(REFUSED_STREAM), or a stream above the last-stream-id of a GOAWAY.
    Refused,
    /// The server reset the stream.
    Reset(ErrorCode),
    /// The transport ended: what the driver said of it.
    ConnectionLost(Disconnect),
    /// The server broke HTTP/2; the text names the rule.
    Protocol(ErrorCode, &'static str),
    /// The response broke RFC 9113 §8; the text names the rule.
    MalformedResponse(&'static str),
    /// The field block is larger than the server takes (SETTINGS_MAX_HEADER_LIST_SIZE).
    RequestTooLarge,
    /// The server's answer is larger than the request allows.
    ResponseTooLarge,
    /// The server sent GOAWAY and did not finish the stream.
    GoAway(GoAway),
    /// PING, SETTINGS or every answer failed to come in time.
    Unresponsive(&'static str),
    /// No provider token could be had; the text is the signer's.
    Credential(Arc<str>),
    /// The breaker is open: the server refused this credential with this reason.
    Fatal(Arc<str>),
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("timeout"),
            Self::Dial(error) => error.fmt(f),
            Self::Closed => f.write_str("closed"),
            Self::Abandoned => f.write_str("abandoned"),
            Self::Refused => f.write_str("refused"),
            Self::Reset(code) => write!(f, "reset: {code}"),
            Self::ConnectionLost(why) => write!(f, "connection_lost: {why}"),
            Self::Protocol(code, rule) => write!(f, "protocol: {code}: {rule}"),
            Self::MalformedResponse(rule) => write!(f, "malformed response: {rule}"),
            Self::RequestTooLarge => f.write_str("request fields too large for this server"),
            Self::ResponseTooLarge => f.write_str("response too large"),
            Self::GoAway(goaway) => write!(f, "goaway: {goaway}"),
            Self::Unresponsive(what) => write!(f, "unresponsive: {what}"),
            Self::Credential(text) => write!(f, "credential: {text}"),
            Self::Fatal(text) => write!(f, "fatal: {text}"),
        }
    }
}

impl std::error::Error for Cause {}

/// What a driver says of a transport that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Disconnect {
    /// The peer closed its side (EOF, with or without TLS close_notify).
    Eof,
    /// The peer reset the connection.
    Reset,
    /// Any other failure of the transport.
    Io(std::io::ErrorKind),
    /// The peer ended TLS with this alert (RFC 8446 §6.2). Under TLS 1.3 a client certificate is refused like this.
    Alert(u8),
    /// The driver itself went away.
    DriverDropped,
}

impl fmt::Display for Disconnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eof => f.write_str("closed by the server"),
            Self::Reset => f.write_str("reset by the server"),
            Self::Io(kind) => write!(f, "{kind}"),
            Self::Alert(alert) => f.write_str(&alert_text(*alert)),
            Self::DriverDropped => f.write_str("the driver went away"),
        }
    }
}

/// What a TLS alert from the server means to its client (RFC 8446 §6.2).
pub(crate) fn alert_text(alert: u8) -> Cow<'static, str> {
    let text = match alert {
        42 => "the server refused the client certificate (bad_certificate)",
        43 => "the server refused the client certificate (unsupported_certificate)",
        44 => "the server refused the client certificate: it is revoked",
        45 => "the server refused the client certificate: it has expired",
        46 => "the server refused the client certificate (certificate_unknown)",
        48 => "the server refused the client certificate: it doesn't trust its authority",
        70 => "the server speaks neither TLS 1.2 nor 1.3",
        116 => "the server wants a client certificate",
        120 => "the server did not select h2 by ALPN",
        other => return format!("the server ended TLS with alert {other}").into(),
    };
    text.into()
}

/// Why no connection could be made, by the step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DialError {
    /// The step.
    pub step: DialStep,
    /// Whether trying again without a change of configuration is pointless (a certificate that doesn't verify, no `h2`).
    pub is_fatal: bool,
    /// What happened, in words; never secret.
    pub message: Arc<str>,
}

/// The steps of a dial, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DialStep {
    /// Name resolution, TCP or a proxy.
    Connect,
    /// The TLS handshake, certificates, ALPN.
    Tls,
    /// The HTTP/2 preface: the server's first SETTINGS.
    Http2,
}

impl DialError {
    /// A dial that failed at this step; a message that tells no secret.
    pub fn new(step: DialStep, is_fatal: bool, message: impl Into<Arc<str>>) -> Self {
        Self {
            step,
            is_fatal,
            message: message.into(),
        }
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            DialStep::Connect => "connect",
            DialStep::Tls => "tls",
            DialStep::Http2 => "http2",
        };
        write!(f, "{step}: {}", self.message)
    }
}

impl std::error::Error for DialError {}

/// A GOAWAY frame as the server sent it (RFC 9113 §6.8).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GoAway {
    /// Streams above this id were not processed.
    pub last_stream_id: u32,
    /// The error code.
    pub code: ErrorCode,
    /// The `reason` of APNs' JSON debug data, or that data as text; bounded by [`crate::limits::GOAWAY_DEBUG`]. For diagnosis and pacing, never for delivery.
    pub reason: Option<Arc<str>>,
}

impl fmt::Display for GoAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, last stream {}", self.code, self.last_stream_id)?;
        match &self.reason {
            Some(reason) => write!(f, ", {reason}"),
            None => Ok(()),
        }
    }
}
