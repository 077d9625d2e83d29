//! PEM, read without its errors: those of the parser quote lines, and a line may be a key.

use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use zeroize::Zeroizing;

use super::CredentialError;

/// A private key that is overwritten when it is dropped.
pub(super) type SecretKey = Zeroizing<PrivateKeyDer<'static>>;

/// All certificates of `pem`, in order; at least one. `what` names the file's role in errors.
pub(super) fn certificates(
    pem: &[u8],
    what: &'static str,
) -> Result<Vec<CertificateDer<'static>>, CredentialError> {
    let certificates = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| CredentialError::Pem(what))?;
    if certificates.is_empty() {
        return Err(if looks_like_pem(pem) {
            CredentialError::NoCertificate(what)
        } else {
            CredentialError::Pem(what)
        });
    }
    Ok(certificates)
}

/// The first private key of `pem`: PKCS#8, PKCS#1 or SEC1.
pub(super) fn private_key(pem: &[u8], what: &'static str) -> Result<SecretKey, CredentialError> {
    match PrivateKeyDer::from_pem_slice(pem) {
        Ok(key) => Ok(Zeroizing::new(key)),
        Err(_) if is_encrypted(pem) => Err(CredentialError::EncryptedKey(what)),
        Err(Error::NoItemsFound) if looks_like_pem(pem) => Err(CredentialError::NoKey(what)),
        Err(_) => Err(CredentialError::Pem(what)),
    }
}

fn looks_like_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

/// By PKCS#8's label, or by the header of RFC 1421 that OpenSSL's older form carries.
fn is_encrypted(pem: &[u8]) -> bool {
    contains(pem, b"-----BEGIN ENCRYPTED PRIVATE KEY") || contains(pem, b"Proc-Type: 4,ENCRYPTED")
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
