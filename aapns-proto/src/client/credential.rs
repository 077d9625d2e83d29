//! How a client proves who it is.

use std::sync::Arc;
use std::time::Duration;

use crate::pool::Auth;

use super::builder::BuildError;
use super::proxy::Proxy;
use super::runtime::Target;
use super::token::TokenSource;

/// A client certificate, a provider token, or nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Credential {
    /// Nothing: for servers other than Apple's.
    #[default]
    None,
    /// A TLS client certificate and its key.
    #[cfg(feature = "rustls")]
    Certificate(Arc<crate::tls::Identity>),
    /// Provider tokens (JWTs).
    Token(TokenSource),
}

impl Credential {
    /// A signing key from Apple: a `.p8` file's contents, the key's id and the team's id.
    ///
    /// # Errors
    /// [`CredentialError`](crate::tls::CredentialError): what is wrong with which of them.
    #[cfg(feature = "rustls")]
    pub fn from_p8(
        pem: &[u8],
        key_id: &str,
        team_id: &str,
    ) -> Result<Self, crate::tls::CredentialError> {
        let signer = crate::tls::Signer::from_p8(pem, key_id, team_id)?;
        Ok(Self::Token(TokenSource::from_signer(signer)))
    }

    /// A ready JWT, without the word `bearer`: [`TokenSource::fixed`]. Apple takes it for an hour from its `iat`.
    ///
    /// # Errors
    /// [`MintError`](crate::pool::MintError) if the text can't be a JWT.
    pub fn bearer(jwt: &str) -> Result<Self, crate::pool::MintError> {
        Ok(Self::Token(TokenSource::fixed(jwt)?))
    }
}

#[cfg(feature = "rustls")]
impl From<crate::tls::Identity> for Credential {
    fn from(identity: crate::tls::Identity) -> Self {
        Self::Certificate(Arc::new(identity))
    }
}

#[cfg(feature = "rustls")]
impl From<crate::tls::Signer> for Credential {
    fn from(signer: crate::tls::Signer) -> Self {
        Self::Token(TokenSource::from_signer(signer))
    }
}

impl From<TokenSource> for Credential {
    fn from(source: TokenSource) -> Self {
        Self::Token(source)
    }
}

/// A credential made ready for use: what a dial and a mint need of it.
#[derive(Clone, Default)]
pub(super) struct Access {
    #[cfg(feature = "rustls")]
    pub(super) tls: Option<Arc<rustls::ClientConfig>>,
    pub(super) tokens: Option<TokenSource>,
    pub(super) proxy: Option<Proxy>,
}

impl Access {
    pub(super) fn auth(&self) -> Auth {
        match self.tokens {
            Some(_) => Auth::Token,
            None => Auth::None,
        }
    }

    /// Where to dial with it.
    pub(super) fn target(&self, endpoint: &super::Endpoint) -> Target {
        let mut target = Target::new(Arc::clone(&endpoint.host), endpoint.port);
        target.proxy.clone_from(&self.proxy);
        #[cfg(feature = "rustls")]
        if endpoint.is_tls {
            target.tls.clone_from(&self.tls);
        }
        target
    }
}

/// Whom to trust, and the way there; kept for credentials that come later.
#[derive(Clone, Default)]
pub(super) struct Trust {
    pub(super) proxy: Option<Proxy>,
    /// The server speaks no TLS: nothing of it is made ready.
    #[cfg(feature = "rustls")]
    pub(super) is_plain: bool,
    #[cfg(feature = "rustls")]
    pub(super) roots: crate::tls::Roots,
    /// The user's own configuration, in place of everything else.
    #[cfg(feature = "rustls")]
    pub(super) config: Option<Arc<rustls::ClientConfig>>,
    /// The present client certificate, and what it says of itself.
    #[cfg(feature = "rustls")]
    pub(super) certificate: Arc<super::certificate::Present>,
}

impl Trust {
    /// Makes a credential ready for use, from now on; `unix` is the time since 1970.
    pub(super) fn access(
        &self,
        credential: &Credential,
        unix: Duration,
    ) -> Result<Access, BuildError> {
        let tokens = match credential {
            Credential::Token(source) => Some(source.clone()),
            _ => None,
        };
        let access = Access {
            #[cfg(feature = "rustls")]
            tls: match self.is_plain {
                true => None,
                false => Some(self.tls(credential)?),
            },
            tokens,
            proxy: self.proxy.clone(),
        };
        #[cfg(feature = "rustls")]
        self.certificate.replace(self.info(credential), unix)?;
        #[cfg(not(feature = "rustls"))]
        let _ = unix;
        Ok(access)
    }

    /// Calls the user's function, if the certificate expires soon: never under a lock.
    pub(super) fn warn(&self, unix: Duration) {
        #[cfg(feature = "rustls")]
        self.certificate.warn_of_present(unix);
        #[cfg(not(feature = "rustls"))]
        let _ = unix;
    }

    /// The certificate that servers will see, if it is this credential's.
    #[cfg(feature = "rustls")]
    fn info(&self, credential: &Credential) -> Option<crate::tls::CertificateInfo> {
        match credential {
            Credential::Certificate(identity) if self.config.is_none() => {
                Some(identity.info().clone())
            }
            _ => None,
        }
    }

    #[cfg(feature = "rustls")]
    fn tls(&self, credential: &Credential) -> Result<Arc<rustls::ClientConfig>, BuildError> {
        if let Some(config) = &self.config {
            return Ok(Arc::clone(config));
        }
        let identity = match credential {
            Credential::Certificate(identity) => Some(identity.as_ref().clone()),
            _ => None,
        };
        let options = crate::tls::TlsOptions {
            roots: self.roots.clone(),
            identity,
            provider: None,
        };
        Ok(crate::tls::client_config(&options)?)
    }
}
