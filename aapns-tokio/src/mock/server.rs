//! A running mock: its accept loop, and what a test asks it.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::OptionFuture;
use http::HeaderValue;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use super::builder::{Builder, StartError};
use super::certificates::Certificates;
use super::channels::Channels;
use super::connection::{self, Accepted};
use super::devices::{Device, Devices};
use super::ledger::Ledger;
use super::log::{Event, Log};
use super::page;
use super::scenario::{Action, Scenario};
use super::tap::lock;
use super::token::TokenCheck;
use super::{Counts, Received};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// A running mock; dropping it stops it and cuts its connections.
pub struct Server {
    address: SocketAddr,
    page: Option<SocketAddr>,
    certificates: Certificates,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
}

/// How the accept loop learns that it must stop, and tells that it did.
pub(super) struct Stopping {
    stop: oneshot::Receiver<()>,
    stopped: oneshot::Sender<()>,
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) scenario: Scenario,
    /// How often each rule was used.
    pub(super) used: Vec<AtomicU64>,
    pub(super) seed: u64,
    pub(super) production: bool,
    pub(super) token_check: Option<TokenCheck>,
    pub(super) channels: Channels,
    pub(super) devices: Devices,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) log: Log,
    pub(super) expired: Mutex<HashSet<HeaderValue>>,
    pub(super) any_expired: AtomicBool,
    orders: Mutex<BTreeMap<u64, mpsc::UnboundedSender<Action>>>,
}

impl Server {
    /// Starts a mock without faults on a free port of 127.0.0.1, in the caller's tokio runtime.
    ///
    /// # Cancel safety
    /// As [`Builder::start`].
    ///
    /// # Errors
    /// [`StartError`] if no port can be had.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A mock to be adjusted before it starts.
    pub fn builder() -> Builder {
        Builder::new()
    }

    pub(super) fn new(
        address: SocketAddr,
        page: Option<SocketAddr>,
        certificates: Certificates,
        shared: Shared,
    ) -> (Self, Stopping) {
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let server = Self {
            address,
            page,
            certificates,
            shared: Arc::new(shared),
            stop: Some(stop),
            stopped,
        };
        let stopping = Stopping {
            stop: stopping,
            stopped: done,
        };
        (server, stopping)
    }

