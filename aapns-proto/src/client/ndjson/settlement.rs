//! What became of a request, in the words of an output line.

use std::borrow::Cow;

use aapns_models::ndjson::{Outcome, OutputLine};
use aapns_models::{ApnsId, ErrorBody};

use crate::client::{Answer, Failure, PostError, ResponseError};
use crate::delivery::{Cause, Delivery};

/// The cause of what was cut short by the one who runs it.
pub const INTERRUPTED: &str = "interrupted";

const CONNECTION_LOST: &str = "connection_lost";

/// The fields of an output line that tell the end of a notification.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settlement {
    /// What became of it.
    pub outcome: Outcome,
    /// The status of the final answer.
    pub status: Option<u16>,
    /// The reason of a rejection, or what is wrong with the line.
    pub reason: Option<String>,
    /// With 410: when the device token died, in milliseconds since 1970.
    pub timestamp: Option<u64>,
    /// `apns-unique-id`, which the development service answers.
    pub unique_id: Option<ApnsId>,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed.
    pub possible_duplicate: bool,
    /// Why there is no final answer.
    pub cause: Option<Cow<'static, str>>,
}

impl Settlement {
    /// Of a request through a pool; `is_interrupted` tells why the pool was closed: then [`INTERRUPTED`] is the
    /// cause of what it handed back.
    pub fn of(result: &Result<Answer, PostError>, is_interrupted: bool) -> Self {
        match result {
            Ok(answer) => Self::of_answer(answer),
            Err(error) => Self::failed(error.failure(), error, is_interrupted),
        }
    }

    /// Of a request that the server turned down.
    pub fn rejected(response: &ResponseError) -> Self {
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
    pub fn delivered(attempts: u32, possible_duplicate: bool) -> Self {
        Self {
            status: Some(200),
            attempts,
            possible_duplicate,
            ..Self::new(Outcome::Delivered)
        }
    }

    /// Of a request that got no answer; `error` is in place of the details of one that was never queued.
    pub fn failed(
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
                Cause::ConnectionLost(_) => CONNECTION_LOST.into(),
                cause if outcome == Outcome::Unknown => unknown(cause),
                cause => cause.to_string().into(),
            }),
            ..Self::new(outcome)
        }
    }

    /// Of a line that was never sent.
    pub fn unsent(outcome: Outcome, cause: impl Into<Cow<'static, str>>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..Self::new(outcome)
        }
    }

    /// Of a line that can't be a notification.
    pub fn invalid(reason: String) -> Self {
        Self {
            reason: Some(reason),
            ..Self::new(Outcome::Invalid)
        }
    }

    /// The line to write.
    pub fn line<'a>(
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

