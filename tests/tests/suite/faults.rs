//! Servers that go away, shrink, refuse, cut, fall silent and come back.

use std::time::Duration;

use aapns_proto::client::{Pool, Runtime};
use aapns_proto::{ConnectionConfig, Delivery, Policy};
use aapns_tokio::mock::{Action, Goaway, Rule, Server};
use futures::future::join_all;
use rcgen::generate_simple_self_signed;

use super::relay::{Fate, Relay};
use super::{LONG, builder, id, pool, request, send_all, serve, start, to, until};

pub(crate) async fn a_goaway_loses_nothing_and_doubles_nothing<R: Runtime>(runtime: R) {
    for two_step_ms in [None, Some(20)] {
        let mut goaway = Goaway::default();
        goaway.unprocessed = 20;
        goaway.reason = Some("Shutdown".into());
        goaway.two_step_ms = two_step_ms;
        let server = serve([Rule::every(300, Action::Goaway(goaway)).times(4)]);
        let pool = builder(&runtime, &server).policy(Policy::AtMostOnce);
        let pool = pool.connections(2, 2).pool().expect("a pool");
        assert_eq!(send_all(&pool, 0..1_500).await, 1_500);
        let (processed, stats) = (server.processed(), pool.stats());
        assert_eq!((processed.accepted, processed.duplicates), (1_500, 0));
        assert!(
            processed.goaways > 0 && stats.goaways > 0,
            "{processed:?} {stats:?}"
        );
        assert_eq!(stats.possible_duplicates, 0);
    }
}

pub(crate) async fn refused_streams_are_sent_again<R: Runtime>(runtime: R) {
    let server = serve([
        Rule::every(7, Action::Refuse).times(30),
        Rule::every(11, Action::RefuseTwice).times(30),
    ]);
    let pool = builder(&runtime, &server).policy(Policy::AtMostOnce);
    let pool = pool.connections(1, 1).pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..300).await, 300);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (300, 0));
    assert!(processed.refused > 0 && pool.stats().resent > 0);
}

pub(crate) async fn a_stream_limit_of_one_and_back_loses_nothing<R: Runtime>(runtime: R) {
    let server = serve([
        Rule::at(100, Action::Limit(1)),
        Rule::at(150, Action::Limit(1000)),
    ]);
    let pool = pool(&runtime, &server, 1);
    assert_eq!(send_all(&pool, 0..1_000).await, 1_000);
    let processed = server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (1_000, 0));
    assert_eq!(processed.over_limit, 0);
}

pub(crate) async fn cut_connections_are_replaced_and_duplicates_are_flagged<R: Runtime>(
    runtime: R,
) {
    let server = serve([Rule::every(200, Action::Cut).times(3)]);
    let pool = pool(&runtime, &server, 2);
    let posts: Vec<_> = (0..1_000).map(|n| pool.post(request(n))).collect();
    let mut flagged = 0;
    for post in posts {
        let answer = post.await.expect("delivered in the end");
        assert_eq!(answer.status(), 200);
        flagged += u64::from(answer.possible_duplicate);
    }
    let doubled = server.processed().duplicates;
    assert!(doubled <= flagged, "{doubled} doubled, {flagged} flagged");
    assert_eq!(pool.stats().possible_duplicates, flagged);
}

pub(crate) async fn at_most_once_is_not_sent_again_after_a_cut<R: Runtime>(runtime: R) {
    let server = serve([Rule::every(40, Action::Cut).times(3)]);
    let pool = builder(&runtime, &server).policy(Policy::AtMostOnce);
    let pool = pool.connections(1, 1).pool().expect("a pool");
    let posts: Vec<_> = (0..200).map(|n| pool.post(request(n))).collect();
    let mut unknown = 0;
    for (n, post) in posts.into_iter().enumerate() {
        match post.await {
            Ok(answer) => assert_eq!(answer.status(), 200),
            Err(error) => {
                assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
                assert!(server.times_accepted(&id(n)) <= 1);
                unknown += 1;
            }
        }
    }
    assert!(unknown > 0, "the cuts were felt");
    assert_eq!(server.processed().duplicates, 0);
}

