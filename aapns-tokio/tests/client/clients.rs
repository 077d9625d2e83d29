//! `Clients`: many credentials and servers.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aapns_proto::tls::Identity;
use aapns_tokio::mock::{Authentication, KEY_ID, Server, TEAM_ID};
use aapns_tokio::models::{DeviceToken, Notification, Topic};
use aapns_tokio::{Client, ClientKey, Clients, ClientsError, Credential, Endpoint, SendError};

use crate::LONG;

/// A set for these mocks, which all clients trust.
fn builder(servers: &[&Server]) -> aapns_proto::client::ClientsBuilder<aapns_tokio::Tokio> {
    let authorities: Vec<String> = servers.iter().map(|s| s.ca_pem().to_owned()).collect();
    Clients::builder().template(move |builder| {
        let builder = builder.connections(1, 1).timeout(LONG).ca_only();
        authorities
            .iter()
            .fold(builder, |builder, pem| builder.ca_pem(pem.as_str()))
    })
}

fn key(credential: &str, server: &Server) -> ClientKey {
    let endpoint = Endpoint::parse(&server.origin()).expect("the mock's origin");
    ClientKey::new(credential, endpoint).topic(topic("com.example.app"))
}

fn topic(name: &str) -> Topic {
    Topic::new(name).expect("a topic")
}

