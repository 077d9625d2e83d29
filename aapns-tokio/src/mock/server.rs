//! The mock server: its builder, its accept loop, and what a test asks it.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::HeaderValue;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore};

use super::certificates::Certificates;
use super::connection::{self, Accepted};
use super::ledger::Ledger;
use super::log::{Event, Log, Observer};
use super::scenario::{Action, Scenario};
use super::tap::lock;
use super::token::TokenCheck;
use super::{Answer, Counts, KEY_ID, Received, TEAM_ID};

const HANDSHAKE: Duration = Duration::from_secs(10);

/// How clients must authenticate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Authentication {
    /// Anyhow, or not at all.
    #[default]
    Any,
    /// By a TLS client certificate of the mock's authority, or of
    /// [`client_authorities`](Builder::client_authorities)'; else the handshake fails.
    Certificate,
    /// By provider tokens of the mock's key ([`Server::token_key_pem`]), signed, dated and named as they
    /// should be; else 403.
    Token,
}

/// A running mock; dropping it stops it and cuts its connections.
pub struct Server {
    address: SocketAddr,
    certificates: Certificates,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    stopped: oneshot::Receiver<()>,
}

/// What a mock is to be. Start it with [`start`](Self::start) or [`start_on_thread`](Self::start_on_thread).
pub struct Builder {
    address: SocketAddr,
    names: Vec<String>,
    expired: bool,
    alpn: Vec<Vec<u8>>,
    certificate: Option<(Vec<u8>, Vec<u8>)>,
    client_authorities: Option<Vec<u8>>,
    authentication: Authentication,
    production: bool,
    scenario: Scenario,
    seed: u64,
    keep: usize,
    observer: Option<Observer>,
    log: Option<PathBuf>,
}

