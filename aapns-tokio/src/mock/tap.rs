//! The frame tap: what stands between h2 and TLS, and does what h2's server can't.
//!
//! h2 can't change MAX_CONCURRENT_STREAMS in mid-connection, choose a GOAWAY's last-stream-id or send debug
//! data. The tap cuts both directions at frame boundaries (RFC 9113 §4.1), so it can put frames of its own
//! between h2's, hide the acknowledgements of its own SETTINGS from h2, and judge which streams were opened
//! beyond the limit that the client had acknowledged.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

const PREFACE: usize = 24;
const HEADER: usize = 9;
/// Read at once: a TLS record's worth.
const READ: usize = 16 * 1024;
/// Written by h2 and not taken by the socket: beyond, h2 waits.
const OUTPUT: usize = 1024 * 1024;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// END_STREAM of DATA and HEADERS, ACK of SETTINGS.
const FLAG_ONE: u8 = 1;
const MAX_CONCURRENT_STREAMS: u16 = 3;

/// What h2 gets in place of the TLS stream.
pub(super) struct Tap<IO>(Arc<Mutex<Wire<IO>>>);

/// The transport, with all that the tap knows of it.
pub(super) struct Wire<IO> {
    io: IO,
    input: Input,
    output: Output,
    pub(super) streams: Streams,
    silent: bool,
}

/// The streams as the wire shows them.
#[derive(Default)]
pub(super) struct Streams {
    open: HashSet<u32>,
    highest: u32,
    over_limit: HashSet<u32>,
    reset_again: HashSet<u32>,
    /// Limits that the client has yet to acknowledge.
    announced: VecDeque<u32>,
    limit: Option<u32>,
    acknowledged_first: bool,
}

struct Input {
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    state: InputState,
}

enum InputState {
    Preface(usize),
    Header([u8; HEADER], usize),
    Show([u8; HEADER], usize),
    Payload { left: usize, hide: bool },
}

struct Output {
    /// h2's, up to where its last frame is complete.
    partial: BytesMut,
    ready: BytesMut,
    limit: u32,
    sent_settings: bool,
}

impl<IO> Tap<IO> {
    /// A tap that announces `limit` as MAX_CONCURRENT_STREAMS in h2's first SETTINGS.
    pub(super) fn new(io: IO, limit: u32) -> (Self, Arc<Mutex<Wire<IO>>>) {
        let wire = Arc::new(Mutex::new(Wire {
            io,
            input: Input::new(),
            output: Output {
                partial: BytesMut::new(),
                ready: BytesMut::new(),
                limit,
                sent_settings: false,
            },
            streams: Streams::default(),
            silent: false,
        }));
        (Self(wire.clone()), wire)
    }
}

/// A lock that outlives a panic elsewhere: the mock goes on.
pub(super) fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<IO> Wire<IO> {
    /// Announces another MAX_CONCURRENT_STREAMS (RFC 9113 §6.5); it holds once the client acknowledged it.
    pub(super) fn announce(&mut self, limit: u32) {
        let out = &mut self.output.ready;
        put_header(out, 6, SETTINGS, 0, 0);
        out.put_u16(MAX_CONCURRENT_STREAMS);
        out.put_u32(limit);
        self.streams.announced.push_back(limit);
    }

    /// GOAWAY with a last-stream-id of choice (RFC 9113 §6.8).
    pub(super) fn go_away(&mut self, last: u32, code: u32, debug: &[u8]) {
        let out = &mut self.output.ready;
        put_header(out, 8 + debug.len(), GOAWAY, 0, 0);
        out.put_u32(last);
        out.put_u32(code);
        out.put_slice(debug);
    }

    /// Sends a second RST_STREAM(STREAM_CLOSED) right after h2's next for this stream, as Apple's servers did.
    pub(super) fn reset_twice(&mut self, stream: u32) {
        self.streams.reset_again.insert(stream);
    }

    /// From now on nothing is read and nothing is written, and the transport stays open.
    pub(super) fn go_silent(&mut self) {
        self.silent = true;
    }
}

