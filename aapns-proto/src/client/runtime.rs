//! What a runtime adapter provides.
//!
//! An adapter is one type that implements [`Runtime`], with a [`Transport`] and a [`Timer`]; all
//! else (the driver loop, the pool's task, replies, waiting for room, builders) is written once, in
//! this crate, generic over it. To write one:
//!
//! 1. [`Transport`] for the runtime's stream: four `poll_` methods and the ALPN protocol. TLS comes from
//!    [`Target::tls`], a configuration with roots, client certificate, ALPN and SNI set: give it and
//!    [`Target::server_name`] to the runtime's rustls wrapper (`tokio-rustls`, `futures-rustls`), or to
//!    rustls itself, which is [`tls::rustls`](crate::tls::rustls).
//! 2. [`Timer`] for the runtime's sleep: one method.
//! 3. [`Runtime`]: clocks, a random number, `spawn`, and [`Runtime::dial`]: resolve [`Target::address`]
//!    anew, try its addresses with [`race`](super::race), switch Nagle's algorithm off, open the tunnel
//!    through [`Target::proxy`] if there is one, call [`Target::enter_tls`], shake hands. What fails becomes
//!    a [`DialError`] by [`dial_error`](super::dial_error) before TLS and by [`tls_error`](super::tls_error)
//!    in it.
//! 4. Names: `pub type Client = aapns_proto::client::Client<MyRuntime>;` and so on. With a `Default` the
//!    handles have `Client::builder(endpoint)` too.
//!
//! An adapter holds no logic of HTTP/2 or of delivery, and decides nothing. What it can get wrong is this:
//!
//! | rule | because |
//! |---|---|
//! | register the waker, then look; the last waker given counts | a wake between the two would be lost |
//! | `Pending` only if something will wake the task; a wake too many does no harm | else a connection hangs |
//! | a TLS wrapper's `poll_write` may only buffer: `poll_flush` hands all of it to the socket | the driver flushes once a turn, and takes no work while a flush is pending |
//! | a read of 0 octets is the end; any error ends writing | delivery is judged by it |
//! | no call blocks, unless each task has a thread of its own | tasks share threads |
//! | `dial` may be dropped at any point | that is how it is given up at its deadline |
//! | `spawn` runs a task to its end, whoever is dropped | results are handed out by it |
//!
//! To test it, run it against `aapns_tokio::mock::Server::start_on_thread()`, which needs no tokio around it:
//! send thousands, let the mock say GOAWAY, cut, fall silent, and compare with what it counted.
//!
//! # A whole adapter
//! Threads and std's sockets as a runtime, and a program: `examples/blocking.rs`.
#![cfg_attr(feature = "rustls", doc = "```no_run")]
#![cfg_attr(feature = "rustls", doc = include_str!("../../examples/blocking.rs"))]
#![cfg_attr(feature = "rustls", doc = "```")]

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use super::proxy::Proxy;
use crate::delivery::{DialError, DialStep};
use crate::time::Time;

/// Sockets, timers, tasks and clocks.
pub trait Runtime: Clone + Send + Sync + Unpin + 'static {
    /// A connected stream, after TLS.
    type Transport: Transport;
    /// A timer that can be set again.
    type Timer: Timer;

    /// The monotonic clock: nanoseconds since any origin, the same for all clones.
    fn now(&self) -> Time;

    /// The wall clock: time since 1970.
    fn unix(&self) -> Duration;

    /// A random number, for jitter and for ids: needn't be secret, but never twice the same, also in other processes.
    fn random(&self) -> u64;

    /// A timer of this runtime's clock.
    fn timer(&self) -> Self::Timer;

    /// Runs a task to its end, detached. A runtime that shuts down may drop it: then what it has in flight
    /// ends as unknown.
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static);

    /// Connects: name resolution, TCP, the tunnel through [`Target::proxy`], TLS. Polled by the task that drives
    /// the connection afterwards, and dropped if it takes longer than the builder's `dial_timeout`.
    ///
    /// # Errors
    /// [`DialError`]: the step that failed, what happened in words, and whether trying again is pointless.
    fn dial(
        &self,
        target: Target,
    ) -> impl Future<Output = Result<Self::Transport, DialError>> + Send;

    /// An environment variable, for `HTTPS_PROXY` and `NO_PROXY`; none by default.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }

    /// The certificate authorities to trust unless the user says otherwise; none by default.
    #[cfg(feature = "rustls")]
    fn roots(&self) -> &'static [rustls_pki_types::TrustAnchor<'static>] {
        &[]
    }
}

