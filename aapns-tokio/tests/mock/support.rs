//! The h2 crate's client, and raw frames, against the mock.

use std::time::{Duration, Instant};

use aapns_proto::tls::{Identity, Roots, TlsOptions, client_config};
use aapns_tokio::mock::{Rule, Scenario, Server};
use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use http::Request;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::ServerName;

/// Longer than anything takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Driver = JoinHandle<Result<(), h2::Error>>;

pub(crate) async fn tls(
    server: &Server,
    identity: Option<Identity>,
) -> std::io::Result<TlsStream<TcpStream>> {
    let mut options = TlsOptions::default();
    options.roots = Roots::only_pem(server.ca_pem().as_bytes()).expect("the mock's CA");
    options.identity = identity;
    let config = client_config(&options);
    let tcp = TcpStream::connect(server.address()).await?;
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(config.expect("a configuration"));
    connector.connect(name, tcp).await
}

pub(crate) async fn connect(
    server: &Server,
    identity: Option<Identity>,
) -> (SendRequest<Bytes>, Driver) {
    let io = tls(server, identity).await.expect("TLS");
    let (send, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    // The first SETTINGS of the mock must be here before its limit can be known.
    sleep(Duration::from_millis(20)).await;
    (send.ready().await.expect("a usable connection"), driver)
}

pub(crate) fn start(
    send: &mut SendRequest<Bytes>,
    token: &str,
    fields: &[(&str, &str)],
) -> ResponseFuture {
    let mut request = Request::post(format!("https://localhost/3/device/{token}"))
        .header("apns-topic", "com.example.app");
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(()).expect("a request");
    post(send, request, r#"{"aps":{"alert":"hi"}}"#)
}

/// To a device, with a topic.
pub(crate) fn start_to(send: &mut SendRequest<Bytes>, token: &str, topic: &str) -> ResponseFuture {
    let path = format!("/3/device/{token}");
    start_with(send, &path, topic, r#"{"aps":{"alert":"hi"}}"#).expect("a request")
}

/// Any path, topic and payload; none if they can't be a request.
pub(crate) fn start_with(
    send: &mut SendRequest<Bytes>,
    path: &str,
    topic: &str,
    payload: &str,
) -> Option<ResponseFuture> {
    let request = Request::post(format!("https://localhost{path}")).header("apns-topic", topic);
    Some(post(send, request.body(()).ok()?, payload))
}

fn post(send: &mut SendRequest<Bytes>, request: Request<()>, payload: &str) -> ResponseFuture {
    let (response, mut body) = send.send_request(request, false).expect("an open stream");
    let payload = Bytes::copy_from_slice(payload.as_bytes());
    body.send_data(payload, true).expect("an open stream");
    response
}

/// Status, and reason or `apns-id`.
pub(crate) async fn finish(response: ResponseFuture) -> Result<(u16, String), h2::Error> {
    let response = response.await?;
    let status = response.status().as_u16();
    let id = response.headers().get("apns-id");
    let id = id.map_or("", |id| id.to_str().unwrap_or("")).to_owned();
    let mut body = response.into_body();
    let mut octets = Vec::new();
    while let Some(chunk) = body.data().await {
        octets.extend_from_slice(&chunk?);
    }
    let json: serde_json::Value = serde_json::from_slice(&octets).unwrap_or_default();
    Ok((status, json["reason"].as_str().map_or(id, str::to_owned)))
}

pub(crate) fn scenario(rules: impl Into<Vec<Rule>>) -> Scenario {
    Scenario::of(rules)
}

pub(crate) fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// Waits until `what` holds, but not for ever.
pub(crate) async fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited in vain: {what}");
        sleep(Duration::from_millis(5)).await;
    }
}
