//! Every named scenario of the mock, against the client: what the client says holds against the mock's count.
#![cfg(feature = "mock")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aapns_models::{ApnsId, DeviceToken, Notification, Topic};
use aapns_proto::tls::Identity;
use aapns_tokio::mock::{Authentication, Counts, Event, KEY_ID, Scenario, Server, TEAM_ID};
use aapns_tokio::{
    Builder, Client, Credential, Delivery, Endpoint, Policy, PostOptions, SendError, Sent, Tokio,
};
use futures::StreamExt;
use futures::stream::FuturesUnordered;

/// Enough for three connections to reach the 500th request that a scenario waits for.
const COUNT: u32 = 2000;

struct Run {
    server: Server,
    /// How often a limit of one stream was announced.
    limits: u64,
    elapsed: Duration,
    outcomes: Vec<(ApnsId, Result<Sent, SendError>)>,
}

async fn start(scenario: &str, authentication: Authentication, limits: Arc<AtomicU64>) -> Server {
    Server::builder()
        .on_event(move |event| {
            let is_one = matches!(
                event,
                Event::Limit {
                    max_concurrent_streams: 1,
                    ..
                }
            );
            limits.fetch_add(is_one.into(), Ordering::Relaxed);
        })
        .authentication(authentication)
        .scenario(Scenario::named(scenario).expect("a built-in scenario"))
        .start()
        .await
        .expect("a free port")
}

fn client(server: &Server, credential: Credential, links: u16, policy: Policy) -> Client {
    let endpoint = Endpoint::parse(&server.origin()).expect("an origin");
    Builder::new(Tokio::default(), endpoint)
        .credential(credential)
        .topic(Topic::new("com.example.app").expect("a topic"))
        .ca_pem(server.ca_pem())
        .ca_only()
        .connections(links, links)
        .policy(policy)
        .timeout(Duration::from_secs(12))
        .build()
        .expect("a client")
}

async fn send_all(client: &Client) -> Vec<(ApnsId, Result<Sent, SendError>)> {
    let prepared = client
        .prepare(&Notification::alert("hello"))
        .expect("a notification");
    let sending: FuturesUnordered<_> = (0..COUNT)
        .map(|n| {
            let token: DeviceToken = format!("{n:064x}").parse().expect("a token");
            let id = ApnsId::random();
            let sending = client.send_prepared(&token, &prepared, Some(id), PostOptions::new());
            async move { (id, sending.await) }
        })
        .collect();
    sending.collect().await
}

/// Sends under a scenario, and holds every outcome against what the mock did.
async fn run(scenario: &str, links: u16, policy: Policy) -> Run {
    let by_token = scenario == "expired-token";
    let authentication = match by_token {
        true => Authentication::Token,
        false => Authentication::Certificate,
    };
    let limits = Arc::new(AtomicU64::new(0));
    let server = start(scenario, authentication, limits.clone()).await;
    let credential = if by_token {
        let key = server.token_key_pem().as_bytes();
        Credential::from_p8(key, KEY_ID, TEAM_ID).expect("the mock's key")
    } else {
        let pem = server.client_certificate_pem().as_bytes();
        Identity::from_pem(pem)
            .expect("the mock's certificate")
            .into()
    };
    let client = client(&server, credential, links, policy);
    let begin = Instant::now();
    let outcomes = send_all(&client).await;
    let elapsed = begin.elapsed();
    client.close().await;
    let run = Run {
        server,
        limits: limits.load(Ordering::Relaxed),
        elapsed,
        outcomes,
    };
    run.audit(scenario, policy);
    run
}

impl Run {
    fn audit(&self, scenario: &str, policy: Policy) {
        assert_eq!(self.outcomes.len(), COUNT as usize);
        for (id, outcome) in &self.outcomes {
            let times = self.server.times_accepted(&id.to_string());
            let told = format!("{scenario}: {outcome:?}, accepted {times} times");
            if policy == Policy::AtMostOnce {
                assert!(times <= 1, "{told}");
            }
            match outcome {
                Ok(sent) => {
                    assert!(times >= 1, "{told}");
                    assert!(times == 1 || sent.possible_duplicate, "{told}");
                }
                Err(error) => match error.delivery() {
                    Some(Delivery::NotSent | Delivery::Refused) => assert_eq!(times, 0, "{told}"),
                    Some(Delivery::Unknown) => {}
                    None => assert!(error.status() != Some(200), "{told}"),
                },
            }
        }
        assert_eq!(self.counts().over_limit, 0, "{scenario}");
    }