pub(crate) async fn a_silent_server_is_noticed_and_left<R: Runtime>(runtime: R) {
    let silence = Rule::at(5, Action::Blackhole).connection(1);
    let server = serve([silence]);
    let mut config = ConnectionConfig::default();
    config.ping_after = Duration::from_millis(200);
    config.ping_timeout = Duration::from_millis(300);
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.connection_config(config).pool().expect("a pool");
    let start = runtime.now();
    assert_eq!(send_all(&pool, 0..50).await, 50);
    assert!(runtime.now().saturating_since(start) < LONG / 3);
    assert!(server.processed().connections >= 2);
}

pub(crate) async fn a_slow_server_is_waited_for<R: Runtime>(runtime: R) {
    let server = Server::builder().max_concurrent_streams(10);
    let server = start(server.latency(Duration::from_millis(600)));
    let mut config = ConnectionConfig::default();
    config.ping_after = Duration::from_millis(100);
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.connection_config(config).pool().expect("a pool");
    assert_eq!(send_all(&pool, 0..30).await, 30);
    // It was asked by PING whether it lives, answered, and was left alone.
    let (processed, stats) = (server.processed(), pool.stats());
    assert_eq!((processed.connections, processed.accepted), (1, 30));
    assert_eq!((stats.resent, stats.errors), (0, 0));
}

/// A pool of one connection to this server by way of a relay, quick to lose patience.
fn relayed<R: Runtime>(runtime: &R, server: &Server, relay: &Relay) -> Pool<R> {
    let patience = Duration::from_secs(1);
    let mut config = ConnectionConfig::default();
    config.settings_timeout = patience;
    config.ping_after = patience / 2;
    config.ping_timeout = patience;
    let builder = to(runtime, &relay.origin()).ca_pem(server.ca_pem());
    let builder = builder
        .ca_only()
        .dial_timeout(patience)
        .connection_config(config);
    builder.connections(1, 1).pool().expect("a pool")
}

/// Octets of the server: none, within its handshake, about its SETTINGS, among its answers.
const POINTS: [usize; 9] = [0, 1, 100, 700, 900, 1_000, 1_100, 1_300, 2_000];

pub(crate) async fn a_black_hole_at_any_point_of_a_connection_is_left_for_the_next_one<
    R: Runtime,
>(
    runtime: R,
) {
    nothing_is_lost_at_any_point(runtime, |octets| vec![Fate::BlackHole(octets)]).await;
}

pub(crate) async fn a_cut_at_any_point_of_a_connection_loses_nothing<R: Runtime>(runtime: R) {
    nothing_is_lost_at_any_point(runtime, |octets| vec![Fate::Cut(octets); 2]).await;
}

/// The first connections meet these fates after so many octets; all is delivered on later ones.
async fn nothing_is_lost_at_any_point<R: Runtime>(runtime: R, fates: fn(usize) -> Vec<Fate>) {
    let runs = POINTS.map(async |octets| {
        let server = serve([]);
        let relay = Relay::new(server.address(), fates(octets));
        let pool = relayed(&runtime, &server, &relay);
        assert_eq!(send_all(&pool, 0..50).await, 50, "at {octets}");
        let processed = server.processed();
        assert_eq!(processed.accepted - processed.duplicates, 50);
        let doubled = server.duplicates().len() as u64;
        assert!(doubled <= pool.stats().possible_duplicates, "at {octets}");
    });
    join_all(runs).await;
}

pub(crate) async fn a_server_that_restarts_under_load_loses_nothing<R: Runtime>(runtime: R) {
    // The same certificate before and after; it is its own authority.
    let certificate = generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let (chain, key) = (
        certificate.cert.pem(),
        certificate.signing_key.serialize_pem(),
    );
    let mock = || Server::builder().certificate_pem(chain.as_bytes(), key.as_bytes());
    let first = start(mock().latency(Duration::from_millis(10)));
    let (address, origin) = (first.address(), first.origin());
    let pool = to(&runtime, &origin).ca_pem(chain.as_str()).ca_only();
    let pool = pool.connections(2, 2).pool().expect("a pool");
    let posts: Vec<_> = (0..5_000).map(|n| pool.post(request(n))).collect();
    until(&runtime, "some are delivered", || {
        first.processed().accepted > 500
    })
    .await;
    first.stop().await;
    let second = start(mock().address(address));
    for post in posts {
        assert_eq!(post.await.expect("an answer").status(), 200);
    }
    assert!(second.processed().accepted > 0);
}
