use super::*;

fn answered(status: u16, reason: Option<Reason>) -> ResponseError {
    ResponseError {
        status,
        reason,
        timestamp: None,
        apns_id: None,
        request_id: None,
        attempts: 1,
        possible_duplicate: false,
    }
}

#[test]
fn what_never_fits_the_server_is_not_worth_another_try() {
    let too_large = PostError::settled(Cause::RequestTooLarge, Delivery::NotSent, (0, false));
    assert!(too_large.delivery().is_unprocessed() && !too_large.is_retryable());
    assert!(!SendError::from(too_large).is_retryable());
    for (cause, delivery, is_retryable) in [
        (Cause::Timeout, Delivery::NotSent, true),
        (Cause::Refused, Delivery::Refused, true),
        (Cause::Timeout, Delivery::Unknown, false),
    ] {
        let error = PostError::settled(cause, delivery, (1, false));
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
        assert_eq!(SendError::from(error).is_retryable(), is_retryable);
    }
    assert!(PostError::Blocked.is_retryable() && SendError::Blocked.is_retryable());
    assert!(!PostError::TooLarge.is_retryable() && !SendError::TooLarge.is_retryable());
}

#[test]
fn an_answer_is_worth_another_try_where_time_or_another_connection_helps() {
    for reason in Reason::KNOWN {
        let status = reason.usual_status().expect("known");
        let error = answered(status, Some(reason.clone()));
        let retry = Retry::classify(status, Some(reason));
        // A client replaces its own provider token: what is told in the end is past that.
        let is_retryable = retry.is_automatic() && retry != Retry::ProviderToken;
        assert_eq!(error.is_retryable(), is_retryable, "{error}");
    }
    let of = |reason: Reason| answered(reason.usual_status().expect("known"), Some(reason));
    assert!(of(Reason::IdleTimeout).is_retryable());
    assert!(of(Reason::TooManyRequests).is_retryable());
    assert!(!of(Reason::ExpiredProviderToken).is_retryable());
    assert!(!of(Reason::InvalidProviderToken).is_retryable());
    assert!(!of(Reason::BadDeviceToken).is_retryable());
    assert!(answered(421, None).is_retryable() && answered(503, None).is_retryable());
    assert!(!answered(400, None).is_retryable() && !answered(410, None).is_retryable());
}

#[test]
fn an_answer_after_an_attempt_that_may_have_been_processed_risks_a_duplicate() {
    let mut response = answered(503, Some(Reason::ServiceUnavailable));
    assert!(SendError::Response(response.clone()).is_retryable());
    response.possible_duplicate = true;
    assert!(response.is_retryable() && !SendError::Response(response).is_retryable());
}

/// What a chain of errors says, from the outermost to the cause.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect()
}

#[test]
fn an_error_in_another_is_told_once() {
    use super::super::{BuildError, ChannelError, ClientsError, ConnectError, ProxyError};
    use crate::delivery::{DialError, DialStep};
    use crate::pool::MintError;
    let dial = DialError::new(DialStep::Tls, true, "no route");
    let proxy = ProxyError::NotHttp;
    let errors: [Box<dyn std::error::Error>; 6] = [
        Box::new(ConnectError::from(dial)),
        Box::new(ConnectError::from(MintError("no key".into()))),
        Box::new(ClientsError::from(BuildError::Connections)),
        Box::new(BuildError::from(proxy)),
        Box::new(ChannelError::from(PostError::Blocked)),
        Box::new(SendError::Response(answered(410, None))),
    ];
    for error in errors {
        let chain = chain(&*error);
        let repeats = |(n, text): (usize, &String)| chain[n + 1..].iter().any(|t| text.contains(t));
        assert!(!chain.iter().enumerate().any(repeats), "{chain:?}");
    }
}
