//! What a mock is to be, and its start.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, RootCertStore};

use super::certificates::Certificates;
use super::devices::Device;
use super::ledger::Ledger;
use super::log::{Event, Log, Observer};
use super::scenario::{Scenario, ScenarioError};
use super::server::{Server, Shared};
use super::token::TokenCheck;
use super::{Answer, KEY_ID, TEAM_ID};

/// What a mock is to be. Start it with [`start`](Self::start) or [`start_on_thread`](Self::start_on_thread).
#[must_use = "there is no mock before start() or start_on_thread()"]
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
    devices: Option<Vec<Device>>,
    keep: usize,
    page: Option<u16>,
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
    /// The page's port can't be listened on.
    #[error("can't listen on {0} for the page: {1}")]
    Page(SocketAddr, #[source] io::Error),
    /// The log file can't be written.
    #[error("can't write the log {0}: {1}")]
    Log(PathBuf, #[source] io::Error),
    /// Certificates can't be made or read.
    #[error("the mock's certificates: {0}")]
    Certificates(String),
    /// The scenario has a value that can't be meant.
    #[error("the scenario: {0}")]
    Scenario(#[from] ScenarioError),
    /// The thread can't be had.
    #[error("can't start the mock's thread: {0}")]
    Thread(#[source] io::Error),
}

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

impl Builder {
    pub(super) fn new() -> Self {
        Self {
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
            devices: None,
            keep: 1000,
            page: None,
            observer: None,
            log: None,
        }
    }

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

    /// Answers as production does: without `apns-unique-id`, and to devices of production only.
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

    /// Knows these devices, as by [`Server::register`]; also if there are none: then no token is good.
    pub fn devices(mut self, devices: impl IntoIterator<Item = Device>) -> Self {
        self.devices.get_or_insert_default().extend(devices);
        self
    }

    /// Keeps so many of the last requests, to look at; 1000 by default.
    pub fn keep_requests(mut self, count: usize) -> Self {
        self.keep = count;
        self
    }

    /// Shows what it received on a page, `http://127.0.0.1:PORT/`; port 0 means any free one. Everybody on
    /// this machine can read it, payloads and device tokens too.
    pub fn page(mut self, port: u16) -> Self {
        self.page = Some(port);
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
    /// # Cancel safety
    /// Safe: a port that was taken is given back.
    ///
    /// # Errors
    /// [`StartError`] if the port can't be had, or scenario, certificates or log can't be used.
    pub async fn start(self) -> Result<Server, StartError> {
        let (server, serving) = self.bind().await?;
        tokio::spawn(serving);
        Ok(server)
    }

    /// Starts it on a thread of its own, with a runtime of its own; works inside and outside of any
    /// runtime, and takes no time from the caller's.
    ///
    /// # Errors
    /// As [`start`](Self::start), and if no thread can be had.
    pub fn start_on_thread(self) -> Result<Server, StartError> {
        let (report, started) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("mock-apns".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_io()
                    .enable_time()
                    .build();
                // Nobody listens any more only if the caller is gone: then the server is dropped, and stops.
                let _ = match runtime {
                    Err(error) => report.send(Err(StartError::Thread(error))),
                    Ok(runtime) => runtime.block_on(async {
                        match self.bind().await {
                            Err(error) => report.send(Err(error)),
                            Ok((server, serving)) => {
                                let sent = report.send(Ok(server));
                                serving.await;
                                sent
                            }
                        }
                    }),
                };
            })
            .map_err(StartError::Thread)?;
        let ended = |_| StartError::Thread(io::Error::other("it ended early"));
        started.recv().map_err(ended)?
    }

    async fn bind(self) -> Result<(Server, impl Future<Output = ()> + Send + use<>), StartError> {
        self.scenario.validate()?;
        let address = self.address;
        let listener = TcpListener::bind(address)
            .await
            .map_err(|error| StartError::Listen(address, error))?;
        let page = match self.page {
            None => None,
            Some(port) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                let listening = TcpListener::bind(address).await;
                Some(listening.map_err(|error| StartError::Page(address, error))?)
            }
        };
        self.prepare(listener, page)
    }

    fn prepare(
        self,
        listener: TcpListener,
        page: Option<TcpListener>,
    ) -> Result<(Server, impl Future<Output = ()> + Send + use<>), StartError> {
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
        let ledger = Ledger::new(self.keep);
        let mut shared = Shared::new(self.scenario, ledger, log);
        shared.seed = self.seed;
        shared.production = self.production;
        shared.token_check = token_check;
        if let Some(devices) = self.devices {
            shared.devices.know(devices);
        }
        let page_address = page.as_ref().and_then(|page| page.local_addr().ok());
        let (server, stopping) = Server::new(address, page_address, certificates, shared);
        let serving = server.serve(listener, acceptor, page, stopping);
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
