//! The way through an HTTP proxy, and the ways to fail there.

use std::io::Write;
use std::net::TcpListener;
use std::time::Duration;

use aapns_proto::client::{ConnectError, Proxy, Runtime};
use aapns_proto::delivery::DialStep;
use aapns_tokio::mock::Server;

use super::tunnel::{Habit, Tunnel};
use super::{builder, request, send_all, serve, to};

const ESTABLISHED: &str = "HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n";

fn proxy(tunnel: &Tunnel) -> Proxy {
    Proxy::parse(&tunnel.url()).expect("a proxy")
}

/// Why no connection comes up by this proxy.
async fn refusal<R: Runtime>(runtime: &R, server: &Server, proxy: Proxy) -> String {
    let builder = builder(runtime, server).proxy(proxy);
    let result = builder.dial_timeout(Duration::from_millis(500)).connect();
    let error = match result.await.expect_err("no tunnel") {
        ConnectError::Dial(error) => error,
        other => panic!("unexpected: {other}"),
    };
    assert_eq!(error.step, DialStep::Connect);
    assert!(!error.is_fatal, "a proxy may be mended");
    assert_eq!(server.processed().connections, 0);
    error.message.to_string()
}

pub(crate) async fn a_tunnel_carries_notifications<R: Runtime>(runtime: R) {
    let (server, tunnel) = (serve([]), Tunnel::new(Habit::Answer(ESTABLISHED)));
    let pool = builder(&runtime, &server).proxy(proxy(&tunnel));
    let pool = pool.connections(2, 2).pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..300).await, 300);
    assert_eq!(server.processed().accepted, 300);
    let address = server.address();
    let expected = format!("CONNECT {address} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    let heads = tunnel.heads();
    assert!(!heads.is_empty() && heads.iter().all(|head| *head == expected));
}

pub(crate) async fn credentials_go_to_the_proxy_and_to_nobody_else<R: Runtime>(runtime: R) {
    let (server, tunnel) = (serve([]), Tunnel::new(Habit::Answer(ESTABLISHED)));
    let proxy = proxy(&tunnel).credentials("user", "secret");
    let pool = builder(&runtime, &server).proxy(proxy).pool();
    assert_eq!(send_all(&pool.expect("a pool"), 0..1).await, 1);
    let heads = tunnel.heads();
    assert!(heads[0].contains("Proxy-Authorization: Basic dXNlcjpzZWNyZXQ=\r\n"));
    let requests = server.requests();
    assert_eq!(requests[0].field("proxy-authorization"), None);
}

pub(crate) async fn an_answer_in_pieces_is_put_together<R: Runtime>(runtime: R) {
    let (server, tunnel) = (serve([]), Tunnel::new(Habit::Drip(ESTABLISHED)));
    let pool = builder(&runtime, &server).proxy(proxy(&tunnel));
    let pool = pool.connections(1, 1).pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..10).await, 10);
}

/// In the clear a server may speak first: its SETTINGS come right behind the proxy's blank line.
pub(crate) async fn octets_right_behind_the_answer_are_the_servers<R: Runtime>(runtime: R) {
    let server = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", server.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut stream, _) = server.accept().expect("a connection");
        let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 7];
        let _ = stream.write_all(&settings);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    });
    let tunnel = Tunnel::new(Habit::Eager(ESTABLISHED));
    let connection = to(&runtime, &origin).proxy(proxy(&tunnel)).connect().await;
    let connection = connection.expect("the SETTINGS are not lost");
    assert_eq!(connection.credit().streams, 7);
    drop(connection.post(request(0)));
}

pub(crate) async fn a_refusal_is_named<R: Runtime>(runtime: R) {
    let server = serve([]);
    for (answer, words) in [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
            "status 407: it wants a user and a password",
        ),
        ("HTTP/1.0 403 Forbidden\r\n\r\n", "status 403"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "can't reach the server"),
    ] {
        let tunnel = Tunnel::new(Habit::HangUp(answer));
        let message = refusal(&runtime, &server, proxy(&tunnel)).await;
        assert!(message.contains(words), "{message}");
    }
}

pub(crate) async fn garbage_is_named<R: Runtime>(runtime: R) {
    let server = serve([]);
    for answer in [
        "SSH-2.0-OpenSSH_9.7\r\n",
        "\u{15}\u{3}\u{3}",
        "HTTP/2 200\r\n\r\n",
    ] {
        let tunnel = Tunnel::new(Habit::Answer(answer));
        let message = refusal(&runtime, &server, proxy(&tunnel)).await;
        assert!(message.contains("not HTTP/1"), "{message}");
    }
}

pub(crate) async fn a_proxy_that_hangs_up_is_named<R: Runtime>(runtime: R) {
    let server = serve([]);
    let tunnel = Tunnel::new(Habit::HangUp("HTTP/1.1 200 Conn"));
    let message = refusal(&runtime, &server, proxy(&tunnel)).await;
    assert!(message.contains("the proxy closed"), "{message}");
}

pub(crate) async fn a_proxy_that_hangs_is_left_in_time<R: Runtime>(runtime: R) {
    let server = serve([]);
    let tunnel = Tunnel::new(Habit::Hang);
    let message = refusal(&runtime, &server, proxy(&tunnel)).await;
    assert!(message.contains("no answer from the proxy"), "{message}");
}

pub(crate) async fn no_proxy_at_all_is_named<R: Runtime>(runtime: R) {
    let server = serve([]);
    let proxy = Proxy::parse("http://127.0.0.1:1").expect("a proxy");
    let message = refusal(&runtime, &server, proxy).await;
    assert!(message.contains("connection refused"), "{message}");
}
