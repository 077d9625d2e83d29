//! From a host name to a stream under TLS.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use aapns_proto::client::{Proxy, Target, dial_error, race, tls_error};
use aapns_proto::delivery::DialError;
use async_std::net::{TcpStream, ToSocketAddrs};
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use futures_rustls::TlsConnector;
use futures_rustls::client::TlsStream;
use futures_rustls::rustls::ClientConfig;

use crate::runtime::AsyncStd;
use crate::transport::Transport;

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
    runtime: AsyncStd,
    hook: Option<Arc<dyn Connect>>,
    target: Target,
) -> Result<Transport, DialError> {
    let stream = reach(&runtime, hook, &target).await;
    let stream = stream.map_err(|error| dial_error(&error))?;
    match &target.tls {
        None => Ok(Transport::plain(stream)),
        Some(config) => {
            target.enter_tls();
            let stream = handshake(config, &target, stream).await;
            stream.map(Transport::tls).map_err(|e| tls_error(&e))
        }
    }
}

/// All that comes before TLS.
async fn reach(
    runtime: &AsyncStd,
    hook: Option<Arc<dyn Connect>>,
    target: &Target,
) -> io::Result<Box<dyn Stream>> {
    let (host, port) = target.address();
    let mut stream = match hook {
        Some(hook) => hook.connect(host, port).await?,
        None => tcp(runtime, target).await?,
    };
    if let Some(proxy) = &target.proxy {
        tunnel(&mut stream, &proxy.request(&target.host, target.port)).await?;
    }
    Ok(stream)
}

/// Asks a proxy for a tunnel, and reads its answer octet by octet: what follows it is the server's.
async fn tunnel(stream: &mut Box<dyn Stream>, request: &[u8]) -> io::Result<()> {
    stream.write_all(request).await?;
    stream.flush().await?;
    let mut answer = Vec::new();
    let mut octet = [0];
    while !Proxy::response(&answer).map_err(io::Error::other)? {
        let read = stream.read_exact(&mut octet).await;
        read.map_err(Proxy::lost)?;
        answer.extend(octet);
    }
    Ok(())
}

async fn handshake(
    config: &Arc<ClientConfig>,
    target: &Target,
    stream: Box<dyn Stream>,
) -> io::Result<TlsStream<Box<dyn Stream>>> {
    TlsConnector::from(Arc::clone(config))
        .connect(target.server_name()?, stream)
        .await
}

/// Looks the name up afresh, so that connections spread over the servers behind it.
async fn tcp(runtime: &AsyncStd, target: &Target) -> io::Result<Box<dyn Stream>> {
    let found = target.address().to_socket_addrs().await;
    let found = found.map_err(|error| target.unresolved(&error))?;
    let stream = race(runtime, found, TcpStream::connect).await?;
    // A turn's frames leave in one write; waiting to fill a segment would only add latency.
    stream.set_nodelay(true)?;
    Ok(Box::new(stream))
}
