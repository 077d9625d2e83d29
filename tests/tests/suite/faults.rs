//! Servers that go away, shrink, refuse, cut, fall silent and come back.

use std::time::Duration;

use aapns_proto::client::Runtime;
use aapns_proto::{ConnectionConfig, Delivery, Policy};
use aapns_tokio::mock::{Action, Goaway, Rule, Server};
use rcgen::generate_simple_self_signed;

use super::{LONG, builder, id, pool, request, send_all, serve, start, to, until};

pub(crate) async fn a_goaway_loses_nothing_and_doubles_nothing<R: Runtime>(runtime: R) {
    for two_step_ms in [None, Some(20)] {
        let goaway = Goaway {
            unprocessed: 20,
            reason: Some("Shutdown".into()),
            two_step_ms,
            ..Goaway::default()
        };
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
    let silence = Rule {
        connection: Some(1),
        ..Rule::at(5, Action::Blackhole)
    };
    let server = serve([silence]);
    let config = ConnectionConfig {
        ping_after: Duration::from_millis(200),
        ping_timeout: Duration::from_millis(300),
        ..ConnectionConfig::default()
    };
    let pool = builder(&runtime, &server).connections(1, 1);
    let pool = pool.connection(config).pool().expect("a pool");
    let start = runtime.now();
    assert_eq!(send_all(&pool, 0..50).await, 50);
    assert!(runtime.now().saturating_since(start) < LONG / 3);
    assert!(server.processed().connections >= 2);
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
