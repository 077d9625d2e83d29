//! Many notifications at once, and over connections that break: all of them are accounted for.
//!
//! CI sends 20,000 over flaky links. For 200,000:
//!
//! ```sh
//! cargo test -p tests --test load -- --ignored --nocapture
//! ```

use std::time::{Duration, Instant};

use aapns_proto::limits::UNKNOWN_RESENDS;
use aapns_proto::{Fields, Head, Method, Policy, Request};
use aapns_tokio::mock::{Action, Counts, Goaway, Rule, Scenario, Server};
use aapns_tokio::{Builder, Client, Delivery, Endpoint, Pool, Stats};

fn builder(server: &Server) -> Builder {
    let endpoint = Endpoint::parse(&server.origin()).expect("an origin");
    let builder = Client::builder(endpoint).proxy(None);
    builder.ca_pem(server.ca_pem()).ca_only()
}

/// So many requests with ids of their own.
fn requests(count: usize) -> impl Iterator<Item = Request> {
    let fields = Fields::new()
        .with("apns-topic", "com.example.app")
        .and_then(|fields| fields.with("apns-push-type", "alert"));
    let head = Head::new(Method::POST, fields.expect("fields"));
    (0..count).map(move |n| {
        let path = format!("/3/device/{n:064x}");
        let id = format!("00000000-0000-4000-8000-{n:012}");
        Request::new(head.clone(), path, r#"{"aps":{"alert":"hi"}}"#)
            .and_then(|request| request.field("apns-id", id))
            .expect("a request")
    })
}

/// How many were delivered, how many may have been, and how many are flagged as possible duplicates.
#[derive(Debug, Default)]
struct Ends {
    delivered: u64,
    unknown: u64,
    flagged: u64,
}

async fn send(pool: &Pool, count: usize) -> Ends {
    let posts: Vec<_> = requests(count).map(|request| pool.post(request)).collect();
    let mut ends = Ends::default();
    for post in posts {
        match post.await {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                ends.delivered += 1;
                ends.flagged += u64::from(answer.possible_duplicate);
            }
            Err(error) => {
                assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
                let failure = error.failure().expect("it was queued");
                ends.flagged += u64::from(failure.possible_duplicate);
                ends.unknown += 1;
            }
        }
    }
    ends
}

/// A burst of ten times what fits at once, with a timeout of 10 s and 80 ms for each answer.
fn burst(streams: u32) {
    let mut scenario = Scenario::default();
    scenario.latency_ms = 80;
    scenario.max_concurrent_streams = Some(streams);
    let server = Server::builder().scenario(scenario).keep_requests(0);
    let server = server.start_on_thread().expect("the mock");
    let count = 20 * streams as usize;
    run(async {
        let pool = builder(&server).connections(2, 2);
        let pool = pool.timeout(Duration::from_secs(10)).pool();
        let pool = pool.expect("a pool");
        let start = Instant::now();
        let ends = send(&pool, count).await;
        println!("{count} at once: {ends:?} in {:?}", start.elapsed());
        assert_eq!(ends.delivered, count as u64);
        let (processed, stats) = (server.processed(), pool.stats());
        assert_eq!(
            (processed.accepted, processed.duplicates),
            (count as u64, 0)
        );
        assert_eq!((processed.over_limit, stats.errors), (0, 0));
    });
}

/// Connections that are cut, told to go away and refused.
fn flaky(count: usize, policy: Policy) {
    let goaway = Goaway::new().unprocessed(20).reason("Shutdown");
    let every = (count / 40) as u64;
    let mut scenario = Scenario::default();
    scenario.max_concurrent_streams = Some(100);
    scenario.rules = vec![
        // As many as there are resends after an unknown attempt: nobody can be cut once more.
        Rule::every(every, Action::Cut).times(UNKNOWN_RESENDS.into()),
        Rule::every(every * 2 / 3, Action::Goaway(goaway)).times(20),
        Rule::every(97, Action::Refuse),
        Rule::every(211, Action::RefuseTwice),
    ];
    let server = Server::builder().scenario(scenario).keep_requests(0);
    let server = server.start_on_thread().expect("the mock");
    run(async {
        let pool = builder(&server).connections(4, 4).policy(policy);
        let pool = pool.timeout(None).pool().expect("a pool");
        let start = Instant::now();
        let ends = send(&pool, count).await;
        let (processed, stats) = (server.processed(), pool.stats());
        println!(
            "{count} over flaky links: {ends:?} in {:?}",
            start.elapsed()
        );
        println!("  the mock: {processed:?}\n  the pool: {stats:?}");
        let doubled = server.duplicates().len() as u64;
        assert!(doubled <= ends.flagged, "{doubled} doubled");
        agree(count as u64, policy, &ends, &processed, &stats);
    });
}

fn agree(count: u64, policy: Policy, ends: &Ends, processed: &Counts, stats: &Stats) {
    assert_eq!(ends.delivered + ends.unknown, count);
    assert_eq!(
        (stats.completed, stats.errors),
        (ends.delivered, ends.unknown)
    );
    assert_eq!((stats.inflight, stats.pending, stats.retrying), (0, 0, 0));
    assert_eq!(stats.possible_duplicates, ends.flagged);
    assert_eq!(processed.over_limit, 0);
    // The faults happened, and were felt.
    assert!(processed.refused > count / 300 && processed.goaways > 0);
    assert!(stats.goaways > 0 && stats.resent >= processed.refused);
    let distinct = processed.accepted - processed.duplicates;
    match policy {
        Policy::AtMostOnce => {
            assert_eq!((processed.duplicates, ends.flagged), (0, 0));
            assert!((ends.delivered..=count).contains(&distinct));
            assert!(ends.unknown > 0, "the cuts were felt");
        }
        _ => assert_eq!((ends.delivered, distinct), (count, count)),
    }
}

fn run(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(test);
}

#[test]
fn a_burst_of_20_000_is_delivered_in_time() {
    burst(1_000);
}

#[test]
fn thousands_over_flaky_links_are_all_delivered() {
    flaky(10_000, Policy::AtLeastOnce);
}

#[test]
fn thousands_over_flaky_links_are_never_doubled_under_at_most_once() {
    flaky(10_000, Policy::AtMostOnce);
}

#[test]
#[ignore = "200,000 requests: ten times what CI has time for"]
fn two_hundred_thousand_over_flaky_links_are_all_accounted_for() {
    flaky(100_000, Policy::AtLeastOnce);
    flaky(100_000, Policy::AtMostOnce);
}
