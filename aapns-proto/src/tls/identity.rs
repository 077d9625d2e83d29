//! A client certificate with its key.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;

use super::pem::{self, SecretKey};
use super::{CertificateInfo, CredentialError};

/// What a TLS client shows of itself: its certificate chain and private key
/// ("Establishing a certificate-based connection to APNs").
///
/// Cheap to clone; the key is overwritten when the last clone is dropped. `Debug` shows the certificate's
/// subject, topics and dates, and no key.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

struct Inner {
    chain: Vec<CertificateDer<'static>>,
    key: SecretKey,
    info: CertificateInfo,
}

impl Identity {
    /// From one PEM file with certificates, the client's first, and its private key in any order:
    /// PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// [`CredentialError`] if either is missing or can't be read.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CredentialError> {
        Self::from_pem_pair(pem, pem)
    }

    /// From two PEM files: the certificates, the client's first, and its private key.
    ///
    /// # Errors
    /// [`CredentialError`] if either is missing or can't be read.
    pub fn from_pem_pair(certificates: &[u8], key: &[u8]) -> Result<Self, CredentialError> {
        Self::new(
            pem::certificates(certificates, "the client certificate")?,
            pem::private_key(key, "the client certificate's key")?,
        )
    }

    /// From a PKCS#12 file (`.p12`, `.pfx`) and its password.
    ///
    /// # Errors
    /// [`CredentialError::Pkcs12`] for a wrong password or a damaged file, [`CredentialError::Pkcs12Empty`]
    /// for one without a key and certificate.
    #[cfg(feature = "p12")]
    pub fn from_pkcs12(der: &[u8], password: &str) -> Result<Self, CredentialError> {
        let (chain, key) = super::p12::read(der, password)?;
        Self::new(chain, key)
    }

    fn new(chain: Vec<CertificateDer<'static>>, key: SecretKey) -> Result<Self, CredentialError> {
        let first = chain.first().ok_or(CredentialError::Certificate)?;
        let info = CertificateInfo::from_der(first)?;
        Ok(Self(Arc::new(Inner { chain, key, info })))
    }

    /// What the certificate says of itself.
    pub fn info(&self) -> &CertificateInfo {
        &self.0.info
    }

    /// The pair as rustls wants it, checked to belong together.
    pub(super) fn certified_key(
        &self,
        provider: &CryptoProvider,
    ) -> Result<CertifiedKey, CredentialError> {
        let key = provider
            .key_provider
            .load_private_key(self.0.key.clone_key())
            .map_err(|_| CredentialError::KeyRefused("the client certificate's key"))?;
        let pair = CertifiedKey::new(self.0.chain.clone(), key);
        match pair.keys_match() {
            // `Unknown`: a key in hardware may not tell its public part.
            Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => {
                Ok(pair)
            }
            Err(rustls::Error::InconsistentKeys(_)) => Err(CredentialError::KeyMismatch),
            Err(_) => Err(CredentialError::Certificate),
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("info", &self.0.info)
            .finish_non_exhaustive()
    }
}
