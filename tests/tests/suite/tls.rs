//! Servers that can't be trusted, or don't speak TLS: named at once, or as soon as they hang.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use aapns_proto::Cause;
use aapns_proto::client::{Builder, PostOptions, Runtime};
use aapns_proto::delivery::{DialError, DialStep};
use aapns_proto::tls::{Identity, Roots, Signer, TlsOptions, client_config};
use aapns_tokio::mock::{Authentication, KEY_ID, Server, TEAM_ID};
use rustls::crypto::{aws_lc_rs, ring};

use super::{LONG, builder, request, send_all, serve, start, to};

/// How one request ends at a server that can't be used: long before its deadline, and never sent.
async fn failure<R: Runtime>(runtime: &R, builder: Builder<R>) -> String {
    let pool = builder.pool().expect("a pool");
    let start = runtime.now();
    let error = pool.post(request(1)).await.expect_err("no server");
    assert!(error.delivery().is_unprocessed());
    let failure = error.failure().expect("it was queued");
    assert_eq!(failure.attempts, 0);
    assert!(runtime.now().saturating_since(start) < LONG / 3);
    failure.cause.to_string()
}

/// How one request ends when it gives up long before the server is known to be bad for good.
async fn patience<R: Runtime>(builder: Builder<R>) -> DialError {
    let pool = builder.dial_timeout(Duration::from_millis(200)).pool();
    let options = PostOptions::new().timeout(Duration::from_millis(600));
    let result = pool.expect("a pool").post_with(request(1), options).await;
    match result.expect_err("no server").failure().map(|f| &f.cause) {
        Some(Cause::Dial(error)) => error.clone(),
        other => panic!("unexpected: {other:?}"),
    }
}

pub(crate) async fn a_certificate_of_another_authority_is_named<R: Runtime>(runtime: R) {
    let (server, other) = (serve([]), serve([]));
    let builder = to(&runtime, &server.origin()).ca_pem(other.ca_pem());
    let cause = failure(&runtime, builder).await;
    assert!(cause.starts_with("tls: "), "{cause}");
    assert!(cause.contains("authority"), "{cause}");
    assert_eq!(server.processed().connections, 0);
}

pub(crate) async fn a_certificate_for_another_host_is_named<R: Runtime>(runtime: R) {
    let server = start(Server::builder().names(["elsewhere.example"]));
    let cause = failure(&runtime, builder(&runtime, &server)).await;
    assert!(cause.starts_with("tls: "), "{cause}");
    assert!(cause.contains("host name"), "{cause}");
}

pub(crate) async fn an_expired_certificate_is_named<R: Runtime>(runtime: R) {
    let server = start(Server::builder().expired());
    let cause = failure(&runtime, builder(&runtime, &server)).await;
    assert!(cause.starts_with("tls: "), "{cause}");
    assert!(cause.contains("expired"), "{cause}");
}

pub(crate) async fn a_server_without_h2_is_named<R: Runtime>(runtime: R) {
    let server = start(Server::builder().without_alpn());
    let cause = failure(&runtime, builder(&runtime, &server)).await;
    assert!(cause.starts_with("tls: "), "{cause}");
    assert!(cause.contains("h2"), "{cause}");
}

pub(crate) async fn a_server_without_tls_is_named<R: Runtime>(runtime: R) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("https://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.7\r\n");
            let _ = stream.read(&mut [0; 4096]);
        }
    });
    let error = patience(to(&runtime, &origin)).await;
    assert_eq!(error.step, DialStep::Tls);
    assert!(error.message.contains("does not speak TLS"), "{error}");
}

pub(crate) async fn a_handshake_that_hangs_is_named<R: Runtime>(runtime: R) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("https://{}", listener.local_addr().expect("an address"));
    let error = patience(to(&runtime, &origin)).await;
    assert_eq!(error.step, DialStep::Tls);
    assert!(error.message.contains("handshake hangs"), "{error}");
}

pub(crate) async fn both_crypto_providers_serve<R: Runtime>(runtime: R) {
    let certified = start(Server::builder().authentication(Authentication::Certificate));
    let tokened = start(Server::builder().authentication(Authentication::Token));
    for provider in [aws_lc_rs::default_provider(), ring::default_provider()] {
        let provider = Arc::new(provider);
        let pool = |server: &Server, identity| {
            let mut options = TlsOptions::default();
            options.roots = Roots::only_pem(server.ca_pem().as_bytes()).expect("roots");
            options.identity = identity;
            options.provider = Some(Arc::clone(&provider));
            let config = client_config(&options).expect("a configuration");
            to(&runtime, &server.origin()).tls(config)
        };
        let pem = certified.client_certificate_pem().as_bytes();
        let identity = Identity::from_pem(pem).expect("an identity");
        let with_certificate = pool(&certified, Some(identity)).pool().expect("a pool");
        assert_eq!(send_all(&with_certificate, 0..20).await, 20);
        let key = tokened.token_key_pem().as_bytes();
        let signer = Signer::from_p8_with(&provider, key, KEY_ID, TEAM_ID).expect("a signer");
        let with_token = pool(&tokened, None).credential(signer);
        let with_token = with_token.pool().expect("a pool");
        assert_eq!(send_all(&with_token, 0..20).await, 20);
    }
    assert_eq!(certified.processed().accepted, 40);
    assert_eq!(tokened.processed().accepted, 40);
}