/// Why a mock can't start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address can't be listened on.
    #[error("can't listen on {0}: {1}")]
    Listen(SocketAddr, #[source] io::Error),
    /// The log file can't be written.
    #[error("can't write the log {0}: {1}")]
    Log(PathBuf, #[source] io::Error),
    /// Certificates can't be made or read.
    #[error("the mock's certificates: {0}")]
    Certificates(String),
    /// The thread can't be had.
    #[error("can't start the mock's thread: {0}")]
    Thread(#[source] io::Error),
}

/// What all connections share.
pub(super) struct Shared {
    pub(super) scenario: Scenario,
    /// How often each rule was used.
    pub(super) used: Vec<AtomicU64>,
    pub(super) seed: u64,
    pub(super) production: bool,
    pub(super) token_check: Option<TokenCheck>,
    pub(super) ledger: Mutex<Ledger>,
    pub(super) log: Log,
    pub(super) expired: Mutex<HashSet<HeaderValue>>,
    pub(super) any_expired: AtomicBool,
    orders: Mutex<BTreeMap<u64, mpsc::UnboundedSender<Action>>>,
}

impl Server {
    /// Starts a mock without faults on a free port of 127.0.0.1, in the caller's tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] if no port can be had.
    pub async fn start() -> Result<Self, StartError> {
        Self::builder().start().await
    }

    /// A mock to be adjusted before it starts.
    pub fn builder() -> Builder {
        Builder {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            names: ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into(),
            expired: false,
            alpn: vec![b"h2".to_vec()],
            certificate: None,
            client_authorities: None,
            authentication: Authentication::Any,
            production: false,
            scenario: Scenario::default(),
            seed: 0,
            keep: 1000,
            observer: None,
            log: None,
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

    /// The throw-away authority that a client must trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certificates.ca_pem
    }

    /// A client certificate of that authority and its key, in one PEM.
    pub fn client_certificate_pem(&self) -> &str {
        &self.certificates.client_pem
    }

    /// A `.p8` key for provider tokens, whose ids are [`KEY_ID`] and [`TEAM_ID`].
    pub fn token_key_pem(&self) -> &str {
        &self.certificates.token_key_pem
    }

    /// What it did so far.
    pub fn processed(&self) -> Counts {
        lock(&self.shared.ledger).counts
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
        lock(&self.shared.ledger).last()
    }

    /// Does this to every open connection, now: [`Goaway`](Action::Goaway), [`Limit`](Action::Limit),
    /// [`Cut`](Action::Cut) or [`Blackhole`](Action::Blackhole). Other actions need a request and do nothing.
    pub fn order(&self, action: &Action) {
        for connection in lock(&self.shared.orders).values() {
            // A connection that just ended takes no orders.
            let _ = connection.send(action.clone());
        }
    }

    /// Open connections.
    pub fn connections(&self) -> usize {
        lock(&self.shared.orders).len()
    }

    /// Stops it, and waits until its port is free again.
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

impl Builder {
    /// Listens here; port 0 means any free one.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Names and addresses in its certificate, in place of localhost, 127.0.0.1 and ::1.
    pub fn names<I: IntoIterator<Item: Into<String>>>(mut self, names: I) -> Self {
        self.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Its certificate has expired.
    pub fn expired(mut self) -> Self {
        self.expired = true;
        self
    }

    /// Selects no ALPN protocol, as a server without HTTP/2.
    pub fn without_alpn(mut self) -> Self {
        self.alpn = Vec::new();
        self
    }

    /// This certificate chain and key, in PEM, in place of throw-away ones.
    pub fn certificate_pem(mut self, chain: &[u8], key: &[u8]) -> Self {
        self.certificate = Some((chain.to_vec(), key.to_vec()));
        self
    }

    /// Clients must show a certificate of these authorities, in PEM.
    pub fn client_authorities(mut self, pem: &[u8]) -> Self {
        self.client_authorities = Some(pem.to_vec());
        self.authentication = Authentication::Certificate;
        self
    }

    /// How clients must authenticate.
    pub fn authentication(mut self, authentication: Authentication) -> Self {
        self.authentication = authentication;
        self
    }

    /// Answers as production does: without `apns-unique-id`.
    pub fn production(mut self) -> Self {
        self.production = true;
        self
    }

    /// Every answer waits so long.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.scenario.latency_ms = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self
    }

    /// Announces this SETTINGS_MAX_CONCURRENT_STREAMS, and refuses streams beyond.
    pub fn max_concurrent_streams(mut self, limit: u32) -> Self {
        self.scenario.max_concurrent_streams = Some(limit);
        self
    }

    /// Gives this answer to a device token, in hex.
    pub fn answer(mut self, device_token: &str, answer: Answer) -> Self {
        let token = device_token.to_ascii_lowercase();
        self.scenario.device_tokens.insert(token, answer);
        self
    }

    /// What to do to clients. Replaces what was set before it.
    pub fn scenario(mut self, scenario: Scenario) -> Self {
        self.scenario = scenario;
        self
    }

    /// Seed of what is left to chance.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Keeps so many of the last requests; 1000 by default.
    pub fn keep_requests(mut self, count: usize) -> Self {
        self.keep = count;
        self
    }

    /// Tells this function what happens, as it happens; it must not block.
    pub fn on_event(mut self, observer: impl Fn(&Event<'_>) + Send + Sync + 'static) -> Self {
        self.observer = Some(Box::new(observer));
        self
    }

    /// Writes what happens into this file, a JSON line an [`Event`], before clients are told.
    pub fn log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// Starts it in the caller's tokio runtime, which needs its IO and time drivers.
    ///
    /// # Errors
    /// [`StartError`] if the port can't be had, or certificates or log can't be used.
    pub async fn start(self) -> Result<Server, StartError> {
        let address = self.address;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Listen(address, error))?;
        let (server, serving) = self.prepare(listener)?;
        tokio::spawn(serving);
        Ok(server)
    }

    /// Starts it on a thread of its own, with a runtime of its own; works outside any runtime, and takes
    /// no time from the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start), and if no thread can be had.
    pub fn start_on_thread(self) -> Result<Server, StartError> {
        let address = self.address;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .build()
            .map_err(StartError::Thread)?;
        let listener = runtime
            .block_on(TcpListener::bind(address))
            .map_err(|error| StartError::Listen(address, error))?;
        let (server, serving) = self.prepare(listener)?;
        std::thread::Builder::new()
            .name("mock-apns".to_owned())
            .spawn(move || runtime.block_on(serving))
            .map_err(StartError::Thread)?;
        Ok(server)
    }

    fn prepare(
        self,
        listener: TcpListener,
    ) -> Result<(Server, impl Future<Output = ()> + Send + 'static), StartError> {
        let address = listener
            .local_addr()
            .map_err(|error| StartError::Listen(self.address, error))?;
        let certificates = Certificates::generate(&self.names, self.expired)
            .map_err(|error| StartError::Certificates(error.to_string()))?;
        let acceptor = TlsAcceptor::from(Arc::new(self.tls(&certificates)?));
        let log = Log::new(self.observer, self.log.as_deref())
            .map_err(|error| StartError::Log(self.log.unwrap_or_default(), error))?;
        let token_check = (self.authentication == Authentication::Token).then(|| TokenCheck {
            key_id: KEY_ID.to_owned(),
            team_id: TEAM_ID.to_owned(),
            public_key: certificates.token_public.clone(),
        });
        let shared = Arc::new(Shared {
            used: self
                .scenario
                .rules
                .iter()
                .map(|_| AtomicU64::new(0))
                .collect(),
            scenario: self.scenario,
            seed: self.seed,
            production: self.production,
            token_check,
            ledger: Mutex::new(Ledger::new(self.keep)),
            log,
            expired: Mutex::default(),
            any_expired: AtomicBool::new(false),
            orders: Mutex::default(),
        });
        let (stop, stopping) = oneshot::channel();
        let (done, stopped) = oneshot::channel();
        let serving = {
            let shared = shared.clone();
            async move {
                tokio::select! {
                    _ = stopping => {}
                    () = accept(listener, acceptor, shared) => {}
                }
                let _ = done.send(());
            }
        };
        let server = Server {
            address,
            certificates,
            shared,
            stop: Some(stop),
            stopped,
        };
        Ok((server, serving))
    }

    fn tls(&self, certificates: &Certificates) -> Result<ServerConfig, StartError> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(certificates_error)?;
        let builder = if self.authentication == Authentication::Certificate {
            let ca = certificates.ca_pem.as_bytes();
            let roots = roots(self.client_authorities.as_deref().unwrap_or(ca))?;
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .map_err(certificates_error)?;
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let (chain, key) = match &self.certificate {
            None => (
                certificates.server_chain.clone(),
                certificates.server_key.clone_key(),
            ),
            Some((chain, key)) => (
                read_certificates(chain)?,
                // The parser's own error could quote the key.
                PrivateKeyDer::from_pem_slice(key)
                    .map_err(|_| certificates_error("the server's key is no readable PEM"))?,
            ),
        };
        let mut config = builder
            .with_single_cert(chain, key)
            .map_err(certificates_error)?;
        config.alpn_protocols.clone_from(&self.alpn);
        Ok(config)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("address", &self.address)
            .field("authentication", &self.authentication)
            .field("scenario", &self.scenario)
            .finish_non_exhaustive()
    }
}

fn certificates_error(error: impl ToString) -> StartError {
    StartError::Certificates(error.to_string())
}

fn read_certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, StartError> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|_| certificates_error("a certificate is no readable PEM"))
}

fn roots(pem: &[u8]) -> Result<RootCertStore, StartError> {
    let mut roots = RootCertStore::empty();
    for certificate in read_certificates(pem)? {
        roots.add(certificate).map_err(certificates_error)?;
    }
    Ok(roots)
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
