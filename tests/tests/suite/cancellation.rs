//! Futures dropped before, during and after their request is in flight.

use std::pin::pin;
use std::time::Duration;

use aapns_models::{DeviceToken, Notification};
use aapns_proto::client::{PostError, Runtime, State};
use aapns_tokio::mock::Server;
use futures::FutureExt;
use futures::future::select;

use super::{LONG, builder, id, pool, request, send_all, serve, sleep, start, until};

/// A mock that takes its time, with so many streams at once.
fn slow(streams: u32, latency: u64) -> Server {
    let builder = Server::builder().max_concurrent_streams(streams);
    // `latency` after the limit: both belong to the scenario.
    start(builder.latency(Duration::from_millis(latency)))
}

pub(crate) async fn a_future_dropped_in_the_queue_takes_its_request_back<R: Runtime>(runtime: R) {
    let server = slow(1, 100);
    let pool = pool(&runtime, &server, 1);
    pool.ready(LONG).await.expect("up");
    let keep = pool.post(request(0));
    until(&runtime, "the first is in flight", || {
        pool.stats().inflight == 1
    })
    .await;
    let dropped: Vec<_> = (1..100).map(|n| pool.post(request(n))).collect();
    drop(dropped);
    assert_eq!(pool.stats().pending, 0);
    assert_eq!(keep.await.expect("an answer").status(), 200);
    assert_eq!(send_all(&pool, 100..101).await, 1);
    assert_eq!(server.processed().processed, 2);
    assert_eq!(pool.stats().abandoned, 99);
}

pub(crate) async fn a_future_dropped_in_flight_disturbs_nobody<R: Runtime>(runtime: R) {
    let server = slow(10, 50);
    let pool = pool(&runtime, &server, 1);
    pool.ready(LONG).await.expect("up");
    let dropped: Vec<_> = (0..5).map(|n| pool.post(request(n))).collect();
    let kept: Vec<_> = (5..10).map(|n| pool.post(request(n))).collect();
    until(&runtime, "all are in flight", || {
        pool.stats().inflight == 10
    })
    .await;
    drop(dropped);
    for post in kept {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    assert_eq!(send_all(&pool, 100..120).await, 20);
    let stats = pool.stats();
    assert_eq!((stats.inflight, stats.pending, stats.abandoned), (0, 0, 5));
    // Each slot was held to its answer: no reset was sent, and none was sent again. A link on another
    // thread that had taken some of the five, and not begun them, doesn't send those.
    let processed = server.processed();
    assert!((25..=30).contains(&processed.accepted), "{processed:?}");
    assert_eq!(
        (processed.accepted, processed.duplicates),
        (stats.completed, 0)
    );
    assert_eq!(processed.over_limit, 0);
}

pub(crate) async fn a_future_dropped_after_its_answer_costs_nothing<R: Runtime>(runtime: R) {
    let server = serve([]);
    let pool = pool(&runtime, &server, 1);
    let posts: Vec<_> = (0..50).map(|n| pool.post(request(n))).collect();
    until(&runtime, "all are answered", || {
        pool.stats().completed == 50
    })
    .await;
    drop(posts);
    assert_eq!(send_all(&pool, 50..60).await, 10);
    let stats = pool.stats();
    assert_eq!((stats.abandoned, stats.inflight), (0, 0));
}

pub(crate) async fn a_caller_that_leaves_the_line_hands_its_place_on<R: Runtime>(runtime: R) {
    let server = slow(1, 20);
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.queue(1, 1 << 20).pool().expect("a pool");
    pool.ready(LONG).await.expect("up");
    let mut posts: Vec<_> = (0..20).map(|n| Some(pool.post(request(n)))).collect();
    // All of them have been polled, so that all are in line, before every other one leaves.
    for post in posts.iter_mut().flatten() {
        assert!(post.now_or_never().is_none());
    }
    posts.iter_mut().skip(3).step_by(2).for_each(|p| *p = None);
    for post in posts.into_iter().flatten() {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    assert_eq!(pool.waiting(), 0);
    assert!(
        (4..20)
            .step_by(2)
            .all(|n| server.times_accepted(&id(n)) == 1)
    );
    assert!(
        (5..20)
            .step_by(2)
            .all(|n| server.times_accepted(&id(n)) == 0)
    );
}

pub(crate) async fn a_caller_that_is_not_polled_holds_up_nobody<R: Runtime>(runtime: R) {
    let server = slow(1, 5);
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.queue(1, 1 << 20).pool().expect("a pool");
    let mut posts: Vec<_> = (0..20).map(|n| pool.post(request(n))).collect();
    let last = posts.pop().expect("twenty");
    // All the others stand in line before it, and nobody looks at them.
    assert_eq!(last.await.expect("an answer").status(), 200);
    assert_eq!((pool.waiting(), server.processed().accepted), (0, 20));
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
}

pub(crate) async fn dropping_at_any_moment_leaks_no_stream<R: Runtime>(runtime: R) {
    let server = slow(4, 3);
    let pool = pool(&runtime, &server, 2);
    pool.ready(LONG).await.expect("up");
    for round in 0..40_usize {
        let numbers = round * 10..round * 10 + 10;
        let mut posts: Vec<_> = numbers.map(|n| pool.post(request(n))).collect();
        for post in &mut posts {
            let _ = post.now_or_never();
        }
        // From none of them begun to all of them answered.
        sleep(&runtime, Duration::from_micros(round as u64 * 300)).await;
    }
    assert_eq!(send_all(&pool, 1_000..1_050).await, 50);
    until(&runtime, "nothing is in flight", || {
        let stats = pool.stats();
        stats.inflight == 0 && stats.pending == 0
    })
    .await;
    let (stats, processed) = (pool.stats(), server.processed());
    assert_eq!((processed.duplicates, processed.over_limit), (0, 0));
    // Every request either was answered or was taken back.
    assert!(stats.completed + stats.abandoned >= 450, "{stats:?}");
    assert_eq!(stats.completed, processed.accepted, "{stats:?}");
}

pub(crate) async fn a_connection_keeps_the_stream_of_a_dropped_future_until_its_answer<
    R: Runtime,
>(
    runtime: R,
) {
    let server = slow(2, 50);
    let connection = builder(&runtime, &server).connect().await.expect("up");
    drop(connection.post(request(0)));
    assert_eq!(connection.in_flight(), 1);
    let kept = connection.post(request(1));
    assert!(connection.post(request(2)).await.is_err(), "no third one");
    assert_eq!(kept.await.expect("an answer").status(), 200);
    until(&runtime, "the stream is free", || {
        connection.in_flight() == 0
    })
    .await;
    assert_eq!(connection.credit().streams, 2);
    assert_eq!(server.processed().accepted, 2);
}

pub(crate) async fn a_typed_send_can_be_dropped_before_during_and_after<R: Runtime>(runtime: R) {
    let server = slow(1, 50);
    let client = builder(&runtime, &server).connections(1, 1);
    let client = client.build().expect("a client");
    client.ready(LONG).await.expect("up");
    let device = DeviceToken::new("abcdef01").expect("a device token");
    let hello = Notification::alert("hello");
    let in_flight = client.send(&device, &hello);
    until(&runtime, "it is in flight", || client.stats().inflight == 1).await;
    let queued = client.send(&device, &hello);
    drop(queued);
    drop(in_flight);
    until(&runtime, "the stream is free", || {
        client.stats().inflight == 0
    })
    .await;
    let answered = client.send(&device, &hello);
    until(&runtime, "it is answered", || client.stats().completed == 2).await;
    drop(answered);
    client.send(&device, &hello).await.expect("delivered");
    assert_eq!(client.stats().abandoned, 2);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.over_limit), (3, 0));
}

