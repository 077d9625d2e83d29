//! What a request allocates once everything is warm: nothing in the core, one block in a pool's handle.

use aapns_tokio::{Endpoint, Pool};
use allocation_counter::measure;
#[path = "../benches/support/blind.rs"]
mod blind;
#[path = "../benches/support/mod.rs"]
mod support;

use support::{BATCH, answers, block, connected, linked, requests};

const REQUESTS: usize = 10_000;

/// Batches until nothing grows any more: the first requests make the buffers.
const WARM: usize = 64;

/// Runs a case warm, then `REQUESTS` of it; how many blocks that allocated.
fn allocated(mut round: impl FnMut(usize)) -> u64 {
    (0..WARM).for_each(&mut round);
    let batches = REQUESTS.div_ceil(BATCH);
    measure(|| (WARM..WARM + batches).for_each(&mut round)).count_total
}

#[test]
fn a_request_through_a_connection_allocates_nothing() {
    let (requests, mut peer) = (requests(), connected());
    let answers = answers(&block(&["apns-id", "apns-unique-id"]));
    let count = allocated(|batch| peer.round(&requests, &answers, batch));
    assert_eq!(count, 0);
}

#[test]
fn a_request_through_a_pool_and_its_link_allocates_nothing() {
    let (requests, mut peer) = (requests(), linked());
    let answers = answers(&block(&["apns-id", "apns-unique-id"]));
    let count = allocated(|batch| peer.round(&requests, &answers, batch));
    assert_eq!(count, 0);
}

#[test]
fn a_post_through_a_pool_of_tokio_allocates_one_block() {
    let port = blind::serve_plain();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let requests = requests();
    let mut posts = Vec::with_capacity(BATCH);
    let pool = runtime.block_on(async {
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("an endpoint");
        Pool::builder(endpoint).pool().expect("a pool")
    });
    // The links' tasks run on this thread too: what they allocate is counted.
    let count = allocated(|_| runtime.block_on(round(&pool, &requests, &mut posts)));
    let most = REQUESTS.next_multiple_of(BATCH) as u64;
    assert!(count <= most, "{count} for {most} requests");
    assert!(count > 0, "the counter counts");
}

/// Posts a batch, and waits for its answers.
async fn round(pool: &Pool, requests: &[aapns_tokio::Request], posts: &mut Vec<aapns_tokio::Post>) {
    posts.extend(requests.iter().map(|request| pool.post(request.clone())));
    for post in posts.drain(..) {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
}
