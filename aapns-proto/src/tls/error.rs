//! What can be wrong with a credential.

/// Why a key, certificate or root can't be used. The text says what, and what to do; it never shows a secret.
///
/// Whoever read the file knows its name: put it in front.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// No crypto provider: neither feature is on, and the process installed none.
    #[error(
        "no crypto provider: enable the feature `aws-lc-rs` or `ring`, or install one with rustls"
    )]
    NoProvider,
    /// PEM that can't be read.
    #[error(
        "{0}: this is no readable PEM (are the line breaks intact?); expected -----BEGIN …----- and -----END …----- on lines of their own, base64 between them"
    )]
    Pem(&'static str),
    /// PEM without a certificate.
    #[error("{0}: the PEM holds no certificate (-----BEGIN CERTIFICATE-----)")]
    NoCertificate(&'static str),
    /// PEM without a private key.
    #[error(
        "{0}: the PEM holds no private key (-----BEGIN PRIVATE KEY-----, RSA PRIVATE KEY or EC PRIVATE KEY)"
    )]
    NoKey(&'static str),
    /// A private key under a pass phrase.
    #[error(
        "{0}: the private key is encrypted; write it in the clear with `openssl pkey -in FILE`"
    )]
    EncryptedKey(&'static str),
    /// A private key that the crypto provider refuses.
    #[error(
        "{0}: the crypto provider refuses this private key (with `ring` a key must hold its public part: `openssl pkcs8 -topk8 -nocrypt` writes it)"
    )]
    KeyRefused(&'static str),
    /// A provider token's key on another curve than P-256, or of another kind.
    #[error(
        "the token's signing key is not an EC key on P-256; use the .p8 file that Apple's developer site handed out"
    )]
    NotP256,
    /// A key ID that is none.
    #[error("a key ID is 10 letters and digits, this is {0} characters or holds others")]
    KeyId(usize),
    /// A team ID that is none.
    #[error("a team ID is 10 letters and digits, this is {0} characters or holds others")]
    TeamId(usize),
    /// A client certificate that can't be read.
    #[error("the client certificate is no readable X.509 certificate")]
    Certificate,
    /// A certificate with another's key.
    #[error("the private key does not belong to the client certificate")]
    KeyMismatch,
    /// A certificate authority's certificate that can't be used as a root.
    #[error("certificate {0} of the additional roots is no readable X.509 certificate")]
    Root(usize),
    /// Nothing to trust: `Builder::ca_only` without a root, or no built-in ones.
    #[error("there is no root certificate to trust")]
    NoRoots,
    /// A PKCS#12 file that can't be read.
    #[error("the PKCS#12 file can't be read: the password is wrong, or the file is damaged")]
    Pkcs12,
    /// A PKCS#12 file without a key and its certificate.
    #[error("the PKCS#12 file holds no private key with its certificate")]
    Pkcs12Empty,
    /// What rustls refused otherwise.
    #[error("TLS can't be set up: {0}")]
    Tls(String),
}
