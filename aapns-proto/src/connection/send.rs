//! Requests out: HEADERS, and DATA as far as the windows go (RFC 9113 §5.2, §8.1).

use super::Connection;
use crate::delivery::{Cause, Delivery};
use crate::frame::{
    CONNECTION, ErrorCode, FrameError, FrameHeader, Kind, MAX_31, WindowUpdate, flags,
};
use crate::job::Job;

/// Octets of output room below which no DATA frame is begun.
const LEAST_ROOM: usize = 1_024;

impl<T> Connection<T> {
    /// Opens a stream and codes as much of its request as may go. `Err`: the ids are used up.
    #[inline]
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub(super) fn open(&mut self, mut job: Job<T>) -> Result<(), Job<T>> {
        job.history.token_generation = u32::try_from(self.generation).unwrap_or(u32::MAX);
        let deadline = job.deadline;
        let is_first = self.streams.len() == 0;
        let id = self.streams.open(job, self.peer.initial_window)?.id;
        if is_first {
            self.liveness.became_busy(self.now);
        }
        if let Some(deadline) = deadline {
            self.deadlines.push(deadline, id);
        }
        if self.liveness.is_probing() {
            self.parked.push(id);
        } else {
            self.code(id);
        }
        Ok(())
    }

    /// The peer is alive after all: what waited for that goes, unless the limit fell meanwhile.
    pub(super) fn start_parked(&mut self) {
        let limit = usize::try_from(self.peer.max_streams).unwrap_or(usize::MAX);
        for id in std::mem::take(&mut self.parked) {
            if self.streams.len() > limit {
                self.give_back(id, Delivery::NotSent, Cause::Refused);
            } else {
                self.code(id);
            }
        }
    }

    fn code(&mut self, id: u32) {
        self.code_headers(id);
        loop {
            match self.code_data(id) {
                Sent::Some => {}
                Sent::None => break,
                Sent::All => return,
            }
        }
        if self.waiting.len() > 2 * self.streams.len() {
            self.waiting.retain(|id| self.streams.contains(*id));
        }
        self.waiting.push_back(id);
    }

    #[inline]
    fn code_headers(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(id) else {
            return;
        };
        stream.headers_at = self.output.position();
        let mut bits = flags::END_HEADERS;
        if stream.job.request.body().is_empty() {
            stream.end_at = stream.headers_at;
            bits |= flags::END_STREAM;
        }
        let out = self.output.frames();
        let at = out.len();
        out.extend_from_slice(&[0; FrameHeader::LEN]);
        self.encoder.encode(&stream.job.request, out);
        let length = out.len() - at - FrameHeader::LEN;
        let most = self.peer.max_frame_size as usize;
        if length > most {
            split_block(out, at, bits, id, most);
            return;
        }
        let header = header(Kind::Headers, bits, id, length);
        if let Some(place) = out.get_mut(at..at + FrameHeader::LEN) {
            place.copy_from_slice(&header.to_octets());
        }
    }

    /// One more DATA frame, if the windows and the output have room for it.
    #[inline]
    fn code_data(&mut self, id: u32) -> Sent {
        let room = self.output.room();
        let stream = self.streams.get_mut(id);
        let Some(stream) = stream.filter(|stream| !stream.is_coded()) else {
            return Sent::All;
        };
        let rest = stream.job.request.body().get(stream.body_coded..);
        let rest = rest.unwrap_or_default();
        if room < LEAST_ROOM {
            self.is_body_due = true;
            return Sent::None;
        }
        let n = rest
            .len()
            .min(stream.send_window.octets())
            .min(self.send_window.octets())
            .min(self.peer.max_frame_size as usize)
            .min(room);
        let Some(piece) = rest.get(..n).filter(|piece| !piece.is_empty()) else {
            return Sent::None;
        };
        let (mut bits, mut sent) = (0, Sent::Some);
        if n == rest.len() {
            stream.end_at = self.output.position();
            (bits, sent) = (flags::END_STREAM, Sent::All);
        }
        let out = self.output.frames();
        out.reserve(FrameHeader::LEN + n);
        header(Kind::Data, bits, id, n).encode(out);
        out.extend_from_slice(piece);
        stream.body_coded += n;
        stream.send_window.spend(n);
        self.send_window.spend(n);
        self.budget.progress(self.streams.len());
        sent
    }

    /// The bodies that waited, a frame each in turn, as far as windows and room go.
    pub(super) fn code_bodies(&mut self) {
        self.is_body_due = false;
        let mut stuck = 0;
        while stuck < self.waiting.len() && !self.is_body_due && self.send_window.octets() > 0 {
            let Some(id) = self.waiting.pop_front() else {
                return;
            };
            match self.code_data(id) {
                Sent::All => {
                    stuck = 0;
                    continue;
                }
                Sent::Some => stuck = 0,
                Sent::None => stuck += 1,
            }
            self.waiting.push_back(id);
        }
    }

    pub(super) fn handle_window_update(&mut self, frame: WindowUpdate) -> Result<(), FrameError> {
        let increment = i64::from(frame.increment);
        let overflow = "a flow-control window is over 2^31 - 1 (§6.9.1)";
        if frame.stream_id == CONNECTION {
            if self.send_window.add(increment).is_err() {
                return Err(FrameError::connection(
                    ErrorCode::FLOW_CONTROL_ERROR,
                    overflow,
                ));
            }
            return self.window_opened();
        }
        self.check_stream(frame.stream_id)?;
        let Some(stream) = self.streams.get_mut(frame.stream_id) else {
            return self.charge(1);
        };
        if stream.send_window.add(increment).is_err() {
            let error = FrameError::stream(ErrorCode::FLOW_CONTROL_ERROR, overflow);
            return self.fail_stream(frame.stream_id, error);
        }
        if stream.is_coded() {
            return self.charge(1);
        }
        self.window_opened()
    }

    /// Bodies that wait may go on; with none waiting it is a frame without effect.
    fn window_opened(&mut self) -> Result<(), FrameError> {
        if self.waiting.is_empty() {
            return self.charge(1);
        }
        self.is_body_due = true;
        self.charge(1)
    }
}

/// How far a call got with a body.
enum Sent {
    Some,
    None,
    /// To its end, now or before.
    All,
}

fn header(kind: Kind, flags: u8, stream_id: u32, length: usize) -> FrameHeader {
    FrameHeader {
        length: u32::try_from(length).unwrap_or(MAX_31),
        kind,
        flags,
        stream_id,
    }
}

/// A block over the peer's SETTINGS_MAX_FRAME_SIZE goes out as HEADERS and CONTINUATION (RFC 9113 §4.3).
#[cold]
fn split_block(out: &mut Vec<u8>, at: usize, bits: u8, id: u32, most: usize) {
    let block = out.split_off(at + FrameHeader::LEN);
    out.truncate(at);
    let mut pieces = block.chunks(most).peekable();
    let mut kind = Kind::Headers;
    let mut bits = bits & !flags::END_HEADERS;
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            bits |= flags::END_HEADERS;
        }
        header(kind, bits, id, piece.len()).encode(out);
        out.extend_from_slice(piece);
        kind = Kind::Continuation;
        bits = 0;
    }
}
