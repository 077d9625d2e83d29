//! Servers that go away, shrink, hang, or aren't what they should be.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use aapns_proto::ConnectionConfig;
use aapns_tokio::mock::{Action, Goaway, Server};
use aapns_tokio::{Cause, Client, DialStep, Endpoint, Pool, PostError, PostOptions};

use crate::{LONG, at, builder, every, pool, request, send_all, with_rules};

#[tokio::test]
async fn a_stream_limit_of_one_and_back_loses_nothing() {
    let server = with_rules(vec![
        at(100, Action::Limit(1)),
        at(150, Action::Limit(1000)),
    ])
    .await;
    let pool = pool(&server, 1);
    assert_eq!(send_all(&pool, 0..1_000).await, 1_000);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (1_000, 0));
    assert_eq!(processed.over_limit, 0);
}

#[tokio::test]
async fn a_goaway_loses_nothing_and_doubles_nothing() {
    for two_step_ms in [None, Some(20)] {
        let goaway = Goaway {
            unprocessed: 20,
            reason: Some("Shutdown".into()),
            two_step_ms,
            ..Goaway::default()
        };
        let server = with_rules(vec![every(300, Action::Goaway(goaway))]).await;
        let pool = pool(&server, 2);
        assert_eq!(send_all(&pool, 0..2_000).await, 2_000);
        let processed = server.processed();
        assert_eq!((processed.accepted, processed.duplicates), (2_000, 0));
        let stats = pool.stats();
        assert!(
            processed.after_goaway > 0 && stats.goaways > 0,
            "{processed:?} {stats:?}"
        );
        assert_eq!(pool.stats().possible_duplicates, 0);
    }
}

#[tokio::test]
async fn refused_streams_are_sent_again() {
    let server = with_rules(vec![
        every(7, Action::Refuse),
        every(11, Action::RefuseTwice),
    ])
    .await;
    let pool = pool(&server, 1);
    assert_eq!(send_all(&pool, 0..300).await, 300);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (300, 0));
    assert!(processed.refused > 0 && pool.stats().resent > 0);
}

#[tokio::test]
async fn cut_connections_are_replaced_and_duplicates_are_flagged() {
    let cuts = crate::Rule {
        times: Some(3),
        ..every(200, Action::Cut)
    };
    let server = with_rules(vec![cuts]).await;
    let pool = pool(&server, 2);
    let posts: Vec<_> = (0..1_000).map(|n| pool.post(request(n))).collect();
    let mut flagged = 0;
    for post in posts {
        let answer = post.await.expect("delivered in the end");
        assert_eq!(answer.status(), 200);
        flagged += u64::from(answer.possible_duplicate);
    }
    let duplicates = server.processed().duplicates;
    assert!(
        duplicates <= flagged,
        "{duplicates} doubled, {flagged} flagged"
    );
    assert_eq!(pool.stats().possible_duplicates, flagged);
}

#[tokio::test]
async fn a_silent_server_is_noticed_and_left() {
    let server = with_rules(vec![crate::Rule {
        connection: Some(1),
        ..at(5, Action::Blackhole)
    }])
    .await;
    let config = ConnectionConfig {
        ping_after: Duration::from_millis(200),
        ping_timeout: Duration::from_millis(300),
        ..ConnectionConfig::default()
    };
    let pool = builder(&server).connections(1, 1).connection(config);
    let pool = pool.pool().expect("a pool");
    let start = Instant::now();
    assert_eq!(send_all(&pool, 0..50).await, 50);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(server.processed().connections, 2);
}

