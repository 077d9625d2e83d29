//! PKCS#12 files, as Keychain Access exports them.

use p12_keystore::{KeyStore, Pkcs12ImportPolicy};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use super::CredentialError;
use super::pem::SecretKey;

/// The chain, the client's certificate first, and its key.
pub(super) fn read(
    der: &[u8],
    password: &str,
) -> Result<(Vec<CertificateDer<'static>>, SecretKey), CredentialError> {
    // Keychain Access leaves the friendly names and local ids that the strict policy wants off some exports.
    let store = KeyStore::from_pkcs12(der, password, Pkcs12ImportPolicy::Relaxed)
        .map_err(|_| CredentialError::Pkcs12)?;
    let (_, pair) = store
        .private_key_chain()
        .ok_or(CredentialError::Pkcs12Empty)?;
    let chain: Vec<_> = pair
        .certs()
        .iter()
        .map(|certificate| CertificateDer::from(certificate.as_der().to_vec()))
        .collect();
    if chain.is_empty() {
        return Err(CredentialError::Pkcs12Empty);
    }
    let key = PrivatePkcs8KeyDer::from(pair.key().as_der().to_vec());
    Ok((chain, Zeroizing::new(PrivateKeyDer::Pkcs8(key))))
}
