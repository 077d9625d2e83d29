//! A scenario's rules one by one: when each applies, and what it does.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Action, Answer, Rule, Scenario, Server};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use h2::Reason;

use super::raw::{RST_STREAM, Raw};
use super::support::{connect, finish, id, scenario, start, wait_until};

async fn serve(scenario: Scenario, seed: u64) -> Server {
    let server = Server::builder().scenario(scenario).seed(seed);
    server.start().await.unwrap()
}

/// Statuses of so many requests in one burst.
async fn statuses(server: &Server, count: usize) -> Vec<u16> {
    let (mut send, _driver) = connect(server, None).await;
    let started: Vec<_> = (0..count).map(|_| start(&mut send, "abcd", &[])).collect();
    let mut statuses = Vec::new();
    for response in started {
        statuses.push(finish(response).await.unwrap().0);
    }
    statuses
}

fn busy() -> Action {
    Action::Answer(Answer::rejection(503, "ServiceUnavailable"))
}

fn by_chance(probability: f64) -> Scenario {
    let mut rule = Rule::always(busy());
    rule.probability = Some(probability);
    scenario([rule])
}

#[tokio::test]
async fn chance_is_as_probable_as_the_rule_says() {
    for (probability, least, most) in [(0.0, 0, 0), (0.25, 20, 80), (1.0, 200, 200)] {
        let server = serve(by_chance(probability), 1).await;
        let statuses = statuses(&server, 200).await;
        let busy = statuses.iter().filter(|status| **status == 503).count();
        assert!((least..=most).contains(&busy), "{probability}: {busy}");
    }
}

#[tokio::test]
async fn a_seed_repeats_its_chances_whenever_the_answers_leave() {
    let at_once = statuses(&serve(by_chance(0.5), 7).await, 100).await;
    let mut late = by_chance(0.5);
    late.latency_ms = 20;
    assert_eq!(statuses(&serve(late, 7).await, 100).await, at_once);

    let server = serve(by_chance(0.5), 7).await;
    let (mut send, _driver) = connect(&server, None).await;
    for (n, expected) in (0..).zip(&at_once) {
        let given = id(n);
        let fields = [("apns-id", &*given)];
        let fields = if n % 2 == 0 { &fields[..] } else { &[] };
        let (status, _) = finish(start(&mut send, "abcd", fields)).await.unwrap();
        assert_eq!(status, *expected, "request {n}, one by one");
    }
    assert_ne!(
        statuses(&serve(by_chance(0.5), 8).await, 100).await,
        at_once
    );
}

#[tokio::test]
async fn ids_made_here_are_never_made_again() {
    let mut ids = BTreeSet::new();
    for _ in 0..3 {
        let server = Server::start().await.unwrap();
        for _ in 0..2 {
            let (mut send, _driver) = connect(&server, None).await;
            for _ in 0..2 {
                ids.insert(finish(start(&mut send, "abcd", &[])).await.unwrap().1);
            }
        }
    }
    assert_eq!(ids.len(), 12, "{ids:?}");
}

#[tokio::test]
async fn a_delay_holds_up_its_answer_alone() {
    let server = serve(scenario([Rule::at(1, Action::Delay(200))]), 0).await;
    let (mut send, _driver) = connect(&server, None).await;
    let begin = Instant::now();
    let mut responses: FuturesUnordered<_> = (0..3)
        .map(|n| {
            let response = start(&mut send, "abcd", &[]);
            async move { (n, finish(response).await.unwrap().0) }
        })
        .collect();
    let mut order = Vec::new();
    while let Some((n, status)) = responses.next().await {
        assert_eq!(status, 200);
        order.push(n);
    }
    assert!(begin.elapsed() >= Duration::from_millis(200));
    assert_eq!(order.last(), Some(&0));
}

#[tokio::test]
async fn jitter_is_up_to_what_it_says_and_by_the_seed() {
    let mut jitter = Scenario::default();
    jitter.jitter_ms = 200;
    let server = serve(jitter, 1).await;
    let begin = Instant::now();
    // By this seed one of them waits for longer than half of it.
    assert_eq!(statuses(&server, 20).await, [200; 20]);
    assert!(begin.elapsed() >= Duration::from_millis(100));
}

#[tokio::test]
async fn a_reset_is_in_place_of_the_answer_to_an_accepted_notification() {
    let server = serve(scenario([Rule::at(1, Action::Reset(11))]), 0).await;
    let (mut send, _driver) = connect(&server, None).await;
    let given = id(1);
    let response = start(&mut send, "abcd", &[("apns-id", &given)]);
    let error = finish(response).await.unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    assert_eq!(server.times_accepted(&given), 1);
    assert_eq!(server.processed().unanswered, 1);
    assert_eq!(finish(start(&mut send, "abcd", &[])).await.unwrap().0, 200);
}

#[tokio::test]
async fn a_rule_for_a_device_token_leaves_others_alone() {
    let mut rule = Rule::always(busy());
    rule.device_token = Some("abcd".to_owned());
    let server = serve(scenario([rule]), 0).await;
    let (mut send, _driver) = connect(&server, None).await;
    for (token, expected) in [("abcd", 503), ("abce", 200), ("ABCD", 503), ("ab", 200)] {
        let (status, _) = finish(start(&mut send, token, &[])).await.unwrap();
        assert_eq!(status, expected, "{token}");
    }
}

#[tokio::test]
async fn a_rule_for_a_connection_leaves_others_alone() {
    let server = serve(scenario([Rule::always(busy()).connection(2)]), 0).await;
    for expected in [200, 503, 200] {
        assert_eq!(statuses(&server, 2).await, [expected; 2]);
    }
}

#[tokio::test]
async fn a_rule_by_time_is_used_when_its_time_has_come() {
    let mut rule = Rule::always(Action::Limit(7)).times(1);
    rule.after_ms = Some(1000);
    let server = serve(scenario([rule]), 0).await;
    let (send, driver) = connect(&server, None).await;
    drop(send);
    driver.await.unwrap().unwrap();
    wait_until("the first to end", || server.connections() == 0).await;

    let (second, _driver) = connect(&server, None).await;
    assert_eq!(second.current_max_send_streams(), 1000);
    wait_until("another limit", || second.current_max_send_streams() == 7).await;
}

#[tokio::test]
async fn streams_beyond_the_limit_are_refused() {
    let server = Server::builder()
        .scenario(scenario([Rule::always(Action::Ignore)]))
        .max_concurrent_streams(1)
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 3).await;
    let mut refused = Vec::new();
    while refused.len() < 2 {
        let (kind, stream) = raw.next().await.expect("a frame");
        if kind == RST_STREAM {
            refused.push(stream);
        }
    }
    assert_eq!(refused, [3, 5]);
    let counts = server.processed();
    assert_eq!(
        (counts.over_limit, counts.refused, counts.accepted),
        (2, 2, 1)
    );
}
