//! Futures dropped before, during and after their request is in flight.

use std::time::Duration;

use aapns_proto::client::Runtime;
use aapns_tokio::mock::Server;
use futures::FutureExt;

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
