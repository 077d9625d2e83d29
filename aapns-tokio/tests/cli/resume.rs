//! `--resume` and `--journal`.

use std::time::Duration;

use aapns_tokio::mock::{Answer, Server};

use serde_json::Value;

use super::support::{
    Target, aapns, assert_each_once, count, finish, has_lines, lines, results, signal, spawn,
    wait_until,
};

#[test]
fn a_resumed_run_sends_only_what_is_not_settled_with_the_same_ids() {
    let slow =
        Target::with(Server::builder().answer("00000003", Answer::rejection(410, "Unregistered")));
    let input = slow.dir.write("in", lines(5));
    let output = slow.dir.path("out");
    let id = "11111111-2222-4333-8444-555555555555";
    let settled = |line: u64, outcome: &str| {
        format!(
            r#"{{"line": {line}, "device_token": "0000000{line}", "apns_id": "{id}", "unique_id": null, "outcome": "{outcome}", "status": null, "reason": null, "timestamp": null, "attempts": 1, "possible_duplicate": false, "cause": null}}"#
        )
    };
    let earlier = [
        settled(1, "delivered"),
        settled(2, "unknown"),
        settled(4, "not_processed"),
    ]
    .join("\n")
        + "\n{\"line\": 5, \"dev";
    slow.dir.write("out", earlier);
    let args = ["--input", &input, "--output", &output, "--resume"];
    slow.send(&args).exits(1);
    let results = results(&slow.dir.read("out"));
    assert_eq!(results.len(), 3 + 4, "one line cut off, four lines sent");
    assert_eq!(slow.server.processed().processed, 4);
    assert!(
        slow.server
            .requests()
            .iter()
            .all(|r| r.device_token() != Some("00000001"))
    );
    assert_eq!(
        slow.server.times_accepted(id),
        2,
        "lines 2 and 4 keep their id"
    );
    // Again: nothing is left to do, and the rejected line is still not delivered.
    slow.send(&args).exits(1);
    assert_eq!(slow.server.processed().processed, 4);
}

#[test]
fn a_line_that_is_too_long_is_settled_once() {
    let target = Target::new();
    let text = "x".repeat(300_000) + "\n" + &lines(1);
    let input = target.dir.write("in", text);
    let output = target.dir.path("out");
    let args = ["--input", &input, "--output", &output, "--resume"];
    for _ in 0..2 {
        target.send(&args).exits(1);
        let results = results(&target.dir.read("out"));
        assert_each_once(&results, 2);
        assert_eq!(count(&results, "invalid"), 1);
    }
}

#[test]
fn at_most_once_leaves_unknown_lines_alone() {
    let target = Target::new();
    let input = target.dir.write("in", lines(2));
    let unknown = r#"{"line": 1, "apns_id": null, "outcome": "unknown"}"#;
    let output = target.dir.write("out", format!("{unknown}\n"));
    target
        .send(&[
            "--input",
            &input,
            "--output",
            &output,
            "--resume",
            "--policy",
            "at-most-once",
        ])
        .exits(1);
    assert_eq!(target.server.processed().processed, 1);
}

#[test]
fn after_a_kill_the_journal_settles_what_may_have_been_sent() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let input = target.dir.write("in", lines(20));
    let (output, journal) = (target.dir.path("out"), target.dir.path("journal"));
    let args = [
        "--input",
        &input,
        "--output",
        &output,
        "--journal",
        &journal,
        "--policy",
        "at-most-once",
        "--timeout",
        "none",
    ];
    let mut child = spawn(&mut aapns(target.send_args(&args)));
    wait_until("all are with the server", || {
        target.server.processed().accepted == 20
    });
    assert!(has_lines(&journal, 20));
    child.kill().unwrap();
    finish(child);
    let mut again = args.to_vec();
    again.push("--resume");
    target.send(&again).exits(1);
    let results = results(&target.dir.read("out"));
    assert_each_once(&results, 20);
    assert_eq!(count(&results, "unknown"), 20);
    assert_eq!(
        target.server.processed().accepted,
        20,
        "nothing was sent again"
    );
}

#[test]
fn under_at_least_once_such_lines_are_sent_again_with_the_same_id() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(3)));
    let input = target.dir.write("in", lines(5));
    let (output, journal) = (target.dir.path("out"), target.dir.path("journal"));
    let args = [
        "--input",
        &input,
        "--output",
        &output,
        "--journal",
        &journal,
    ];
    let mut child = spawn(&mut aapns(target.send_args(&args)));
    wait_until("all are with the server", || {
        target.server.processed().accepted == 5
    });
    child.kill().unwrap();
    finish(child);
    let mut again = args.to_vec();
    again.push("--resume");
    target.send(&again).exits(0);
    assert_each_once(&results(&target.dir.read("out")), 5);
    assert_eq!(target.server.processed().duplicates, 5);
}

#[test]
fn a_foreign_output_file_is_refused_untouched() {
    let target = Target::new();
    let input = target.dir.write("in", lines(1));
    let output = target.dir.write("out", "my diary\n");
    target
        .send(&["--input", &input, "--output", &output, "--resume"])
        .exits(2)
        .complains(&["line 1", "--output"]);
    assert_eq!(target.dir.read("out"), "my diary\n");
    target
        .send(&["--input", &input, "--resume"])
        .exits(2)
        .complains(&["--resume", "--output"]);
}