    /// The accept loop, until the server is stopped or dropped.
    pub(super) fn serve(
        &self,
        listener: TcpListener,
        acceptor: TlsAcceptor,
        page: Option<TcpListener>,
        stopping: Stopping,
    ) -> impl Future<Output = ()> + Send + use<> {
        let shared = self.shared.clone();
        let page = page.map(|listener| page::serve(listener, shared.clone()));
        async move {
            tokio::select! {
                _ = stopping.stop => {}
                () = accept(listener, acceptor, shared) => {}
                Some(()) = OptionFuture::from(page) => {}
            }
            let _ = stopping.stopped.send(());
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT`, for a client's endpoint.
    pub fn origin(&self) -> String {
        format!("https://{}", self.address)
    }

    /// `http://127.0.0.1:PORT/`, where the page is; see [`Builder::page`].
    pub fn page_url(&self) -> Option<String> {
        self.page.map(|address| format!("http://{address}/"))
    }

    /// The throw-away authority that a client must trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certificates.ca_pem
    }

    /// A client certificate of that authority and its key, in one PEM.
    pub fn client_certificate_pem(&self) -> &str {
        &self.certificates.client_pem
    }

    /// A `.p8` key for provider tokens, whose ids are [`KEY_ID`](super::KEY_ID) and [`TEAM_ID`](super::TEAM_ID).
    pub fn token_key_pem(&self) -> &str {
        &self.certificates.token_key_pem
    }

    /// What it did so far.
    pub fn processed(&self) -> Counts {
        lock(&self.shared.ledger).counts
    }

    /// The ids of the broadcast channels that an app has.
    pub fn channels(&self, bundle_id: &str) -> Vec<String> {
        self.shared.channels.ids(bundle_id)
    }

    /// How often it accepted the notification with this id.
    pub fn times_accepted(&self, apns_id: &str) -> u32 {
        lock(&self.shared.ledger).times_accepted(apns_id)
    }

    /// The ids accepted more than once, and how often.
    pub fn duplicates(&self) -> Vec<(String, u32)> {
        lock(&self.shared.ledger).duplicates()
    }

    /// The last requests that it decided upon, oldest first; see [`Builder::keep_requests`].
    pub fn requests(&self) -> Vec<Received> {
        lock(&self.shared.ledger).last().cloned().collect()
    }

    /// Forgets the requests that are kept; what was counted stays counted.
    pub fn forget_requests(&self) {
        lock(&self.shared.ledger).forget();
    }

    /// Knows this device from now on, in place of what it knew of its token. Once it knows any device,
    /// all other tokens get 400 `BadDeviceToken`; so do those of the other environment. A topic that the
    /// device isn't for gets 400 `DeviceTokenNotForTopic`.
    pub fn register(&self, device: Device) {
        self.shared.devices.know([device]);
    }

    /// Answers this device token by 410 `Unregistered` from now on; `when` is what the answer says of the
    /// time that it died, in milliseconds since 1970. Whether there was such a device.
    pub fn unregister(&self, device_token: &str, when: u64) -> bool {
        self.shared.devices.unregister(device_token, when)
    }

    /// Does this to every open connection, now: [`Goaway`](Action::Goaway), [`Limit`](Action::Limit),
    /// [`Cut`](Action::Cut) or [`Blackhole`](Action::Blackhole). Other actions need a request and do nothing.
    pub fn order(&self, action: &Action) {
        for connection in lock(&self.shared.orders).values() {
            // A connection that just ended takes no orders.
            let _ = connection.send(action.clone());
        }
    }

    /// Connections whose TLS stands, with HTTP/2 agreed on.
    pub fn connections(&self) -> usize {
        lock(&self.shared.orders).len()
    }

    /// Stops it, and waits until its port is free again.
    ///
    /// # Cancel safety
    /// Safe: the server stops, also without the future.
    pub async fn stop(mut self) {
        self.stop.take();
        let _ = (&mut self.stopped).await;
    }
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("processed", &self.processed())
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub(super) fn new(scenario: Scenario, ledger: Ledger, log: Log) -> Self {
        Self {
            used: scenario.rules.iter().map(|_| AtomicU64::new(0)).collect(),
            scenario,
            seed: 0,
            production: false,
            token_check: None,
            channels: Channels::default(),
            devices: Devices::default(),
            ledger: Mutex::new(ledger),
            log,
            expired: Mutex::default(),
            any_expired: AtomicBool::new(false),
            orders: Mutex::default(),
        }
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let mut tasks = JoinSet::new();
    for number in 1.. {
        let tcp = loop {
            tokio::select! {
                accepted = listener.accept() => match accepted {
                    Ok((tcp, _)) => break tcp,
                    // Out of file descriptors, most likely: connections end, and give theirs back.
                    Err(_) => sleep(Duration::from_millis(10)).await,
                },
                Some(_) = tasks.join_next() => {}
            }
        };
        tasks.spawn(serve(tcp, acceptor.clone(), number, shared.clone()));
    }
}

async fn serve(tcp: TcpStream, acceptor: TlsAcceptor, number: u64, shared: Arc<Shared>) {
    // Without it answers wait for ACKs; a socket that refuses it is as good as gone.
    let _ = tcp.set_nodelay(true);
    let Ok(Ok(io)) = timeout(HANDSHAKE, acceptor.accept(tcp)).await else {
        return;
    };
    if io.get_ref().1.alpn_protocol() != Some(b"h2") {
        return;
    }
    let (order, orders) = mpsc::unbounded_channel();
    let mut open = Open {
        number,
        shared: shared.clone(),
        why: "stopped".to_owned(),
    };
    lock(&shared.orders).insert(number, order);
    lock(&shared.ledger).counts.connections += 1;
    shared.log.note(&Event::Opened { connection: number });
    open.why = connection::serve(Accepted { io, number, orders }, shared).await;
}

/// An open connection; its end is noted however it comes.
struct Open {
    number: u64,
    shared: Arc<Shared>,
    why: String,
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.shared.orders).remove(&self.number);
        self.shared.log.note(&Event::Closed {
            connection: self.number,
            why: &self.why,
        });
        self.shared.log.flush();
    }
}
