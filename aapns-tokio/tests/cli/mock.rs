//! `aapns mock`.

use std::io::{BufRead, BufReader};
use std::process::Child;

use serde_json::Value;

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

/// A client of the mock's own authority would be turned away.
#[test]
fn with_authorities_of_another_no_certificate_of_its_own_is_recommended() {
    let (dir, other) = (Dir::new(), super::support::Target::new());
    let (certs, client_ca) = (dir.path("certs"), other.dir.path("ca.pem"));
    let args = ["mock", "--port", "0", "--self-signed", &certs];
    let mut child = spawn(aapns(args).args(["--client-ca", &client_ca]));
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut String::new()).unwrap();
    signal(&child, "TERM");
    let ran = finish(child).exits(0);
    assert!(
        ran.stderr.contains("--cert CLIENT_CERTIFICATE_OF_YOUR_CA"),
        "{ran:?}"
    );
    assert!(!ran.stderr.contains("client.pem"), "{ran:?}");
}

/// A mock on a free port with these flags, its `listening` line, and its first note.
fn start(args: &[&str]) -> (Child, Value, String) {
    let mut child = spawn(aapns(["mock", "--port", "0"]).args(args));
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let ready = serde_json::from_str(&line).unwrap();
    let mut note = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    if !args.contains(&"-q") {
        stderr.read_line(&mut note).unwrap();
    }
    (child, ready, note)
}

#[test]
fn a_credential_that_is_required_is_recommended_and_any_other_turned_away() {
    let dir = Dir::new();
    let certs = dir.path("certs");
    let certificate = format!("--cert {certs}/client.pem");
    let token =
        format!("--token-key {certs}/token-key.p8 --key-id MOCKKEY001 --team-id MOCKTEAM01");
    for (required, right, wrong) in [
        ("certificate", &certificate, &token),
        ("token", &token, &certificate),
    ] {
        let (child, ready, note) = start(&["--self-signed", &certs, "--require", required]);
        assert!(note.contains(&**right), "{note}");
        assert!(!note.contains(&**wrong), "{note}");
        let origin = format!("https://{}", ready["listening"].as_str().unwrap());
        let send = |credential: &str| {
            let mut all = vec!["send", "abcd", "Hello", "--topic", "a.b", "--json"];
            let ca = format!("{certs}/ca.pem");
            all.extend(["--timeout", "3", "--server", &origin, "--ca", &ca]);
            all.extend(credential.split(' '));
            run(all)
        };
        assert_eq!(send(right).exits(0).json()["status"], 200);
        let result = send(wrong).exits(1).json();
        assert_ne!(result["outcome"], "delivered", "{required}: {result}");
        if required == "token" {
            assert_eq!(result["reason"], "MissingProviderToken", "{result}");
        }
        signal(&child, "TERM");
        finish(child).exits(0);
    }
}

/// It would be one that nobody has.
#[test]
fn a_credential_is_required_only_where_the_mock_makes_it() {
    for (flags, words) in [
        ("--require token", &["--self-signed"][..]),
        ("--require token --cert a --key b", &["--require", "--cert"]),
        (
            "--require token --client-ca a --self-signed b",
            &["--require", "--client-ca"],
        ),
        ("--require key --self-signed b", &["certificate, token"]),
    ] {
        run(format!("mock --port 0 {flags}").split(' '))
            .exits(2)
            .complains(words);
    }
}

#[test]
fn the_port_of_the_page_is_told_in_quiet_too() {
    let dir = Dir::new();
    let certs = dir.path("certs");
    let (child, ready, _) = start(&["--self-signed", &certs, "--page", "0", "-q"]);
    let page = ready["page"].as_str().unwrap();
    let address = page.trim_start_matches("http://").trim_end_matches('/');
    assert!(std::net::TcpStream::connect(address).is_ok(), "{page}");
    signal(&child, "TERM");
    finish(child).exits(0);
    let (child, ready, _) = start(&["--self-signed", &certs, "-q"]);
    assert_eq!(ready.as_object().unwrap().len(), 1, "{ready}");
    signal(&child, "TERM");
    finish(child).exits(0);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let dir = Dir::new();
    run(["mock", "--port", &port, "--self-signed", &dir.path("c")])
        .exits(2)
        .complains(&[&port, "--port"]);
    run([
        "mock",
        "--port",
        "0",
        "--self-signed",
        &dir.path("c"),
        "--page",
        &port,
    ])
    .exits(2)
    .complains(&[&port, "--page"]);
}

