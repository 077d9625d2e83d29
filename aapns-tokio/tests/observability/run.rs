//! A run in which everything happens that there is a name for.

use std::net::TcpListener;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aapns_models::{DeviceToken, Notification, Topic};
use aapns_tokio::mock::{
    Action, Answer, Authentication, Counts, Goaway, KEY_ID, Rule, Scenario, Server, TEAM_ID,
};
use aapns_tokio::proto::pool::MintError;
use aapns_tokio::{
    Builder, Client, Credential, Delivery, Endpoint, Fields, Head, Method, Policy, PostOptions,
    Request, TokenSource, Tokio,
};
use futures::future::join_all;

/// In every payload.
pub(crate) const TEXT: &str = "the quick brown fox of a payload";
/// Notifications in the long part of the run.
pub(crate) const COUNT: usize = 120;

/// What the run left.
pub(crate) struct Run {
    /// What must not be told: tokens, keys, JWTs, payload.
    pub(crate) secrets: Vec<String>,
    /// Of the mock that all but the breaker's part talked to.
    pub(crate) counts: Counts,
    pub(crate) origin: String,
}

fn token(n: usize) -> DeviceToken {
    format!("feedc0ffee{n:054x}").parse().unwrap()
}

fn server(scenario: Scenario, authentication: Authentication) -> Server {
    Server::builder()
        .authentication(authentication)
        .scenario(scenario)
        .start_on_thread()
        .unwrap()
}

fn builder(server: &Server, key_id: &str) -> Builder {
    let key = server.token_key_pem().as_bytes();
    let credential = Credential::from_p8(key, key_id, TEAM_ID).unwrap();
    Builder::new(Tokio::default(), Endpoint::parse(&server.origin()).unwrap())
        .ca_pem(server.ca_pem())
        .ca_only()
        .credential(credential)
        .topic(Topic::new("com.example.app").unwrap())
        .connections(1, 1)
        .timeout(Duration::from_secs(30))
}

async fn send(client: &Client, count: usize) -> usize {
    let notification = client.prepare(&Notification::alert(TEXT)).unwrap();
    let sending = (0..count)
        .map(|n| client.send_prepared(&token(n), &notification, None, PostOptions::new()));
    let ended = join_all(sending).await;
    ended.iter().filter(|end| end.is_ok()).count()
}

fn faults() -> Scenario {
    let goaway = Goaway::new().unprocessed(2).reason("Shutdown");
    let rules = [
        (10, Action::Refuse),
        (
            20,
            Action::Answer(Answer::rejection(429, "TooManyRequests")),
        ),
        (30, Action::ExpireToken),
        (45, Action::Goaway(goaway)),
    ];
    let mut scenario = Scenario::of(rules.map(|(at, action)| Rule::at(at, action).times(1)));
    scenario.latency_ms = 1;
    let dead = Answer::unregistered(1_700_000_000_000);
    scenario
        .device_tokens
        .insert(token(7).as_str().to_owned(), dead);
    scenario
}

/// Runs one after the other: an event that another thread was the first to come by may be thought to interest
/// nobody, while a subscriber is one thread's alone.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Everything, in a current-thread runtime: what listens by thread hears all of it.
pub(crate) fn run() -> Run {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = server(faults(), Authentication::Token);
        let client = builder(&server, KEY_ID).build().unwrap();
        let delivered = send(&client, COUNT).await;
        assert_eq!(delivered, COUNT - 1, "all but the dead one");
        client.close().await;
        drop(client);
        connection(&server).await;
        unknown().await;
        breaker().await;
        no_server().await;
        no_token(&server).await;
        let counts = server.processed();
        let mut secrets = secrets(&server);
        secrets.push(TEXT.to_owned());
        let origin = server.origin();
        // What is still closing tells of it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        Run {
            secrets,
            counts,
            origin,
        }
    })
}

fn secrets(server: &Server) -> Vec<String> {
    let mut secrets: Vec<String> = (0..COUNT).map(|n| token(n).as_str().to_owned()).collect();
    for request in server.requests() {
        let jwt = request.field("authorization").unwrap_or_default();
        let parts = jwt.trim_start_matches("bearer ").split('.');
        secrets.extend(parts.filter(|part| !part.is_empty()).map(str::to_owned));
    }
    let key = server.token_key_pem().lines();
    secrets.extend(
        key.filter(|line| !line.starts_with("---"))
            .map(str::to_owned),
    );
    secrets.sort();
    secrets.dedup();
    secrets
}

/// One connection, and no pool.
async fn connection(server: &Server) {
    let connection = builder(server, KEY_ID).connect().await.unwrap();
    let fields = Fields::new().with("apns-topic", "com.example.app").unwrap();
    let head = Head::new(Method::POST, fields);
    let payload = format!(r#"{{"aps":{{"alert":"{TEXT}"}}}}"#);
    let request = Request::new(head, format!("/3/device/{}", token(1).as_str()), payload).unwrap();
    assert_eq!(connection.post(request).await.unwrap().status(), 200);
    connection.close().await;
}

/// A connection that breaks after the request was accepted: once left at that, once sent again.
async fn unknown() {
    let cut = Scenario::of([Rule::at(1, Action::Cut).times(2)]);
    let server = server(cut, Authentication::Any);
    let client = builder(&server, KEY_ID).policy(Policy::AtMostOnce);
    let client = client.build().unwrap();
    let error = client.send(&token(2), &Notification::alert(TEXT)).await;
    assert_eq!(error.unwrap_err().delivery(), Some(Delivery::Unknown));
    client.close().await;
    let client = builder(&server, KEY_ID).build().unwrap();
    let sent = client.send(&token(2), &Notification::alert(TEXT)).await;
    assert!(sent.unwrap().possible_duplicate);
    client.close().await;
}

/// A key id that Apple doesn't know: sixteen such answers open the breaker.
async fn breaker() {
    let server = server(Scenario::default(), Authentication::Token);
    let client = builder(&server, "OTHERKEY01").build().unwrap();
    assert_eq!(send(&client, 40).await, 0);
    client.close().await;
}

/// Nobody listens there; and a caller that gives up.
async fn no_server() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("https://{}", taken.local_addr().unwrap());
    drop(taken);
    let client = Builder::new(Tokio::default(), Endpoint::parse(&origin).unwrap())
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    let notification = Notification::alert(TEXT);
    drop(client.send(&token(3), &notification));
    assert!(client.send(&token(4), &notification).await.is_err());
    client.close().await;
}

/// A signer that fails.
async fn no_token(server: &Server) {
    let source = TokenSource::new(|_| async { Err(MintError("the vault is locked".into())) });
    let client = builder(server, KEY_ID)
        .credential(Credential::Token(source))
        .timeout(Duration::from_millis(300))
        .build()
        .unwrap();
    assert_eq!(send(&client, 1).await, 0);
    client.close().await;
}
