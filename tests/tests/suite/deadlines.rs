//! Deadlines: in flight, in the queue, in line for it, and without a server.

use std::time::Duration;

use aapns_proto::client::{PostError, PostOptions, Runtime};
use aapns_proto::{Cause, Delivery};
use aapns_tokio::mock::{Action, Rule, Scenario, Server};

use super::{LONG, builder, pool, request, send_all, serve, sleep, start, to, until};

fn within(time: u64) -> PostOptions {
    PostOptions::new().timeout(Duration::from_millis(time))
}

pub(crate) async fn silence_ends_at_the_deadline_as_unknown<R: Runtime>(runtime: R) {
    let server = serve([Rule::at(1, Action::Ignore)]);
    let pool = pool(&runtime, &server, 1);
    let result = pool.post_with(request(1), within(300)).await;
    let error = result.expect_err("no answer");
    let failure = error.failure().expect("it was queued");
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!((failure.delivery, failure.attempts), (Delivery::Unknown, 1));
    assert!(!error.is_retryable());
    // Its stream is free again.
    assert_eq!(send_all(&pool, 2..20).await, 18);
}

/// A pool whose only stream is taken by a request that is never answered, and that request.
async fn full<R: Runtime>(
    runtime: &R,
    queue: usize,
) -> (
    Server,
    aapns_proto::client::Pool<R>,
    aapns_proto::client::Post<R>,
) {
    let mut scenario = Scenario::of([Rule::always(Action::Ignore)]);
    scenario.max_concurrent_streams = Some(1);
    let server = start(Server::builder().scenario(scenario));
    let builder = builder(runtime, &server).connections(1, 1);
    let pool = builder.queue(queue, 1 << 20).pool().expect("a pool");
    pool.ready(LONG).await.expect("up");
    let first = pool.post(request(0));
    until(runtime, "the first is in flight", || {
        pool.stats().inflight == 1
    })
    .await;
    (server, pool, first)
}

pub(crate) async fn what_waits_in_the_queue_ends_as_not_sent<R: Runtime>(runtime: R) {
    let (server, pool, first) = full(&runtime, 10).await;
    let result = pool.post_with(request(1), within(100)).await;
    let error = result.expect_err("its turn never came");
    let failure = error.failure().expect("it was queued");
    assert!(matches!(error, PostError::Timeout(_)), "{error}");
    assert_eq!((failure.delivery, failure.attempts), (Delivery::NotSent, 0));
    assert!(error.is_retryable());
    assert_eq!(server.times_accepted(&super::id(1)), 0);
    drop(first);
}

pub(crate) async fn waiting_for_room_counts<R: Runtime>(runtime: R) {
    let (_server, pool, first) = full(&runtime, 1).await;
    let queued = pool.post(request(1));
    let waiting = pool.post_with(request(2), within(80));
    assert_eq!(pool.waiting(), 1);
    let blocked = pool.try_post(request(3), PostOptions::new()).await;
    assert_eq!(blocked, Err(PostError::Blocked));
    let error = waiting.await.expect_err("no room in time");
    assert!(matches!(error, PostError::Timeout(_)), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_eq!(pool.waiting(), 0);
    drop((first, queued));
}

pub(crate) async fn without_a_server_the_cause_is_the_dial<R: Runtime>(runtime: R) {
    for (origin, words) in [
        ("https://127.0.0.1:1", "connection refused"),
        ("https://no-such-host.invalid", "no-such-host.invalid"),
    ] {
        let pool = to(&runtime, origin).pool().expect("a pool");
        let ready = pool.ready(Duration::from_millis(100)).await;
        assert!(matches!(ready, Err(PostError::Failed(_))), "{ready:?}");
        // A name may take its time to be unknown.
        let result = pool.post_with(request(1), within(2_000)).await;
        let error = result.expect_err("no server");
        let cause = error.failure().expect("queued").cause.to_string();
        assert!(
            cause.starts_with("connect: ") && cause.contains(words),
            "{cause}"
        );
        assert_eq!(error.delivery(), Delivery::NotSent);
        sleep(&runtime, Duration::from_millis(1)).await;
        assert_eq!(pool.close().await.unsent, 0);
    }
}
