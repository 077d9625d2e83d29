//! The tokio adapter in a simulated network (turmoil): hosts that are parted, held up, crashed and come back.
//!
//! The server is the h2 crate's, in the clear, and counts what it processed. Time is virtual.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aapns_proto::{Delivery, Fields, Head, Method, Policy, Request};
use aapns_tokio::{Builder, Connecting, Endpoint, Pool, Post, Stream, Tokio};
use turmoil::net::{TcpListener, TcpStream};

const CLIENT: &str = "client";
const APNS: &str = "apns";
const PORT: u16 = 8080;

/// How often each notification was processed, by its id.
#[derive(Clone, Default)]
struct Ledger(Arc<Mutex<BTreeMap<String, u32>>>);

impl Ledger {
    fn note(&self, id: &str) {
        let mut ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *ledger.entry(id.to_owned()).or_default() += 1;
    }

    fn times(&self, n: u32) -> u32 {
        let ledger = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.get(&id(n)).copied().unwrap_or(0)
    }
}

fn simulation(ledger: &Ledger) -> turmoil::Sim<'static> {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(120))
        .tick_duration(Duration::from_millis(2))
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(10))
        .rng_seed(7)
        .build();
    let ledger = ledger.clone();
    sim.host(APNS, move || serve(ledger.clone()));
    sim
}

async fn serve(ledger: Ledger) -> turmoil::Result {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_connection(stream, ledger.clone()));
    }
}

async fn serve_connection(stream: TcpStream, ledger: Ledger) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, ledger.clone()));
    }
}

/// Takes its time, so that there is always something in flight.
async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<bytes::Bytes>,
    ledger: Ledger,
) {
    let (parts, mut body) = request.into_parts();
    while let Some(piece) = body.data().await {
        if piece.is_err() {
            return;
        }
    }
    tokio::time::sleep(Duration::from_millis(20)).await;
    let id = parts.headers.get("apns-id").and_then(|id| id.to_str().ok());
    ledger.note(id.unwrap_or_default());
    // Whether the client still hears it is what the tests are about.
    let _ = respond.send_response(http::Response::new(()), true);
}

fn connect(host: &str, port: u16) -> Connecting {
    let host = host.to_owned();
    Box::pin(async move {
        let stream = TcpStream::connect((host.as_str(), port)).await?;
        Ok(Box::new(stream) as Box<dyn Stream>)
    })
}

fn pool(policy: Policy) -> Pool {
    let origin = format!("http://{APNS}:{PORT}");
    let endpoint = Endpoint::parse(&origin).expect("an origin");
    Builder::new(Tokio::with_connector(connect), endpoint)
        .proxy(None)
        .connections(2, 2)
        .policy(policy)
        .timeout(Duration::from_secs(60))
        .pool()
        .expect("a pool")
}

fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

fn post(pool: &Pool, n: u32) -> Post {
    let head = Head::new(Method::POST, Fields::new());
    let request = Request::new(head, format!("/3/device/{n:08x}"), "{}");
    let request = request.and_then(|request| request.field("apns-id", id(n)));
    pool.post(request.expect("a request"))
}

/// One at a time, every 10 ms.
async fn post_steadily(pool: &Pool, count: u32) -> Vec<Post> {
    let mut posts = Vec::new();
    for n in 0..count {
        posts.push(post(pool, n));
        sleep(10).await;
    }
    posts
}