pub(crate) async fn a_connect_given_up_at_any_moment_leaves_no_connection<R: Runtime>(runtime: R) {
    let server = serve([]);
    for step in 0..20_u64 {
        let connect = pin!(builder(&runtime, &server).connect());
        let patience = pin!(sleep(&runtime, Duration::from_micros(step * 500)));
        drop(select(connect, patience).await);
    }
    until(&runtime, "no connection is open", || {
        server.connections() == 0
    })
    .await;
    let connection = builder(&runtime, &server).connect().await.expect("up");
    assert_eq!(
        connection
            .post(request(0))
            .await
            .expect("an answer")
            .status(),
        200
    );
}

pub(crate) async fn a_drain_goes_on_without_its_future<R: Runtime>(runtime: R) {
    let server = slow(4, 50);
    let pool = pool(&runtime, &server, 1);
    pool.ready(LONG).await.expect("up");
    let posts: Vec<_> = (0..8).map(|n| pool.post(request(n))).collect();
    assert!(pool.drain(LONG).now_or_never().is_none());
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    until(&runtime, "it is closed", || pool.state() == State::Closed).await;
    assert!(pool.post(request(9)).await.is_err());
    assert_eq!(server.processed().accepted, 8);
}

pub(crate) async fn a_close_happens_without_its_future<R: Runtime>(runtime: R) {
    let server = slow(1, 50);
    let pool = pool(&runtime, &server, 1);
    pool.ready(LONG).await.expect("up");
    let queued: Vec<_> = (0..8).map(|n| pool.post(request(n))).collect();
    let _ = pool.close().now_or_never();
    for post in queued {
        assert!(matches!(post.await, Err(PostError::Closed(_))));
    }
    let connection = builder(&runtime, &server).connect().await.expect("up");
    let posted = connection.post(request(9));
    let _ = connection.close().now_or_never();
    assert_eq!(posted.await.expect("an answer").status(), 200);
    until(&runtime, "no connection is open", || {
        server.connections() == 0
    })
    .await;
}

pub(crate) async fn a_connections_futures_can_be_dropped_before_and_after<R: Runtime>(runtime: R) {
    let server = slow(2, 20);
    let connection = builder(&runtime, &server).connect().await.expect("up");
    let posted = [connection.post(request(0)), connection.post(request(1))];
    // Turned away before it begins: dropping it costs nobody a stream.
    drop(connection.post(request(2)));
    until(&runtime, "both are answered", || {
        connection.in_flight() == 0
    })
    .await;
    drop(posted);
    assert_eq!(connection.credit().streams, 2);
    assert_eq!(
        connection
            .post(request(3))
            .await
            .expect("an answer")
            .status(),
        200
    );
    assert_eq!(server.processed().accepted, 3);
}
