//! What callers see when a request did not do what it was for.

use aapns_models::{ApnsId, ErrorBody, InvalidNotification, PushType, Reason, Retry};

use crate::delivery::{Cause, Delivery};
use crate::job::RejectReason;
use crate::request::InvalidField;

use super::post::Answer;
use super::reply::Settled;

/// A request that ended without an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failure {
    /// Why the last attempt, or the whole request, got no answer.
    pub cause: Cause,
    /// Whether the server can have processed it: the worst over all attempts.
    pub delivery: Delivery,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed.
    pub possible_duplicate: bool,
}

impl Failure {
    /// Whether the same request can do better later, without the risk of a duplicate. What is wrong with a
    /// credential or a configuration ([`Cause::Fatal`], [`Cause::Credential`], some of [`Cause::Dial`]) is to be
    /// mended first.
    pub fn is_retryable(&self) -> bool {
        !matches!(self.cause, Cause::RequestTooLarge) && self.delivery.is_unprocessed()
    }

    /// Of a request that was never begun.
    pub(super) fn not_sent(cause: Cause) -> Self {
        Self {
            cause,
            delivery: Delivery::NotSent,
            attempts: 0,
            possible_duplicate: false,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let delivery = match self.delivery {
            Delivery::NotSent | Delivery::Refused => "not processed",
            Delivery::Unknown => "may have been processed",
        };
        write!(f, "{} ({delivery})", self.cause)
    }
}

impl std::error::Error for Failure {}

/// Why [`Pool::post`](super::Pool::post) or [`Connection::post`](super::Connection::post) has no response.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PostError {
    /// No room now: no free stream on the connection, or a full queue where waiting wasn't asked for. Nothing was sent; try later.
    #[error("blocked: no room now, try later")]
    Blocked,
    /// Closed, or closing.
    #[error("{0}")]
    Closed(Failure),
    /// The deadline passed.
    #[error("{0}")]
    Timeout(Failure),
    /// The request is larger than the server or the queue takes. Nothing was sent.
    #[error("the request is larger than the server or the queue takes")]
    TooLarge,
    /// Anything else; the cause says what.
    #[error("{0}")]
    Failed(Failure),
}

impl PostError {
    /// Whether the server can have processed the request.
    pub fn delivery(&self) -> Delivery {
        self.failure().map_or(Delivery::NotSent, |f| f.delivery)
    }

    /// The details, if the request was queued.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Closed(failure) | Self::Timeout(failure) | Self::Failed(failure) => Some(failure),
            Self::Blocked | Self::TooLarge => None,
        }
    }

    /// Whether the same request can do better later, without the risk of a duplicate.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Blocked => true,
            Self::TooLarge => false,
            Self::Closed(failure) | Self::Timeout(failure) | Self::Failed(failure) => {
                failure.is_retryable()
            }
        }
    }

    pub(super) fn rejected(reason: RejectReason) -> Self {
        match reason {
            RejectReason::Blocked | RejectReason::Full => Self::Blocked,
            RejectReason::Closed => Self::Closed(Failure::not_sent(Cause::Closed)),
            RejectReason::TooLarge => Self::TooLarge,
        }
    }

    pub(super) fn settled(cause: Cause, delivery: Delivery, settled: (u32, bool)) -> Self {
        let failure = Failure {
            cause,
            delivery,
            attempts: settled.0,
            possible_duplicate: settled.1,
        };
        match failure.cause {
            Cause::Timeout => Self::Timeout(failure),
            Cause::Closed => Self::Closed(failure),
            _ => Self::Failed(failure),
        }
    }
}

impl Settled {
    pub(super) fn into_result(self) -> Result<Answer, PostError> {
        use crate::delivery::Outcome::{Answered, Failed};
        let (attempts, possible_duplicate) = (self.attempts, self.possible_duplicate);
        match self.outcome {
            Answered(response) => Ok(Answer {
                response,
                attempts,
                possible_duplicate,
            }),
            Failed(cause, delivery) => Err(PostError::settled(
                cause,
                delivery,
                (attempts, possible_duplicate),
            )),
        }
    }
}

/// An answer that says "not accepted": any status but 200 (Apple: "Handling notification responses from APNs").
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ResponseError {
    /// The status code.
    pub status: u16,
    /// APNs' reason; `None` where the body had none.
    pub reason: Option<Reason>,
    /// For 410: when APNs learned that the device token was dead, in milliseconds since 1970. Drop the token only if it was not registered again since.
    pub timestamp: Option<u64>,
    /// The notification's id, as the server returned it.
    pub apns_id: Option<ApnsId>,
    /// Of a broadcast or a channel: the request's id, as the server returned it.
    pub request_id: Option<ApnsId>,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed.
    pub possible_duplicate: bool,
}

