//! The handles on real sockets and TLS, against the mock.
#![cfg(feature = "mock")]

#[path = "../support/certificate.rs"]
mod certificate;
mod certificates;
mod channels;
mod clients;
mod connection;
mod credentials;
mod dead;
mod pool;
mod sleep;
mod typed;

use std::time::Duration;

use aapns_tokio::mock::{Rule, Scenario, Server};
use aapns_tokio::{Builder, Client, Endpoint, Fields, Head, Method, Pool, Request};

/// Longer than anything here takes, even on a busy machine.
const LONG: Duration = Duration::from_secs(20);

fn builder(server: &Server) -> Builder {
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    Client::builder(endpoint)
        .ca_pem(server.ca_pem())
        .ca_only()
        .timeout(LONG)
        .topic("com.example.app".parse().expect("a topic"))
}

fn pool(server: &Server, connections: u16) -> Pool {
    builder(server)
        .connections(connections, connections)
        .pool()
        .expect("a pool")
}

async fn with_rules(rules: Vec<Rule>) -> Server {
    let scenario = Scenario::of(rules);
    let server = Server::builder().scenario(scenario).start().await;
    server.expect("the mock starts")
}

/// The n-th notification: its device token and its id.
fn request(n: usize) -> Request {
    let fields = Fields::new()
        .with("apns-topic", "com.example.app")
        .and_then(|fields| fields.with("apns-push-type", "alert"));
    let head = Head::new(Method::POST, fields.expect("fields"));
    let path = format!("/3/device/{n:064x}");
    let id = format!("00000000-0000-4000-8000-{n:012}");
    Request::new(head, path, r#"{"aps":{"alert":"hi"}}"#)
        .and_then(|request| request.field("apns-id", id))
        .expect("a request")
}

/// Sends so many at once; the number of those answered by 200.
async fn send_all(pool: &Pool, numbers: std::ops::Range<usize>) -> usize {
    let posts: Vec<_> = numbers.map(|n| pool.post(request(n))).collect();
    let mut delivered = 0;
    for post in posts {
        match post.await {
            Ok(answer) if answer.status() == 200 => delivered += 1,
            other => eprintln!("not delivered: {other:?}"),
        }
    }
    delivered
}
