//! What is told of a pool or connection: each thing once, to whichever of `tracing` and `metrics` is on.
//!
//! The twin of `unobserved`, which has the same names, no size, and does nothing.

#[cfg_attr(not(feature = "metrics"), path = "unmetered.rs")]
mod meter;
#[cfg_attr(not(feature = "tracing"), path = "untraced.rs")]
mod trace;

use std::sync::Arc;
use std::time::Duration;

use aapns_models::{ErrorBody, Reason};

use crate::connection::Connection;
use crate::delivery::{Cause, Delivery, DialError, DialStep, Disconnect, Done, GoAway, Outcome};
use crate::job::{Job, Tag};
use crate::pool::hand::Back;
use crate::pool::judge::Complaint;
use crate::pool::{MintError, Pool};
use crate::request::Response;
use crate::time::Time;

use super::endpoint::Endpoint;
use super::reply::Reply;
use meter::Meter;
use trace::{LinkSpan, RequestSpan, Tracer};

/// Tells of one pool or connection.
pub(super) struct Observer {
    tracer: Tracer,
    meter: Meter,
}

/// What a request carries, to be told of.
#[derive(Debug)]
pub(super) struct Told {
    since: Time,
    span: RequestSpan,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            since: Time::ZERO,
            span: RequestSpan::none(),
        }
    }
}

/// How a request ended, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Delivered,
    Rejected,
    NotProcessed,
    Unknown,
    Abandoned,
}

impl Ending {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Answered(response) if (200..300).contains(&response.status) => Self::Delivered,
            Outcome::Answered(_) => Self::Rejected,
            Outcome::Failed(_, Delivery::Unknown) => Self::Unknown,
            Outcome::Failed(..) => Self::NotProcessed,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Rejected => "rejected",
            Self::NotProcessed => "not_processed",
            Self::Unknown => "unknown",
            Self::Abandoned => "abandoned",
        }
    }
}

impl Observer {
    pub(super) fn new(endpoint: &Endpoint) -> Self {
        let server: Arc<str> = endpoint.to_string().into();
        Self {
            tracer: Tracer::new(&server),
            meter: Meter::new(&server),
        }
    }

    /// What a new request is to carry.
    pub(super) fn request(&self, now: Time) -> Told {
        Told {
            since: now,
            span: self.tracer.request(),
        }
    }

    /// A request was taken.
    pub(super) fn began(&self) {
        self.meter.began();
    }

    /// A connection without a pool sends a request.
    pub(super) fn attempt(&self, told: &Told) {
        self.meter.attempts(1);
        trace::attempt(0, &told.span, 1);
    }

    /// How much a pool has. Called under its lock, so that what is told last is what is.
    pub(super) fn load<T: Tag>(&self, pool: &Pool<T>) {
        let (queued, in_flight) = pool.load();
        self.meter.load(queued, in_flight);
    }

    /// A request ended.
    pub(super) fn settled(&self, now: Time, done: &Done<Arc<Reply>>) {
        let told = done.tag.told();
        let took = now.saturating_since(told.since);
        let ending = Ending::of(&done.outcome);
        self.meter.ended(ending, took, done.possible_duplicate);
        if ending == Ending::Rejected
            && let Outcome::Answered(response) = &done.outcome
        {
            self.meter
                .rejected(response.status, label(reason(response).as_ref()));
        }
        self.tracer.outcome(&told.span, ending, took, done);
    }

    /// A caller took back a request that still waited.
    pub(super) fn taken_back(&self, now: impl FnOnce() -> Time, told: &Told) {
        let took = now().saturating_since(told.since);
        self.meter.ended(Ending::Abandoned, took, false);
        self.tracer.taken_back(&told.span, took);
    }

    pub(super) fn dial_failed(&self, link: u64, took: Duration, error: &DialError) {
        self.meter.dial_failed(step(error.step));
        self.tracer.dial_failed(link, took, error);
    }

    pub(super) fn breaker_turned(&self, turned: Turned) {
        self.meter.breaker_turned(turned.0.is_some());
        if let Some(cause) = turned.0 {
            self.tracer.breaker_opened(&cause);
        }
    }

    /// A connection whose transport is there, dialled since `since`.
    pub(super) fn link(&self, number: u64, since: Time) -> LinkWatch {
        LinkWatch {
            number,
            since,
            opened: None,
            goaway: None,
            span: self.tracer.link(number),
        }
    }
}

/// The breaker opened, for this cause, or is open no more.
pub(super) struct Turned(Option<Cause>);

/// What the breaker was when last looked at.
#[derive(Debug, Default)]
pub(super) struct BreakerWatch {
    is_open: bool,
}

impl BreakerWatch {
    pub(super) fn look<T: Tag>(&mut self, pool: &Pool<T>) -> Option<Turned> {
        let cause = pool.breaker_cause();
        if cause.is_some() == self.is_open {
            return None;
        }
        self.is_open = cause.is_some();
        Some(Turned(cause.cloned()))
    }
}

/// What was told of one connection.
pub(super) struct LinkWatch {
    number: u64,
    since: Time,
    opened: Option<Time>,
    goaway: Option<GoAway>,
    span: LinkSpan,
}

