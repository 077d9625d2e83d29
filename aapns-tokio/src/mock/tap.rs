//! The frame tap: what stands between h2 and TLS, and does what h2's server can't.
//!
//! h2 can't change MAX_CONCURRENT_STREAMS in mid-connection, choose a GOAWAY's last-stream-id or send debug
//! data. The tap cuts both directions at frame boundaries (RFC 9113 §4.1), so it can put frames of its own
//! between h2's, hide the acknowledgements of its own SETTINGS from h2, and judge which streams were opened
//! beyond the limit that the client had acknowledged.

mod frame;
mod input;
mod output;
mod streams;

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use self::input::Input;
use self::output::Output;
pub(super) use self::streams::Streams;

/// Written by h2 and not taken by the socket: beyond, h2 waits.
const OUTPUT: usize = 1024 * 1024;

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

impl<IO> Tap<IO> {
    /// A tap that announces `limit` as MAX_CONCURRENT_STREAMS in h2's first SETTINGS.
    pub(super) fn new(io: IO, limit: u32) -> (Self, Arc<Mutex<Wire<IO>>>) {
        let wire = Arc::new(Mutex::new(Wire {
            io,
            input: Input::new(),
            output: Output::new(limit),
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
        self.output.announce(limit);
        self.streams.announced.push_back(limit);
    }

    /// GOAWAY with a last-stream-id of choice (RFC 9113 §6.8).
    pub(super) fn go_away(&mut self, last: u32, code: u32, debug: &[u8]) {
        self.output.go_away(last, code, debug);
    }

    /// Sends a second RST_STREAM(STREAM_CLOSED) right after h2's next for this stream, as Apple's servers did.
    pub(super) fn reset_twice(&mut self, stream: u32) {
        self.streams.reset_again.insert(stream);
    }

    /// From now on nothing is written, and what is read is dropped, until the client closes.
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

impl<IO: AsyncRead + Unpin> AsyncRead for Tap<IO> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        to: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let wire = &mut *lock(&self.0);
        if wire.silent {
            return wire.poll_drain(cx).map(Ok);
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
        if wire.silent {
            return Poll::Ready(Ok(octets.len()));
        }
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
