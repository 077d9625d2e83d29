//! Throw-away certificates and keys: made at the start, known to nobody else.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The key ID of the mock's token signing key.
pub const KEY_ID: &str = "MOCKKEY001";
/// The team ID that the mock expects in tokens.
pub const TEAM_ID: &str = "MOCKTEAM01";

/// An authority, and what it signed.
pub(super) struct Certificates {
    pub(super) ca_pem: String,
    pub(super) server_chain: Vec<CertificateDer<'static>>,
    pub(super) server_key: PrivateKeyDer<'static>,
    /// Certificate and key in one.
    pub(super) client_pem: String,
    pub(super) token_key_pem: String,
    /// The token key's public point, uncompressed.
    pub(super) token_public: Vec<u8>,
}

impl Certificates {
    /// Makes an authority, a server certificate for these names, and a client certificate.
    pub(super) fn generate(names: &[String], expired: bool) -> Result<Self, rcgen::Error> {
        let mut ca = params("aapns mock CA", &[])?;
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let ca_key = KeyPair::generate()?;
        let ca_pem = ca.self_signed(&ca_key)?.pem();
        let issuer = Issuer::new(ca, ca_key);

        let mut server = params("aapns mock", names)?;
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        if expired {
            server.not_after = date_time_ymd(2020, 1, 1);
        }
        let server_key = KeyPair::generate()?;
        let server = server.signed_by(&server_key, &issuer)?;

        let mut client = params("aapns mock client", &[])?;
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client_key = KeyPair::generate()?;
        let client_pem = client.signed_by(&client_key, &issuer)?.pem();

        let token_key = KeyPair::generate()?;
        Ok(Self {
            ca_pem,
            server_chain: vec![server.der().clone()],
            server_key: PrivatePkcs8KeyDer::from(server_key.serialize_der()).into(),
            client_pem: client_pem + &client_key.serialize_pem(),
            token_key_pem: token_key.serialize_pem(),
            token_public: token_key.public_key_raw().to_vec(),
        })
    }
}

fn params(name: &str, subjects: &[String]) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(subjects)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}
