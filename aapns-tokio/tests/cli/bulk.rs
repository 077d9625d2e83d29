//! `aapns send --input`.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Answer, Scenario, Server};

use super::support::{
    Target, aapns, assert_each_once, count, finish, line, lines, results, run, spawn, wait_until,
};

#[test]
fn every_line_has_one_result_with_all_fields_in_order() {
    let target = Target::new();
    let input = target.dir.write("in", lines(3000));
    let output = target.dir.path("out");
    target
        .send(&["--input", &input, "--output", &output])
        .exits(0);
    let text = target.dir.read("out");
    let results = results(&text);
    assert_each_once(&results, 3000);
    assert_eq!(count(&results, "delivered"), 3000);
    let first = text.lines().next().unwrap();
    let mut at = 0;
    for key in [
        "line",
        "device_token",
        "apns_id",
        "unique_id",
        "outcome",
        "status",
        "reason",
        "timestamp",
        "attempts",
        "possible_duplicate",
        "cause",
    ] {
        let found = first
            .find(&format!("\"{key}\": "))
            .unwrap_or_else(|| panic!("{key}: {first}"));
        assert!(found >= at, "{key} out of order");
        at = found;
    }
    assert_eq!(target.server.processed().accepted, 3000);
}

#[test]
fn lines_that_cannot_be_notifications_are_invalid_and_the_others_go_on() {
    let target = Target::new();
    let huge = format!(
        r#"{{"device_token": "ab", "payload": {{"a": "{}"}}}}"#,
        "x".repeat(5000)
    );
    let endless = "x".repeat(600_000);
    let input = [
        &line(1),
        "",
        "not JSON",
        r#"{"device_token": "xyz", "payload": {}}"#,
        &huge,
        &endless,
        r#"{"device_token": "ab"}"#,
        &line(8),
    ]
    .join("\n");
    let input = target.dir.write("in", input);
    let ran = target.send(&["--input", &input]).exits(1);
    let results = results(&ran.stdout);
    assert_each_once(&results, 8);
    assert_eq!(count(&results, "delivered"), 2);
    assert_eq!(count(&results, "invalid"), 6);
    for result in results.iter().filter(|r| r["outcome"] == "invalid") {
        assert!(
            result["reason"].is_string() && result["attempts"] == 0,
            "{result}"
        );
    }
    assert!(
        ran.stderr.contains("8 lines: 2 delivered, 6 invalid"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_lines_own_fields_reach_the_server() {
    let target = Target::new();
    let id = "11111111-2222-4333-8444-555555555555";
    let line = format!(
        r#"{{"device_token": "ab", "payload": {{"aps": {{"content-available" : 1}}}}, "apns_id": "{id}", "topic": "org.other", "expiration": 7, "collapse_id": "c", "priority": null}}"#
    );
    let input = target.dir.write("in", line);
    let result = target.send(&["--input", &input]).exits(0).json();
    assert_eq!(result["apns_id"], id);
    let requests = target.server.requests();
    let request = &requests[0];
    for (field, value) in [
        ("apns-id", id),
        ("apns-topic", "org.other"),
        ("apns-push-type", "background"),
        ("apns-priority", "5"),
        ("apns-expiration", "7"),
        ("apns-collapse-id", "c"),
    ] {
        assert_eq!(request.field(field), Some(value), "{field}");
    }
    assert_eq!(&request.body[..], br#"{"aps": {"content-available" : 1}}"#);
}

#[test]
fn rejections_are_told_with_reason_and_timestamp() {
    let answer = Answer::rejection(410, "ExpiredToken").timestamp(5);
    let target = Target::with(Server::builder().answer("00000002", answer));
    let input = target.dir.write("in", lines(3));
    let ran = target.send(&["--input", &input]).exits(1);
    let results = results(&ran.stdout);
    let rejected = results.iter().find(|r| r["line"] == 2).unwrap();
    assert_eq!(rejected["outcome"], "rejected");
    assert_eq!(rejected["reason"], "ExpiredToken");
    assert_eq!(rejected["timestamp"], 5);
    assert_eq!(count(&results, "delivered"), 2);
}

#[test]
fn named_scenarios_end_with_one_result_a_line() {
    for name in ["goaway", "refused", "cut", "limit-1"] {
        let target = Target::with(Server::builder().scenario(Scenario::named(name).unwrap()));
        let input = target.dir.write("in", lines(3000));
        let ran = target.send(&["--input", &input]);
        let results = results(&ran.stdout);
        assert_each_once(&results, 3000);
        let delivered = count(&results, "delivered");
        assert!(
            delivered == 3000 || name == "cut",
            "{name}: {delivered}, {}",
            ran.stderr
        );
        for result in &results {
            let times = target
                .server
                .times_accepted(result["apns_id"].as_str().unwrap());
            match result["outcome"].as_str().unwrap() {
                "delivered" => assert!(
                    times == 1 || result["possible_duplicate"] == true,
                    "{name}: {result}"
                ),
                "not_processed" => assert_eq!(times, 0, "{name}: {result}"),
                _ => {}
            }
        }
    }
}

#[test]
fn at_most_once_never_delivers_twice() {
    let target = Target::with(Server::builder().scenario(Scenario::named("cut").unwrap()));
    let input = target.dir.write("in", lines(3000));
    let ran = target.send(&["--input", &input, "--policy", "at-most-once"]);
    assert_each_once(&results(&ran.stdout), 3000);
    assert_eq!(target.server.processed().duplicates, 0);
}

/// Lines are answered while the input is still open: nothing waits for its end.
#[test]
fn an_input_that_pauses_gets_its_results_meanwhile() {
    let target = Target::new();
    let output = target.dir.path("out");
    let mut child = spawn(
        aapns(target.send_args(&["--input", "-", "--output", &output])).stdin(Stdio::piped()),
    );
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", line(1)).unwrap();
    wait_until("the first result", || super::support::has_lines(&output, 1));
    write!(input, "{}", line(2)).unwrap();
    drop(input);
    finish(child).exits(0);
    assert_each_once(&results(&target.dir.read("out")), 2);
}

#[test]
fn one_line_at_a_time_waits_for_its_answer_and_for_nothing_else() {
    let target = Target::new();
    let input = target.dir.write("in", lines(80));
    let output = target.dir.path("out");
    let start = Instant::now();
    let flags = ["--input", &input, "--output", &output, "--concurrency", "1"];
    target.send(&flags).exits(0);
    // With a pause of a tick for each line it would be 20 seconds.
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(count(&results(&target.dir.read("out")), "delivered"), 80);
}

#[test]
fn no_more_lines_than_the_concurrency_are_in_flight() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let input = target.dir.write("in", lines(50));
    let child = spawn(&mut aapns(target.send_args(&[
        "--input",
        &input,
        "--concurrency",
        "7",
        "--timeout",
        "1",
    ])));
    let ran = finish(child).exits(1);
    let results = results(&ran.stdout);
    assert_each_once(&results, 50);
    // Seven at a time: the first seven were sent before any of the others.
    assert_eq!(count(&results, "unknown"), 50);
    let mut first: Vec<u64> = results[..7]
        .iter()
        .map(|r| r["line"].as_u64().unwrap())
        .collect();
    first.sort_unstable();
    assert_eq!(first, [1, 2, 3, 4, 5, 6, 7]);
}

#[test]
fn the_program_ends_soon_after_the_last_deadline() {
    let target = Target::with(Server::builder().scenario(Scenario::named("blackhole").unwrap()));
    let input = target.dir.write("in", lines(3000));
    let start = Instant::now();
    let ran = target.send(&[
        "--input",
        &input,
        "--timeout",
        "1",
        "--policy",
        "at-most-once",
    ]);
    assert!(
        start.elapsed() < Duration::from_secs(6),
        "{:?}",
        start.elapsed()
    );
    assert_each_once(&results(&ran.stdout), 3000);
}

#[test]
fn an_empty_input_is_a_success() {
    let target = Target::new();
    let input = target.dir.write("in", "");
    let ran = target.send(&["--input", &input]).exits(0);
    assert_eq!(ran.stdout, "");
}

/// With a server that can't be trusted each line is told why, long before a timeout of none.
#[test]
fn an_open_breaker_settles_what_waits_at_once() {
    let target = Target::with(Server::builder().expired());
    let input = target.dir.write("in", lines(100));
    let mut args: Vec<String> = [
        "send",
        "--topic",
        "a.b",
        "--timeout",
        "none",
        "--input",
        &input,
    ]
    .map(str::to_owned)
    .into();
    args.extend(target.flags());
    let ran = run(args).exits(1);
    let results = results(&ran.stdout);
    assert_each_once(&results, 100);
    assert_eq!(count(&results, "not_processed"), 100);
    assert!(
        results[0]["cause"].as_str().unwrap().contains("expired"),
        "{}",
        results[0]
    );
}
