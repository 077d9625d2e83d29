//! The server of all clients: it costs little, in threads of its own.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
};

use crate::blind::{self, Blind};

/// A blind server under TLS, and what a client needs to trust it.
pub(crate) struct Server {
    pub(crate) port: u16,
    /// The same for all clients, with rustls' default provider.
    pub(crate) tls: Arc<ClientConfig>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let names = ["localhost".to_owned()];
        let made = rcgen::generate_simple_self_signed(names).expect("a certificate");
        let certificate: CertificateDer<'static> = made.cert.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
        let mut config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("a certificate and its key");
        config.alpn_protocols = vec![b"h2".to_vec()];
        let config = Arc::new(config);
        let port = blind::serve(move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config));
            let connection = connection.map_err(std::io::Error::other)?;
            Blind::serve(StreamOwned::new(connection, stream))
        });
        Self {
            port,
            tls: Arc::new(client_config(certificate)),
        }
    }
}

fn client_config(certificate: CertificateDer<'static>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(certificate).expect("a certificate");
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    config
}
