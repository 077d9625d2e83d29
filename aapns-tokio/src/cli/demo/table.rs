//! The demo's result, for people and as JSON.

use std::fmt;

use serde_json::json;

use super::Run;
use super::audit::Comparison;

/// A row for each number.
pub(super) struct Table<'a> {
    audit: &'a Comparison,
    resent: u64,
    per_second: u64,
    p50: u64,
    p99: u64,
}

impl<'a> Table<'a> {
    pub(super) fn new(run: &Run, audit: &'a Comparison) -> Self {
        let seconds = run.elapsed.as_secs_f64().max(1e-6);
        Self {
            audit,
            resent: run.resent,
            per_second: (audit.total as f64 / seconds) as u64,
            p50: run.latencies.percentile(50.0),
            p99: run.latencies.percentile(99.0),
        }
    }

    pub(super) fn json(&self) -> serde_json::Value {
        let Comparison {
            delivered,
            rejected,
            not_processed,
            unknown,
            mock,
            ..
        } = self.audit;
        json!({
            "delivered": delivered,
            "rejected": rejected,
            "not_processed": not_processed,
            "unknown": unknown,
            "resent": self.resent,
            "per_second": self.per_second,
            "p50_us": self.p50,
            "p99_us": self.p99,
            "mock": {
                "accepted": mock.accepted,
                "rejected": mock.rejected,
                "duplicates": mock.duplicates,
                "refused": mock.refused,
                "after_goaway": mock.after_goaway,
                "goaways": mock.goaways,
            },
            "agrees": self.audit.disagreement().is_none(),
        })
    }
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Comparison {
            delivered,
            rejected,
            not_processed,
            unknown,
            mock,
            ..
        } = self.audit;
        for (name, number) in [
            ("delivered", *delivered),
            ("rejected", *rejected),
            ("not processed", *not_processed),
            ("unknown", *unknown),
            ("resent", self.resent),
            ("per second", self.per_second),
        ] {
            writeln!(f, "{name:<14}{number:>10}")?;
        }
        for (name, micros) in [("p50", self.p50), ("p99", self.p99)] {
            writeln!(f, "{name:<14}{:>10.1} ms", micros as f64 / 1000.0)?;
        }
        write!(
            f,
            "The mock counts {} accepted ({} of them repeats), {} rejected, {} refused, {} above a GOAWAY",
            mock.accepted, mock.duplicates, mock.rejected, mock.refused, mock.after_goaway
        )?;
        match self.audit.disagreement() {
            None => f.write_str(": both agree."),
            Some(_) => f.write_str("."),
        }
    }
}
