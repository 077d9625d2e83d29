//! From a host name to a stream under TLS.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use aapns_proto::client::runtime::interleave;
use aapns_proto::client::{Target, dial_error, tls_error};
use aapns_proto::delivery::DialError;
use futures::stream::{FuturesUnordered, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::transport::{OwnSocket, Socket, Transport};

/// Between two addresses that are tried: the "Connection Attempt Delay" of RFC 8305 §5.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// What a [`Connect`] hook returns.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// The future of a [`Connect`] hook.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Makes TCP connections in the user's own way; any `Fn(host, port)` with such a future is one.
///
/// It is called anew for each connection, and dropped when the dial takes too long.
pub trait Connect: Send + Sync + 'static {
    /// Connects to `host`, a name or an address, and `port`.
    fn connect(&self, host: &str, port: u16) -> Connecting;
}

impl<F: Fn(&str, u16) -> Connecting + Send + Sync + 'static> Connect for F {
    fn connect(&self, host: &str, port: u16) -> Connecting {
        self(host, port)
    }
}

/// Name resolution, TCP, TLS.
pub(crate) async fn dial(
    hook: Option<Arc<dyn Connect>>,
    target: Target,
) -> Result<Transport, DialError> {
    let socket = match hook {
        Some(hook) => hook
            .connect(&target.host, target.port)
            .await
            .map(|stream| Socket::Own(OwnSocket(stream))),
        None => tcp(&target.host, target.port).await.map(Socket::Tcp),
    };
    let socket = socket.map_err(|error| dial_error(&error))?;
    match &target.tls {
        None => Ok(Transport::plain(socket)),
        Some(config) => {
            target.enter_tls();
            let stream = handshake(config, &target.host, socket).await;
            stream.map(Transport::tls).map_err(|e| tls_error(&e))
        }
    }
}

async fn handshake(
    config: &Arc<ClientConfig>,
    host: &str,
    socket: Socket,
) -> io::Result<tokio_rustls::client::TlsStream<Socket>> {
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| io::Error::other("the host is neither a DNS name nor an address"))?;
    TlsConnector::from(Arc::clone(config))
        .connect(name, socket)
        .await
}

/// Looks the name up afresh, so that connections spread over the servers behind it.
async fn tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host((host, port))
        .await
        .map_err(|error| io::Error::new(error.kind(), format!("can't resolve {host}: {error}")))?;
    let stream = race(interleave(found)).await?;
    // A turn's frames leave in one write; waiting to fill a segment would only add latency.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Tries addresses one after the other, each 250 ms after the one before or when that failed; the first to connect wins.
async fn race(addresses: Vec<SocketAddr>) -> io::Result<TcpStream> {
    let mut rest = addresses.into_iter();
    let mut attempts = FuturesUnordered::new();
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    loop {
        attempts.extend(rest.next().map(TcpStream::connect));
        let next = attempts.next();
        let result = if rest.len() == 0 {
            next.await
        } else {
            match tokio::time::timeout(ATTEMPT_DELAY, next).await {
                Ok(result) => result,
                Err(_) => continue,
            }
        };
        match result {
            Some(Ok(stream)) => return Ok(stream),
            Some(Err(error)) => failure = error,
            None => return Err(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn an_address_that_refuses_makes_way_for_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let good = listener.local_addr().expect("address");
        let closed = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let bad = closed.local_addr().expect("address");
        drop(closed);
        let stream = race(vec![bad, good]).await.expect("the second answers");
        assert_eq!(stream.peer_addr().expect("peer"), good);
        let refused = race(vec![bad]).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(race(Vec::new()).await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let error = tcp("no-such-host.invalid", 443).await.expect_err("no host");
        assert!(dial_error(&error).message.contains("no-such-host.invalid"));
    }
}
