//! The TLS configuration of a connection to APNs.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls::client::Resumption;
use rustls::crypto::CryptoProvider;
use rustls::sign::SingleCertAndKey;

use super::{CredentialError, Identity, Roots, default_provider};

/// What [`client_config`] is made of: `let mut options = TlsOptions::default();`, and set what there is.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TlsOptions {
    /// Whom to trust.
    pub roots: Roots,
    /// The client certificate to show, if the server asks.
    pub identity: Option<Identity>,
    /// Another crypto provider than [`default_provider`]'s.
    pub provider: Option<Arc<CryptoProvider>>,
}

/// TLS 1.2 or 1.3 with ALPN `h2` and nothing else, SNI, and no early data, which could be replayed
/// (RFC 9113 §9.2).
///
/// A full handshake each time: a resumed session would still show an old client certificate after a new one
/// was set, and connections live for hours.
///
/// # Errors
/// [`CredentialError`] if there is no crypto provider, no root to trust, or the client certificate and key
/// don't belong together.
pub fn client_config(options: &TlsOptions) -> Result<Arc<ClientConfig>, CredentialError> {
    let provider = match &options.provider {
        Some(provider) => provider.clone(),
        None => default_provider()?,
    };
    let roots = options.roots.store()?;
    let identity = match &options.identity {
        Some(identity) => Some(identity.certified_key(&provider)?),
        None => None,
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
        .map_err(|error| CredentialError::Tls(error.to_string()))?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some(pair) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(pair))),
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"h2".to_vec()];
    config.enable_early_data = false;
    config.resumption = Resumption::disabled();
    Ok(Arc::new(config))
}
