//! Streams of `futures::io` as the handles' transport.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures::io::{AsyncRead, AsyncWrite};
use futures_rustls::client::TlsStream;

use crate::connect::Stream;

/// A connected stream of `futures::io`, under TLS or plain.
pub struct Transport(Kind);

enum Kind {
    Plain(Box<dyn Stream>),
    Tls(Box<TlsStream<Box<dyn Stream>>>),
}

impl Transport {
    /// A stream in the clear: HTTP/2 by prior knowledge (RFC 9113 §3.3).
    pub(crate) fn plain(stream: impl Stream) -> Self {
        Self(Kind::Plain(Box::new(stream)))
    }

    pub(crate) fn tls(stream: TlsStream<Box<dyn Stream>>) -> Self {
        Self(Kind::Tls(Box::new(stream)))
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Plain(_) => "Transport(plain)",
            Kind::Tls(_) => "Transport(TLS)",
        })
    }
}

/// Does the same with either kind of stream.
macro_rules! either {
    ($kind:expr, $stream:ident => $do:expr) => {
        match $kind {
            Kind::Plain($stream) => $do,
            Kind::Tls($stream) => {
                let $stream = $stream.as_mut();
                $do
            }
        }
    };
}

impl aapns_proto::client::Transport for Transport {
    fn alpn(&self) -> Option<&[u8]> {
        match &self.0 {
            Kind::Plain(_) => Some(b"h2"),
            Kind::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, s => Pin::new(s).poll_read(cx, buf))
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, s => Pin::new(s).poll_write(cx, buf))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, s => Pin::new(s).poll_flush(cx))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, s => Pin::new(s).poll_close(cx))
    }
}
