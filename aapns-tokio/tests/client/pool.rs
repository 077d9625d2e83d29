//! What only a runtime with threads can show of a `Pool`; the rest is in the suite of all adapters.

use std::time::{Duration, Instant};

use aapns_tokio::mock::{Action, Rule, Scenario, Server};
use aapns_tokio::{Cause, Delivery, Endpoint, Pool, PostError, SendError};

use crate::{LONG, builder, pool, request, send_all};

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

/// A pool in a `static`, used by several `#[tokio::test]`s: the first of them ends, and its runtime with it.
#[test]
fn nothing_waits_for_a_runtime_that_is_gone() {
    let scenario = Scenario::of([Rule::every(1, Action::Ignore)]);
    let server = Server::builder().scenario(scenario);
    let server = server.max_concurrent_streams(1).start_on_thread();
    let server = server.expect("the mock");
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    for workers in [1, 2] {
        let first = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(workers)
            .enable_all()
            .build()
            .expect("a runtime");
        let (pool, posts) = first.block_on(async {
            let builder = builder(&server).timeout(None).connections(1, 1);
            let pool = builder.queue(2, 10_000).pool().expect("a pool");
            let mut posts = vec![pool.post(request(0))];
            let start = Instant::now();
            while pool.stats().inflight == 0 {
                assert!(start.elapsed() < LONG, "never in flight");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            posts.extend((1..100).map(|n| pool.post(request(n))));
            (pool, posts)
        });
        assert!(pool.waiting() > 0, "some stand in line");
        drop(first);
        runtime().block_on(async {
            for (n, post) in posts.into_iter().enumerate() {
                let end = tokio::time::timeout(LONG, post).await;
                let end = end.unwrap_or_else(|_| panic!("post {n} hangs"));
                assert!(matches!(end, Err(PostError::Closed(_))), "{n}: {end:?}");
            }
            let end = tokio::time::timeout(LONG, pool.post(request(100))).await;
            let end = end.expect("a post hangs");
            assert!(matches!(end, Err(PostError::Closed(_))), "{end:?}");
            let drained = tokio::time::timeout(LONG, pool.close()).await;
            assert_eq!(drained.expect("closing hangs").unsent, 99);
        });
    }
}

/// A server whose SETTINGS take next to no fields, and what it hears is of no interest.
async fn narrow_server() -> std::net::SocketAddr {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                // SETTINGS_MAX_HEADER_LIST_SIZE: 100; and the ACK of the client's own.
                let settings = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 100];
                let _ = stream.write_all(&settings).await;
                let _ = stream.write_all(&[0, 0, 0, 4, 1, 0, 0, 0, 0]).await;
                let mut heard = [0; 1024];
                while stream.read(&mut heard).await.is_ok_and(|n| n > 0) {}
            });
        }
    });
    address
}

#[tokio::test]
async fn a_request_that_never_fits_the_server_is_not_called_retryable() {
    let origin = format!("http://{}", narrow_server().await);
    let endpoint = Endpoint::parse(&origin).expect("an origin");
    let pool = Pool::builder(endpoint).timeout(LONG).pool();
    let pool = pool.expect("a pool");
    let error = pool.post(request(1)).await.expect_err("too large");
    let failure = error.failure().expect("it was queued");
    assert_eq!(failure.cause, Cause::RequestTooLarge);
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert!(!failure.is_retryable() && !error.is_retryable());
    assert!(!SendError::from(error).is_retryable());
}
