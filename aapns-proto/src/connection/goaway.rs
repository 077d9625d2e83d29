//! GOAWAY in (RFC 9113 §6.8).

use std::sync::Arc;

use super::Connection;
use crate::delivery::{Cause, Delivery, GoAway};
use crate::frame::{self, FrameError};
use crate::limits::{FLOOD_GOAWAY, GOAWAY_DEBUG};
use crate::mutants::Mutant;

impl<T> Connection<T> {
    /// No new streams; those above the lowest last-stream-id were not processed.
    pub(super) fn handle_goaway(&mut self, frame: frame::GoAway<'_>) -> Result<(), FrameError> {
        self.charge(FLOOD_GOAWAY)?;
        let before = self.goaway.as_ref();
        let lowest = before.map_or(frame.last_stream_id, |goaway| {
            goaway.last_stream_id.min(frame.last_stream_id)
        });
        let reason =
            reason(frame.debug).or_else(|| before.and_then(|goaway| goaway.reason.clone()));
        let goaway = GoAway {
            last_stream_id: lowest,
            code: frame.code,
            reason,
        };
        let is_news = before.is_none_or(|b| b.code != goaway.code || b.reason != goaway.reason);
        self.goaway = Some(goaway.clone());
        let cause = Cause::GoAway(goaway.clone());
        self.drain(is_news.then_some(goaway), cause.clone());
        let lowest = if self.config.is(Mutant::GoAwayOffByOne) {
            lowest.saturating_sub(2)
        } else {
            lowest
        };
        for id in self.streams.ids_above(lowest) {
            let is_answered = self.streams.get(id).is_some_and(|s| s.response.is_some());
            if is_answered {
                self.cut(id);
            } else {
                self.give_back(id, Delivery::Refused, cause.clone());
            }
        }
        Ok(())
    }
}

/// The `reason` of APNs' JSON, else the text as it is; cut JSON and plain text were both seen.
fn reason(debug: &[u8]) -> Option<Arc<str>> {
    let debug = debug.get(..GOAWAY_DEBUG).unwrap_or(debug);
    let text = String::from_utf8_lossy(debug);
    let quoted = || {
        let (_, rest) = text.split_once("\"reason\"")?;
        let rest = rest.trim_start().strip_prefix(':')?;
        let (reason, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
        Some(reason)
    };
    let reason = quoted().unwrap_or(text.trim());
    (!reason.is_empty()).then(|| reason.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_data_is_json_text_or_nothing_and_always_bounded() {
        let said = |debug: &[u8]| reason(debug).map(|reason| reason.to_string());
        assert_eq!(
            said(b"{\"reason\":\"Shutdown\"}").as_deref(),
            Some("Shutdown")
        );
        assert_eq!(
            said(b"{ \"reason\" : \"A\", \"x\": 1 }").as_deref(),
            Some("A")
        );
        assert_eq!(
            said(b"Maximum active streams").as_deref(),
            Some("Maximum active streams")
        );
        assert_eq!(
            said(b"{\"reason\":\"Shut").as_deref(),
            Some("{\"reason\":\"Shut")
        );
        assert_eq!(said(b""), None);
        assert_eq!(said(b"{\"reason\":\"\"}"), None);
        assert!(said(&[0xff; 100_000]).unwrap().len() <= 3 * GOAWAY_DEBUG);
    }
}
