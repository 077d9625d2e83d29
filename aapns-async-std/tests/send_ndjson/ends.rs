//! How runs end: by deadlines, mistakes and bugs.

use std::process::Command;
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Scenario, Server};

use super::support::{Target, finish, lines, results, send_ndjson, spawn};

#[path = "../../examples/send_ndjson/files.rs"]
#[expect(dead_code, reason = "only the reading half is tested by itself")]
mod files;
#[path = "../../examples/send_ndjson/panics.rs"]
mod panics;

#[test]
fn it_ends_soon_after_the_last_deadline() {
    let scenario = Scenario::named("blackhole").unwrap();
    let target = Target::new(Server::builder().scenario(scenario));
    let input = target.write("in", &lines(2000));
    let start = Instant::now();
    let ran = target.send(&[
        "--input",
        &input,
        "--timeout",
        "1",
        "--policy",
        "at-most-once",
    ]);
    assert!(start.elapsed() < Duration::from_secs(10));
    results(&ran, 1, &ran.stdout, 2000);
}

#[test]
fn wrong_usage_ends_with_2_and_says_why_in_one_line() {
    let target = Target::new(Server::builder());
    let input = target.write("in", &lines(1));
    let broken = target.write("broken.pem", "no PEM");
    let cases: &[(&[&str], &str)] = &[
        (&["--input", "/no/such/file"], "/no/such/file"),
        (
            &["--input", &input, "--output", "/no/such/dir/out"],
            "/no/such/dir/out",
        ),
        (&["--input", &input, "--cert", &broken], "broken.pem"),
        (&["--input", &input, "--token-key", &broken], "--key-id"),
        (&["--input", &input, "--timeout", "0"], "--timeout"),
        (
            &["--input", &input, "--connections", "3..2"],
            "--connections",
        ),
        (&["--input", &input, "--policy", "maybe"], "--policy"),
        (&[], "--input"),
        (&["--input", &input, "--no-such-flag"], "--no-such-flag"),
        (&["--input", &input, "--inptu", "x"], "--inptu"),
    ];
    for (args, word) in cases {
        let ran = target.send(args);
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(word), "{args:?}: {stderr}");
        assert_eq!(stderr.lines().count(), 1, "{args:?}: {stderr}");
        assert!(stderr.starts_with("send_ndjson: "), "{args:?}: {stderr}");
        assert!(!stderr.contains("error: "), "{args:?}: {stderr}");
        assert_eq!(ran.stdout, b"");
    }
    let ran = finish(spawn(&mut send_ndjson(&["send", "--input", &input])));
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("credential"));
    assert_eq!(target.server.processed().processed, 0);
}

#[test]
fn what_cannot_be_used_costs_no_file_and_shows_no_key() {
    let target = Target::new(Server::builder());
    let input = target.write("in", &lines(1));
    let output = target.write("out", "results\n");
    let mut command = target.command(&["--input", &input, "--output", &output]);
    let ran = finish(spawn(command.env("HTTPS_PROXY", "socks5://127.0.0.1:9")));
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    assert_eq!(std::fs::read(&output).unwrap(), b"results\n");
    let key = target.server.token_key_pem();
    let key_id = ["--key-id", "ABC123DEFG", "--team-id", "DEF123GHIJ"];
    let mut command = target.command(&["--input", &input, &format!("--token-key={key}")]);
    let ran = finish(spawn(command.args(key_id)));
    assert_eq!(ran.status.code(), Some(2), "{ran:?}");
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert!(!stderr.contains(key.lines().nth(1).unwrap()), "{stderr}");
}

#[test]
fn a_line_that_the_certificate_cannot_send_is_left_for_another() {
    let data = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../aapns-proto/tests/data/tls/apple-rsa"
    );
    let (cert, key) = (format!("{data}.crt.pem"), format!("{data}.pkcs8.pem"));
    let target = Target::new(Server::builder());
    let line = r#"{"device_token": "ab", "topic": "com.example.other", "payload": {}}"#;
    let input = target.write("in", line);
    let args = ["send", "--server", "production", "--cert", &cert];
    let mut command = send_ndjson(&args);
    command.args(["--key", &key, "--input", &input]);
    // Nothing leaves this machine.
    let ran = finish(spawn(command.env("HTTPS_PROXY", "http://127.0.0.1:9")));
    let results = results(&ran, 1, &ran.stdout, 1);
    assert_eq!(results[0]["outcome"], "not_processed");
    assert_eq!(results[0]["attempts"], 0);
    let cause = results[0]["cause"].as_str().unwrap();
    assert!(cause.contains("com.example.other"), "{cause}");
}

#[test]
fn help_is_no_mistake() {
    let ran = finish(spawn(&mut send_ndjson(&["send", "--help"])));
    assert_eq!(ran.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&ran.stdout).contains("--concurrency"));
}

/// An input with a bug.
struct Broken;

impl std::io::Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
        panic!("the input\nhas a bug")
    }
}

#[test]
fn a_panic_of_the_reading_thread_is_no_end_of_the_input() {
    assert!(files::read(Broken).recv_blocking().is_err());
    let chunks = files::read(&b"a line"[..]);
    assert_eq!(chunks.recv_blocking().unwrap().unwrap(), b"a line");
    assert_eq!(chunks.recv_blocking().unwrap().unwrap(), b"");
}

/// Runs itself as a process, with the program's own hook.
#[test]
fn a_panic_on_any_thread_exits_with_70_and_says_so_in_one_line() {
    const INSIDE: &str = "SEND_NDJSON_TEST_PANICS";
    if std::env::var_os(INSIDE).is_some() {
        panics::exit_with_70();
        let _ = files::read(Broken).recv_blocking();
        std::thread::sleep(super::support::PATIENCE);
        return;
    }
    let mut command = Command::new(std::env::current_exe().unwrap());
    let name = "ends::a_panic_on_any_thread_exits_with_70_and_says_so_in_one_line";
    command
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1");
    let ran = finish(spawn(&mut command));
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(70), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("the input has a bug"), "{stderr}");
}
