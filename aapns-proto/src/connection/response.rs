//! HEADERS, CONTINUATION and DATA in: the response of a request (RFC 9113 §8.1).

use super::Connection;
use super::fields::{FieldBlock, Malformed};
use super::stream::Incomplete;
use crate::delivery::Cause;
use crate::frame::{Continuation, Data, ErrorCode, FrameError, FrameHeader, Headers, Kind};
use crate::limits::{CONTINUATIONS, FIELD_BLOCK, HELD_RESPONSES, INTERIM_RESPONSES};
use crate::request::{Fields, Response};
use crate::time::Time;

/// A field block whose CONTINUATION frames are still to come (RFC 9113 §4.3).
#[derive(Debug)]
pub(super) struct OpenBlock {
    stream_id: u32,
    end_stream: bool,
    coded: Vec<u8>,
    continuations: u32,
    /// When it must be complete.
    pub(super) due: Time,
}

impl OpenBlock {
    /// Nothing may come between the frames of a block.
    pub(super) fn check_next(&self, header: FrameHeader) -> Result<(), FrameError> {
        if header.kind != Kind::Continuation || header.stream_id != self.stream_id {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "a field block is open, and this is not its CONTINUATION (§6.10)",
            ));
        }
        Ok(())
    }

    fn push(&mut self, fragment: &[u8]) -> Result<(), FrameError> {
        if self.coded.len() + fragment.len() > FIELD_BLOCK {
            return Err(FrameError::connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "a field block is over 64 KiB (§10.5.1)",
            ));
        }
        self.coded.extend_from_slice(fragment);
        Ok(())
    }
}

impl<T> Connection<T> {
    #[inline]
    pub(super) fn handle_headers(&mut self, frame: Headers<'_>) -> Result<(), FrameError> {
        self.check_stream(frame.stream_id)?;
        if frame.end_headers {
            return self.handle_block(frame.stream_id, frame.fragment, frame.end_stream);
        }
        let mut block = OpenBlock {
            stream_id: frame.stream_id,
            end_stream: frame.end_stream,
            coded: Vec::new(),
            continuations: 0,
            due: self.now + self.config.settings_timeout,
        };
        block.push(frame.fragment)?;
        self.block = Some(block);
        Ok(())
    }

