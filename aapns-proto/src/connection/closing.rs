//! The end of a connection: drained, failed or lost.

use std::time::Duration;

use super::{Connection, Event};
use crate::delivery::{Cause, Delivery, GoAway};
use crate::frame::{self, ErrorCode, FrameError};
use crate::time::Time;

/// Where a connection is in its life.
///
/// ```text
///   new ──▶ Open ──▶ Draining ──▶ Closing ──▶ Closed
///            │  GOAWAY,   │ nothing    │ output gone,
///            │  close,    │ in flight, │ or 1 s
///            │  ids       │ or 30 s    │
///            ├────────────┴──▶────────▶┤
///            │  error, PING or SETTINGS│
///            │  not acknowledged       │
///            └──────────────▶──────────┴──▶ the transport ended
/// ```
#[derive(Debug)]
pub(super) enum Phase {
    /// Requests start as the credit says; none before the server's SETTINGS.
    Open,
    /// No new requests; those in flight may end, for this long.
    Draining { until: Time, cause: Cause },
    /// All jobs are settled, GOAWAY is in the output.
    Closing { until: Time },
    /// Nothing goes in or out.
    Closed,
}

/// How long a last GOAWAY may take to be written; after it, the connection closes (RFC 9113 §5.4.1).
const LINGER: Duration = Duration::from_secs(1);

impl<T> Connection<T> {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. } | Phase::Closed)
    }

    /// No new requests from now on. `cause`: what those that don't end in time are told.
    pub(super) fn drain(&mut self, goaway: Option<GoAway>, cause: Cause) {
        match &mut self.phase {
            Phase::Open => {
                let until = self.now + self.config.drain_timeout;
                self.phase = Phase::Draining {
                    until,
                    cause: cause.clone(),
                };
                self.events.push_back(Event::Draining(goaway));
            }
            Phase::Draining { cause: known, .. } => {
                if goaway.is_some() {
                    *known = cause.clone();
                    self.events.push_back(Event::Draining(goaway));
                }
            }
            Phase::Closing { .. } | Phase::Closed => {}
        }
        for id in std::mem::take(&mut self.parked) {
            self.give_back(id, Delivery::NotSent, cause.clone());
        }
    }

    /// What is in flight may take longer than the drain timeout: until then.
    pub(crate) fn extend_drain(&mut self, longer: Time) {
        if let Phase::Draining { until, .. } = &mut self.phase {
            *until = longer.max(*until);
        }
    }

    /// After each frame: whether the connection is over. A drained one ends well, one whose peer
    /// reads nothing ends badly.
    #[inline]
    pub(super) fn ends_now(&mut self) -> Result<bool, FrameError> {
        if self.output.is_overrun() {
            return Err(FrameError::connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "the peer makes us answer more than it reads (§10.5)",
            ));
        }
        if self.streams.len() == 0 && matches!(self.phase, Phase::Draining { .. }) {
            self.farewell(ErrorCode::NO_ERROR, None);
        }
        Ok(self.is_over())
    }

    /// After each input: ends what is to end, and lets nobody be woken for what is over.
    pub(super) fn settle(&mut self) {
        if self.is_ready() {
            self.retire_at_last_id();
        }
        if !self.is_over()
            && let Err(error) = self.ends_now()
        {
            self.fail(error);
        }
        let streams = &self.streams;
        self.deadlines.prune(|id| !streams.contains(id));
    }

    /// A connection error by the peer (RFC 9113 §5.4.1).
    pub(super) fn fail(&mut self, error: FrameError) {
        self.abort(error.code, &Cause::Protocol(error.code, error.rule));
    }

    /// Settles everything now. What was not lent must not go out any more: it counts as not sent.
    pub(super) fn abort(&mut self, code: ErrorCode, cause: &Cause) {
        if self.is_over() {
            return;
        }
        self.lose_all(cause);
        self.output.drop_unlent();
        self.farewell(code, Some(cause.clone()));
    }

    fn farewell(&mut self, code: ErrorCode, cause: Option<Cause>) {
        let goaway = frame::GoAway {
            last_stream_id: 0,
            code,
            debug: &[],
        };
        goaway.encode(self.output.frames());
        self.phase = Phase::Closing {
            until: self.now + LINGER,
        };
        self.forget();
        self.events.push_back(Event::Closed(cause));
    }

    /// The transport ended: nothing goes out any more.
    pub(super) fn lost(&mut self, cause: Cause) {
        if !self.is_over() {
            let is_drained =
                self.streams.len() == 0 && matches!(self.phase, Phase::Draining { .. });
            self.lose_all(&cause);
            self.events
                .push_back(Event::Closed((!is_drained).then_some(cause)));
        }
        self.shut();
    }

    pub(super) fn shut(&mut self) {
        self.output.clear();
        self.phase = Phase::Closed;
        self.forget();
    }

    /// What only a living connection needs.
    fn forget(&mut self) {
        self.input.clear();
        self.block = None;
        self.waiting.clear();
        self.parked.clear();
        self.creditors.clear();
        self.is_body_due = false;
    }
}
