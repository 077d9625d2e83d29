//! What only a runtime with threads can show of a `Pool`; the rest is in the suite of all adapters.

use aapns_tokio::mock::Server;

use crate::{pool, send_all};

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