impl<IO: AsyncWrite + Unpin> Wire<IO> {
    /// Writes and flushes what h2 and the tap have ready. h2's own flushes do nothing, so that a turn's
    /// answers leave in one write.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.silent {
            return Poll::Ready(Ok(()));
        }
        while !self.output.ready.is_empty() {
            let written = ready!(Pin::new(&mut self.io).poll_write(cx, &self.output.ready))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.output.ready.advance(written);
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Flushes, then ends our direction.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_flush(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

impl<IO: AsyncRead + Unpin> Wire<IO> {
    /// Reads on and drops what comes, until the client closes too: closing with octets unread makes TCP
    /// reset the connection, and the client lose our last frames.
    pub(super) fn poll_drain(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let mut buffer = ReadBuf::new(&mut self.input.buffer);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl Streams {
    /// Whether this stream was opened beyond the limit; forgets the answer.
    pub(super) fn take_over_limit(&mut self, stream: u32) -> bool {
        self.over_limit.remove(&stream)
    }

    fn opened(&mut self, stream: u32) {
        if stream <= self.highest {
            return;
        }
        self.highest = stream;
        self.open.insert(stream);
        if self
            .limit
            .is_some_and(|limit| self.open.len() > limit as usize)
        {
            self.over_limit.insert(stream);
        }
    }

    fn closed(&mut self, stream: u32) {
        self.open.remove(&stream);
    }

    /// Whether h2 must not see this acknowledgement: only the first is for SETTINGS of its own.
    fn acknowledged(&mut self) -> bool {
        if let Some(limit) = self.announced.pop_front() {
            self.limit = Some(limit);
        }
        std::mem::replace(&mut self.acknowledged_first, true)
    }
}

impl Input {
    fn new() -> Self {
        Self {
            buffer: vec![0; READ].into_boxed_slice(),
            start: 0,
            end: 0,
            state: InputState::Preface(PREFACE),
        }
    }

    /// Moves what h2 may see from the buffer to `to`, until either is exhausted.
    fn pass(&mut self, to: &mut ReadBuf<'_>, streams: &mut Streams) {
        while to.remaining() > 0 {
            let from = &self.buffer[self.start..self.end];
            let taken = match &mut self.state {
                InputState::Show(header, shown) => {
                    let rest = &header[*shown..];
                    let n = rest.len().min(to.remaining());
                    to.put_slice(&rest[..n]);
                    *shown += n;
                    if *shown == HEADER {
                        let left = payload_length(header);
                        self.state = InputState::Payload { left, hide: false };
                    }
                    0
                }
                InputState::Payload { left: 0, .. } => {
                    self.state = InputState::Header([0; HEADER], 0);
                    0
                }
                _ if from.is_empty() => return,
                InputState::Preface(left) => {
                    let n = from.len().min(*left).min(to.remaining());
                    to.put_slice(&from[..n]);
                    *left -= n;
                    if *left == 0 {
                        self.state = InputState::Header([0; HEADER], 0);
                    }
                    n
                }
                InputState::Header(header, have) => {
                    let n = from.len().min(HEADER - *have);
                    header[*have..*have + n].copy_from_slice(&from[..n]);
                    *have += n;
                    if *have == HEADER {
                        self.state = arrived(*header, streams);
                    }
                    n
                }
                InputState::Payload { left, hide } => {
                    let room = if *hide { usize::MAX } else { to.remaining() };
                    let n = from.len().min(*left).min(room);
                    if !*hide {
                        to.put_slice(&from[..n]);
                    }
                    *left -= n;
                    n
                }
            };
            self.start += taken;
        }
    }
}

/// Notes a frame of the client's, and says whether h2 sees it.
fn arrived(header: [u8; HEADER], streams: &mut Streams) -> InputState {
    let (kind, flags, stream) = fields(&header);
    match kind {
        HEADERS => streams.opened(stream),
        RST_STREAM => streams.closed(stream),
        SETTINGS if flags & FLAG_ONE != 0 && streams.acknowledged() => {
            let left = payload_length(&header);
            return InputState::Payload { left, hide: true };
        }
        _ => {}
    }
    InputState::Show(header, 0)
}

impl Output {
    /// Moves h2's complete frames on.
    fn pass(&mut self, streams: &mut Streams) {
        while let Some((header, _)) = self.partial.split_first_chunk::<HEADER>() {
            let header = *header;
            let length = HEADER + payload_length(&header);
            if self.partial.len() < length {
                return;
            }
            let frame = self.partial.split_to(length);
            let (kind, flags, stream) = fields(&header);
            if kind == SETTINGS && flags & FLAG_ONE == 0 && !self.sent_settings {
                self.sent_settings = true;
                put_header(&mut self.ready, length - HEADER + 6, SETTINGS, flags, 0);
                self.ready.put_slice(&frame[HEADER..]);
                self.ready.put_u16(MAX_CONCURRENT_STREAMS);
                self.ready.put_u32(self.limit);
                streams.announced.push_back(self.limit);
                continue;
            }
            self.ready.put_slice(&frame);
            let ends = matches!(kind, DATA | HEADERS) && flags & FLAG_ONE != 0;
            if ends || kind == RST_STREAM {
                streams.closed(stream);
            }
            if kind == RST_STREAM && streams.reset_again.remove(&stream) {
                put_header(&mut self.ready, 4, RST_STREAM, 0, stream);
                self.ready.put_u32(h2::Reason::STREAM_CLOSED.into());
            }
        }
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Tap<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *lock(&self.0);
        if wire.silent {
            return Poll::Pending;
        }
        let before = to.filled().len();
        loop {
            wire.input.pass(to, &mut wire.streams);
            if to.filled().len() > before {
                return Poll::Ready(Ok(()));
            }
            let mut buffer = ReadBuf::new(&mut wire.input.buffer);
            ready!(Pin::new(&mut wire.io).poll_read(cx, &mut buffer))?;
            (wire.input.start, wire.input.end) = (0, buffer.filled().len());
            if wire.input.end == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Tap<IO> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = &mut *lock(&self.0);
        if wire.output.ready.len() > OUTPUT {
            ready!(wire.poll_flush(cx))?;
        }
        wire.output.partial.extend_from_slice(octets);
        wire.output.pass(&mut wire.streams);
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.0).poll_shutdown(cx)
    }
}

fn put_header(out: &mut BytesMut, length: usize, kind: u8, flags: u8, stream: u32) {
    out.put_uint(length as u64, 3);
    out.put_u8(kind);
    out.put_u8(flags);
    out.put_u32(stream);
}

fn payload_length(header: &[u8; HEADER]) -> usize {
    u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
}

/// Type, flags and stream id.
fn fields(header: &[u8; HEADER]) -> (u8, u8, u32) {
    let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
    (header[3], header[4], stream & 0x7fff_ffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> BytesMut {
        let mut out = BytesMut::new();
        put_header(&mut out, payload.len(), kind, flags, stream);
        out.put_slice(payload);
        out
    }

    #[test]
    fn any_split_of_the_input_hides_the_extra_acknowledgement_and_nothing_else() {
        let preface = [7; PREFACE];
        let ack = frame(SETTINGS, FLAG_ONE, 0, b"");
        let headers = frame(HEADERS, 5, 1, b"abc");
        let data = frame(DATA, FLAG_ONE, 1, b"hello");
        let all = [&preface[..], &ack, &headers, &ack, &data].concat();
        let shown = [&preface[..], &ack, &headers, &data].concat();
        for chunk in 1..all.len() {
            for room in [1, 2, 9, 64] {
                let (mut input, mut streams) = (Input::new(), Streams::default());
                streams.announced = VecDeque::from([10, 1]);
                let mut seen = Vec::new();
                for part in all.chunks(chunk) {
                    input.buffer[..part.len()].copy_from_slice(part);
                    (input.start, input.end) = (0, part.len());
                    loop {
                        let mut space = [0; 64];
                        let mut to = ReadBuf::new(&mut space[..room]);
                        input.pass(&mut to, &mut streams);
                        if to.filled().is_empty() {
                            break;
                        }
                        seen.extend_from_slice(to.filled());
                    }
                }
                assert_eq!(seen, shown, "chunks of {chunk}, room for {room}");
                assert_eq!(streams.limit, Some(1));
            }
        }
    }

    #[test]
    fn a_stream_beyond_the_acknowledged_limit_is_noted_once() {
        let mut streams = Streams {
            announced: VecDeque::from([1]),
            ..Streams::default()
        };
        streams.opened(1);
        streams.opened(3);
        assert!(!streams.take_over_limit(3), "nothing was acknowledged yet");
        assert!(!streams.acknowledged(), "the first is h2's");
        streams.opened(5);
        assert!(streams.take_over_limit(5));
        assert!(!streams.take_over_limit(5));
        for stream in [1, 3, 5] {
            streams.closed(stream);
        }
        streams.opened(7);
        assert!(!streams.take_over_limit(7));
    }

    #[test]
    fn the_first_settings_carry_the_limit() {
        let mut output = Output {
            partial: frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]),
            ready: BytesMut::new(),
            limit: 5,
            sent_settings: false,
        };
        let mut streams = Streams::default();
        output
            .partial
            .extend_from_slice(&frame(SETTINGS, FLAG_ONE, 0, b"")[..4]);
        output.pass(&mut streams);
        let expected = frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 5]);
        assert_eq!(output.ready, expected);
        assert_eq!(output.partial.len(), 4, "a frame that isn't complete waits");
    }
}
