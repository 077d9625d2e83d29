//! What scenarios and orders do to connections.

use std::time::Duration;

use aapns_tokio::mock::{Action, Goaway, Rule, Scenario, Server};
use h2::Reason;
use tokio::time::{sleep, timeout};

use super::raw::Raw;
use super::support::{connect, finish, id, scenario, start, wait_until};

#[tokio::test]
async fn a_goaway_leaves_out_exactly_what_it_says() {
    let goaway = Goaway::new().unprocessed(3).reason("Shutdown");
    let server = Server::builder()
        .scenario(scenario([Rule::at(5, Action::Goaway(goaway))]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let responses: Vec<_> = (0..8)
        .map(|n| start(&mut send, "abcd", &[("apns-id", &id(n))]))
        .collect();
    for (n, response) in (0..).zip(responses) {
        let ended = finish(response).await;
        assert_eq!(ended.is_ok(), n < 5, "request {n}: {ended:?}");
        assert_eq!(server.times_accepted(&id(n)), u32::from(n < 5));
        if let Err(error) = ended {
            assert!(error.is_go_away() && error.is_remote(), "{error:?}");
        }
    }
    drop(send);
    driver.await.unwrap().unwrap();
    let counts = server.processed();
    assert_eq!(
        (counts.goaways, counts.after_goaway, counts.accepted),
        (1, 3, 5)
    );
}

#[tokio::test]
async fn a_goaway_carries_its_reason_and_code() {
    let server = Server::start().await.unwrap();
    let (mut send, driver) = connect(&server, None).await;
    finish(start(&mut send, "abcd", &[])).await.unwrap();
    server.order(&Action::Goaway(
        Goaway::new().code(11).reason("BadCertificate"),
    ));
    let error = driver.await.unwrap().unwrap_err();
    assert_eq!(error.reason(), Some(Reason::ENHANCE_YOUR_CALM));
    assert!(format!("{error:?}").contains("BadCertificate"), "{error:?}");
}

#[tokio::test]
async fn a_goaway_in_two_steps_serves_what_comes_between() {
    let server = Server::start().await.unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let early = start(&mut send, "abcd", &[]);
    server.order(&Action::Goaway(Goaway::new().two_step(30)));
    let between = start(&mut send, "abcd", &[]);
    assert_eq!(finish(early).await.unwrap().0, 200);
    assert_eq!(finish(between).await.unwrap().0, 200);
    drop(send);
    driver.await.unwrap().unwrap();
    assert_eq!(server.processed().accepted, 2);
}

#[tokio::test]
async fn the_limit_changes_while_running() {
    let server = Server::builder()
        .max_concurrent_streams(50)
        .latency(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    assert_eq!(send.current_max_send_streams(), 50);
    server.order(&Action::Limit(1));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(send.current_max_send_streams(), 1);
    for _ in 0..3 {
        send = send.ready().await.unwrap();
        assert_eq!(finish(start(&mut send, "abcd", &[])).await.unwrap().0, 200);
    }
    server.order(&Action::Limit(200));
    sleep(Duration::from_millis(50)).await;
    assert_eq!(send.current_max_send_streams(), 200);
    let counts = server.processed();
    assert_eq!(
        (counts.refused, counts.over_limit, counts.accepted),
        (0, 0, 3)
    );
}

#[tokio::test]
async fn refused_streams_are_not_processed() {
    let server = Server::builder()
        .scenario(Scenario::named("refused").unwrap())
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    for n in 1..=200 {
        send = send.ready().await.unwrap();
        let ended = finish(start(&mut send, "abcd", &[("apns-id", &id(n))])).await;
        assert_eq!(ended.is_err(), n % 10 == 0);
        if let Err(error) = ended {
            assert_eq!(error.reason(), Some(Reason::REFUSED_STREAM));
            assert_eq!(server.times_accepted(&id(n)), 0);
        }
    }
    assert_eq!(server.processed().refused, 20);
}

#[tokio::test]
async fn a_cut_loses_answers_of_what_was_processed() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(3, Action::Cut)]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    for n in 0..2 {
        let fields = [("apns-id", &*id(n))];
        finish(start(&mut send, "abcd", &fields)).await.unwrap();
    }
    let lost = start(&mut send, "abcd", &[("apns-id", &id(2))]);
    assert!(finish(lost).await.is_err());
    assert!(driver.await.unwrap().is_err());
    assert_eq!(server.times_accepted(&id(2)), 1);
    assert_eq!(server.processed().unanswered, 1);
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_black_hole_stays_open_and_silent() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(1, Action::Blackhole)]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let response = start(&mut send, "abcd", &[]);
    let waited = timeout(Duration::from_millis(300), finish(response)).await;
    assert!(waited.is_err());
    assert!(!driver.is_finished());
    assert_eq!(server.processed().accepted, 1);
}

#[tokio::test]
async fn reasons_come_in_turn() {
    let server = Server::builder()
        .scenario(Scenario::named("reasons").unwrap())
        .start()
        .await
        .unwrap();
    let (mut send, _driver) = connect(&server, None).await;
    let mut reasons = Vec::new();
    for _ in 0..36 {
        reasons.push(finish(start(&mut send, "abcd", &[])).await.unwrap());
    }
    assert_eq!(
        (reasons[0].0, reasons[33].0, reasons[34].0),
        (200, 503, 200)
    );
    assert_eq!(reasons[2], (400, "BadDeviceToken".to_owned()));
    assert!(reasons.contains(&(410, "Unregistered".to_owned())));
}

#[tokio::test]
async fn a_black_hole_ends_when_its_peer_goes() {
    let server = Server::builder()
        .scenario(scenario([Rule::at(1, Action::Blackhole)]))
        .start()
        .await
        .unwrap();
    let (mut send, driver) = connect(&server, None).await;
    let response = start(&mut send, "abcd", &[]);
    wait_until("it fell silent", || server.processed().accepted == 1).await;
    assert_eq!(server.connections(), 1);
    driver.abort();
    drop((send, response));
    wait_until("it ended", || server.connections() == 0).await;
}

#[tokio::test]
async fn a_goaway_holds_after_the_timer_that_would_have_said_it() {
    let goaway = Goaway::new().unprocessed(1).linger();
    let server = Server::builder()
        .scenario(scenario([Rule::at(1, Action::Goaway(goaway))]))
        .start()
        .await
        .unwrap();
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 2).await;
    wait_until("GOAWAY", || server.processed().goaways == 1).await;
    // Longer than a GOAWAY waits for requests to leave out.
    sleep(Duration::from_millis(150)).await;
    raw.request(5, 1).await;
    wait_until("the third", || {
        let counts = server.processed();
        counts.processed + counts.after_goaway == 3
    })
    .await;
    let counts = server.processed();
    assert_eq!((counts.processed, counts.after_goaway), (1, 2));
    assert_eq!(counts.goaways, 1);
}
