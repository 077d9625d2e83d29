//! The example `send_ndjson`, run as a process against the mock: the contract of `aapns send --input`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod ends;
#[cfg(unix)]
mod signals;
mod support;

use std::io::Write;
use std::process::Stdio;

use aapns_tokio::mock::{Answer, Authentication, KEY_ID, Scenario, Server, TEAM_ID};
use support::{Target, count, finish, line, lines, results, spawn, wait_for_lines};

#[test]
fn every_line_is_delivered_once_with_a_client_certificate() {
    let target = Target::new(Server::builder().authentication(Authentication::Certificate));
    let input = target.write("in", &lines(3000));
    let (output, cert) = (target.path("out"), target.path("client.pem"));
    let ran = target.send(&[
        "--cert",
        &cert,
        "--input",
        &input,
        "--output",
        &output,
        "--connections",
        "1..3",
    ]);
    let results = results(&ran, 0, &std::fs::read(output).unwrap(), 3000);
    assert_eq!(count(&results, "delivered"), 3000);
    let processed = target.server.processed();
    assert_eq!((processed.accepted, processed.duplicates), (3000, 0));
    assert!(processed.connections <= 3);
    assert!(String::from_utf8_lossy(&ran.stderr).contains("3000 delivered"));
}

#[test]
fn a_provider_token_is_signed_and_quiet_says_nothing() {
    let target = Target::new(Server::builder().authentication(Authentication::Token));
    let input = target.write("in", &lines(20));
    let key = target.path("key.p8");
    let token = [
        "--token-key",
        &key,
        "--key-id",
        KEY_ID,
        "--team-id",
        TEAM_ID,
    ];
    let ran = target.send(&[&token[..], &["--input", &input, "-q"]].concat());
    let results = results(&ran, 0, &ran.stdout, 20);
    assert_eq!(count(&results, "delivered"), 20);
    assert_eq!(ran.stderr, b"");
}

#[test]
fn a_result_line_has_every_key_in_order_and_to_the_letter() {
    let gone = Answer::rejection(410, "ExpiredToken").timestamp(5);
    let builder = Server::builder().production().answer("00ab", gone);
    let target = Target::new(builder);
    let id = "11111111-2222-4333-8444-555555555555";
    let one = |token: &str| {
        format!(r#"{{"device_token": "{token}", "payload": {{"aps": {{}}}}, "apns_id": "{id}"}}"#)
    };
    let start = |token: &str| {
        format!(r#"{{"line": 1, "device_token": "{token}", "apns_id": "{id}", "unique_id": null, "#)
    };
    let input = target.write("in", &one("00AB"));
    let ran = target.send(&["--input", &input]);
    let rest = r#""outcome": "rejected", "status": 410, "reason": "ExpiredToken", "timestamp": 5, "attempts": 1, "possible_duplicate": false, "cause": null}"#;
    assert_eq!(
        String::from_utf8(ran.stdout).unwrap(),
        start("00AB") + rest + "\n"
    );
    assert_eq!(ran.status.code(), Some(1));
    let input = target.write("in", &one("ab"));
    let ran = target.send(&["--input", &input]);
    let rest = r#""outcome": "delivered", "status": 200, "reason": null, "timestamp": null, "attempts": 1, "possible_duplicate": false, "cause": null}"#;
    assert_eq!(
        String::from_utf8(ran.stdout).unwrap(),
        start("ab") + rest + "\n"
    );
}

#[test]
fn lines_that_cannot_be_notifications_are_invalid_and_the_others_go_on() {
    let target = Target::new(Server::builder());
    let endless = "x".repeat(600_000);
    let input = [&line(1), "", "no JSON", &endless, &line(5)].join("\n");
    let input = target.write("in", &input);
    let ran = target.send(&["--input", &input]);
    let results = results(&ran, 1, &ran.stdout, 5);
    assert_eq!(count(&results, "delivered"), 2);
    assert_eq!(count(&results, "invalid"), 3);
    let long = results[3]["reason"].as_str().unwrap();
    assert!(long.contains("longer than 262144"), "{long}");
}

#[test]
fn an_input_that_pauses_gets_its_results_meanwhile() {
    let target = Target::new(Server::builder());
    let output = target.path("out");
    let mut command = target.command(&["--input", "-", "--output", &output]);
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", line(1)).unwrap();
    wait_for_lines(&output, 1);
    write!(input, "{}", line(2)).unwrap();
    drop(input);
    let ran = finish(child);
    results(&ran, 0, &std::fs::read(output).unwrap(), 2);
}

#[test]
fn faults_of_the_server_lose_and_double_nothing() {
    for name in ["goaway", "refused", "cut"] {
        let scenario = Scenario::named(name).unwrap();
        let target = Target::new(Server::builder().scenario(scenario));
        let input = target.write("in", &lines(2000));
        let ran = target.send(&["--input", &input, "--policy", "at-most-once"]);
        let code = i32::from(name == "cut");
        let results = results(&ran, code, &ran.stdout, 2000);
        assert!(count(&results, "delivered") == 2000 || name == "cut");
        for result in &results {
            let id = result["apns_id"].as_str().unwrap();
            let times = target.server.times_accepted(id);
            match result["outcome"].as_str().unwrap() {
                "delivered" => assert_eq!(times, 1, "{name}: {result}"),
                "not_processed" => assert_eq!(times, 0, "{name}: {result}"),
                _ => assert!(times <= 1, "{name}: {result}"),
            }
        }
    }
}
