//! What follows from an attempt: the delivery table.
//!
//! Judged in the link, without the pool's lock: most requests are settled here. What may be tried
//! again goes to the pool, which knows the pace.

use aapns_models::{ErrorBody, Reason};

use crate::delivery::{Cause, Delivery, Done, Outcome};
use crate::frame::ErrorCode;
use crate::job::{Job, Policy};
use crate::limits::UNKNOWN_RESENDS;
use crate::request::Response;

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is the result.
    Final,
    /// It is the result, and many of the kind open the breaker.
    Fatal(Reason),
    /// Not accepted, but the same request may be accepted later or elsewhere.
    Again(Complaint),
}

/// Why the server wants a request later or elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Complaint {
    /// 500 or 503, or 429 for an unknown reason.
    Busy,
    /// 429 `TooManyRequests`: about one device.
    Throttled,
    /// 421 (RFC 9110 §15.5.20): about one connection.
    Misdirected,
    /// 503 `Shutdown`: about one server.
    Shutdown,
    /// 403 `ExpiredProviderToken`.
    ExpiredToken,
    /// 429 `TooManyProviderTokenUpdates`: about one connection.
    TooManyTokens,
}

impl Complaint {
    /// Whether the link that brought it is to be replaced, as far as the answer alone tells.
    pub(crate) fn retires_link(self) -> bool {
        !matches!(self, Self::Busy | Self::Throttled)
    }
}

/// Judges an answer by its status and reason.
#[inline]
pub(crate) fn answer(response: &Response) -> Verdict {
    match response.status {
        421 => Verdict::Again(Complaint::Misdirected),
        403 | 429 | 500 | 503 => judge_reason(response),
        _ => Verdict::Final,
    }
}

/// The statuses whose reason decides.
fn judge_reason(response: &Response) -> Verdict {
    let reason = ErrorBody::parse(&response.body).reason;
    match (response.status, reason) {
        (403, Some(Reason::ExpiredProviderToken)) => Verdict::Again(Complaint::ExpiredToken),
        (403, Some(reason)) if is_fatal(&reason) => Verdict::Fatal(reason),
        (403, _) => Verdict::Final,
        (429, Some(Reason::TooManyProviderTokenUpdates)) => {
            Verdict::Again(Complaint::TooManyTokens)
        }
        (429, Some(Reason::TooManyRequests)) => Verdict::Again(Complaint::Throttled),
        (503, Some(Reason::Shutdown)) => Verdict::Again(Complaint::Shutdown),
        _ => Verdict::Again(Complaint::Busy),
    }
}

/// Reasons that no attempt with the same credential gets over.
pub(crate) fn is_fatal(reason: &Reason) -> bool {
    matches!(
        reason,
        Reason::BadCertificate
            | Reason::BadCertificateEnvironment
            | Reason::Forbidden
            | Reason::InvalidProviderToken
            | Reason::BadEnvironmentKeyIdInToken
    )
}

/// How soon a job whose attempt got no answer may be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once: nothing says that it would fail again.
    Now,
    /// After a backoff that grows with each of these in a row.
    Setback,
}

/// Judges an attempt that got no answer: tried again, or over.
#[allow(clippy::result_large_err, reason = "the end of a job isn't an error")]
pub(crate) fn failure<T>(
    mut job: Job<T>,
    delivery: Delivery,
    cause: Cause,
) -> Result<(Job<T>, Pace, Cause), Done<T>> {
    let is_over = match (&cause, delivery) {
        // A refused or unsent attempt proves nothing against the next one, whatever its cause.
        (Cause::Timeout | Cause::Abandoned | Cause::RequestTooLarge, _) => true,
        (_, Delivery::NotSent | Delivery::Refused) => false,
        (Cause::ResponseTooLarge, Delivery::Unknown) => true,
        (Cause::Reset(code), Delivery::Unknown) if is_our_fault(*code) => true,
        (_, Delivery::Unknown) => {
            let resends = |job: &Job<T>| job.history.trouble.as_ref().map(|t| t.unknown_resends);
            job.policy == Policy::AtMostOnce || resends(&job) >= Some(UNKNOWN_RESENDS)
        }
    };
    let pace = pace(delivery, &cause);
    note(&mut job, delivery, is_over);
    if !is_over {
        return Ok((job, pace, cause));
    }
    Err(job.give_up(cause))
}

/// Errors that say that the request itself, or HTTP/2 with this server, is at fault.
fn is_our_fault(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::PROTOCOL_ERROR | ErrorCode::FRAME_SIZE_ERROR | ErrorCode::HTTP_1_1_REQUIRED
    )
}

fn pace(delivery: Delivery, cause: &Cause) -> Pace {
    match (delivery, cause) {
        (Delivery::NotSent | Delivery::Refused, Cause::GoAway(_)) => Pace::Now,
        _ => Pace::Setback,
    }
}

fn note<T>(job: &mut Job<T>, delivery: Delivery, is_over: bool) {
    let attempts = job.history.attempts;
    let trouble = job.trouble();
    trouble.worst = trouble.worst.max(Some(delivery));
    if delivery == Delivery::Unknown {
        trouble.answer = None;
        trouble.unknown_at.get_or_insert(attempts);
        trouble.unknown_resends += u8::from(!is_over);
    }
}

