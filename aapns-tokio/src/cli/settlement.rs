//! What became of one notification, for people and as JSON.

use aapns_models::Reason;
use aapns_models::ndjson::Outcome;
use aapns_proto::client::ndjson::{INTERRUPTED, Settlement};

use super::advice;
use super::exit::Fault;

/// A settlement in the program's words.
pub(crate) trait Told {
    /// The fields as an object, for what has no device token; `id` under a name of its own.
    fn json(&self, name: &str, id: Option<&str>) -> serde_json::Value;

    /// The error of a notification that was not delivered.
    fn fault(&self) -> Fault;
}

impl Told for Settlement {
    fn json(&self, name: &str, id: Option<&str>) -> serde_json::Value {
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

    fn fault(&self) -> Fault {
        let line = explain(self);
        match self.cause.as_deref() {
            Some(INTERRUPTED) => Fault::interrupted(line),
            _ => Fault::failure(line),
        }
    }
}

/// One line for people: what happened, and what to do.
fn explain(settlement: &Settlement) -> String {
    let reason = settlement
        .reason
        .as_deref()
        .or(settlement.cause.as_deref())
        .unwrap_or("no reason given");
    match settlement.outcome {
        Outcome::Delivered => "delivered".to_owned(),
        Outcome::Rejected => {
            let status = settlement.status.unwrap_or_default();
            let known = settlement.reason.as_deref().map(Reason::from);
            let todo = advice::after(status, known.as_ref());
            format!("rejected: {status} {reason}; {todo}")
        }
        // Nothing was ever connected: the fault is on this side, and can be found.
        Outcome::NotProcessed if settlement.attempts == 0 && reason.contains(": ") => {
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
