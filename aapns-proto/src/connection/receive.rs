//! From octets to frames, and from each frame to what it means here.

use super::Connection;
use super::input::Frames;
use crate::frame::{
    Continuation, Data, ErrorCode, FrameError, FrameHeader, GoAway, Headers, Kind, Ping, Priority,
    RstStream, Scope, Settings, WindowUpdate, flags,
};
use crate::limits::{FLOOD_ANSWERED, MAX_FRAME_SIZE};

impl<T> Connection<T> {
    /// Handles every frame that is there; the first connection error ends it.
    pub(super) fn receive(&mut self, frames: &mut Frames) -> Result<(), FrameError> {
        while let Some(header) = frames.header() {
            self.check_header(header)?;
            let Some(payload) = frames.payload(header) else {
                return Ok(());
            };
            self.dispatch(header, payload)?;
            if self.ends_now()? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the header alone shows, before the payload is waited for.
    #[inline]
    fn check_header(&self, header: FrameHeader) -> Result<(), FrameError> {
        if !self.is_ready() && (header.kind != Kind::Settings || header.has(flags::ACK)) {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "the server's first frame is not SETTINGS (§3.4)",
            ));
        }
        if let Some(block) = &self.block {
            block.check_next(header)?;
        }
        if header.kind == Kind::PushPromise {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "PUSH_PROMISE, though SETTINGS_ENABLE_PUSH is 0 (§6.6)",
            ));
        }
        header.check_size(MAX_FRAME_SIZE)
    }

    #[inline]
    fn dispatch(&mut self, header: FrameHeader, payload: &[u8]) -> Result<(), FrameError> {
        match header.kind {
            Kind::Headers => self.handle_headers(Headers::parse(header, payload)?),
            Kind::Data => self.handle_data(Data::parse(header, payload)?),
            Kind::WindowUpdate => match WindowUpdate::parse(header, payload) {
                Ok(frame) => self.handle_window_update(frame),
                Err(error) if error.scope == Scope::Stream => {
                    self.check_stream(header.stream_id)?;
                    self.fail_stream(header.stream_id, error)
                }
                Err(error) => Err(error),
            },
            Kind::RstStream => self.handle_reset(RstStream::parse(header, payload)?),
            Kind::Settings => self.handle_settings(Settings::parse(header, payload)?),
            Kind::Ping => self.handle_ping(Ping::parse(header, payload)?),
            Kind::GoAway => self.handle_goaway(GoAway::parse(header, payload)?),
            Kind::Continuation => self.handle_continuation(Continuation::parse(header, payload)?),
            Kind::Priority => match Priority::parse(header, payload) {
                Err(error) if error.scope == Scope::Stream => {
                    self.fail_stream(header.stream_id, error)
                }
                Err(error) => Err(error),
                Ok(_) => self.charge(1),
            },
            Kind::PushPromise | Kind::Unknown(_) => self.charge(1),
        }
    }

    /// Answers a PING ahead of everything else (RFC 9113 §6.7).
    fn handle_ping(&mut self, ping: Ping) -> Result<(), FrameError> {
        if ping.ack {
            if self.liveness.acknowledge(self.now, ping.opaque) {
                self.start_parked();
                return Ok(());
            }
            return self.charge(1);
        }
        self.charge(FLOOD_ANSWERED)?;
        let answer = Ping {
            ack: true,
            opaque: ping.opaque,
        };
        answer.encode(self.output.urgent());
        Ok(())
    }

    /// Frames of a stream that we never used are an error; those of a closed one aren't (RFC 9113 §5.1).
    #[inline]
    pub(super) fn check_stream(&self, id: u32) -> Result<(), FrameError> {
        let is_idle = match self.streams.get(id) {
            Some(stream) => !self.output.is_lent(stream.headers_at),
            None => !self.streams.was_opened(id),
        };
        if is_idle {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "a frame on a stream that is idle, or even (§5.1)",
            ));
        }
        Ok(())
    }

    /// Pays for a frame without effect.
    pub(super) fn charge(&mut self, points: u32) -> Result<(), FrameError> {
        self.budget.charge(self.now, points)
    }
}
