//! `aapns channels` and `aapns broadcast`, against a small server of their two APIs.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Method, Request, Response};
use rcgen::{CertificateParams, KeyPair};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use super::support::{Dir, Ran, run};

const CHANNEL: &str = "dHN0LXNyY2gtY2hubA==";

/// A request as it arrived: its head, and its body as text.
type Seen = (Request<()>, String);

struct Api {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    dir: Dir,
}

impl Api {
    fn start() -> Self {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let dir = Dir::new();
        dir.write("ca.pem", certificate.pem());
        let mut config =
            ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(
                    vec![certificate.der().clone()],
                    PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
                )
                .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::default();
        let serving = serve(
            listener,
            TlsAcceptor::from(Arc::new(config)),
            Arc::clone(&seen),
        );
        std::thread::spawn(move || runtime.block_on(serving));
        Self { address, seen, dir }
    }

    fn run(&self, args: &[&str]) -> Ran {
        let server = format!("https://{}", self.address);
        let ca = self.dir.path("ca.pem");
        run(args.iter().copied().chain([
            "--topic",
            "com.example.app",
            "--server",
            &server,
            "--ca",
            &ca,
        ]))
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().pop().unwrap()
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, seen: Arc<Mutex<Vec<Seen>>>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer_all(stream, acceptor.clone(), Arc::clone(&seen)));
    }
}

async fn answer_all(stream: TcpStream, acceptor: TlsAcceptor, seen: Arc<Mutex<Vec<Seen>>>) {
    let stream = acceptor.accept(stream).await.unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let seen = Arc::clone(&seen);
        tokio::spawn(async move {
            let (head, mut body) = request.into_parts();
            let mut text = Vec::new();
            while let Some(Ok(piece)) = body.data().await {
                text.extend_from_slice(&piece);
            }
            let (response, body) = answer(&head.method, head.uri.path());
            seen.lock().unwrap().push((
                Request::from_parts(head, ()),
                String::from_utf8(text).unwrap(),
            ));
            let mut send = respond.send_response(response, body.is_empty()).unwrap();
            if !body.is_empty() {
                send.send_data(Bytes::from_static(body.as_bytes()), true)
                    .unwrap();
            }
        });
    }
}

/// Apple's answers (CHAN, BCAST).
fn answer(method: &Method, path: &str) -> (Response<()>, &'static str) {
    let response =
        Response::builder().header("apns-request-id", "4c106c5f-2013-40b9-8193-eaf7b8f2f4ea");
    let (response, body) = match (method.as_str(), path) {
        ("POST", "/1/apps/com.example.app/channels") => {
            (response.status(201).header("apns-channel-id", CHANNEL), "")
        }
        ("GET", "/1/apps/com.example.app/channels") => (
            response,
            r#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#,
        ),
        ("DELETE", "/1/apps/com.example.app/channels") => (response.status(204), ""),
        ("GET", "/1/apps/com.example.app/all-channels") => (
            response,
            r#"{"channels":["dHN0LXNyY2gtY2hubA==","YW5vdGhlcg=="]}"#,
        ),
        ("POST", "/4/broadcasts/apps/com.example.app") => (response, ""),
        _ => (response.status(404), r#"{"reason":"BadPath"}"#),
    };
    (response.body(()).unwrap(), body)
}

#[test]
fn a_channel_is_made_read_listed_and_deleted() {
    let api = Api::start();
    let created = api
        .run(&["channels", "create", "--storage", "newest"])
        .exits(0);
    assert_eq!(created.stdout.trim(), CHANNEL);
    assert_eq!(
        api.last().1,
        r#"{"message-storage-policy":1,"push-type":"LiveActivity"}"#
    );

    let read = api
        .run(&["channels", "read", CHANNEL, "--json"])
        .exits(0)
        .json();
    assert_eq!(read["storage"], "newest");
    assert_eq!(api.last().0.headers()["apns-channel-id"], CHANNEL);

    let list = api.run(&["channels", "list"]).exits(0);
    assert_eq!(
        list.stdout.lines().collect::<Vec<_>>(),
        [CHANNEL, "YW5vdGhlcg=="]
    );

    api.run(&["channels", "delete", CHANNEL]).exits(0);
    let (head, _) = api.last();
    assert_eq!(
        (head.method(), &head.headers()["apns-channel-id"]),
        (&Method::DELETE, &CHANNEL.parse().unwrap())
    );
}

#[test]
fn a_broadcast_goes_to_its_channel_without_a_topic() {
    let api = Api::start();
    let ran = api
        .run(&["broadcast", CHANNEL, r#"{"home": 2}"#, "--priority", "5"])
        .exits(0);
    assert_eq!(ran.stdout.trim(), "4c106c5f-2013-40b9-8193-eaf7b8f2f4ea");
    let (head, body) = api.last();
    let fields = head.headers();
    for (field, value) in [
        ("apns-channel-id", CHANNEL),
        ("apns-push-type", "liveactivity"),
        ("apns-priority", "5"),
        ("apns-expiration", "0"),
    ] {
        assert_eq!(fields[field], value, "{field}");
    }
    assert!(!fields.contains_key("apns-topic"));
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(
        (&body["aps"]["event"], &body["aps"]["content-state"]["home"]),
        (&"update".into(), &2.into())
    );
    let ended = api
        .run(&["broadcast", CHANNEL, "{}", "--end", "--json"])
        .exits(0)
        .json();
    assert_eq!(ended["outcome"], "delivered");
    assert!(api.last().1.contains(r#""event":"end""#));
}

#[test]
fn what_cannot_be_asked_is_refused_before_connecting() {
    let api = Api::start();
    api.run(&["channels", "read", "not base64!"])
        .exits(2)
        .complains(&["CHANNEL_ID"]);
    api.run(&["broadcast", CHANNEL, "{"])
        .exits(2)
        .complains(&["CONTENT_STATE", "JSON"]);
    api.run(&["broadcast", CHANNEL, "{}", "--priority", "1"])
        .exits(2)
        .complains(&["priority"]);
    assert!(api.seen.lock().unwrap().is_empty());
}
