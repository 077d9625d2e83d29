//! tokio's streams as the handles' transport.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use crate::connect::Stream;

/// A connected stream: TCP or a user's own, under TLS or plain.
#[derive(Debug)]
pub struct Transport(Kind);

#[derive(Debug)]
enum Kind {
    Plain(Socket),
    Tls(Box<TlsStream<Socket>>),
}

impl Transport {
    pub(crate) fn plain(socket: Socket) -> Self {
        Self(Kind::Plain(socket))
    }

    pub(crate) fn tls(stream: TlsStream<Socket>) -> Self {
        Self(Kind::Tls(Box::new(stream)))
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
            Kind::Plain(_) => Some(b"h2"), // by prior knowledge (RFC 9113 §3.3)
            Kind::Tls(stream) => stream.get_ref().1.alpn_protocol(),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut buf = ReadBuf::new(buf);
        let read = either!(&mut self.0, s => Pin::new(s).poll_read(cx, &mut buf));
        read.map_ok(|()| buf.filled().len())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, s => Pin::new(s).poll_write(cx, buf))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, s => Pin::new(s).poll_flush(cx))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, s => Pin::new(s).poll_shutdown(cx))
    }
}

/// What lies under TLS.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Own(OwnSocket),
}

/// A user's own stream.
pub(crate) struct OwnSocket(pub(crate) Box<dyn Stream>);

impl std::fmt::Debug for OwnSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Own(stream) => Pin::new(&mut *stream.0).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Own(stream) => Pin::new(&mut *stream.0).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Self::Own(stream) => Pin::new(&mut *stream.0).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Own(stream) => stream.0.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Self::Own(stream) => Pin::new(&mut *stream.0).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Own(stream) => Pin::new(&mut *stream.0).poll_shutdown(cx),
        }
    }
}
