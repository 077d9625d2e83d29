//! `Pool`: queue, back-pressure, deadlines, dropped futures, the end.

use std::time::Duration;

use aapns_tokio::mock::{Action, Server};
use aapns_tokio::{Cause, Delivery, Policy, PostError, PostOptions, State};
use futures::FutureExt;

use crate::{LONG, at, builder, pool, request, send_all, with_rules};

#[tokio::test]
async fn thousands_are_delivered_once_over_several_connections() {
    let server = Server::start().await.expect("the mock");
    let pool = pool(&server, 3);
    assert_eq!(send_all(&pool, 0..5_000).await, 5_000);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (5_000, 0));
    assert_eq!(processed.refused, 0);
    assert_eq!(pool.state(), State::Up);
    assert_eq!(pool.close().await.unsent, 0);
    assert_eq!(
        (pool.state(), pool.stats().completed),
        (State::Closed, 5_000)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_threads_may_post_at_once() {
    let server = Server::start().await.expect("the mock");
    let pool = pool(&server, 2);
    let tasks: Vec<_> = (0..8)
        .map(|n| {
            let pool = pool.clone();
            tokio::spawn(async move { send_all(&pool, n * 500..(n + 1) * 500).await })
        })
        .collect();
    for task in tasks {
        assert_eq!(task.await.expect("no panic"), 500);
    }
    assert_eq!(server.processed().duplicates, 0);
}

#[tokio::test]
async fn a_full_queue_makes_callers_wait_in_order() {
    let server = Server::start().await.expect("the mock");
    let pool = builder(&server).connections(1, 1).queue(3, 1 << 20);
    let pool = pool.pool().expect("a pool");
    let posts: Vec<_> = (0..200).map(|n| pool.post(request(n))).collect();
    assert_eq!(pool.waiting(), 197);
    let blocked = pool.try_post(request(999), PostOptions::new()).await;
    assert_eq!(blocked, Err(PostError::Blocked));
    let answers = futures::future::join_all(posts).await;
    assert!(
        answers
            .iter()
            .all(|a| a.as_ref().is_ok_and(|a| a.status() == 200))
    );
    assert_eq!(pool.waiting(), 0);
    let order: Vec<_> = server
        .requests()
        .iter()
        .map(|r| r.device_token().map(str::to_owned))
        .collect();
    let expected: Vec<_> = (0..200).map(|n| Some(format!("{n:064x}"))).collect();
    assert_eq!(order, expected);
}

#[tokio::test]
async fn a_deadline_counts_while_waiting_for_room() {
    let server = with_rules(vec![at(1, Action::Ignore)]).await;
    let pool = builder(&server).connections(1, 1).queue(1, 1 << 20);
    let pool = pool.pool().expect("a pool");
    pool.ready(LONG).await.expect("up");
    server.order(&Action::Limit(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let in_flight = pool.post(request(1));
    tokio::time::sleep(Duration::from_millis(50)).await;
    let queued = pool.post(request(2));
    let short = PostOptions::new().timeout(Duration::from_millis(80));
    let start = std::time::Instant::now();
    let waiting = pool.post_with(request(3), short);
    assert_eq!(pool.waiting(), 1);
    let error = waiting.await.expect_err("no room in time");
    assert!(matches!(error, PostError::Timeout(_)), "{error}");
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(start.elapsed() < Duration::from_secs(2));
    assert_eq!(pool.waiting(), 0);
    drop((in_flight, queued));
}

#[tokio::test]
async fn a_deadline_in_flight_is_unknown_and_frees_the_stream() {
    let server = with_rules(vec![at(1, Action::Ignore)]).await;
    let pool = pool(&server, 1);
    let options = PostOptions::new().timeout(Duration::from_millis(300));
    let error = pool
        .post_with(request(1), options)
        .await
        .expect_err("no answer");
    let failure = error.failure().expect("it was queued").clone();
    assert_eq!(failure.cause, Cause::Timeout);
    assert_eq!((failure.delivery, failure.attempts), (Delivery::Unknown, 1));
    assert!(!error.is_retryable());
    assert_eq!(send_all(&pool, 2..20).await, 18);
}

#[tokio::test]
async fn a_dropped_future_takes_a_queued_request_back() {
    let server = Server::start().await.expect("the mock");
    let pool = pool(&server, 1);
    // No connection is up yet: all of them wait.
    let keep = pool.post(request(0));
    let dropped: Vec<_> = (1..100).map(|n| pool.post(request(n))).collect();
    drop(dropped);
    assert_eq!(pool.stats().pending, 1);
    assert_eq!(keep.await.expect("an answer").status(), 200);
    assert_eq!(server.processed().processed, 1);
    assert_eq!(pool.stats().abandoned, 99);
}

#[tokio::test]
async fn a_future_dropped_in_flight_disturbs_nobody() {
    let server = Server::builder().latency(Duration::from_millis(100));
    let server = server
        .max_concurrent_streams(10)
        .start()
        .await
        .expect("the mock");
    let pool = pool(&server, 1);
    pool.ready(LONG).await.expect("up");
    for round in 0..3 {
        let mut posts: Vec<_> = (0..10)
            .map(|n| pool.post(request(round * 10 + n)))
            .collect();
        tokio::time::sleep(Duration::from_millis(30)).await;
        assert!(posts.iter_mut().all(|post| post.now_or_never().is_none()));
    }
    assert_eq!(send_all(&pool, 100..120).await, 20);
    assert_eq!(server.processed().over_limit, 0);
    let stats = pool.stats();
    assert_eq!((stats.inflight, stats.pending), (0, 0));
}

#[tokio::test]
async fn a_drain_finishes_what_it_can_and_hands_the_rest_back() {
    let server = Server::builder().latency(Duration::from_millis(50));
    let server = server
        .max_concurrent_streams(4)
        .start()
        .await
        .expect("the mock");
    let pool = pool(&server, 1);
    pool.ready(LONG).await.expect("up");
    let posts: Vec<_> = (0..400).map(|n| pool.post(request(n))).collect();
    let drained = pool.drain(Duration::from_millis(300)).await;
    let mut delivered = 0;
    let (mut unsent, mut in_flight) = (0, 0);
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
    assert!(delivered > 0 && unsent > 0);
    assert_eq!(drained.unsent, unsent);
    assert!(in_flight <= 4, "what the limit allows");
    let accepted = server.processed().accepted;
    assert!((delivered..=delivered + in_flight).contains(&accepted));
    let late = pool.post(request(999)).await.expect_err("closed");
    assert!(matches!(late, PostError::Closed(_)));
}

#[tokio::test]
async fn the_last_handle_dropped_still_sends_what_was_posted() {
    let server = Server::start().await.expect("the mock");
    let pool = pool(&server, 1);
    let posts: Vec<_> = (0..50).map(|n| pool.post(request(n))).collect();
    drop(pool);
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
}

#[tokio::test]
async fn a_pool_can_be_resized_while_it_works() {
    let server = Server::start().await.expect("the mock");
    let pool = pool(&server, 1);
    assert_eq!(send_all(&pool, 0..100).await, 100);
    pool.resize(4, 4).expect("in range");
    assert_eq!(send_all(&pool, 100..2_000).await, 1_900);
    assert!(server.processed().connections >= 4);
    pool.resize(1, 1).expect("in range");
    assert_eq!(send_all(&pool, 2_000..3_000).await, 1_000);
    assert!(pool.resize(3, 2).is_err());
    assert!(pool.resize(0, 1).is_err());
    assert!(pool.resize(1, 513).is_err());
    assert_eq!(server.processed().duplicates, 0);
}

#[tokio::test]
async fn ready_tells_when_there_is_no_server() {
    let endpoint = aapns_tokio::Endpoint::parse("https://127.0.0.1:1").expect("an origin");
    let pool = aapns_tokio::Pool::builder(endpoint).pool().expect("a pool");
    let error = pool.ready(Duration::from_millis(200)).await;
    assert!(matches!(
        error,
        Err(PostError::Timeout(_) | PostError::Failed(_))
    ));
    assert_eq!(pool.state(), State::Connecting);
    let closing = pool.close().await;
    assert_eq!(closing.unsent, 0);
}

#[tokio::test]
async fn at_most_once_is_not_sent_again_after_a_cut() {
    let server = with_rules(vec![crate::every(40, Action::Cut)]).await;
    let pool = builder(&server)
        .connections(1, 1)
        .policy(Policy::AtMostOnce);
    let pool = pool.pool().expect("a pool");
    let posts: Vec<_> = (0..200).map(|n| pool.post(request(n))).collect();
    let mut unknown = 0;
    for (n, post) in posts.into_iter().enumerate() {
        let id = format!("00000000-0000-4000-8000-{n:012}");
        match post.await {
            Ok(answer) => assert_eq!(answer.status(), 200),
            Err(error) => {
                assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
                assert!(server.times_accepted(&id) <= 1);
                unknown += 1;
            }
        }
    }
    assert!(unknown > 0, "the cuts were felt");
    assert_eq!(server.processed().duplicates, 0);
}