#[tokio::test]
async fn a_server_that_restarts_under_load_loses_nothing() {
    let server = Server::start().await.expect("the mock");
    let address = server.address();
    let (ca, cert) = (
        server.ca_pem().to_owned(),
        server.client_certificate_pem().to_owned(),
    );
    assert!(!ca.is_empty() && !cert.is_empty());
    let pool = pool(&server, 2);
    pool.ready(LONG).await.expect("up");
    let posts: Vec<_> = (0..3_000).map(|n| pool.post(request(n))).collect();
    tokio::time::sleep(Duration::from_millis(15)).await;
    server.stop().await;
    // Another throw-away authority: the first one's certificate isn't to be had, so it is trusted by none.
    let other = Server::builder()
        .address(address)
        .start()
        .await
        .expect("the port is free");
    let mut outcomes = (0, 0);
    for post in posts {
        match post.await {
            Ok(answer) if answer.status() == 200 => outcomes.0 += 1,
            Err(PostError::Failed(failure)) => {
                assert!(matches!(failure.cause, Cause::Dial(_)), "{failure}");
                outcomes.1 += 1;
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(outcomes.0 + outcomes.1, 3_000);
    drop(other);
}

/// The error of one request to a server that can't be used, and how long it took.
async fn failure(pool: Pool) -> (String, Duration) {
    let start = Instant::now();
    let options = PostOptions::new().timeout(Duration::from_secs(5));
    let error = pool
        .post_with(request(1), options)
        .await
        .expect_err("no server");
    assert!(error.delivery().is_unprocessed());
    let failure = error.failure().expect("it was queued").clone();
    assert_eq!(failure.attempts, 0);
    (failure.cause.to_string(), start.elapsed())
}

#[tokio::test]
async fn a_certificate_of_another_authority_is_named() {
    let server = Server::start().await.expect("the mock");
    let other = Server::start().await.expect("another");
    let endpoint = Endpoint::parse(&server.origin()).expect("an origin");
    let pool = Client::builder(endpoint).ca_pem(other.ca_pem()).pool();
    let (cause, took) = failure(pool.expect("a pool")).await;
    assert!(
        cause.starts_with("tls: ") && cause.contains("authority"),
        "{cause}"
    );
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_named() {
    let server = Server::builder().names(["elsewhere.example"]);
    let server = server.start().await.expect("the mock");
    let pool = builder(&server).pool().expect("a pool");
    let (cause, took) = failure(pool).await;
    assert!(
        cause.starts_with("tls: ") && cause.contains("host name"),
        "{cause}"
    );
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn an_expired_certificate_is_named() {
    let server = Server::builder().expired().start().await.expect("the mock");
    let pool = builder(&server).pool().expect("a pool");
    let (cause, took) = failure(pool).await;
    assert!(
        cause.starts_with("tls: ") && cause.contains("expired"),
        "{cause}"
    );
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn a_server_without_h2_is_named() {
    let server = Server::builder()
        .without_alpn()
        .start()
        .await
        .expect("the mock");
    let pool = builder(&server).pool().expect("a pool");
    let (cause, took) = failure(pool).await;
    assert!(
        cause.starts_with("tls: ") && cause.contains("h2"),
        "{cause}"
    );
    assert!(took < Duration::from_secs(2));
}

#[tokio::test]
async fn a_refused_port_and_a_name_without_address_are_named() {
    for (origin, text) in [
        ("https://127.0.0.1:1", "connection refused"),
        ("https://no-such-host.invalid", "no-such-host.invalid"),
    ] {
        let endpoint = Endpoint::parse(origin).expect("an origin");
        let pool = Pool::builder(endpoint).pool().expect("a pool");
        let start = Instant::now();
        let options = PostOptions::new().timeout(Duration::from_millis(500));
        let error = pool
            .post_with(request(1), options)
            .await
            .expect_err("no server");
        let cause = error.failure().expect("queued").cause.to_string();
        assert!(
            cause.starts_with("connect: ") && cause.contains(text),
            "{cause}"
        );
        assert!(start.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn a_server_that_accepts_and_says_nothing_is_named_by_the_step_that_hangs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address: SocketAddr = listener.local_addr().expect("an address");
    let endpoint = Endpoint::parse(&format!("https://{address}")).expect("an origin");
    let pool = Pool::builder(endpoint).dial_timeout(Duration::from_millis(200));
    let pool = pool.pool().expect("a pool");
    let options = PostOptions::new().timeout(Duration::from_millis(600));
    let error = pool
        .post_with(request(1), options)
        .await
        .expect_err("no TLS");
    match &error.failure().expect("queued").cause {
        Cause::Dial(error) => {
            assert_eq!(error.step, DialStep::Tls);
            assert!(error.message.contains("handshake hangs"), "{error}");
        }
        other => panic!("unexpected: {other}"),
    }
}
