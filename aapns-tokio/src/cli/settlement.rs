//! What became of one notification, in the words of the program's output.

use std::borrow::Cow;

use aapns_models::ndjson::{Outcome, OutputLine};
use aapns_models::{ApnsId, ErrorBody};
use aapns_proto::client::{Answer, Failure, PostError, ResponseError};
use aapns_proto::{Cause, Delivery};

use super::exit::Fault;

/// The cause of what a signal cut short.
pub(crate) const INTERRUPTED: &str = "interrupted";

/// The fields of an output line that tell the end of a notification.
#[derive(Debug)]
pub(crate) struct Settlement {
    pub(crate) outcome: Outcome,
    status: Option<u16>,
    reason: Option<String>,
    timestamp: Option<u64>,
    unique_id: Option<ApnsId>,
    attempts: u32,
    possible_duplicate: bool,
    cause: Option<Cow<'static, str>>,
}

impl Settlement {
    /// Of a request through a pool; `is_interrupted` tells why the pool was closed.
    pub(crate) fn of(result: &Result<Answer, PostError>, is_interrupted: bool) -> Self {
        match result {
            Ok(answer) => Self::of_answer(answer),
            Err(error) => Self::of_error(error, is_interrupted),
        }
    }

    /// Of a request that the server turned down.
    pub(crate) fn rejected(response: &ResponseError) -> Self {
        Self {
            status: Some(response.status),
            attempts: response.attempts,
            possible_duplicate: response.possible_duplicate,
            reason: response.reason.as_ref().map(ToString::to_string),
            timestamp: response.timestamp,
            ..Self::new(Outcome::Rejected)
        }
    }

    /// Of a request that APNs accepted after so many attempts.
    pub(crate) fn delivered(attempts: u32, possible_duplicate: bool) -> Self {
        Self {
            status: Some(200),
            attempts,
            possible_duplicate,
            ..Self::new(Outcome::Delivered)
        }
    }

    /// Of a line that was never sent.
    pub(crate) fn unsent(outcome: Outcome, cause: &'static str) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(outcome)
        }
    }

    /// Of a line that can't be a notification.
    pub(crate) fn invalid(reason: String) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(Outcome::Invalid)
        }
    }

    /// The line to write.
    pub(crate) fn line<'a>(
        &'a self,
        number: u64,
        device_token: Option<&'a str>,
        apns_id: Option<ApnsId>,
    ) -> OutputLine<'a> {
        let mut line = OutputLine::new(number, self.outcome);
        line.device_token = device_token;
        line.apns_id = apns_id;
        line.unique_id = self.unique_id;
        line.status = self.status;
        line.reason = self.reason.as_deref();
        line.timestamp = self.timestamp;
        line.attempts = self.attempts;
        line.possible_duplicate = self.possible_duplicate;
        line.cause = self.cause.as_deref();
        line
    }

    /// The same as an object, for what has no device token; `id` under a name of its own.
    pub(crate) fn json(&self, name: &str, id: Option<&str>) -> serde_json::Value {
        serde_json::json!({
            name: id,
            "outcome": self.outcome.as_str(),
            "status": self.status,
            "reason": self.reason,
            "attempts": self.attempts,
            "possible_duplicate": self.possible_duplicate,
            "cause": self.cause,
        })
    }

    /// The error of a notification that was not delivered.
    pub(crate) fn fault(&self) -> Fault {
        let line = self.explain();
        match self.cause.as_deref() {
            Some(INTERRUPTED) => Fault::interrupted(line),
            _ => Fault::failure(line),
        }
    }

    /// One line for people: what happened, and what to do.
    fn explain(&self) -> String {
        let reason = self
            .reason
            .as_deref()
            .or(self.cause.as_deref())
            .unwrap_or("no reason given");
        match self.outcome {
            Outcome::Delivered => "delivered".to_owned(),
            Outcome::Rejected => format!("rejected: {} {reason}", self.status.unwrap_or_default()),
            // Nothing was ever connected: the fault is on this side, and can be found.
            Outcome::NotProcessed if self.attempts == 0 && reason.contains(": ") => {
                format!("not processed: {reason}; see why with: aapns doctor and the same flags")
            }
            Outcome::NotProcessed => {
                format!("not processed: {reason}; it is safe to send it again")
            }
            Outcome::Unknown => format!(
                "unknown: {reason}; it may have been delivered, so sending it again may show it twice"
            ),
            Outcome::Invalid => format!("invalid: {reason}"),
        }
    }

    fn of_answer(answer: &Answer) -> Self {
        let status = answer.status();
        let mut settlement = Self {
            status: Some(status),
            unique_id: answer.response.unique_id,
            attempts: answer.attempts,
            possible_duplicate: answer.possible_duplicate,
            ..Self::new(Outcome::Delivered)
        };
        if status != 200 {
            let body = ErrorBody::parse(&answer.response.body);
            settlement.outcome = Outcome::Rejected;
            settlement.reason = body.reason.map(|reason| reason.to_string());
            settlement.timestamp = body.timestamp;
        }
        settlement
    }

    fn of_error(error: &PostError, is_interrupted: bool) -> Self {
        Self::failed(error.failure(), error, is_interrupted)
    }

    /// Of a request that got no answer; `error` is in place of the details of one that was never queued.
    pub(crate) fn failed(
        failure: Option<&Failure>,
        error: &impl std::fmt::Display,
        is_interrupted: bool,
    ) -> Self {
        let Some(failure) = failure else {
            return Self {
                cause: Some(error.to_string().into()),
                ..Self::new(Outcome::NotProcessed)
            };
        };
        let outcome = match failure.delivery {
            Delivery::Unknown => Outcome::Unknown,
            Delivery::NotSent | Delivery::Refused => Outcome::NotProcessed,
        };
        Self {
            attempts: failure.attempts,
            possible_duplicate: failure.possible_duplicate,
            cause: Some(match &failure.cause {
                Cause::Closed if is_interrupted => INTERRUPTED.into(),
                Cause::ConnectionLost(_) => "connection_lost".into(),
                cause => cause.to_string().into(),
            }),
            ..Self::new(outcome)
        }
    }

    fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            status: None,
            reason: None,
            timestamp: None,
            unique_id: None,
            attempts: 0,
            possible_duplicate: false,
            cause: None,
        }
    }
}
