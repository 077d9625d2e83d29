//! Spans and events of `tracing`.

use std::sync::Arc;
use std::time::Duration;

use tracing::{Level, Span};

use super::super::observability::TARGET;
use super::super::reply::Reply;
use super::{Ending, reason, step};
use crate::delivery::{Cause, DialError, Done, GoAway, Outcome};
use crate::job::Job;
use crate::pool::MintError;
use crate::request::Response;

/// Text of the server's is told up to here.
const TEXT: usize = 64;

/// Names the server in spans and events.
pub(super) struct Tracer(Arc<str>);

/// A request's span.
#[derive(Debug)]
pub(super) struct RequestSpan(Span);

/// A connection's span.
pub(super) struct LinkSpan(Span);

impl RequestSpan {
    pub(super) fn none() -> Self {
        Self(Span::none())
    }
}

impl Tracer {
    pub(super) fn new(server: &Arc<str>) -> Self {
        Self(Arc::clone(server))
    }

    pub(super) fn request(&self) -> RequestSpan {
        let server = &*self.0;
        RequestSpan(tracing::debug_span!(target: TARGET, "aapns.request", server))
    }

    pub(super) fn link(&self, link: u64) -> LinkSpan {
        let server = &*self.0;
        LinkSpan(tracing::info_span!(target: TARGET, parent: None, "aapns.link", server, link))
    }

    pub(super) fn outcome(
        &self,
        span: &RequestSpan,
        ending: Ending,
        took: Duration,
        done: &Done<Arc<Reply>>,
    ) {
        // Before what follows is looked up, for nobody as a rule.
        if !tracing::enabled!(target: TARGET, Level::DEBUG) {
            return;
        }
        let (answer, cause) = match &done.outcome {
            Outcome::Answered(response) => (Some(response), None),
            Outcome::Failed(cause, _) => (None, Some(cause)),
        };
        let reason = answer
            .filter(|_| ending == Ending::Rejected)
            .and_then(reason);
        tracing::event!(
            name: "aapns.outcome",
            target: TARGET,
            parent: &span.0,
            Level::DEBUG,
            outcome = ending.name(),
            status = answer.map(|response| response.status),
            reason = reason.as_ref().map(|reason| clip(reason.as_str())),
            cause = cause.map(tracing::field::display),
            apns_id = answer.and_then(|response| response.apns_id).map(tracing::field::display),
            attempts = done.attempts,
            possible_duplicate = done.possible_duplicate,
            took_ms = millis(took),
            "outcome"
        );
    }

    pub(super) fn taken_back(&self, span: &RequestSpan, took: Duration) {
        tracing::event!(
            name: "aapns.outcome",
            target: TARGET,
            parent: &span.0,
            Level::DEBUG,
            outcome = Ending::Abandoned.name(),
            attempts = 0,
            took_ms = millis(took),
            "outcome"
        );
    }

    pub(super) fn dial_failed(&self, link: u64, took: Duration, error: &DialError) {
        tracing::event!(
            name: "aapns.dial_failed",
            target: TARGET,
            parent: None,
            Level::WARN,
            server = &*self.0,
            link,
            step = step(error.step),
            fatal = error.is_fatal,
            error = &*error.message,
            took_ms = millis(took),
            "dial failed"
        );
    }

    pub(super) fn breaker_opened(&self, cause: &Cause) {
        tracing::event!(
            name: "aapns.breaker_opened",
            target: TARGET,
            parent: None,
            Level::ERROR,
            server = &*self.0,
            cause = %cause,
            "breaker opened"
        );
    }
}

impl LinkSpan {
    pub(super) fn opened(&self, link: u64, took: Duration) {
        tracing::event!(
            name: "aapns.link_opened",
            target: TARGET,
            parent: &self.0,
            Level::INFO,
            link,
            took_ms = millis(took),
            "link opened"
        );
    }

    pub(super) fn goaway(&self, link: u64, goaway: &GoAway) {
        tracing::event!(
            name: "aapns.goaway_received",
            target: TARGET,
            parent: &self.0,
            Level::INFO,
            link,
            last_stream_id = goaway.last_stream_id,
            code = %goaway.code,
            reason = goaway.reason.as_deref().map(clip),
            "goaway received"
        );
    }

    pub(super) fn closed(&self, link: u64, open: Duration, cause: Option<&Cause>) {
        tracing::event!(
            name: "aapns.link_closed",
            target: TARGET,
            parent: &self.0,
            Level::INFO,
            link,
            cause = cause.map(tracing::field::display),
            open_ms = millis(open),
            "link closed"
        );
    }
}

pub(super) fn attempts(link: u64, jobs: &[Job<Arc<Reply>>]) {
    if !tracing::enabled!(target: TARGET, Level::TRACE) {
        return;
    }
    for job in jobs {
        attempt(link, &job.tag.told().span, job.attempts() + 1);
    }
}

pub(super) fn attempt(link: u64, span: &RequestSpan, attempt: u32) {
    tracing::event!(
        name: "aapns.attempt",
        target: TARGET,
        parent: &span.0,
        Level::TRACE,
        link,
        attempt,
        "attempt"
    );
}

pub(super) fn failed(link: u64, job: &Job<Arc<Reply>>, cause: &Cause) {
    let worst = job
        .history
        .trouble
        .as_ref()
        .and_then(|trouble| trouble.worst);
    tracing::event!(
        name: "aapns.retry",
        target: TARGET,
        parent: &job.tag.told().span.0,
        Level::DEBUG,
        link,
        attempt = job.attempts(),
        delivery = worst.map(tracing::field::debug),
        cause = %cause,
        "retry"
    );
}

pub(super) fn put_off(link: u64, job: &Job<Arc<Reply>>, response: &Response) {
    if !tracing::enabled!(target: TARGET, Level::DEBUG) {
        return;
    }
    let reason = reason(response);
    tracing::event!(
        name: "aapns.retry",
        target: TARGET,
        parent: &job.tag.told().span.0,
        Level::DEBUG,
        link,
        attempt = job.attempts(),
        status = response.status,
        reason = reason.as_ref().map(|reason| clip(reason.as_str())),
        "retry"
    );
}

pub(super) fn minted(error: Option<&MintError>, early: bool) {
    match error {
        None => tracing::event!(
            name: "aapns.token_minted",
            target: TARGET,
            parent: None,
            Level::INFO,
            early,
            "token minted"
        ),
        Some(error) => tracing::event!(
            name: "aapns.mint_failed",
            target: TARGET,
            parent: None,
            Level::WARN,
            early,
            error = %error,
            "mint failed"
        ),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The beginning of a text of the server's.
fn clip(text: &str) -> &str {
    let end = text
        .char_indices()
        .nth(TEXT)
        .map_or(text.len(), |(at, _)| at);
    &text[..end]
}
