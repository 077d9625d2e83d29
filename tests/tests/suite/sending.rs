//! Notifications on their way: typed and not, by pool, client and connection; room and back-pressure.

use std::time::Duration;

use aapns_models::{DeviceToken, Notification};
use aapns_proto::client::{Credential, PostError, PostOptions, Runtime, SendError, State};
use aapns_proto::tls::Identity;
use aapns_tokio::mock::{Answer, Authentication, KEY_ID, Server, TEAM_ID};
use futures::future::join_all;

use super::{LONG, builder, pool, request, send_all, serve, start};

pub(crate) async fn thousands_are_delivered_once_over_several_connections<R: Runtime>(runtime: R) {
    let server = serve([]);
    let pool = pool(&runtime, &server, 3);
    assert_eq!(send_all(&pool, 0..3_000).await, 3_000);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (3_000, 0));
    assert_eq!((processed.refused, pool.state()), (0, State::Up));
    assert_eq!(pool.close().await.unsent, 0);
    assert_eq!(
        (pool.state(), pool.stats().completed),
        (State::Closed, 3_000)
    );
}

pub(crate) async fn a_typed_notification_arrives_with_its_fields_and_id<R: Runtime>(runtime: R) {
    let server = serve([]);
    let client = builder(&runtime, &server).build().expect("a client");
    let device = DeviceToken::new("abcdef01").expect("a device token");
    let hello = Notification::alert("hello");
    let sent = client.send(&device, &hello).await.expect("delivered");
    assert_eq!((sent.attempts, sent.possible_duplicate), (1, false));
    let requests = server.requests();
    let received = &requests[0];
    assert_eq!(received.device_token(), Some("abcdef01"));
    assert_eq!(received.field("apns-id"), Some(&*sent.apns_id.to_string()));
    assert_eq!(received.field("apns-topic"), Some("com.example.app"));
    assert_eq!(received.field("apns-push-type"), Some("alert"));
    assert!(received.body.starts_with(br#"{"aps":"#));
}

pub(crate) async fn a_rejection_names_its_reason<R: Runtime>(runtime: R) {
    let server = start(Server::builder().answer("dead", Answer::unregistered(1_700_000_000_000)));
    let client = builder(&runtime, &server).build().expect("a client");
    let device = DeviceToken::new("dead").expect("a device token");
    let hello = Notification::alert("hello");
    let error = client.send(&device, &hello).await.expect_err("rejected");
    assert!(error.is_device_token_dead() && !error.is_retryable());
    let SendError::Response(response) = error else {
        panic!("unexpected: {error}");
    };
    assert_eq!(response.to_string(), "410 Unregistered");
    assert_eq!(response.timestamp, Some(1_700_000_000_000));
}

pub(crate) async fn one_connection_says_exactly_when_it_is_full<R: Runtime>(runtime: R) {
    let server = Server::builder().max_concurrent_streams(5);
    let server = start(server.latency(Duration::from_millis(100)));
    let connection = builder(&runtime, &server).connect().await.expect("up");
    assert_eq!(connection.credit().streams, 5);
    let posts: Vec<_> = (0..8).map(|n| connection.post(request(n))).collect();
    assert_eq!(connection.in_flight(), 5);
    let results = join_all(posts).await;
    let (answered, others): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((answered.len(), others.len()), (5, 3));
    assert!(others.into_iter().all(|r| r == Err(PostError::Blocked)));
    let again = connection.post(request(9)).await.expect("free again");
    assert_eq!((again.status(), server.processed().over_limit), (200, 0));
}

pub(crate) async fn a_full_queue_makes_callers_wait_in_order<R: Runtime>(runtime: R) {
    let server = Server::builder().max_concurrent_streams(1);
    let server = start(server.latency(Duration::from_millis(5)));
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.queue(3, 1 << 20).pool().expect("a pool");
    let posts: Vec<_> = (0..100).map(|n| pool.post(request(n))).collect();
    // Some may have left the queue by now, where links run on other threads; nobody overtakes.
    assert!(pool.waiting() > 0);
    let blocked = pool.try_post(request(999), PostOptions::new()).await;
    assert_eq!(blocked, Err(PostError::Blocked));
    for answer in join_all(posts).await {
        assert_eq!(answer.expect("room in the end").status(), 200);
    }
    assert_eq!((pool.waiting(), server.processed().accepted), (0, 100));
    let order = server.requests();
    let order = order.iter().map(|request| request.apns_id.as_str());
    assert!(order.eq((0..100).map(super::id)));
}

pub(crate) async fn a_pool_can_be_resized_while_it_works<R: Runtime>(runtime: R) {
    let server = serve([]);
    let pool = pool(&runtime, &server, 1);
    assert_eq!(send_all(&pool, 0..100).await, 100);
    pool.resize(4, 4).expect("in range");
    assert_eq!(send_all(&pool, 100..1_000).await, 900);
    super::until(&runtime, "four connections", || {
        server.processed().connections >= 4
    })
    .await;
    pool.resize(1, 1).expect("in range");
    assert_eq!(send_all(&pool, 1_000..2_000).await, 1_000);
    assert!(pool.resize(3, 2).is_err() && pool.resize(0, 1).is_err());
    assert_eq!(server.processed().duplicates, 0);
}

pub(crate) async fn a_client_certificate_is_shown<R: Runtime>(runtime: R) {
    let server = start(Server::builder().authentication(Authentication::Certificate));
    let pem = server.client_certificate_pem().as_bytes();
    let identity = Identity::from_pem(pem).expect("the mock's own");
    let pool = builder(&runtime, &server).credential(identity);
    let pool = pool.pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..10).await, 10);

    let without = builder(&runtime, &server).pool().expect("a pool");
    let error = without.post(request(11)).await.expect_err("no certificate");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert_eq!(server.processed().accepted, 10);
}

pub(crate) async fn a_provider_token_is_signed_once_for_all_connections<R: Runtime>(runtime: R) {
    let server = start(Server::builder().authentication(Authentication::Token));
    let key = server.token_key_pem().as_bytes();
    let key = Credential::from_p8(key, KEY_ID, TEAM_ID).expect("the mock's own");
    let pool = builder(&runtime, &server).connections(2, 2).credential(key);
    let pool = pool.pool().expect("a pool");
    pool.ready(LONG).await.expect("up");
    assert_eq!(send_all(&pool, 0..200).await, 200);
    let requests = server.requests();
    let token = |n: usize| requests[n].field("authorization");
    assert!(token(0).is_some_and(|token| token.starts_with("bearer ")));
    assert!((1..200).all(|n| token(n) == token(0)));
}
