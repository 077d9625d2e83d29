//! The clients, each on a runtime of its own on the calling thread, with connections that are up.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use aapns_models::{Alert, DeviceToken, Expiration, Notification, Priority, Topic};
use aapns_proto::client::Builder;
use aapns_tokio::{Client, Credential, Endpoint, Pool, Tokio};
use bytes::Bytes;
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::IN_FLIGHT;
use crate::rounds::{Contender, closed_loop};
use crate::server::Server;
use crate::support::{self, BATCH, TOKEN};

/// Our pool's handle, with requests that are ready.
pub(crate) fn pool(server: &Server) -> Contender {
    let runtime = runtime();
    let pool = runtime.block_on(connected(server, 1));
    pooled("aapns-tokio: Pool::post", runtime, pool)
}

/// Our pool's handle, once all of its connections are up.
pub(crate) async fn connected(server: &Server, connections: u16) -> Pool {
    let builder = builder(server).connections(connections, connections);
    let pool = builder.pool().expect("a pool");
    while pool.stats().links < u64::from(connections) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pool
}

/// See [`pool`]; over any transport.
pub(crate) fn pooled(name: &'static str, runtime: Runtime, pool: Pool) -> Contender {
    let requests = support::requests();
    let run = move |count| {
        runtime.block_on(closed_loop(count, IN_FLIGHT, |n| {
            let post = pool.post(requests[n % BATCH].clone());
            async {
                let answer = post.await.expect("an answer");
                assert!(answer.status() == 200 && answer.apns_id().is_some());
            }
        }));
    };
    Contender {
        name,
        run: Box::new(run),
    }
}

/// Our typed handle: a notification is built, checked and written for each request.
pub(crate) fn typed(server: &Server) -> Contender {
    let runtime = runtime();
    let client: Client = runtime.block_on(async {
        let client = builder(server).build().expect("a client");
        client
            .ready(Duration::from_secs(10))
            .await
            .expect("a connection");
        client
    });
    let tokens: Vec<_> = (0..BATCH)
        .map(|n| DeviceToken::new(format!("{n:064x}")).expect("a token"))
        .collect();
    let topic = Topic::new("com.example.bench").expect("a topic");
    let text = "x".repeat(140);
    let run = move |count| {
        runtime.block_on(closed_loop(count, IN_FLIGHT, |n| {
            let alert = Alert::new().title("New message").body(text.as_str());
            let notification = Notification::alert(alert)
                .badge(3)
                .sound("default")
                .topic(topic.clone())
                .priority(Priority::Immediate)
                .expiration(Expiration::Immediately);
            let sending = client.send(&tokens[n % BATCH], &notification);
            async {
                let _sent = sending.await.expect("an answer");
            }
        }));
    };
    Contender {
        name: "aapns-tokio: Client::send, built for each",
        run: Box::new(run),
    }
}

/// The `h2` crate on tokio-rustls.
pub(crate) fn h2(server: &Server) -> Contender {
    let runtime = runtime();
    let (port, tls) = (server.port, Arc::clone(&server.tls));
    let sender = runtime.block_on(async {
        let socket = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("a server");
        socket.set_nodelay(true).expect("a socket");
        let name = ServerName::try_from("localhost").expect("a name");
        let stream = TlsConnector::from(tls).connect(name, socket).await;
        handshake(stream.expect("a handshake")).await
    });
    raw("h2 + tokio-rustls", "https", runtime, sender)
}

/// A connection of the `h2` crate, with its task.
pub(crate) async fn handshake(
    io: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
) -> SendRequest<Bytes> {
    let (sender, connection) = h2::client::Builder::new()
        .enable_push(false)
        .initial_max_send_streams(IN_FLIGHT)
        .handshake(io)
        .await
        .expect("a connection");
    tokio::spawn(connection);
    sender.ready().await.expect("a connection")
}

/// See [`h2`]; over any transport.
pub(crate) fn raw(
    name: &'static str,
    scheme: &'static str,
    runtime: Runtime,
    sender: SendRequest<Bytes>,
) -> Contender {
    let shape = Rc::new(Shape::new(scheme, "localhost"));
    let run = move |count| {
        runtime.block_on(closed_loop(count, IN_FLIGHT, |n| {
            let (sender, shape) = (sender.clone(), Rc::clone(&shape));
            async move {
                let mut sender = sender.ready().await.expect("a stream");
                let request = shape.request(n, ());
                let (answer, mut body) = sender.send_request(request, false).expect("sent");
                body.send_data(shape.body.clone(), true).expect("sent");
                let answer = answer.await.expect("an answer");
                assert!(answer.status() == 200 && answer.headers().contains_key("apns-id"));
            }
        }));
    };
    Contender {
        name,
        run: Box::new(run),
    }
}

/// The pooled client of hyper-util, on hyper-rustls.
pub(crate) fn hyper(server: &Server) -> Contender {
    let runtime = runtime();
    let mut tls = (*server.tls).clone();
    tls.alpn_protocols.clear();
    let connector = hyper_rustls::HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_only()
        .enable_http2()
        .build();
    let client = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build::<_, Full<Bytes>>(connector);
    let shape = Rc::new(Shape::new("https", &format!("localhost:{}", server.port)));
    let run = move |count| {
        runtime.block_on(closed_loop(count, IN_FLIGHT, |n| {
            let answer = client.request(shape.request(n, Full::new(shape.body.clone())));
            async {
                let answer = answer.await.expect("an answer");
                assert!(answer.status() == 200 && answer.headers().contains_key("apns-id"));
                answer.into_body().collect().await.expect("a body");
            }
        }));
    };
    Contender {
        name: "hyper-util + hyper-rustls",
        run: Box::new(run),
    }
}

/// What requests of the `http` crate's kind have in common with ours.
struct Shape {
    fields: HeaderMap,
    base: String,
    body: Bytes,
}

impl Shape {
    fn new(scheme: &str, authority: &str) -> Self {
        let token = Bytes::from_static(TOKEN);
        let token = HeaderValue::from_maybe_shared(token).expect("a value");
        let fields = HeaderMap::from_iter(
            [
                ("apns-topic", HeaderValue::from_static("com.example.bench")),
                ("apns-push-type", HeaderValue::from_static("alert")),
                ("apns-priority", HeaderValue::from_static("10")),
                ("apns-expiration", HeaderValue::from_static("0")),
                ("authorization", token),
            ]
            .map(|(name, value)| (http::HeaderName::from_static(name), value)),
        );
        Self {
            fields,
            base: format!("{scheme}://{authority}/3/device/"),
            body: Bytes::from(vec![b'x'; 200]),
        }
    }

    fn request<B>(&self, n: usize, body: B) -> Request<B> {
        let uri = format!("{}{:064x}", self.base, n % BATCH);
        let mut request = Request::new(body);
        *request.method_mut() = http::Method::POST;
        *request.uri_mut() = Uri::from_maybe_shared(Bytes::from(uri)).expect("a URI");
        *request.headers_mut() = self.fields.clone();
        request
    }
}

fn builder(server: &Server) -> Builder<Tokio> {
    let endpoint = Endpoint::parse(&format!("https://localhost:{}", server.port));
    // As long as the others' `authorization`.
    let token = std::str::from_utf8(&TOKEN[..TOKEN.len() - "bearer ".len()]).expect("ASCII");
    Builder::new(Tokio::default(), endpoint.expect("an endpoint"))
        .proxy(None)
        .credential(Credential::bearer(token).expect("a token"))
        .tls(Arc::clone(&server.tls))
        .connections(1, 1)
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
