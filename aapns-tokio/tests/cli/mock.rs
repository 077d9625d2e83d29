//! `aapns mock`.

use std::io::{BufRead, BufReader};

use super::support::{Dir, aapns, finish, results, run, signal, spawn};

#[test]
fn the_mock_serves_until_it_is_told_to_stop() {
    let dir = Dir::new();
    let (certs, log) = (dir.path("certs"), dir.path("log"));
    let args = [
        "mock",
        "--port",
        "0",
        "--self-signed",
        &certs,
        "--log",
        &log,
        "--latency",
        "5",
        "-q",
    ];
    let mut child = spawn(&mut aapns(args));
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let origin = format!("https://{}", ready["listening"].as_str().unwrap());
    let (ca, client) = (dir.path("certs/ca.pem"), dir.path("certs/client.pem"));
    run([
        "send", "abcd", "Hello", "--topic", "a.b", "--server", &origin, "--ca", &ca, "--cert",
        &client,
    ])
    .exits(0);
    signal(&child, "TERM");
    finish(child).exits(0);
    let events = results(&dir.read("log"));
    for name in ["opened", "accepted", "answered", "closed"] {
        assert!(
            events.iter().any(|event| event["event"] == name),
            "{name}: {events:?}"
        );
    }
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = Dir::new();
    run(["mock", "--port", &port, "--self-signed", &dir.path("c")])
        .exits(2)
        .complains(&[&port, "--port"]);
}

#[test]
fn a_scenario_with_a_mistake_is_named() {
    let dir = Dir::new();
    let file = dir.write("s.json", r#"{"rules": [{"do": "explode"}]}"#);
    run([
        "mock",
        "--port",
        "0",
        "--self-signed",
        &dir.path("c"),
        "--scenario",
        &file,
    ])
    .exits(2)
    .complains(&["s.json", "explode"]);
}