/// A connected stream of bytes, as `poll_` methods in the manner of `futures::io`: `Pending` promises a wake.
/// All of them are called by one task, reading and writing in turn.
pub trait Transport: Send + Unpin + 'static {
    /// The protocol that ALPN selected (RFC 7301); `h2` where there is no TLS, by prior knowledge.
    fn alpn(&self) -> Option<&[u8]>;

    /// Reads into `buf`; 0 is the end of the stream.
    ///
    /// # Errors
    /// Any failure of the transport.
    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>>;

    /// Takes octets of `buf`, at least one, which count as sent from then on. `buf` is never empty.
    ///
    /// # Errors
    /// Any failure of the transport.
    fn poll_write(&mut self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Sends what was taken: once ready, all of it is the operating system's.
    ///
    /// # Errors
    /// Any failure of the transport.
    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Ends the stream in the orderly way (TLS close_notify, FIN).
    ///
    /// # Errors
    /// Any failure of the transport; ignored.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>>;
}

/// A timer that can be set again.
pub trait Timer: Send + Unpin + 'static {
    /// Ready once `deadline` has passed; until then the task is woken at that moment, or a little later.
    /// Each call sets the timer anew, and may name another deadline than the last, earlier or later, or
    /// [`Time::NEVER`]. Waking too early does no harm.
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Time) -> Poll<()>;
}

/// Where to dial, and how.
#[derive(Clone)]
pub struct Target {
    /// Host name or address, without brackets.
    pub host: Arc<str>,
    /// TCP port.
    pub port: u16,
    /// The proxy to open a tunnel through, before TLS; see [`Proxy`] for its protocol.
    pub proxy: Option<Proxy>,
    /// For TLS; `None`: plain TCP.
    #[cfg(feature = "rustls")]
    pub tls: Option<Arc<rustls::ClientConfig>>,
    step: Arc<AtomicU8>,
}

impl Target {
    /// A target without proxy and TLS.
    pub fn new(host: Arc<str>, port: u16) -> Self {
        Self {
            host,
            port,
            proxy: None,
            #[cfg(feature = "rustls")]
            tls: None,
            step: Arc::default(),
        }
    }

    /// Host and port to connect to by TCP: the proxy's, if there is one.
    pub fn address(&self) -> (&str, u16) {
        match &self.proxy {
            Some(proxy) => (proxy.host(), proxy.port()),
            None => (&self.host, self.port),
        }
    }

    /// The error of an address that can't be resolved, with its name in it.
    pub fn unresolved(&self, error: &io::Error) -> io::Error {
        let (host, _) = self.address();
        io::Error::new(error.kind(), format!("can't resolve {host}: {error}"))
    }

    /// The name that the server's certificate must be for.
    ///
    /// # Errors
    /// If the host is neither a DNS name nor an address.
    #[cfg(feature = "rustls")]
    pub fn server_name(&self) -> io::Result<rustls_pki_types::ServerName<'static>> {
        rustls_pki_types::ServerName::try_from(self.host.to_string())
            .map_err(|_| io::Error::other("the host is neither a DNS name nor an address"))
    }

    /// Notes that TCP is up and the handshake begins, so that a timeout can name the step that hung.
    pub fn enter_tls(&self) {
        self.step.store(1, Ordering::Relaxed);
    }

    /// The step that the dial has come to.
    pub fn step(&self) -> DialStep {
        match self.step.load(Ordering::Relaxed) {
            0 => DialStep::Connect,
            _ => DialStep::Tls,
        }
    }
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Target({}:{}, {:?})", self.host, self.port, self.step())
    }
}

/// The order in which to try addresses: families alternate, the resolver's first one leads (RFC 8305 §4).
pub fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let all: Vec<SocketAddr> = addresses.into_iter().collect();
    let leads_v6 = all.first().is_some_and(SocketAddr::is_ipv6);
    let (lead, other): (Vec<SocketAddr>, Vec<SocketAddr>) =
        all.iter().partition(|a| a.is_ipv6() == leads_v6);
    let (mut lead, mut other) = (lead.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(all.len());
    loop {
        let pair = (lead.next(), other.next());
        if pair == (None, None) {
            return ordered;
        }
        ordered.extend(pair.0);
        ordered.extend(pair.1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_families_alternate_and_the_first_one_leads() {
        let parse = |s: &str| -> SocketAddr { s.parse().expect("an address") };
        let (a, b, c) = (parse("[::1]:1"), parse("[::2]:1"), parse("1.2.3.4:1"));
        assert_eq!(interleave([a, b, c]), [a, c, b]);
        assert_eq!(interleave([c, a, b]), [c, a, b]);
        assert!(interleave([]).is_empty());
    }
}