/// A run of some seconds that a signal cuts short in its middle, and the run that goes on from there.
fn interrupt_and_resume(signal_name: &str, extra: &[&str]) -> (Target, Vec<Value>) {
    const LINES: u64 = 3000;
    let target = Target::with(Server::builder().latency(Duration::from_millis(50)));
    let input = target.dir.write("in", lines(LINES));
    let output = target.dir.path("out");
    let journal = target.dir.path("journal");
    let mut args = vec!["--input", &input, "--output", &output];
    args.extend(["--concurrency", "100"]);
    for arg in extra {
        args.push(if *arg == "JOURNAL" { &journal } else { arg });
    }
    let child = spawn(&mut aapns(target.send_args(&args)));
    wait_until("some are settled", || has_lines(&output, 100));
    signal(&child, signal_name);
    let first = finish(child);
    assert_eq!(
        first.code,
        if signal_name == "KILL" { None } else { Some(3) },
        "{first:?}"
    );
    let settled = target.dir.read("out").lines().count() as u64;
    assert!(settled < LINES, "the signal came too late");
    args.push("--resume");
    target.send(&args);
    let results = results(&target.dir.read("out"));
    // As `--resume` reads it: the last line of a number wins.
    let mut last = std::collections::BTreeMap::new();
    for result in &results {
        let earlier = last.insert(result["line"].as_u64().unwrap(), result.clone());
        let is_settled = |r: &Value| ["delivered", "rejected"].iter().any(|o| r["outcome"] == *o);
        assert!(
            !earlier.is_some_and(|r| is_settled(&r)),
            "settled twice: {result}"
        );
    }
    let last: Vec<Value> = last.into_values().collect();
    assert_each_once(&last, LINES);
    (target, last)
}

#[test]
fn after_a_signal_that_can_be_heard_nothing_is_lost_or_sent_twice() {
    for name in ["INT", "TERM"] {
        for extra in [&[][..], &["--journal", "JOURNAL"]] {
            let (target, results) = interrupt_and_resume(name, extra);
            assert_eq!(count(&results, "delivered"), 3000);
            let counts = target.server.processed();
            assert_eq!((counts.accepted, counts.duplicates), (3000, 0), "{name}");
        }
    }
}

#[test]
fn after_a_kill_every_line_is_delivered_and_those_in_flight_may_be_twice() {
    for extra in [&[][..], &["--journal", "JOURNAL"]] {
        let (target, results) = interrupt_and_resume("KILL", extra);
        assert_eq!(count(&results, "delivered"), 3000);
        assert!(target.server.processed().accepted >= 3000);
    }
}

#[test]
fn after_a_kill_a_journal_under_at_most_once_sends_nothing_twice() {
    let extra = ["--journal", "JOURNAL", "--policy", "at-most-once"];
    let (target, results) = interrupt_and_resume("KILL", &extra);
    let unknown = count(&results, "unknown");
    assert_eq!(count(&results, "delivered") + unknown, 3000);
    assert!(unknown > 0, "some were in flight");
    // By id, and by device: a line that is sent again would have the same token.
    assert_eq!(target.server.processed().duplicates, 0);
    assert!(target.server.processed().accepted <= 3000);
}

#[test]
fn a_journal_that_begins_late_knows_what_a_kill_left_open() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let input = target.dir.write("in", lines(1));
    // As a run without a journal leaves it.
    let earlier = r#"{"line": 1, "apns_id": null, "outcome": "not_processed"}"#;
    let output = target.dir.write("out", format!("{earlier}\n"));
    let journal = target.dir.path("journal");
    let mut args = vec!["--input", &input, "--output", &output, "--resume"];
    args.extend(["--journal", &journal, "--policy", "at-most-once"]);
    args.extend(["--timeout", "none"]);
    let mut child = spawn(&mut aapns(target.send_args(&args)));
    wait_until("it is with the server", || {
        target.server.processed().accepted == 1
    });
    child.kill().unwrap();
    finish(child);
    target.send(&args).exits(1);
    let results = results(&target.dir.read("out"));
    assert_eq!(count(&results, "unknown"), 1, "{results:?}");
    assert_eq!(target.server.processed().accepted, 1);
}

#[test]
fn a_line_that_may_have_been_delivered_is_marked_when_it_is_sent_again() {
    let target = Target::new();
    let input = target.dir.write("in", lines(3));
    let id = "11111111-2222-4333-8444-555555555555";
    let settled = |line: u64, outcome: &str| {
        format!(r#"{{"line": {line}, "apns_id": null, "outcome": "{outcome}"}}"#) + "\n"
    };
    let output = target
        .dir
        .write("out", settled(1, "unknown") + &settled(2, "not_processed"));
    let intent = format!(r#"{{"line": 3, "apns_id": "{id}"}}"#) + "\n";
    let journal = target.dir.write("journal", intent);
    let mut args = vec!["--input", &input, "--output", &output, "--resume"];
    args.extend(["--journal", &journal]);
    target.send(&args).exits(0);
    let results = results(&target.dir.read("out"));
    for (line, may_be_twice) in [(1, true), (2, false), (3, true)] {
        let sent = results
            .iter()
            .find(|r| r["line"] == line && r["outcome"] == "delivered")
            .unwrap();
        assert_eq!(sent["possible_duplicate"], may_be_twice, "{sent}");
    }
}
