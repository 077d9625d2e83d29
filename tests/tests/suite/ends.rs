//! The end: draining, closing, the last handle dropped.

use std::time::Duration;

use aapns_proto::client::{PostError, Runtime, State};
use aapns_proto::{Delivery, Policy};
use aapns_tokio::mock::{Action, Rule, Server};

use super::{LONG, builder, pool, request, serve, start, until};

pub(crate) async fn a_drain_finishes_what_is_in_flight<R: Runtime>(runtime: R) {
    let server = start(Server::builder().latency(Duration::from_millis(100)));
    let pool = pool(&runtime, &server, 2);
    pool.ready(LONG).await.expect("up");
    let posts: Vec<_> = (0..50).map(|n| pool.post(request(n))).collect();
    assert_eq!(pool.drain(LONG).await.unsent, 0);
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    assert_eq!(pool.state(), State::Closed);
    let late = pool.post(request(99)).await.expect_err("closed");
    assert!(matches!(late, PostError::Closed(_)), "{late}");
    until(&runtime, "the connections are closed", || {
        server.connections() == 0
    })
    .await;
}

pub(crate) async fn a_drain_hands_back_what_it_could_not_send<R: Runtime>(runtime: R) {
    let server = Server::builder().max_concurrent_streams(4);
    let server = start(server.latency(Duration::from_millis(50)));
    let pool = pool(&runtime, &server, 1);
    pool.ready(LONG).await.expect("up");
    let posts: Vec<_> = (0..400).map(|n| pool.post(request(n))).collect();
    let drained = pool.drain(Duration::from_millis(300)).await;
    let (mut delivered, mut unsent, mut in_flight) = (0, 0, 0);
    for post in posts {
        match post.await {
            Ok(_) => delivered += 1,
            Err(error) => {
                assert!(matches!(error, PostError::Closed(_)), "{error}");
                match error.delivery() {
                    Delivery::Unknown => in_flight += 1,
                    _ => unsent += 1,
                }
            }
        }
    }
    assert!(unsent > 0, "{delivered} delivered, {in_flight} in flight");
    assert_eq!(drained.unsent, unsent);
    assert!(in_flight <= 4, "what the limit allows");
    let accepted = server.processed().accepted;
    assert!((delivered..=delivered + in_flight).contains(&accepted));
}

pub(crate) async fn a_drain_ends_though_the_server_is_silent<R: Runtime>(runtime: R) {
    let server = serve([Rule::at(5, Action::Blackhole)]);
    let pool = pool(&runtime, &server, 1);
    let posts: Vec<_> = (0..20).map(|n| pool.post(request(n))).collect();
    until(&runtime, "some are in flight", || pool.stats().inflight > 0).await;
    let start = runtime.now();
    pool.drain(Duration::from_millis(200)).await;
    for post in posts {
        if let Err(error) = post.await {
            assert!(matches!(error, PostError::Closed(_)), "{error}");
        }
    }
    assert!(runtime.now().saturating_since(start) < LONG / 3);
}

pub(crate) async fn closing_hands_back_what_is_queued<R: Runtime>(runtime: R) {
    let server = start(Server::builder().latency(Duration::from_millis(50)));
    let pool = pool(&runtime, &server, 1);
    // No connection is up yet, as a rule; what is in flight by chance is unknown.
    let posts: Vec<_> = (0..100).map(|n| pool.post(request(n))).collect();
    let drained = pool.close().await;
    let mut unsent = 0;
    for post in posts {
        match post.await {
            Err(PostError::Closed(failure)) => {
                unsent += u64::from(failure.delivery.is_unprocessed());
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(drained.unsent, unsent);
    assert_eq!(pool.state(), State::Closed);
}

pub(crate) async fn closing_takes_the_answers_from_what_is_in_flight<R: Runtime>(runtime: R) {
    for policy in [Policy::AtLeastOnce, Policy::AtMostOnce] {
        let server = serve([Rule::at(1, Action::Blackhole)]);
        let pool = builder(&runtime, &server).connections(1, 1).policy(policy);
        let pool = pool.pool().expect("a pool");
        let post = pool.post(request(0));
        until(&runtime, "it arrived", || server.processed().accepted == 1).await;
        assert_eq!(pool.close().await.unsent, 0);
        let error = post.await.expect_err("closed");
        assert_eq!(error.delivery(), Delivery::Unknown, "{policy:?}: {error}");
        assert!(matches!(error, PostError::Closed(_)), "{policy:?}: {error}");
    }
}

pub(crate) async fn the_last_handle_dropped_still_sends_what_was_posted<R: Runtime>(runtime: R) {
    let server = serve([]);
    let pool = pool(&runtime, &server, 1);
    let posts: Vec<_> = (0..50).map(|n| pool.post(request(n))).collect();
    drop(pool);
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    until(&runtime, "the connection is closed", || {
        server.connections() == 0
    })
    .await;
}

pub(crate) async fn a_closed_connection_takes_nothing<R: Runtime>(runtime: R) {
    let server = start(Server::builder().latency(Duration::from_millis(50)));
    let connection = builder(&runtime, &server).connect().await.expect("up");
    let post = connection.post(request(0));
    connection.close().await;
    assert_eq!(post.await.expect("an answer").status(), 200);
    assert!(connection.is_closed());
    let late = connection.post(request(1)).await.expect_err("closed");
    assert!(matches!(late, PostError::Closed(_)), "{late}");
}
