//! RST_STREAM, both ways (RFC 9113 §6.4, §8.7).

use super::Connection;
use super::output::NOWHERE;
use crate::delivery::{Cause, Delivery};
use crate::frame::{ErrorCode, FrameError, RstStream};
use crate::limits::RESETS_PER_SECOND;
use crate::time::Time;

/// How many streams we reset lately.
#[derive(Debug)]
pub(super) struct ResetRate {
    second: Time,
    count: u32,
}

impl ResetRate {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            second: now,
            count: 0,
        }
    }

    /// Whether one more is decent.
    fn allows(&mut self, now: Time) -> bool {
        if now.saturating_since(self.second).as_secs() > 0 {
            *self = Self::new(now);
        }
        self.count += u32::from(self.count <= RESETS_PER_SECOND);
        self.count <= RESETS_PER_SECOND
    }
}

impl<T> Connection<T> {
    /// The first RST_STREAM decides; one for a closed stream says nothing (APNs sends two).
    pub(super) fn handle_reset(&mut self, frame: RstStream) -> Result<(), FrameError> {
        self.check_stream(frame.stream_id)?;
        let Some(stream) = self.streams.get(frame.stream_id) else {
            return self.charge(1);
        };
        self.liveness.answered(self.now);
        if stream.response.is_some() {
            self.cut(frame.stream_id);
        } else if frame.code == ErrorCode::REFUSED_STREAM {
            self.give_back(frame.stream_id, Delivery::Refused, Cause::Refused);
        } else {
            self.lose(frame.stream_id, Cause::Reset(frame.code));
        }
        Ok(())
    }

    /// Ends a stream from our side: RST_STREAM, unless the peer doesn't know it or there were too many.
    ///
    /// Too many look like an attack (CVE-2023-44487): beyond the rate nothing is sent, and the
    /// connection takes no more requests.
    pub(super) fn reset(&mut self, id: u32, code: ErrorCode) {
        let is_known = self
            .streams
            .get(id)
            .is_some_and(|stream| stream.headers_at != NOWHERE);
        if !is_known {
            return;
        }
        if self.resets.allows(self.now) {
            let frame = RstStream {
                stream_id: id,
                code,
            };
            frame.encode(self.output.frames());
        } else {
            self.drain(
                None,
                Cause::Unresponsive("too many streams had to be reset"),
            );
        }
    }

    /// A stream error by the peer (RFC 9113 §5.4.2).
    pub(super) fn fail_stream(&mut self, id: u32, error: FrameError) -> Result<(), FrameError> {
        if !self.streams.contains(id) {
            return self.charge(1);
        }
        self.reset(id, error.code);
        self.lose(id, Cause::Protocol(error.code, error.rule));
        Ok(())
    }
}