/// What is new of a connection.
pub(super) struct Sight {
    is_ready: bool,
    goaway: Option<GoAway>,
}

impl LinkWatch {
    /// Looks at a connection; what is new is told by [`tell`](Self::tell), without its lock.
    pub(super) fn look<T>(&self, connection: &Connection<T>) -> Option<Sight> {
        let is_ready = self.opened.is_none() && connection.is_ready();
        let goaway = connection
            .goaway()
            .filter(|goaway| Some(*goaway) != self.goaway.as_ref());
        (is_ready || goaway.is_some()).then(|| Sight {
            is_ready,
            goaway: goaway.cloned(),
        })
    }

    pub(super) fn tell(&mut self, observer: &Observer, now: Time, sight: Option<Sight>) {
        let Some(sight) = sight else {
            return;
        };
        if sight.is_ready {
            self.opened = Some(now);
            let took = now.saturating_since(self.since);
            observer.meter.link_opened(took);
            self.span.opened(self.number, took);
        }
        if let Some(goaway) = sight.goaway {
            let reason = goaway.reason.as_deref().map(Reason::from);
            observer.meter.goaway(label(reason.as_ref()));
            self.span.goaway(self.number, &goaway);
            self.goaway = Some(goaway);
        }
    }

    /// A link took these, to send them.
    pub(super) fn taken(&self, observer: &Observer, jobs: &[Job<Arc<Reply>>]) {
        observer.meter.attempts(jobs.len());
        trace::attempts(self.number, jobs);
    }

    /// A link gives these back.
    pub(super) fn given_back(&self, observer: &Observer, backs: &[Back<Arc<Reply>>]) {
        for back in backs {
            match back {
                Back::Unstarted(_) => {}
                Back::Failed(job, _, cause) => {
                    observer.meter.retry(cause_label(cause));
                    trace::failed(self.number, job, cause);
                }
                Back::Answered(job, response, complaint) => {
                    observer.meter.retry(complaint_label(*complaint));
                    trace::put_off(self.number, job, response);
                }
            }
        }
    }

    /// The connection ended.
    pub(super) fn closed(&self, observer: &Observer, now: Time, cause: Option<&Cause>) {
        let Some(opened) = self.opened else {
            let took = now.saturating_since(self.since);
            return observer.dial_failed(self.number, took, &unready(cause));
        };
        observer
            .meter
            .link_closed(cause.map_or("closed", cause_label));
        let open = now.saturating_since(opened);
        self.span.closed(self.number, open, cause);
    }
}

/// A provider token was made, or couldn't be; early: since the server refused the last one.
pub(super) fn minted<T>(result: &Result<T, MintError>, is_early: bool) {
    meter::minted(result.is_ok());
    trace::minted(result.as_ref().err(), is_early);
}

fn unready(cause: Option<&Cause>) -> DialError {
    let is_alert = matches!(cause, Some(Cause::ConnectionLost(Disconnect::Alert(_))));
    DialError {
        step: if is_alert {
            DialStep::Tls
        } else {
            DialStep::Http2
        },
        is_fatal: is_alert,
        message: cause.map_or_else(|| "closed".into(), |cause| cause.to_string().into()),
    }
}

fn reason(response: &Response) -> Option<Reason> {
    ErrorBody::parse(&response.body).reason
}

/// A label has few values, whatever servers say.
fn label(reason: Option<&Reason>) -> String {
    match reason {
        None => "none".to_owned(),
        Some(Reason::Other(_)) => "other".to_owned(),
        Some(reason) => reason.as_str().to_owned(),
    }
}

fn step(step: DialStep) -> &'static str {
    match step {
        DialStep::Connect => "connect",
        DialStep::Tls => "tls",
        DialStep::Http2 => "http2",
    }
}

fn cause_label(cause: &Cause) -> &'static str {
    match cause {
        Cause::Timeout => "timeout",
        Cause::Dial(_) => "dial",
        Cause::Closed => "closed",
        Cause::Abandoned => "abandoned",
        Cause::Refused => "refused",
        Cause::Reset(_) => "reset",
        Cause::ConnectionLost(Disconnect::DriverDropped) => "closed",
        Cause::ConnectionLost(_) => "connection_lost",
        Cause::Protocol(..) => "protocol",
        Cause::MalformedResponse(_) => "malformed_response",
        Cause::RequestTooLarge => "request_too_large",
        Cause::ResponseTooLarge => "response_too_large",
        Cause::GoAway(_) => "goaway",
        Cause::Unresponsive(_) => "unresponsive",
        Cause::Credential(_) => "credential",
        Cause::Fatal(_) => "fatal",
    }
}

fn complaint_label(complaint: Complaint) -> &'static str {
    match complaint {
        Complaint::Busy => "busy",
        Complaint::Throttled => "throttled",
        Complaint::Misdirected => "misdirected",
        Complaint::Shutdown => "shutdown",
        Complaint::ExpiredToken => "expired_token",
        Complaint::TooManyTokens => "too_many_tokens",
    }
}
