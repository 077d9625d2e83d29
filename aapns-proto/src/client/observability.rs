//! What is told of a run by `tracing` and `metrics`, by stable names (features of the same names).
//!
//! Nothing secret is told: no key, provider token, device token or payload, at no level. Install the
//! metrics recorder before the first client is built: a client's instruments are had once.

/// An event or span of `tracing`, by its target [`TARGET`] and its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Event {
    /// Its name; an event's message is the same with blanks for underlines, without `aapns.`.
    pub name: &'static str,
    /// Its level: `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: &'static str,
    /// Its fields; one without a value isn't there.
    pub fields: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// An instrument of `metrics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts or measures; times are in seconds.
    pub help: &'static str,
}

/// The kinds of instruments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows.
    Counter,
    /// What is now.
    Gauge,
    /// How values are distributed.
    Histogram,
}

/// The target of all spans and events.
pub const TARGET: &str = "aapns";

const fn event(
    name: &'static str,
    level: &'static str,
    fields: &'static [&'static str],
    help: &'static str,
) -> Event {
    Event {
        name,
        level,
        fields,
        help,
    }
}

/// The spans.
pub const SPANS: [Event; 2] = [
    event(
        "aapns.request",
        "DEBUG",
        &["server"],
        "A request from the call to its outcome; its parent is the caller's span.",
    ),
    event(
        "aapns.link",
        "INFO",
        &["server", "link"],
        "A connection from its first octet to its end.",
    ),
];

/// The events.
pub const EVENTS: [Event; 10] = [
    event(
        "aapns.link_opened",
        "INFO",
        &["link", "took_ms"],
        "The server's first SETTINGS arrived: requests can go. In the link's span.",
    ),
    event(
        "aapns.link_closed",
        "INFO",
        &["link", "cause", "open_ms"],
        "A connection that was up ended. In the link's span.",
    ),
    event(
        "aapns.goaway_received",
        "INFO",
        &["link", "last_stream_id", "code", "reason"],
        "The server asked to go; streams above the id were not processed. In the link's span.",
    ),
    event(
        "aapns.dial_failed",
        "WARN",
        &["server", "link", "step", "fatal", "error", "took_ms"],
        "No connection came about.",
    ),
    event(
        "aapns.attempt",
        "TRACE",
        &["link", "attempt"],
        "A link took the request, to send it. In the request's span.",
    ),
    event(
        "aapns.retry",
        "DEBUG",
        &["link", "attempt", "delivery", "cause", "status", "reason"],
        "An attempt came to nothing; the request is tried again, if its time allows. In the request's span.",
    ),
    event(
        "aapns.outcome",
        "DEBUG",
        &[
            "outcome",
            "status",
            "reason",
            "cause",
            "apns_id",
            "attempts",
            "possible_duplicate",
            "took_ms",
        ],
        "What became of the request. In the request's span.",
    ),
    event(
        "aapns.token_minted",
        "INFO",
        &["early"],
        "There is a new provider token; early: since the server refused the last one.",
    ),
    event(
        "aapns.mint_failed",
        "WARN",
        &["early", "error"],
        "There is no new provider token.",
    ),
    event(
        "aapns.breaker_opened",
        "ERROR",
        &["server", "cause"],
        "What waits fails at once, until a later try succeeds or another credential is set.",
    ),
];

const fn metric(
    name: &'static str,
    kind: Kind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Metric {
    Metric {
        name,
        kind,
        labels,
        help,
    }
}

/// The instruments.
pub const METRICS: [Metric; 19] = {
    use Kind::{Counter, Gauge, Histogram};
    const SERVER: &[&str] = &["server"];
    [
        metric(
            "aapns_requests_total",
            Counter,
            SERVER,
            "Requests taken from callers",
        ),
        metric(
            "aapns_outcomes_total",
            Counter,
            &["server", "outcome"],
            "Requests that ended: delivered, rejected, not_processed, unknown, or abandoned before they were sent",
        ),
        metric(
            "aapns_rejections_total",
            Counter,
            &["server", "status", "reason"],
            "Rejected requests by the last answer's status and reason; reasons that Apple doesn't document are other",
        ),
        metric(
            "aapns_request_seconds",
            Histogram,
            &["server", "outcome"],
            "Time from the call to the outcome",
        ),
        metric(
            "aapns_attempts_total",
            Counter,
            SERVER,
            "Requests taken by a link, to be sent",
        ),
        metric(
            "aapns_retries_total",
            Counter,
            &["server", "cause"],
            "Attempts that came to nothing, after which the request is tried again if its time allows",
        ),
        metric(
            "aapns_possible_duplicates_total",
            Counter,
            SERVER,
            "Requests sent again after an attempt that may have been processed",
        ),
        metric(
            "aapns_open_requests",
            Gauge,
            SERVER,
            "Requests taken and not ended yet",
        ),
        metric(
            "aapns_queued_requests",
            Gauge,
            SERVER,
            "Requests in pools' queues",
        ),
        metric(
            "aapns_in_flight_requests",
            Gauge,
            SERVER,
            "Requests that pools' links have",
        ),
        metric("aapns_links", Gauge, SERVER, "Connections that are up"),
        metric(
            "aapns_links_opened_total",
            Counter,
            SERVER,
            "Connections that came up",
        ),
        metric(
            "aapns_links_closed_total",
            Counter,
            &["server", "cause"],
            "Connections that were up and ended",
        ),
        metric(
            "aapns_dials_failed_total",
            Counter,
            &["server", "step"],
            "Connections that didn't come about: connect, tls or http2",
        ),
        metric(
            "aapns_dial_seconds",
            Histogram,
            SERVER,
            "Time from the dial to the server's first SETTINGS",
        ),
        metric(
            "aapns_goaways_total",
            Counter,
            &["server", "reason"],
            "GOAWAY frames; reasons that Apple doesn't document are other, none is none",
        ),
        metric(
            "aapns_mints_total",
            Counter,
            &["result"],
            "Provider tokens made, and failures to: made, failed",
        ),
        metric(
            "aapns_breaker_opened_total",
            Counter,
            SERVER,
            "How often the breaker opened",
        ),
        metric(
            "aapns_open_breakers",
            Gauge,
            SERVER,
            "Pools whose breaker is open",
        ),
    ]
};

/// Tells the recorder what the instruments mean; after it was installed, once.
#[cfg(feature = "metrics")]
pub fn describe() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    for metric in METRICS {
        match metric.kind {
            Kind::Counter => describe_counter!(metric.name, Unit::Count, metric.help),
            Kind::Gauge => describe_gauge!(metric.name, Unit::Count, metric.help),
            Kind::Histogram => describe_histogram!(metric.name, Unit::Seconds, metric.help),
        }
    }
}
