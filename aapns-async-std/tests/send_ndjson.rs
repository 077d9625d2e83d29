//! The example `send_ndjson`, run as a process against the mock: the contract of `aapns send --input`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use aapns_tokio::mock::{Answer, Authentication, Builder, KEY_ID, Scenario, Server, TEAM_ID};
use serde_json::Value;

/// Longer than any run takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A mock, files, and the flags that lead to both.
struct Target {
    server: Server,
    dir: PathBuf,
}

impl Target {
    fn new(builder: Builder) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("send-ndjson-{}-{next}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        let server = builder.start_on_thread().unwrap();
        let target = Self { server, dir };
        target.write("ca.pem", target.server.ca_pem());
        target.write("client.pem", target.server.client_certificate_pem());
        target.write("key.p8", target.server.token_key_pem());
        target
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.dir.join(name), text).unwrap();
        self.path(name)
    }

    /// `send_ndjson send` to the mock.
    fn command(&self, args: &[&str]) -> Command {
        let (origin, ca) = (self.server.origin(), self.path("ca.pem"));
        let mut command = send_ndjson(&["send", "--server", &origin, "--ca", &ca, "--ca-only"]);
        command.args(["--topic", "com.example.app"]).args(args);
        command
    }

    /// The same, to its end.
    fn send(&self, args: &[&str]) -> Output {
        finish(spawn(&mut self.command(args)))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// The example, without what the developer's environment says.
fn send_ndjson(args: &[&str]) -> Command {
    let test = std::env::current_exe().unwrap();
    let target = test.parent().and_then(|deps| deps.parent()).unwrap();
    let name = format!("send_ndjson{}", std::env::consts::EXE_SUFFIX);
    let example = target.join("examples").join(name);
    assert!(
        example.exists(),
        "build it first: cargo build -p aapns-async-std --example send_ndjson"
    );
    let mut command = Command::new(example);
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().to_lowercase().ends_with("_proxy") {
            command.env_remove(name);
        }
    }
    command
}

fn spawn(command: &mut Command) -> Child {
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Waits for the end, but not for ever.
fn finish(mut child: Child) -> Output {
    let id = child.id();
    let stdin = child.stdin.take();
    drop(stdin);
    let (report, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || report.send(child.wait_with_output()));
    match ended.recv_timeout(PATIENCE) {
        Ok(output) => output.unwrap(),
        Err(_) => {
            let _ = Command::new("kill").arg(id.to_string()).status();
            panic!("it didn't end");
        }
    }
}

fn line(number: u64) -> String {
    format!(r#"{{"device_token": "{number:08x}", "payload": {{"aps": {{"alert": "{number}"}}}}}}"#)
}

fn lines(count: u64) -> String {
    (1..=count).map(|number| line(number) + "\n").collect()
}

/// The results of a run that ended with this code: one for each line from 1 to `count`.
fn results(output: &Output, code: i32, text: &[u8], count: u64) -> Vec<Value> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    let mut results: Vec<Value> = String::from_utf8(text.to_vec())
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    results.sort_by_key(|result| result["line"].as_u64());
    let numbers: Vec<u64> = results
        .iter()
        .map(|result| result["line"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (1..=count).collect::<Vec<u64>>());
    results
}

fn count(results: &[Value], outcome: &str) -> usize {
    results.iter().filter(|r| r["outcome"] == outcome).count()
}

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
    let gone = Answer {
        timestamp: Some(5),
        ..Answer::rejection(410, "ExpiredToken")
    };
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
    let start = Instant::now();
    while std::fs::read_to_string(&output).map_or(0, |text| text.lines().count()) < 1 {
        assert!(start.elapsed() < PATIENCE, "no result");
        std::thread::sleep(Duration::from_millis(5));
    }
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
fn wrong_usage_ends_with_2_and_says_why() {
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
    ];
    for (args, word) in cases {
        let ran = target.send(args);
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(word), "{args:?}: {stderr}");
        assert_eq!(ran.stdout, b"");
    }
    let ran = finish(spawn(&mut send_ndjson(&["send", "--input", &input])));
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("credential"));
    assert_eq!(target.server.processed().connections, 0);
}
