//! Setting up a client, a pool or a connection.

use std::sync::Arc;
use std::time::Duration;

use aapns_models::Topic;
use bytes::Bytes;

use crate::connection::ConnectionConfig;
use crate::job::Policy;
use crate::limits::{DEFAULT_TIMEOUT, LINKS_LIMIT};
use crate::pool::{self, PoolConfig};

use super::channels::Channels;
use super::connection::Connection;
use super::credential::{Credential, Trust};
use super::endpoint::Endpoint;
use super::handle::Client;
use super::options::Defaults;
use super::pool::Pool;
use super::pool_task::PoolTask;
use super::proxy::{Proxy, ProxyError};
use super::runtime::Runtime;
use super::shared::Shared;

/// Why nothing could be set up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The number of connections is out of range.
    #[error("connections: at least 1, at most {}, and not more at least than at most", LINKS_LIMIT / 2)]
    Connections,
    /// The credential or a root certificate can't be used.
    #[cfg(feature = "rustls")]
    #[error(transparent)]
    Credential(#[from] crate::tls::CredentialError),
    /// The client certificate says itself that it is of no use: expired, or for the other environment.
    #[cfg(feature = "rustls")]
    #[error(transparent)]
    Certificate(#[from] super::certificate::CertificateFault),
    /// The value of `HTTPS_PROXY` isn't a proxy.
    #[error("HTTPS_PROXY: {0}")]
    Proxy(ProxyError),
}

impl From<ProxyError> for BuildError {
    fn from(error: ProxyError) -> Self {
        Self::Proxy(error)
    }
}

/// Sets up a [`Client`], a [`Pool`], [`Channels`] or a [`Connection`]: they differ in the last call only.
///
/// | setting | counts for |
/// |---|---|
/// | server, credential, trust, proxy, `timeout`, `dial_timeout`, `connection_config` | all |
/// | `connections`, `queue` | [`build`](Self::build), [`pool`](Self::pool), [`channels`](Self::channels) |
/// | `policy` | `build`, `pool`; [`Channels`] knows for each request what is right |
/// | `topic` | `build` |
#[derive(Clone)]
#[must_use = "nothing is set up before build(), pool(), channels() or connect()"]
pub struct Builder<R> {
    runtime: R,
    endpoint: Endpoint,
    credential: Credential,
    trust: Trust,
    defaults: Defaults,
    config: PoolConfig,
    topic: Option<Topic>,
    /// `None`: as the environment says.
    proxy: Option<Option<Proxy>>,
    #[cfg(feature = "rustls")]
    ca_pem: Vec<Vec<u8>>,
    #[cfg(feature = "rustls")]
    ca_only: bool,
    #[cfg(feature = "rustls")]
    on_certificate_warning: Option<super::certificate::OnWarning>,
}

impl<R: Runtime> Builder<R> {
    /// For this server, on this runtime.
    pub fn new(runtime: R, endpoint: Endpoint) -> Self {
        Self {
            runtime,
            endpoint,
            credential: Credential::None,
            trust: Trust::default(),
            defaults: Defaults {
                timeout: Some(DEFAULT_TIMEOUT),
                policy: Policy::default(),
            },
            config: PoolConfig::default(),
            topic: None,
            proxy: None,
            #[cfg(feature = "rustls")]
            ca_pem: Vec::new(),
            #[cfg(feature = "rustls")]
            ca_only: false,
            #[cfg(feature = "rustls")]
            on_certificate_warning: None,
        }
    }

    /// The same for another server.
    pub fn endpoint(mut self, endpoint: Endpoint) -> Self {
        self.endpoint = endpoint;
        self
    }

    /// How to prove who this is: a client certificate or provider tokens.
    pub fn credential(mut self, credential: impl Into<Credential>) -> Self {
        self.credential = credential.into();
        self
    }

    /// The topic of notifications that name none: the app's bundle id.
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }

    /// The least and the most connections kept up; 1 and 10 by default. Equal: a fixed number.
    pub fn connections(mut self, min: u16, max: u16) -> Self {
        (self.config.min_links, self.config.max_links) = (min, max);
        self
    }

    /// The policy of requests that say nothing; [`Policy::AtLeastOnce`] by default.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.defaults.policy = policy;
        self
    }

    /// The timeout of requests that say nothing; 10 s by default. `None`: as long as it takes. It counts from
    /// the call: waiting for room, queueing and retries too.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.defaults.timeout = timeout.into();
        self
    }

    /// The bounds of the queue: requests, and octets of their bodies. One million and 256 MiB by default.
    pub fn queue(mut self, requests: usize, octets: usize) -> Self {
        (self.config.max_queued, self.config.max_queued_octets) = (requests, octets);
        self
    }

    /// How long name resolution, TCP and TLS may take together; 10 s by default.
    pub fn dial_timeout(mut self, timeout: Duration) -> Self {
        self.config.dial_timeout = timeout;
        self
    }

    /// The HTTP proxy to connect through, by CONNECT; `None`: straight to the server, whatever the
    /// environment says. By default `HTTPS_PROXY` and `NO_PROXY` say it, in either case of letters.
    pub fn proxy(mut self, proxy: impl Into<Option<Proxy>>) -> Self {
        self.proxy = Some(proxy.into());
        self
    }

    /// The numbers of each connection: liveness, drain and bounds. Its origin is this builder's.
    pub fn connection_config(mut self, config: ConnectionConfig) -> Self {
        self.config.connection = config;
        self
    }

    /// Trusts the certificate authorities of this PEM too.
    #[cfg(feature = "rustls")]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca_pem.push(pem.into());
        self
    }

    /// Trusts only the authorities given to [`ca_pem`](Self::ca_pem), not the built-in ones.
    #[cfg(feature = "rustls")]
    pub fn ca_only(mut self) -> Self {
        self.ca_only = true;
        self
    }

    /// A TLS configuration of the user's own, in place of all roots and client certificates named here.
    /// Its ALPN must offer `h2`.
    #[cfg(feature = "rustls")]
    pub fn tls(mut self, config: Arc<rustls::ClientConfig>) -> Self {
        self.trust.config = Some(config);
        self
    }

    /// Calls this function when the client certificate expires within 30 days: when it is set, and then
    /// once a day, with the first notification of that day. It must not block.
    #[cfg(feature = "rustls")]
    pub fn on_certificate_warning(
        mut self,
        callback: impl Fn(&super::CertificateWarning) + Send + Sync + 'static,
    ) -> Self {
        self.on_certificate_warning = Some(Arc::new(callback));
        self
    }

    /// A client for typed notifications. Connects in the background.
    ///
    /// # Errors
    /// [`BuildError`]: what is wrong, before anything is connected.
    pub fn build(self) -> Result<Client<R>, BuildError> {
        let client = self.build_quietly()?;
        client.pool().warn();
        Ok(client)
    }

    /// The same, for callers with a lock: none of the user's functions is called. They [warn](Pool::warn) afterwards.
    pub(super) fn build_quietly(self) -> Result<Client<R>, BuildError> {
        let topic = self.topic.clone();
        Ok(Client::new(self.pool_quietly()?, topic))
    }

    /// A pool for any requests. Connects in the background.
    ///
    /// # Errors
    /// [`BuildError`]: what is wrong, before anything is connected.
    pub fn pool(self) -> Result<Pool<R>, BuildError> {
        let pool = self.pool_quietly()?;
        pool.warn();
        Ok(pool)
    }

    fn pool_quietly(self) -> Result<Pool<R>, BuildError> {
        check_connections(self.config.min_links, self.config.max_links)?;
        let trust = self.trust()?;
        let access = trust.access(&self.credential, self.runtime.unix())?;
        let config = PoolConfig {
            auth: access.auth(),
            connection: self.own_connection_config(),
            ..self.config
        };
        let (seed, now) = (self.runtime.random(), self.runtime.now());
        let pool = pool::Pool::new(config, seed, now);
        let shared = Arc::new(Shared::new(
            self.runtime,
            self.endpoint,
            self.defaults,
            pool,
            access,
            trust,
        ));
        // What `new` wants done, a first dial, is an action.
        shared.with(|_| ());
        PoolTask::spawn(Arc::clone(&shared));
        Ok(Pool::new(shared))
    }

    /// The management of broadcast channels: connects in the background to where this server's channels
    /// are managed, [`Endpoint::for_channels`].
    ///
    /// # Errors
    /// [`BuildError`]: what is wrong, before anything is connected.
    pub fn channels(self) -> Result<Channels<R>, BuildError> {
        let endpoint = self.endpoint.for_channels();
        Ok(Channels::new(self.endpoint(endpoint).pool()?))
    }

    /// One connection, dialled now: nothing is retried or redialled.
    ///
    /// # Cancel safety
    /// Safe: dropping the future gives the dial up, and closes what was connected.
    ///
    /// # Errors
    /// [`ConnectError`](super::ConnectError): what is wrong, or the step of the dial that failed.
    pub async fn connect(self) -> Result<Connection<R>, super::ConnectError> {
        let (trust, unix) = (self.trust()?, self.runtime.unix());
        let access = trust.access(&self.credential, unix)?;
        trust.warn(unix);
        let config = self.own_connection_config();
        Connection::dial(
            self.runtime,
            &self.endpoint,
            access,
            &config,
            self.config.dial_timeout,
            self.defaults.timeout,
        )
        .await
    }

    fn own_connection_config(&self) -> ConnectionConfig {
        ConnectionConfig {
            scheme: Bytes::from_static(self.endpoint.scheme().as_bytes()),
            authority: self.endpoint.authority().into(),
            ..self.config.connection.clone()
        }
    }

    fn trust(&self) -> Result<Trust, BuildError> {
        let mut trust = self.trust.clone();
        trust.proxy = match &self.proxy {
            Some(proxy) => proxy.clone(),
            None => self.proxy_of_environment()?,
        };
        #[cfg(feature = "rustls")]
        {
            trust.certificate = Arc::new(super::certificate::Present::new(
                self.endpoint.environment(),
                self.on_certificate_warning.clone(),
            ));
            trust.is_plain = !self.endpoint.is_tls;
            if !self.ca_only {
                trust.roots = crate::tls::Roots::built_in(self.runtime.roots());
            }
            for pem in &self.ca_pem {
                trust.roots.add_pem(pem)?;
            }
        }
        Ok(trust)
    }

    fn proxy_of_environment(&self) -> Result<Option<Proxy>, ProxyError> {
        if !self.endpoint.is_tls {
            return Ok(None);
        }
        let variable = |name: &str| self.runtime.variable(name);
        Proxy::of_environment(variable, self.endpoint.host())
    }
}

impl<R> std::fmt::Debug for Builder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("endpoint", &self.endpoint)
            .field("credential", &self.credential)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Draining links may be as many as the others: half of the slots.
pub(super) fn check_connections(min: u16, max: u16) -> Result<(), BuildError> {
    if min >= 1 && min <= max && usize::from(max) <= LINKS_LIMIT / 2 {
        Ok(())
    } else {
        Err(BuildError::Connections)
    }
}