    fn counts(&self) -> Counts {
        self.server.processed()
    }

    fn delivered(&self) -> usize {
        self.outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_ok())
            .count()
    }

    fn unknown(&self) -> usize {
        let is_unknown = |e: &SendError| e.delivery() == Some(Delivery::Unknown);
        let outcomes = self.outcomes.iter();
        outcomes
            .filter(|(_, o)| o.as_ref().is_err_and(is_unknown))
            .count()
    }
}

/// Both policies, on one connection and on three.
async fn run_all(scenario: &str, check: impl Fn(&Run)) {
    for policy in [Policy::AtLeastOnce, Policy::AtMostOnce] {
        for links in [1, 3] {
            check(&run(scenario, links, policy).await);
        }
    }
}

fn all_are_delivered_once(run: &Run) {
    assert_eq!(run.delivered(), COUNT as usize);
    assert_eq!(run.counts().duplicates, 0);
}

#[tokio::test]
async fn without_faults_all_are_delivered_once() {
    run_all("ok", all_are_delivered_once).await;
}

#[tokio::test]
async fn latency_delays_and_loses_nothing() {
    run_all("latency", |run| {
        all_are_delivered_once(run);
        assert!(run.elapsed >= Duration::from_millis(80));
    })
    .await;
}

#[tokio::test]
async fn a_goaway_loses_nothing_and_doubles_nothing() {
    run_all("goaway", |run| {
        all_are_delivered_once(run);
        assert!(run.counts().goaways > 0);
    })
    .await;
}

#[tokio::test]
async fn refused_streams_are_sent_again() {
    run_all("refused", |run| {
        all_are_delivered_once(run);
        assert!(run.counts().refused > 0);
    })
    .await;
}

#[tokio::test]
async fn a_limit_of_one_stream_is_kept_until_it_rises() {
    run_all("limit-1", |run| {
        all_are_delivered_once(run);
        assert!(run.limits > 0);
    })
    .await;
}

#[tokio::test]
async fn an_expired_token_is_replaced_and_all_are_delivered() {
    run_all("expired-token", |run| {
        all_are_delivered_once(run);
        assert!(run.counts().rejected > 0);
    })
    .await;
}

#[tokio::test]
async fn throttled_notifications_are_sent_again_later() {
    run_all("throttle", |run| {
        all_are_delivered_once(run);
        assert!(run.counts().rejected > 0);
    })
    .await;
}

#[tokio::test]
async fn a_cut_leaves_doubt_only_where_there_is_some() {
    run_all("cut", |run| {
        assert!(run.counts().unanswered > 0);
        assert_eq!(run.delivered() + run.unknown(), COUNT as usize);
    })
    .await;
}

#[tokio::test]
async fn silent_connections_are_given_up_and_replaced() {
    let run = run("blackhole", 2, Policy::AtMostOnce).await;
    assert!(run.unknown() > 0);
    assert_eq!(run.delivered() + run.unknown(), COUNT as usize);
}

#[tokio::test]
async fn every_reason_comes_to_the_caller_with_its_status() {
    let run = run("reasons", 2, Policy::AtMostOnce).await;
    let statuses = |status| {
        let errors = run.outcomes.iter().filter_map(|(_, o)| o.as_ref().err());
        errors.filter(|e| e.status() == Some(status)).count()
    };
    for status in [400, 403, 404, 405, 410, 413] {
        assert!(statuses(status) > 0, "{status}");
    }
    let dead = run.outcomes.iter().filter_map(|(_, o)| o.as_ref().err());
    assert!(dead.filter(|e| e.is_device_token_dead()).count() > 0);
}