impl ResponseError {
    pub(super) fn new(answer: &Answer) -> Self {
        let body = ErrorBody::parse(&answer.response.body);
        Self {
            status: answer.response.status,
            reason: body.reason,
            timestamp: body.timestamp,
            apns_id: answer.response.apns_id,
            request_id: super::channels::request_id(answer),
            attempts: answer.attempts,
            possible_duplicate: answer.possible_duplicate,
        }
    }
}

impl ResponseError {
    /// Whether the same request can do better later, or over another connection: by [`Retry::classify`].
    ///
    /// Not where only a new provider token helps: a client renews its own, and this answer means that it had none.
    /// An earlier attempt may have been delivered all the same: see [`possible_duplicate`](Self::possible_duplicate).
    pub fn is_retryable(&self) -> bool {
        let retry = Retry::classify(self.status, self.reason.as_ref());
        matches!(retry, Retry::Wait | Retry::Connection)
    }
}

impl std::fmt::Display for ResponseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.reason {
            Some(reason) => write!(f, "{} {reason}", self.status),
            None => write!(f, "{}", self.status),
        }
    }
}

impl std::error::Error for ResponseError {}

/// Why [`Client::send`](super::Client::send) did not deliver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The notification can't be sent as it is: the error names the field and the rule. Nothing was sent.
    #[error(transparent)]
    Invalid(#[from] InvalidNotification),
    /// A value can't be part of a request. Nothing was sent.
    #[error(transparent)]
    Field(#[from] InvalidField),
    /// Apple takes this push type with provider tokens alone, and the credential is a certificate. Nothing was sent.
    #[error("push_type: {0} needs token authentication")]
    NeedsToken(PushType),
    /// The client's certificate says itself that it can't send this. Nothing was sent.
    #[cfg(feature = "rustls")]
    #[error(transparent)]
    Certificate(#[from] super::certificate::CertificateFault),
    /// The server answered, and did not accept it.
    #[error(transparent)]
    Response(ResponseError),
    /// As [`PostError::Blocked`].
    #[error("blocked: no room now, try later")]
    Blocked,
    /// As [`PostError::Closed`].
    #[error("{0}")]
    Closed(Failure),
    /// As [`PostError::Timeout`].
    #[error("{0}")]
    Timeout(Failure),
    /// As [`PostError::TooLarge`].
    #[error("the request is larger than the server or the queue takes")]
    TooLarge,
    /// As [`PostError::Failed`].
    #[error("{0}")]
    Failed(Failure),
}

impl From<PostError> for SendError {
    fn from(error: PostError) -> Self {
        match error {
            PostError::Blocked => Self::Blocked,
            PostError::Closed(failure) => Self::Closed(failure),
            PostError::Timeout(failure) => Self::Timeout(failure),
            PostError::TooLarge => Self::TooLarge,
            PostError::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl SendError {
    /// Whether the server can have processed the notification; `None` if it answered.
    pub fn delivery(&self) -> Option<Delivery> {
        match self {
            Self::Response(_) => None,
            _ => Some(self.failure().map_or(Delivery::NotSent, |f| f.delivery)),
        }
    }

    /// The details of a request that ended without an answer.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Closed(failure) | Self::Timeout(failure) | Self::Failed(failure) => Some(failure),
            _ => None,
        }
    }

    /// The server's answer, if there was one.
    pub fn response(&self) -> Option<&ResponseError> {
        match self {
            Self::Response(response) => Some(response),
            _ => None,
        }
    }

    /// The status code, if the server answered.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|r| r.status)
    }

    /// APNs' reason, if the server gave one.
    pub fn reason(&self) -> Option<&Reason> {
        self.response()?.reason.as_ref()
    }

    /// Whether the same notification can do better later, without the risk of a duplicate.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Invalid(_) | Self::Field(_) | Self::NeedsToken(_) | Self::TooLarge => false,
            #[cfg(feature = "rustls")]
            Self::Certificate(_) => false,
            Self::Response(response) => response.is_retryable() && !response.possible_duplicate,
            Self::Blocked => true,
            Self::Closed(failure) | Self::Timeout(failure) | Self::Failed(failure) => {
                failure.is_retryable()
            }
        }
    }

    /// Whether the device token is dead: it should not be used again (410).
    pub fn is_device_token_dead(&self) -> bool {
        self.reason()
            .map_or_else(|| self.status() == Some(410), Reason::is_device_token_dead)
    }
}

#[cfg(test)]
mod tests;