/// Why it isn't known whether a server processed a request, in the few words that outputs have for it.
fn unknown(cause: &Cause) -> Cow<'static, str> {
    match cause {
        Cause::Timeout | Cause::Reset(_) | Cause::Closed | Cause::Abandoned => {
            cause.to_string().into()
        }
        // This side resets the stream of an answer that it can't take.
        Cause::MalformedResponse(_) | Cause::ResponseTooLarge => format!("reset: {cause}").into(),
        // The rest ends or follows a connection that took the request's fate with it.
        _ => CONNECTION_LOST.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Failure;
    use crate::delivery::{DialError, DialStep, Disconnect, GoAway};
    use crate::frame::ErrorCode;
    use crate::request::Response;

    fn written(settlement: &Settlement) -> String {
        let mut line = Vec::new();
        settlement.line(1, None, None).write(&mut line);
        String::from_utf8(line).expect("text")
    }

    fn failure(cause: Cause, delivery: Delivery) -> Failure {
        Failure {
            cause,
            delivery,
            attempts: 2,
            possible_duplicate: false,
        }
    }

    #[test]
    fn an_answer_is_delivered_or_rejected_with_its_reason() {
        let answer = |status, body: &'static str| {
            Ok(Answer {
                response: Response {
                    status,
                    body: body.into(),
                    ..Response::default()
                },
                attempts: 3,
                possible_duplicate: true,
            })
        };
        let delivered = Settlement::of(&answer(200, ""), false);
        assert_eq!(delivered.outcome, Outcome::Delivered);
        assert_eq!((delivered.attempts, delivered.status), (3, Some(200)));
        let body = r#"{"reason":"Unregistered","timestamp":5}"#;
        let rejected = written(&Settlement::of(&answer(410, body), false));
        assert!(rejected.contains(r#""outcome": "rejected", "status": 410, "reason": "Unregistered", "timestamp": 5, "attempts": 3, "possible_duplicate": true, "cause": null"#), "{rejected}");
        let mute = Settlement::of(&answer(503, ""), false);
        assert_eq!((mute.outcome, mute.reason), (Outcome::Rejected, None));
    }

    #[test]
    fn without_an_answer_the_delivery_decides_and_the_cause_tells() {
        let lost = Cause::ConnectionLost(Disconnect::Reset);
        for (cause, delivery, outcome, word) in [
            (lost, Delivery::Unknown, Outcome::Unknown, "connection_lost"),
            (
                Cause::Timeout,
                Delivery::NotSent,
                Outcome::NotProcessed,
                "timeout",
            ),
            (
                Cause::Closed,
                Delivery::Refused,
                Outcome::NotProcessed,
                "closed",
            ),
        ] {
            let result = Err(PostError::Failed(failure(cause, delivery)));
            let settlement = Settlement::of(&result, false);
            assert_eq!(settlement.outcome, outcome);
            assert_eq!(settlement.cause.as_deref(), Some(word));
            assert_eq!(settlement.attempts, 2);
        }
        let closed = Err(PostError::Closed(failure(Cause::Closed, Delivery::NotSent)));
        let interrupted = Settlement::of(&closed, true);
        assert_eq!(interrupted.cause.as_deref(), Some(INTERRUPTED));
        let blocked = Settlement::of(&Err(PostError::Blocked), false);
        assert_eq!(blocked.outcome, Outcome::NotProcessed);
        assert_eq!(blocked.attempts, 0);
    }

    /// Programs that read results know these words and no others.
    #[test]
    fn the_unknown_has_few_causes() {
        let goaway = GoAway {
            last_stream_id: 1,
            code: ErrorCode::NO_ERROR,
            reason: None,
        };
        let dial = DialError {
            step: DialStep::Connect,
            is_fatal: false,
            message: "refused".into(),
        };
        for (cause, word) in [
            (Cause::Timeout, "timeout"),
            (Cause::ConnectionLost(Disconnect::Eof), "connection_lost"),
            (Cause::Unresponsive("no PING"), "connection_lost"),
            (Cause::GoAway(goaway), "connection_lost"),
            (
                Cause::Protocol(ErrorCode::PROTOCOL_ERROR, "a rule"),
                "connection_lost",
            ),
            (Cause::Dial(dial), "connection_lost"),
            (Cause::Refused, "connection_lost"),
            (
                Cause::Fatal("InvalidProviderToken".into()),
                "connection_lost",
            ),
            (Cause::Reset(ErrorCode::CANCEL), "reset: CANCEL"),
            (
                Cause::MalformedResponse("no status"),
                "reset: malformed response: no status",
            ),
            (Cause::ResponseTooLarge, "reset: response too large"),
        ] {
            let result = Err(PostError::Failed(failure(cause, Delivery::Unknown)));
            let settlement = Settlement::of(&result, false);
            assert_eq!(settlement.outcome, Outcome::Unknown);
            assert_eq!(settlement.cause.as_deref(), Some(word));
        }
        let closed = Err(PostError::Failed(failure(Cause::Closed, Delivery::Unknown)));
        let interrupted = Settlement::of(&closed, true);
        assert_eq!(interrupted.cause.as_deref(), Some(INTERRUPTED));
    }

    #[test]
    fn a_line_that_was_never_sent_says_why() {
        let invalid = written(&Settlement::invalid("payload: must be there".to_owned()));
        assert!(invalid.contains(
            r#""outcome": "invalid", "status": null, "reason": "payload: must be there""#
        ));
        let unsent = Settlement::unsent(Outcome::Unknown, INTERRUPTED);
        assert!(written(&unsent).contains(r#""cause": "interrupted""#));
    }
}
