//! Instruments of `metrics`: those of the hot path are had once, so that counting is one addition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

use super::Ending;

/// One pool's or connection's instruments. Gauges are moved and never set, since several have the same.
pub(super) struct Meter {
    server: Arc<str>,
    requests: Counter,
    attempts: Counter,
    duplicates: Counter,
    endings: [(Counter, Histogram); 5],
    open: Gauge,
    queued: Level,
    in_flight: Level,
    links: Gauge,
    breakers: Level,
}

/// A gauge, and this one's part of it.
struct Level {
    gauge: Gauge,
    part: AtomicU64,
}

impl Level {
    fn new(gauge: Gauge) -> Self {
        Self {
            gauge,
            part: AtomicU64::new(0),
        }
    }

    fn set(&self, part: u64) {
        let before = self.part.swap(part, Ordering::Relaxed);
        match part.checked_sub(before) {
            Some(0) => {}
            Some(more) => self.gauge.increment(more as f64),
            None => self.gauge.decrement((before - part) as f64),
        }
    }
}

/// What is gone is no part of what is now.
impl Drop for Level {
    fn drop(&mut self) {
        self.set(0);
    }
}

impl Meter {
    pub(super) fn new(server: &Arc<str>) -> Self {
        let of = || server.to_string();
        let ending = |ending: Ending| {
            let outcome = ending.name();
            (
                counter!("aapns_outcomes_total", "server" => of(), "outcome" => outcome),
                histogram!("aapns_request_seconds", "server" => of(), "outcome" => outcome),
            )
        };
        Self {
            server: Arc::clone(server),
            requests: counter!("aapns_requests_total", "server" => of()),
            attempts: counter!("aapns_attempts_total", "server" => of()),
            duplicates: counter!("aapns_possible_duplicates_total", "server" => of()),
            endings: [
                Ending::Delivered,
                Ending::Rejected,
                Ending::NotProcessed,
                Ending::Unknown,
                Ending::Abandoned,
            ]
            .map(ending),
            open: gauge!("aapns_open_requests", "server" => of()),
            queued: Level::new(gauge!("aapns_queued_requests", "server" => of())),
            in_flight: Level::new(gauge!("aapns_in_flight_requests", "server" => of())),
            links: gauge!("aapns_links", "server" => of()),
            breakers: Level::new(gauge!("aapns_open_breakers", "server" => of())),
        }
    }

    pub(super) fn began(&self) {
        self.requests.increment(1);
        self.open.increment(1);
    }

    pub(super) fn load(&self, queued: u64, in_flight: u64) {
        self.queued.set(queued);
        self.in_flight.set(in_flight);
    }

    pub(super) fn attempts(&self, count: usize) {
        if count > 0 {
            self.attempts.increment(count as u64);
        }
    }

    pub(super) fn ended(&self, ending: Ending, took: Duration, is_duplicate: bool) {
        self.open.decrement(1);
        if let Some((count, seconds)) = self.endings.get(ending as usize) {
            count.increment(1);
            seconds.record(took);
        }
        if is_duplicate {
            self.duplicates.increment(1);
        }
    }

    pub(super) fn rejected(&self, status: u16, reason: String) {
        let labels = [
            ("server", self.server.to_string()),
            ("status", status.to_string()),
            ("reason", reason),
        ];
        counter!("aapns_rejections_total", &labels).increment(1);
    }

    pub(super) fn retry(&self, cause: &'static str) {
        let server = self.server.to_string();
        counter!("aapns_retries_total", "server" => server, "cause" => cause).increment(1);
    }

    pub(super) fn dial_failed(&self, step: &'static str) {
        let server = self.server.to_string();
        counter!("aapns_dials_failed_total", "server" => server, "step" => step).increment(1);
    }

    pub(super) fn link_opened(&self, took: Duration) {
        let of = || self.server.to_string();
        self.links.increment(1);
        counter!("aapns_links_opened_total", "server" => of()).increment(1);
        histogram!("aapns_dial_seconds", "server" => of()).record(took);
    }

    pub(super) fn link_closed(&self, cause: &'static str) {
        let server = self.server.to_string();
        self.links.decrement(1);
        counter!("aapns_links_closed_total", "server" => server, "cause" => cause).increment(1);
    }

    pub(super) fn goaway(&self, reason: String) {
        let server = self.server.to_string();
        counter!("aapns_goaways_total", "server" => server, "reason" => reason).increment(1);
    }

    pub(super) fn breaker_turned(&self, is_open: bool) {
        self.breakers.set(u64::from(is_open));
        if is_open {
            let server = self.server.to_string();
            counter!("aapns_breaker_opened_total", "server" => server).increment(1);
        }
    }
}

pub(super) fn minted(is_made: bool) {
    let result = if is_made { "made" } else { "failed" };
    counter!("aapns_mints_total", "result" => result).increment(1);
}
