//! Whom to trust.

use rustls::RootCertStore;
use rustls_pki_types::{CertificateDer, TrustAnchor};

use super::{CredentialError, pem};

/// The roots that a server's certificate may chain to.
///
/// The built-in ones are the adapter's (`webpki_roots::TLS_SERVER_ROOTS`); Apple's chain ends in one of them.
/// Don't pin less: Apple changed roots in 2025.
#[derive(Clone, Debug, Default)]
pub struct Roots {
    built_in: Vec<TrustAnchor<'static>>,
    additional: Vec<CertificateDer<'static>>,
}

impl Roots {
    /// Trusts these, as `webpki_roots::TLS_SERVER_ROOTS` hands them out.
    pub fn built_in(anchors: &[TrustAnchor<'static>]) -> Self {
        Self {
            built_in: anchors.to_vec(),
            additional: Vec::new(),
        }
    }

    /// Trusts the certificates of this PEM and nobody else.
    ///
    /// # Errors
    /// As [`add_pem`](Self::add_pem).
    pub fn only_pem(pem: &[u8]) -> Result<Self, CredentialError> {
        let mut roots = Self::default();
        roots.add_pem(pem)?;
        Ok(roots)
    }

    /// Trusts the certificates of this PEM too.
    ///
    /// # Errors
    /// [`CredentialError`] if there is none, or one can't be read; then none was added.
    pub fn add_pem(&mut self, pem: &[u8]) -> Result<(), CredentialError> {
        let certificates = pem::certificates(pem, "the additional roots")?;
        let mut probe = RootCertStore::empty();
        for (index, certificate) in certificates.iter().enumerate() {
            probe
                .add(certificate.clone())
                .map_err(|_| CredentialError::Root(index + 1))?;
        }
        self.additional.extend(certificates);
        Ok(())
    }

    /// Drops the built-in roots: only what was added is trusted.
    #[must_use]
    pub fn without_built_in(mut self) -> Self {
        self.built_in.clear();
        self
    }

    pub(super) fn store(&self) -> Result<RootCertStore, CredentialError> {
        let mut store = RootCertStore::empty();
        store.extend(self.built_in.iter().cloned());
        for (index, certificate) in self.additional.iter().enumerate() {
            store
                .add(certificate.clone())
                .map_err(|_| CredentialError::Root(index + 1))?;
        }
        if store.is_empty() {
            return Err(CredentialError::NoRoots);
        }
        Ok(store)
    }
}