#[test]
fn devices_and_the_page_come_by_flags() {
    use std::io::{Read, Write};

    let dir = Dir::new();
    let devices = dir.write(
        "devices.json",
        r#"[{"token": "abcd", "environment": "production", "topics": ["a.b"]}]"#,
    );
    let certs = dir.path("certs");
    let args = [
        "mock",
        "--port",
        "0",
        "--self-signed",
        &certs,
        "--devices",
        &devices,
        "--production",
        "--keep",
        "1",
        "--page",
        "0",
    ];
    let mut child = spawn(&mut aapns(args));
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let ready: serde_json::Value = serde_json::from_str(&line).unwrap();
    let origin = format!("https://{}", ready["listening"].as_str().unwrap());
    let mut notes = BufReader::new(child.stderr.take().unwrap());
    let mut note = String::new();
    while !note.contains("http://") {
        note.clear();
        assert!(notes.read_line(&mut note).unwrap() > 0, "no page");
    }
    let page = note.split("http://").nth(1).unwrap().trim_end();
    let page = page.trim_end_matches('/').to_owned();
    let (ca, client) = (dir.path("certs/ca.pem"), dir.path("certs/client.pem"));
    let send = |token, topic| {
        run([
            "send", token, "Hello", "--topic", topic, "--server", &origin, "--ca", &ca, "--cert",
            &client, "--json",
        ])
    };
    assert_eq!(
        send("abcd", "a.c").exits(1).json()["reason"],
        "DeviceTokenNotForTopic"
    );
    assert_eq!(
        send("abce", "a.b").exits(1).json()["reason"],
        "BadDeviceToken"
    );
    send("abcd", "a.b").exits(0);

    let mut tcp = std::net::TcpStream::connect(&page).unwrap();
    write!(tcp, "GET /requests HTTP/1.1\r\nhost: {page}\r\n\r\n").unwrap();
    let mut answer = String::new();
    tcp.read_to_string(&mut answer).unwrap();
    let json = answer.split("\r\n\r\n").nth(1).unwrap();
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["counts"]["rejected"], 2);
    assert_eq!(json["requests"].as_array().unwrap().len(), 1, "--keep 1");
    assert_eq!(
        json["requests"][0]["payload"]["aps"]["alert"]["body"],
        "Hello"
    );
    signal(&child, "TERM");
    finish(child).exits(0);
}

#[test]
fn devices_with_a_mistake_are_named() {
    let dir = Dir::new();
    let file = dir.write("d.json", r#"[{"token": "abcd"}, {"token": "abc"}]"#);
    let certs = dir.path("c");
    let flags = ["mock", "--port", "0", "--self-signed", &certs, "--devices"];
    run(flags.iter().chain(&[&*file]))
        .exits(2)
        .complains(&["d.json", "[1].token", "hex"]);
    run(flags.iter().chain(&["/no/such"]))
        .exits(2)
        .complains(&["/no/such", "--devices"]);
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
    .complains(&["s.json", "rules[0].do", "explode"]);
}

#[test]
fn the_help_names_every_scenario_and_says_how_to_look_at_requests() {
    let help = run(["mock", "--help"]).exits(0).stdout;
    for name in aapns_tokio::mock::Scenario::NAMES {
        assert!(help.contains(name), "{name}: {help}");
    }
    for part in [
        "/__mock/requests",
        "--devices",
        "--page",
        "docs/MOCK.md",
        "listening",
    ] {
        assert!(help.contains(part), "{part}: {help}");
    }
}