async fn send(client: &Client) -> Result<(), SendError> {
    let device = DeviceToken::new("abcd").expect("hexadecimal");
    client.send(&device, &Notification::alert("hi")).await?;
    Ok(())
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LONG, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn p8(server: &Server) -> Credential {
    Credential::from_p8(server.token_key_pem().as_bytes(), KEY_ID, TEAM_ID).expect("a key")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_use_by_many_makes_one_pool() {
    let server = Server::builder().authentication(Authentication::Token);
    let server = server.start_on_thread().expect("the mock");
    let clients = builder(&[&server]).credential("acme", p8(&server)).build();
    let sends = (0..64).map(|n| {
        let (clients, key) = (clients.clone(), key("acme", &server));
        let key = key.topic(topic(&format!("com.example.app{}", n % 2)));
        tokio::spawn(async move {
            let client = clients.client(&key).expect("a client");
            send(&client).await
        })
    });
    for sent in sends.collect::<Vec<_>>() {
        sent.await.expect("no panic").expect("sent");
    }
    assert_eq!((clients.len(), server.processed().connections), (1, 1));
    let requests = server.requests();
    let all = |field: &str| -> BTreeSet<_> {
        let values = requests.iter().map(|r| r.field(field).map(str::to_owned));
        values.collect()
    };
    assert_eq!(all("apns-topic").len(), 2, "topics share the pool");
    assert_eq!(all("authorization").len(), 1);
}

#[tokio::test]
async fn two_names_of_one_key_share_its_tokens() {
    let server = Server::builder().authentication(Authentication::Token);
    let server = server.start().await.expect("the mock");
    let clients = builder(&[&server]).credential("a", p8(&server)).build();
    clients.set_credential("b", p8(&server)).expect("a key");
    for name in ["a", "b"] {
        let client = clients.client(&key(name, &server)).expect("a client");
        send(&client).await.expect("sent");
    }
    assert_eq!(clients.len(), 2);
    let requests = server.requests();
    let tokens: BTreeSet<_> = requests.iter().map(|r| r.field("authorization")).collect();
    // Signatures are random: two signers would differ.
    assert_eq!((requests.len(), tokens.len()), (2, 1));
}

#[tokio::test]
async fn the_longest_idle_gives_way_and_what_is_held_does_not() {
    let server = Server::start().await.expect("the mock");
    let mut builder = builder(&[&server]).max_clients(2);
    for name in ["a", "b", "c", "d"] {
        builder = builder.credential(name, Credential::None);
    }
    let clients = builder.build();
    let get = |name: &str| clients.client(&key(name, &server));
    for name in ["a", "b"] {
        send(&get(name).expect("a client")).await.expect("sent");
    }
    let a = get("a").expect("the same");
    let c = get("c").expect("in place of b");
    send(&c).await.expect("sent");
    assert_eq!(clients.len(), 2);
    assert_eq!(get("d").expect_err("both are held"), ClientsError::Busy(2));
    drop(c);
    let d = get("d").expect("in place of c");
    send(&d).await.expect("sent");
    send(&a).await.expect("it was never retired");
    assert_eq!(server.processed().connections, 4);
    let unknown = get("nobody").expect_err("no such credential");
    assert!(unknown.to_string().contains("nobody"), "{unknown}");
}

#[tokio::test]
async fn an_idle_client_is_retired_and_nothing_of_it_is_cut() {
    let latency = Duration::from_millis(400);
    let server = Server::builder().latency(latency).start().await;
    let server = server.expect("the mock");
    let clients = builder(&[&server]).idle_timeout(Duration::from_millis(50));
    let clients = clients.credential("a", Credential::None).build();
    let client = clients.client(&key("a", &server)).expect("a client");
    let device = DeviceToken::new("abcd").expect("hexadecimal");
    let sending = client.send(&device, &Notification::alert("hi"));
    // Only what is under way keeps it now.
    drop(client);
    sending.await.expect("answered by the pool that sent it");
    until("retired", || clients.is_empty()).await;
    until("closed", || server.connections() == 0).await;
    let held = clients.client(&key("a", &server)).expect("a new one");
    send(&held).await.expect("sent");
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(clients.len(), 1, "what is held stays");
    send(&held).await.expect("sent");
    assert_eq!(server.processed().connections, 2);
}

#[tokio::test]
async fn a_credential_is_swapped_in_all_its_clients_and_can_be_forgotten() {
    let one = Server::start().await.expect("the mock");
    let two = Server::start().await.expect("the mock");
    let clients = builder(&[&one, &two]).credential("a", p8(&one)).build();
    let get = |server: &Server| clients.client(&key("a", server)).expect("a client");
    for server in [&one, &two] {
        send(&get(server)).await.expect("sent");
    }
    let pem = one.client_certificate_pem();
    let certificate = Identity::from_pem(pem.as_bytes()).expect("a certificate");
    clients
        .set_credential("a", certificate)
        .expect("it can be used");
    for server in [&one, &two] {
        send(&get(server)).await.expect("sent");
        let requests = server.requests();
        let had_token = |n: usize| requests[n].field("authorization").is_some();
        assert_eq!((had_token(0), had_token(1)), (true, false));
    }
    assert_eq!(clients.stats().len(), 2);
    clients.remove_credential("a");
    assert!(clients.is_empty());
    let gone = clients.client(&key("a", &one)).expect_err("forgotten");
    assert!(matches!(gone, ClientsError::UnknownCredential(_)));
    until("closed", || one.connections() + two.connections() == 0).await;
}

#[tokio::test]
async fn closing_closes_all_and_a_closed_client_is_replaced() {
    let one = Server::start().await.expect("the mock");
    let two = Server::start().await.expect("the mock");
    let clients = builder(&[&one, &two]);
    let clients = clients.credential("a", Credential::None).build();
    let get = |server: &Server| clients.client(&key("a", server));
    let first = get(&one).expect("a client");
    first.close().await;
    let (first, second) = (get(&one).expect("a new one"), get(&two).expect("a client"));
    send(&first).await.expect("sent");
    send(&second).await.expect("sent");
    let drained = clients.drain(LONG).await;
    assert_eq!(drained.unsent, 0);
    assert_eq!((one.connections(), two.connections()), (0, 0));
    for client in [first, second] {
        assert!(matches!(send(&client).await, Err(SendError::Closed(_))));
    }
    assert_eq!(get(&one).expect_err("closed"), ClientsError::Closed);
    assert_eq!(clients.close().await.unsent, 0);
}

#[tokio::test]
async fn the_last_handle_dropped_closes_all() {
    let server = Server::start().await.expect("the mock");
    let clients = builder(&[&server])
        .credential("a", Credential::None)
        .build();
    let client = clients.client(&key("a", &server)).expect("a client");
    send(&client).await.expect("sent");
    drop(client);
    drop(clients);
    until("closed", || server.connections() == 0).await;
}

#[tokio::test]
async fn a_client_in_use_stays_even_where_none_may_be_idle() {
    let server = Server::start().await.expect("the mock");
    let clients = builder(&[&server]).idle_timeout(Duration::ZERO);
    let clients = clients
        .credential("a", Credential::None)
        .credential("b", Credential::None)
        .build();
    let held = clients.client(&key("a", &server)).expect("a client");
    send(&held).await.expect("sent");
    // The sweeper looks whenever one was made.
    drop(clients.client(&key("b", &server)).expect("a client"));
    until("b retired", || clients.len() == 1).await;
    let same = clients.client(&key("a", &server)).expect("the same");
    send(&same).await.expect("sent");
    assert_eq!(held.stats().completed, 2, "it was never replaced");
    drop((held, same));
    until("retired", || clients.is_empty()).await;
}