/// Ends a job whose last attempt was answered.
#[inline]
pub(crate) fn settle<T>(job: Job<T>, response: Response) -> Done<T> {
    job.done(Outcome::Answered(response))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Disconnect, GoAway};
    use crate::pool::testing::{job, response};

    fn lost() -> Cause {
        Cause::ConnectionLost(Disconnect::Eof)
    }

    fn failed(done: Done<u32>) -> (Cause, Delivery) {
        match done.outcome {
            Outcome::Failed(cause, delivery) => (cause, delivery),
            Outcome::Answered(answer) => panic!("{answer:?}"),
        }
    }

    #[test]
    fn at_most_once_is_over_after_unknown_and_only_then() {
        for (delivery, is_over) in [
            (Delivery::NotSent, false),
            (Delivery::Refused, false),
            (Delivery::Unknown, true),
        ] {
            let job = job(0).policy(Policy::AtMostOnce);
            assert_eq!(failure(job, delivery, lost()).is_err(), is_over);
        }
    }

    #[test]
    fn at_least_once_resends_three_times_after_unknown() {
        let mut job = job(0);
        for _ in 0..3 {
            job.history.attempts += 1;
            job = failure(job, Delivery::Unknown, lost()).unwrap().0;
        }
        job.history.attempts += 1;
        let done = failure(job, Delivery::Unknown, lost()).unwrap_err();
        assert!(done.possible_duplicate);
        assert_eq!(failed(done), (lost(), Delivery::Unknown));
    }

    #[test]
    fn not_sent_and_refused_have_no_count_limit() {
        let mut job = job(0).policy(Policy::AtMostOnce);
        for _ in 0..1_000 {
            job = failure(job, Delivery::NotSent, lost()).unwrap().0;
            job = failure(job, Delivery::Refused, Cause::Refused).unwrap().0;
        }
    }

    #[test]
    fn a_reset_for_a_fault_of_ours_is_never_resent() {
        for code in [
            ErrorCode::PROTOCOL_ERROR,
            ErrorCode::FRAME_SIZE_ERROR,
            ErrorCode::HTTP_1_1_REQUIRED,
        ] {
            let done = failure(job(0), Delivery::Unknown, Cause::Reset(code)).unwrap_err();
            assert_eq!(failed(done), (Cause::Reset(code), Delivery::Unknown));
        }
        let internal = Cause::Reset(ErrorCode::INTERNAL_ERROR);
        assert!(failure(job(0), Delivery::Unknown, internal).is_ok());
    }

    #[test]
    fn a_deadline_in_flight_is_final_and_reports_the_worst_attempt() {
        let (job, ..) = failure(job(0), Delivery::Unknown, lost()).unwrap();
        let done = failure(job, Delivery::NotSent, Cause::Timeout).unwrap_err();
        assert_eq!(failed(done), (Cause::Timeout, Delivery::Unknown));
    }

    #[test]
    fn above_a_goaway_there_is_no_delay() {
        let goaway = Cause::GoAway(GoAway {
            last_stream_id: 1,
            code: ErrorCode::NO_ERROR,
            reason: None,
        });
        let pace = |delivery, cause| failure(job(0), delivery, cause).unwrap().1;
        assert_eq!(pace(Delivery::Refused, goaway.clone()), Pace::Now);
        assert_eq!(pace(Delivery::Unknown, goaway), Pace::Setback);
        assert_eq!(pace(Delivery::Refused, Cause::Refused), Pace::Setback);
    }

    #[test]
    fn an_answer_is_kept_until_a_later_attempt_is_unknown() {
        let mut waiting = job(0);
        waiting.trouble().answer = Some(response(503, "ServiceUnavailable"));
        let (waiting, ..) = failure(waiting, Delivery::Refused, Cause::Refused).unwrap();
        let done = failure(waiting, Delivery::NotSent, Cause::Timeout).unwrap_err();
        assert!(matches!(done.outcome, Outcome::Answered(_)));

        let mut waiting = job(0);
        waiting.trouble().answer = Some(response(503, "ServiceUnavailable"));
        let done = failure(waiting, Delivery::Unknown, Cause::Timeout).unwrap_err();
        assert_eq!(failed(done), (Cause::Timeout, Delivery::Unknown));
    }

    #[test]
    fn answers_are_judged_by_status_and_reason() {
        use Complaint::*;
        let cases = [
            (200, "", Verdict::Final),
            (400, "BadDeviceToken", Verdict::Final),
            (403, "Forbidden", Verdict::Fatal(Reason::Forbidden)),
            (403, "TopicMismatch", Verdict::Final),
            (403, "ExpiredProviderToken", Verdict::Again(ExpiredToken)),
            (410, "Unregistered", Verdict::Final),
            (421, "", Verdict::Again(Misdirected)),
            (429, "TooManyRequests", Verdict::Again(Throttled)),
            (429, "", Verdict::Again(Busy)),
            (
                429,
                "TooManyProviderTokenUpdates",
                Verdict::Again(TooManyTokens),
            ),
            (500, "InternalServerError", Verdict::Again(Busy)),
            (503, "Service Unavailable", Verdict::Again(Busy)),
            (503, "Shutdown", Verdict::Again(Shutdown)),
            (502, "", Verdict::Final),
        ];
        for (status, reason, verdict) in cases {
            assert_eq!(
                answer(&response(status, reason)),
                verdict,
                "{status} {reason}"
            );
        }
    }
}
