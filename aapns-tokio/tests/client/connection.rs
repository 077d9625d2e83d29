//! `Connection`: the low-level handle.

use std::time::Duration;

use aapns_tokio::mock::{Action, Authentication, Goaway, KEY_ID, Rule, Server, TEAM_ID};
use aapns_tokio::{ConnectError, Connection, Credential, Delivery, DialStep, Endpoint, PostError};
use futures::future::join_all;

use crate::{builder, request, with_rules};

async fn connect(server: &Server) -> Connection {
    builder(server).connect().await.expect("a connection")
}

#[tokio::test]
async fn blocked_is_exact() {
    let server = Server::builder().max_concurrent_streams(5);
    let server = server
        .latency(Duration::from_millis(50))
        .start()
        .await
        .expect("the mock");
    let connection = connect(&server).await;
    assert_eq!(connection.credit().streams, 5);
    let posts: Vec<_> = (0..8).map(|n| connection.post(request(n))).collect();
    assert_eq!(connection.in_flight(), 5);
    let results = join_all(posts).await;
    let answered = results
        .iter()
        .filter(|r| r.as_ref().is_ok_and(|a| a.status() == 200));
    assert_eq!(answered.count(), 5);
    let blocked = results.iter().filter(|r| **r == Err(PostError::Blocked));
    assert_eq!(blocked.count(), 3);
    assert_eq!(
        connection
            .post(request(9))
            .await
            .expect("free again")
            .status(),
        200
    );
    assert_eq!(server.processed().over_limit, 0);
    connection.close().await;
    assert!(connection.is_closed());
    let closed = connection.post(request(10)).await.expect_err("closed");
    assert!(matches!(closed, PostError::Closed(_)));
}

#[tokio::test]
async fn after_a_goaway_it_is_closed_and_what_was_refused_is_told() {
    let goaway = Goaway::new().unprocessed(3);
    let server = with_rules(vec![Rule::at(10, Action::Goaway(goaway))]).await;
    let connection = connect(&server).await;
    let posts: Vec<_> = (0..20).map(|n| connection.post(request(n))).collect();
    let results = join_all(posts).await;
    let refused = results
        .iter()
        .filter(|r| matches!(r, Err(error) if error.delivery() == Delivery::Refused));
    assert!(refused.count() >= 3);
    assert!(connection.is_closed());
}

#[tokio::test]
async fn a_deadline_is_a_timeout() {
    let server = with_rules(vec![Rule::at(1, Action::Ignore)]).await;
    let connection = builder(&server)
        .timeout(Duration::from_millis(100))
        .connect()
        .await;
    let connection = connection.expect("a connection");
    let error = connection.post(request(1)).await.expect_err("no answer");
    assert!(matches!(&error, PostError::Timeout(f) if f.delivery == Delivery::Unknown));
    assert_eq!(connection.in_flight(), 0);
    assert_eq!(
        connection
            .post(request(2))
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn a_dial_that_fails_names_its_step() {
    let endpoint = Endpoint::parse("https://127.0.0.1:1").expect("an origin");
    let error = Connection::builder(endpoint)
        .connect()
        .await
        .expect_err("nobody");
    match error {
        ConnectError::Dial(error) => assert_eq!(error.step, DialStep::Connect),
        other => panic!("unexpected: {other}"),
    }
    let server = Server::builder()
        .without_alpn()
        .start()
        .await
        .expect("the mock");
    match builder(&server).connect().await.expect_err("no h2") {
        ConnectError::Dial(error) => assert!(error.message.contains("h2")),
        other => panic!("unexpected: {other}"),
    }
}

#[tokio::test]
async fn a_provider_token_goes_with_each_request() {
    let server = Server::builder().authentication(Authentication::Token);
    let server = server.start().await.expect("the mock");
    let key = Credential::from_p8(server.token_key_pem().as_bytes(), KEY_ID, TEAM_ID);
    let connection = builder(&server)
        .credential(key.expect("a key"))
        .connect()
        .await;
    let connection = connection.expect("a connection");
    assert_eq!(
        connection
            .post(request(1))
            .await
            .expect("an answer")
            .status(),
        200
    );
}

#[tokio::test]
async fn dropping_the_last_handle_ends_the_connection() {
    let server = Server::start().await.expect("the mock");
    let connection = connect(&server).await;
    assert_eq!(server.connections(), 1);
    let post = connection.post(request(1));
    drop(connection);
    assert_eq!(post.await.expect("an answer").status(), 200);
    for _ in 0..100 {
        if server.connections() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the connection is still open");
}
