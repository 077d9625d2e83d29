//! What a request allocates once everything is warm: nothing in the core, one block in a pool's handle; and what one
//! holds while it waits.

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

/// Requests that wait; octets of the payload of each.
const WAITING: usize = 100_000;
const PAYLOAD: usize = 200;

/// Fills a pool that has no connection by `begin`. What each request holds, in octets: everything that is
/// allocated for it and the future that the caller keeps, without the payload.
fn held<F>(begin: impl Fn(&aapns_tokio::Client, usize) -> F) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    // It accepts, and never says a word.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    runtime.block_on(async {
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).expect("an endpoint");
        let client = aapns_tokio::Client::builder(endpoint)
            .build()
            .expect("a client");
        drop(begin(&client, 0));
        let mut waiting = Vec::new();
        let growth = measure(|| {
            waiting.reserve_exact(WAITING);
            waiting.extend((0..WAITING).map(|n| begin(&client, n)));
        });
        let stats = client.stats();
        assert_eq!(stats.pending, WAITING as u64);
        assert!(stats.buffered >= (WAITING * PAYLOAD) as u64);
        let octets = usize::try_from(growth.bytes_current).expect("it grew");
        let held = (octets - stats.buffered as usize) / WAITING;
        println!("{held} octets, {} of them the future", size_of::<F>());
        held
    })
}

#[test]
fn a_post_that_waits_holds_at_most_360_octets_beyond_its_payload() {
    let fields = aapns_tokio::Fields::new()
        .with("apns-topic", "com.example.bench")
        .expect("a field");
    let head = aapns_tokio::Head::new(aapns_tokio::Method::POST, fields);
    let held = held(|client, n| {
        let request = aapns_tokio::Request::new(
            head.clone(),
            format!("/3/device/{n:064x}"),
            vec![b'x'; PAYLOAD],
        );
        client.pool().post(request.expect("a path"))
    });
    assert!((200..=360).contains(&held), "{held}");
}

#[test]
fn a_typed_notification_that_waits_holds_at_most_420_octets_beyond_its_payload() {
    let topic = aapns_models::Topic::new("com.example.bench").expect("a topic");
    let held = held(|client, n| {
        let token = aapns_models::DeviceToken::new(format!("{n:064x}")).expect("a token");
        let alert = aapns_models::Alert::new().body("x".repeat(PAYLOAD));
        let notification = aapns_models::Notification::alert(alert)
            .topic(topic.clone())
            .expiration(aapns_models::Expiration::Immediately);
        client.send(&token, &notification)
    });
    assert!((200..=420).contains(&held), "{held}");
}