    pub(super) fn handle_continuation(
        &mut self,
        frame: Continuation<'_>,
    ) -> Result<(), FrameError> {
        let Some(block) = &mut self.block else {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "CONTINUATION without an open field block (§6.10)",
            ));
        };
        block.continuations += 1;
        if block.continuations > CONTINUATIONS {
            return Err(FrameError::connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "too many CONTINUATION frames in one field block (§10.5.1)",
            ));
        }
        block.push(frame.fragment)?;
        if frame.end_headers
            && let Some(block) = self.block.take()
        {
            return self.handle_block(block.stream_id, &block.coded, block.end_stream);
        }
        Ok(())
    }

    /// One whole field block. It is decoded for closed streams too, to keep the table in step.
    #[inline]
    fn handle_block(&mut self, id: u32, coded: &[u8], end_stream: bool) -> Result<(), FrameError> {
        let is_open = self.streams.contains(id);
        let mut fields = FieldBlock::default();
        let decoded = self.decoder.decode(coded, FIELD_BLOCK, |name, value| {
            if is_open {
                fields.push(name, value);
            }
        });
        if decoded.is_err() {
            return Err(FrameError::connection(
                ErrorCode::COMPRESSION_ERROR,
                "a field block can't be decoded (§4.3)",
            ));
        }
        let Some(stream) = self.streams.get_mut(id) else {
            return self.charge(1);
        };
        if stream.response.is_some() {
            self.handle_trailers(id, &fields, end_stream);
            return Ok(());
        }
        match fields.head() {
            Err(rule) => self.reject(id, rule),
            Ok(100..=199) => return self.handle_interim(id, end_stream),
            Ok(status) => self.handle_final(id, status, fields, end_stream),
        }
        Ok(())
    }

    /// An interim response says nothing that we need (RFC 9110 §15.2).
    fn handle_interim(&mut self, id: u32, end_stream: bool) -> Result<(), FrameError> {
        if end_stream {
            self.reject(id, "an interim response ends the stream (§8.1)");
            return Ok(());
        }
        if let Some(stream) = self.streams.get_mut(id) {
            stream.interim += 1;
            if stream.interim > INTERIM_RESPONSES {
                return Err(FrameError::connection(
                    ErrorCode::ENHANCE_YOUR_CALM,
                    "too many interim responses on one stream (§10.5)",
                ));
            }
        }
        self.charge(1)
    }

    #[inline]
    fn handle_final(&mut self, id: u32, status: u16, fields: FieldBlock, end_stream: bool) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        let has_body =
            !matches!(status, 204 | 304) && stream.job.request.head().method().as_str() != "HEAD";
        let expected = if has_body {
            fields.content_length()
        } else {
            Some(0)
        };
        let mut response = fields.into_response(status);
        self.hold_within_bounds(&mut response);
        if end_stream && expected.unwrap_or(0) == 0 {
            self.stop_sending(id);
            self.answer(id, response);
            return;
        }
        self.held += response.fields.octets();
        if let Some(stream) = self.streams.get_mut(id) {
            stream.response = Some(Box::new(Incomplete {
                response,
                body: Vec::new(),
                expected,
            }));
        }
        if end_stream {
            self.break_off(id, ErrorCode::PROTOCOL_ERROR);
        }
    }

    /// Beyond the bound on memory a response keeps its status alone.
    #[inline]
    fn hold_within_bounds(&self, response: &mut Response) {
        if self.held + response.fields.octets() > HELD_RESPONSES {
            response.fields = Fields::new();
            response.is_truncated = true;
        }
    }

    fn handle_trailers(&mut self, id: u32, fields: &FieldBlock, end_stream: bool) {
        let is_complete = self.expected(id).unwrap_or(0) == 0;
        if fields.trailers().is_ok() && end_stream && is_complete {
            self.stop_sending(id);
            self.finish(id, false);
        } else {
            self.break_off(id, ErrorCode::PROTOCOL_ERROR);
        }
    }

    #[inline]
    pub(super) fn handle_data(&mut self, frame: Data<'_>) -> Result<(), FrameError> {
        let id = frame.stream_id;
        self.check_stream(id)?;
        if self.receive_window.receive(frame.flow_length).is_err() {
            return Err(FrameError::connection(
                ErrorCode::FLOW_CONTROL_ERROR,
                "DATA beyond the connection's window (§6.9)",
            ));
        }
        let Some(stream) = self.streams.get_mut(id) else {
            return self.charge(1);
        };
        if stream.receive_window.receive(frame.flow_length).is_err() {
            let error = FrameError::stream(
                ErrorCode::FLOW_CONTROL_ERROR,
                "DATA beyond the stream's window (§6.9)",
            );
            return self.fail_stream(id, error);
        }
        let wants_credit = stream.receive_window.is_half_used();
        if stream.response.is_none() {
            self.reject(id, "DATA before the final HEADERS (§8.1)");
            return Ok(());
        }
        match self.store(id, frame.data) {
            Err(code) => self.break_off(id, code),
            Ok(()) if frame.end_stream => self.handle_end(id),
            Ok(()) => {
                if wants_credit && !self.creditors.contains(&id) {
                    self.creditors.push(id);
                }
                if frame.data.is_empty() {
                    return self.charge(1);
                }
                self.budget.progress(self.streams.len());
            }
        }
        Ok(())
    }

    /// Keeps a piece of body, or says how to break off: too long for `content-length`, or for us.
    fn store(&mut self, id: u32, data: &[u8]) -> Result<(), ErrorCode> {
        let Some(stream) = self.streams.get_mut(id) else {
            return Ok(());
        };
        let limit = stream.job.request.response_limit() as usize;
        let Some(incomplete) = &mut stream.response else {
            return Ok(());
        };
        if let Some(expected) = &mut incomplete.expected {
            *expected = expected
                .checked_sub(data.len() as u64)
                .ok_or(ErrorCode::PROTOCOL_ERROR)?;
        }
        let room = limit
            .saturating_sub(incomplete.body.len())
            .min(HELD_RESPONSES.saturating_sub(self.held));
        let kept = data.get(..room).unwrap_or(data);
        incomplete.body.extend_from_slice(kept);
        self.held += kept.len();
        if kept.len() < data.len() {
            return Err(ErrorCode::CANCEL);
        }
        Ok(())
    }

    /// END_STREAM on DATA.
    fn handle_end(&mut self, id: u32) {
        if self.expected(id).unwrap_or(0) == 0 {
            self.stop_sending(id);
            self.finish(id, false);
        } else {
            self.break_off(id, ErrorCode::PROTOCOL_ERROR);
        }
    }

    /// Octets of body that `content-length` still promises.
    fn expected(&self, id: u32) -> Option<u64> {
        self.streams.get(id)?.response.as_ref()?.expected
    }

    /// The response is malformed before anything of it could be handed out.
    fn reject(&mut self, id: u32, rule: Malformed) {
        self.reset(id, ErrorCode::PROTOCOL_ERROR);
        self.lose(id, Cause::MalformedResponse(rule));
    }

    /// The rest of a response isn't wanted, or is malformed: its head is the answer.
    fn break_off(&mut self, id: u32, code: ErrorCode) {
        self.reset(id, code);
        self.cut(id);
    }

    /// The response is complete; if the request isn't, the rest of it is pointless (RFC 9113 §8.1).
    #[inline]
    fn stop_sending(&mut self, id: u32) {
        if self.streams.get(id).is_some_and(|s| !s.is_coded()) {
            self.reset(id, ErrorCode::CANCEL);
        }
    }
}
