//! Which crypto provider signs and encrypts.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use super::CredentialError;

/// The features' crypto provider (`aws-lc-rs` before `ring`), else the one that the process installed.
///
/// # Errors
/// [`CredentialError::NoProvider`] if there is none.
pub fn default_provider() -> Result<Arc<CryptoProvider>, CredentialError> {
    #[cfg(feature = "aws-lc-rs")]
    return Ok(Arc::new(rustls::crypto::aws_lc_rs::default_provider()));
    #[cfg(all(feature = "ring", not(feature = "aws-lc-rs")))]
    return Ok(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(feature = "ring", feature = "aws-lc-rs")))]
    CryptoProvider::get_default()
        .cloned()
        .ok_or(CredentialError::NoProvider)
}