async fn sleep(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Holds each end against what the server knows; how many were delivered, and how many are unknown.
async fn settle(posts: Vec<Post>, ledger: &Ledger) -> (u32, u32) {
    let (mut delivered, mut unknown) = (0, 0);
    for (n, post) in (0..).zip(posts) {
        let result = post.await;
        let times = ledger.times(n);
        match result {
            Ok(answer) => {
                assert_eq!(answer.status(), 200);
                assert!(
                    times == 1 || times > 1 && answer.possible_duplicate,
                    "{n}: {times} times"
                );
                delivered += 1;
            }
            Err(error) if error.delivery() == Delivery::Unknown => {
                assert!(times <= 1, "{n}: {times} times");
                unknown += 1;
            }
            Err(error) => panic!("{n}: {error}, though there was time enough"),
        }
    }
    (delivered, unknown)
}

#[test]
fn a_partition_is_noticed_and_all_arrives_when_it_is_over() -> turmoil::Result {
    let ledger = Ledger::default();
    let mut sim = simulation(&ledger);
    sim.client(CLIENT, async move {
        let pool = pool(Policy::AtLeastOnce);
        let mut posts = post_steadily(&pool, 100).await;
        turmoil::partition(CLIENT, APNS);
        posts.extend((100..300).map(|n| post(&pool, n)));
        sleep(12_000).await;
        // Dead by PING, and dialled anew in vain.
        assert!(pool.stats().completed <= 100 && pool.stats().dials > 2);
        turmoil::repair(CLIENT, APNS);
        assert_eq!(settle(posts, &ledger).await, (300, 0));
        assert_eq!(pool.close().await.unsent, 0);
        Ok(())
    });
    sim.run()
}

#[test]
fn packets_that_are_held_up_for_a_while_cost_nothing_but_time() -> turmoil::Result {
    let ledger = Ledger::default();
    let mut sim = simulation(&ledger);
    sim.client(CLIENT, async move {
        let pool = pool(Policy::AtMostOnce);
        let mut posts = post_steadily(&pool, 50).await;
        turmoil::hold(CLIENT, APNS);
        posts.extend((50..150).map(|n| post(&pool, n)));
        // Longer than silence goes unasked, shorter than it is taken for death.
        sleep(4_000).await;
        assert!(pool.stats().completed <= 50, "nothing came through");
        turmoil::release(CLIENT, APNS);
        assert_eq!(settle(posts, &ledger).await, (150, 0));
        let stats = pool.stats();
        assert_eq!((stats.dials, stats.possible_duplicates), (2, 0));
        Ok(())
    });
    sim.run()
}

/// Runs until the client is done; the server is down from second 1 to second 4.
fn run_with_a_crash(mut sim: turmoil::Sim<'_>) -> turmoil::Result {
    let (mut is_down, mut was_down) = (false, false);
    while !sim.step()? {
        let now = sim.elapsed();
        if !was_down && now > Duration::from_secs(1) {
            sim.crash(APNS);
            (is_down, was_down) = (true, true);
        }
        if is_down && now > Duration::from_secs(4) {
            sim.bounce(APNS);
            is_down = false;
        }
    }
    assert!(was_down && !is_down, "it crashed and came back");
    Ok(())
}

#[test]
fn a_host_that_crashes_and_comes_back_gets_all_that_it_lost() -> turmoil::Result {
    let ledger = Ledger::default();
    let mut sim = simulation(&ledger);
    sim.client(CLIENT, async move {
        let pool = pool(Policy::AtLeastOnce);
        let posts = post_steadily(&pool, 600).await;
        assert_eq!(settle(posts, &ledger).await, (600, 0));
        assert!(pool.stats().dials > 2);
        Ok(())
    });
    run_with_a_crash(sim)
}

#[test]
fn under_at_most_once_a_crash_doubles_nothing() -> turmoil::Result {
    let ledger = Ledger::default();
    let mut sim = simulation(&ledger);
    sim.client(CLIENT, async move {
        let pool = pool(Policy::AtMostOnce);
        let posts = post_steadily(&pool, 600).await;
        let (delivered, unknown) = settle(posts, &ledger).await;
        assert_eq!(delivered + unknown, 600);
        assert!(unknown < 100, "only what was in flight: {unknown}");
        assert!((0..600).all(|n| ledger.times(n) <= 1));
        Ok(())
    });
    run_with_a_crash(sim)
}
