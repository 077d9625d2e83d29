//! From a host name to a stream under TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use aapns_proto::client::{Proxy, Target, dial_error, race, tls_error};
use aapns_proto::delivery::DialError;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;

use crate::runtime::Tokio;
use crate::transport::{OwnSocket, Socket, Transport};

/// What a [`Connect`] hook returns.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin + 'static> Stream for S {}

/// The future of a [`Connect`] hook.
pub type Connecting = Pin<Box<dyn Future<Output = io::Result<Box<dyn Stream>>> + Send>>;

/// Makes TCP connections in the user's own way; any `Fn(host, port)` with such a future is one.
///
/// It is called anew for each connection, and dropped when the dial takes too long. Where there is a
/// proxy, the proxy is what it connects to.
pub trait Connect: Send + Sync + 'static {
    /// Connects to `host`, a name or an address, and `port`.
    fn connect(&self, host: &str, port: u16) -> Connecting;
}

impl<F: Fn(&str, u16) -> Connecting + Send + Sync + 'static> Connect for F {
    fn connect(&self, host: &str, port: u16) -> Connecting {
        self(host, port)
    }
}

/// Name resolution, TCP, a proxy's tunnel, TLS.
pub(crate) async fn dial(
    runtime: Tokio,
    hook: Option<Arc<dyn Connect>>,
    target: Target,
) -> Result<Transport, DialError> {
    let socket = reach(&runtime, hook, &target).await;
    let socket = socket.map_err(|error| dial_error(&error))?;
    match &target.tls {
        None => Ok(Transport::plain(socket)),
        Some(config) => {
            target.enter_tls();
            let stream = handshake(config, &target, socket).await;
            stream.map(Transport::tls).map_err(|e| tls_error(&e))
        }
    }
}

/// All that comes before TLS.
async fn reach(
    runtime: &Tokio,
    hook: Option<Arc<dyn Connect>>,
    target: &Target,
) -> io::Result<Socket> {
    let (host, port) = target.address();
    let mut socket = match hook {
        Some(hook) => Socket::Own(OwnSocket(hook.connect(host, port).await?)),
        None => Socket::Tcp(tcp(runtime, target).await?),
    };
    if let Some(proxy) = &target.proxy {
        tunnel(&mut socket, &proxy.request(&target.host, target.port)).await?;
    }
    Ok(socket)
}

/// Asks a proxy for a tunnel, and reads its answer octet by octet: what follows it is the server's.
pub(crate) async fn tunnel<S: AsyncRead + AsyncWrite + Unpin>(
    socket: &mut S,
    request: &[u8],
) -> io::Result<()> {
    socket.write_all(request).await?;
    socket.flush().await?;
    let mut answer = Vec::new();
    while !Proxy::response(&answer).map_err(io::Error::other)? {
        let octet = socket.read_u8().await;
        answer.push(octet.map_err(Proxy::lost)?);
    }
    Ok(())
}

async fn handshake(
    config: &Arc<ClientConfig>,
    target: &Target,
    socket: Socket,
) -> io::Result<tokio_rustls::client::TlsStream<Socket>> {
    TlsConnector::from(Arc::clone(config))
        .connect(target.server_name()?, socket)
        .await
}

/// Looks the name up afresh, so that connections spread over the servers behind it.
async fn tcp(runtime: &Tokio, target: &Target) -> io::Result<TcpStream> {
    let found = tokio::net::lookup_host(target.address()).await;
    let found = found.map_err(|error| target.unresolved(&error))?;
    let stream = race(runtime, found, TcpStream::connect).await?;
    // A turn's frames leave in one write; waiting to fill a segment would only add latency.
    stream.set_nodelay(true)?;
    Ok(stream)
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
        let runtime = Tokio::default();
        let stream = race(&runtime, [bad, good], TcpStream::connect)
            .await
            .expect("the second answers");
        assert_eq!(stream.peer_addr().expect("peer"), good);
        let refused = race(&runtime, [bad], TcpStream::connect)
            .await
            .expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(race(&runtime, [], TcpStream::connect).await.is_err());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named() {
        let target = Target::new("no-such-host.invalid".into(), 443);
        let error = tcp(&Tokio::default(), &target).await.expect_err("no host");
        assert!(dial_error(&error).message.contains("no-such-host.invalid"));
    }
}
