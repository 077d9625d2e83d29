//! Servers that can't be trusted, or don't speak TLS: named at once, or as soon as they hang.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use aapns_proto::Cause;
use aapns_proto::client::{Builder, PostOptions, Runtime};
use aapns_proto::delivery::{DialError, DialStep};
use aapns_tokio::mock::Server;

use super::{LONG, builder, request, serve, start, to};

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
