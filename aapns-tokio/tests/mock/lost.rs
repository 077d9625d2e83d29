//! Answers that don't leave: what the mock says of them, and that a GOAWAY waits for those that do.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aapns_tokio::mock::{Action, Answer, Builder, Counts, Event, Goaway, Rule, Scenario, Server};
use tokio::time::sleep;

use super::raw::{DATA, GOAWAY, HEADERS, Raw};
use super::support::wait_until;

const FOR_EVER: Duration = Duration::from_secs(3600);

/// A mock, and the streams of which it says that they were answered.
async fn noting(builder: Builder) -> (Server, Arc<Mutex<Vec<u32>>>) {
    let answered = Arc::new(Mutex::new(Vec::new()));
    let notes = answered.clone();
    let builder = builder.on_event(move |event| {
        if let Event::Answered { stream, .. } = event {
            notes.lock().unwrap().push(*stream);
        }
    });
    (builder.start().await.unwrap(), answered)
}

/// So many requests in one write; then what was counted, and how many were said to be answered.
async fn burst(builder: Builder, requests: u32) -> (Counts, usize) {
    let (server, answered) = noting(builder).await;
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, requests).await;
    wait_until("all were decided upon", || {
        server.processed().processed == u64::from(requests)
    })
    .await;
    let answered = answered.lock().unwrap().len();
    (server.processed(), answered)
}

fn with(rules: impl Into<Vec<Rule>>) -> Builder {
    Server::builder().scenario(Scenario::of(rules))
}

#[tokio::test]
async fn a_cut_counts_each_accepted_notification_whose_answer_is_lost_once() {
    let late = with([Rule::at(5, Action::Cut)]).latency(FOR_EVER);
    let (counts, answered) = burst(late, 5).await;
    assert_eq!((counts.unanswered, answered), (5, 0), "owed");

    let at_once = with([Rule::at(5, Action::Cut)]);
    let (counts, answered) = burst(at_once, 5).await;
    assert_eq!((counts.unanswered, answered), (5, 0), "not written yet");

    let withheld = with([Rule::at(3, Action::Ignore), Rule::at(3, Action::Cut)]);
    let (counts, answered) = burst(withheld, 3).await;
    assert_eq!((counts.unanswered, answered), (3, 0), "withheld and cut");
}

#[tokio::test]
async fn a_rejection_that_is_cut_off_leaves_no_notification_unanswered() {
    for latency in [Duration::ZERO, FOR_EVER] {
        let reject = Rule::always(Action::Answer(Answer::rejection(400, "BadTopic")));
        let rules = [reject, Rule::at(5, Action::Cut)];
        let (counts, _) = burst(with(rules).latency(latency), 5).await;
        assert_eq!((counts.rejected, counts.unanswered), (5, 0));
    }
}

#[tokio::test]
async fn answers_that_left_before_a_cut_are_not_lost() {
    let (server, answered) = noting(with([Rule::at(3, Action::Cut)])).await;
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 2).await;
    wait_until("two answers", || answered.lock().unwrap().len() == 2).await;
    raw.request(5, 1).await;
    wait_until("a cut", || server.connections() == 0).await;
    assert_eq!(server.processed().unanswered, 1);
    assert_eq!(*answered.lock().unwrap(), [1, 3]);
}

#[tokio::test]
async fn a_black_hole_answers_nothing_and_says_so() {
    for latency in [Duration::ZERO, FOR_EVER] {
        let hole = with([Rule::at(3, Action::Blackhole)]).latency(latency);
        let (counts, answered) = burst(hole, 3).await;
        assert_eq!((counts.unanswered, answered), (3, 0));
    }
    // What h2 had read by then is accepted too.
    let (counts, answered) = burst(with([Rule::at(3, Action::Blackhole)]), 5).await;
    assert_eq!((counts.unanswered, answered), (5, 0));
}

#[tokio::test]
async fn a_cut_of_a_black_hole_counts_nothing_twice() {
    let hole = with([Rule::at(3, Action::Blackhole)]).latency(Duration::from_millis(50));
    let (server, answered) = noting(hole).await;
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 3).await;
    wait_until("silence", || server.processed().unanswered == 3).await;
    // The answers fall due meanwhile.
    sleep(Duration::from_millis(150)).await;
    server.order(&Action::Cut);
    wait_until("a cut", || server.connections() == 0).await;
    assert_eq!(server.processed().unanswered, 3);
    assert!(answered.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_goaway_waits_for_bodies_until_the_client_has_room_for_them() {
    let reject = Rule::always(Action::Answer(Answer::rejection(400, "BadTopic")));
    let server = with([reject, Rule::at(3, Action::Goaway(Goaway::new()))]);
    let server = server.start().await.unwrap();
    // SETTINGS_INITIAL_WINDOW_SIZE = 0.
    let mut raw = Raw::connect(&server, &[0, 4, 0, 0, 0, 0]).await;
    raw.request(1, 3).await;
    let mut seen = Vec::new();
    while seen.iter().filter(|kind| **kind == HEADERS).count() < 3 || !seen.contains(&GOAWAY) {
        seen.push(raw.next().await.expect("an answer before the end").0);
    }
    assert!(!seen.contains(&DATA), "there was no room");
    sleep(Duration::from_millis(50)).await;
    for stream in [1, 3, 5] {
        raw.open_window(stream, 1000).await;
    }
    let mut bodies = Vec::new();
    while let Some((kind, stream)) = raw.next().await {
        if kind == DATA {
            bodies.push(stream);
        }
    }
    bodies.sort_unstable();
    assert_eq!(bodies, [1, 3, 5]);
}

#[tokio::test]
async fn a_goaway_waits_for_the_answer_to_the_last_request_of_a_full_turn() {
    let server = with([Rule::at(256, Action::Goaway(Goaway::new()))]);
    let server = server.start().await.unwrap();
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 256).await;
    let mut answers = 0;
    while let Some((kind, _)) = raw.next().await {
        answers += u32::from(kind == HEADERS);
    }
    assert_eq!(answers, 256);
}

#[tokio::test]
async fn a_black_hole_stays_one_whatever_is_ordered_but_a_cut() {
    let server = with([Rule::at(1, Action::Blackhole)]);
    let server = server.start().await.unwrap();
    let mut raw = Raw::connect(&server, b"").await;
    raw.request(1, 1).await;
    wait_until("it arrived", || server.processed().processed == 1).await;
    server.order(&Action::Goaway(Goaway::new()));
    sleep(Duration::from_millis(100)).await;
    let counts = server.processed();
    assert_eq!((counts.goaways, server.connections()), (0, 1));
    server.order(&Action::Cut);
    while let Some((kind, _)) = raw.next().await {
        assert_ne!(kind, GOAWAY);
    }
}
