//! SIGINT and SIGTERM: no more is read, and what was taken up has its outcome.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aapns_tokio::mock::Server;

use super::support::{
    PATIENCE, Target, count, finish, line, lines, results, spawn, wait_for_lines,
};

/// Sends a signal to the example, by the tool that every Unix has.
fn signal(child: &Child, name: &str) {
    let status = Command::new("kill")
        .args(["-s", name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// How many lines a run took up: results have numbers from 1, without gaps.
fn taken_up(output: &str) -> u64 {
    std::fs::read_to_string(output).unwrap().lines().count() as u64
}

#[test]
fn a_signal_in_mid_run_ends_it_with_3_and_an_outcome_for_every_line_that_was_read() {
    const LINES: u64 = 20_000;
    for name in ["INT", "TERM"] {
        let target = Target::new(Server::builder().latency(Duration::from_millis(50)));
        let input = target.write("in", &lines(LINES));
        let output = target.path("out");
        let mut command =
            target.command(&["--input", &input, "--output", &output, "--timeout", "60"]);
        let child = spawn(command.args(["--concurrency", "100"]));
        wait_for_lines(&output, 100);
        signal(&child, name);
        let ran = finish(child);
        let taken = taken_up(&output);
        assert!(taken < LINES, "the signal came too late");
        let results = results(&ran, 3, &std::fs::read(&output).unwrap(), taken);
        assert!(count(&results, "delivered") >= 100);
        for result in &results {
            let times = target
                .server
                .times_accepted(result["apns_id"].as_str().unwrap());
            match result["outcome"].as_str().unwrap() {
                "delivered" => assert_eq!(times, 1, "{result}"),
                "not_processed" => {
                    assert_eq!((times, &result["cause"]), (0, &"interrupted".into()))
                }
                _ => assert_eq!(result["cause"], "interrupted"),
            }
        }
        assert!(String::from_utf8_lossy(&ran.stderr).contains("interrupted"));
    }
}

#[test]
fn what_gets_no_answer_after_a_signal_is_interrupted_within_seconds() {
    let target = Target::new(Server::builder().latency(Duration::from_secs(3600)));
    let input = target.write("in", &format!("no JSON\n{}", lines(2000)));
    for is_hasty in [false, true] {
        let output = target.path(&format!("out-{is_hasty}"));
        let mut command =
            target.command(&["--input", &input, "--output", &output, "--timeout", "none"]);
        let child = spawn(command.args(["--concurrency", "100"]));
        // The line that isn't sent tells that the others were taken up.
        wait_for_lines(&output, 1);
        let start = Instant::now();
        signal(&child, "TERM");
        if is_hasty {
            std::thread::sleep(Duration::from_millis(300));
            signal(&child, "TERM");
        }
        let ran = finish(child);
        assert!(start.elapsed() < Duration::from_secs(20));
        let results = results(&ran, 3, &std::fs::read(&output).unwrap(), 101);
        assert_eq!(count(&results, "invalid"), 1);
        for result in &results[1..] {
            assert_eq!(result["cause"], "interrupted");
        }
    }
}

#[test]
fn a_signal_ends_a_run_whose_input_is_silent() {
    let target = Target::new(Server::builder());
    let output = target.path("out");
    let mut command = target.command(&["--input", "-", "--output", &output]);
    let mut child = spawn(command.stdin(Stdio::piped()));
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{}", line(1)).unwrap();
    wait_for_lines(&output, 1);
    signal(&child, "TERM");
    let ran = finish(child);
    drop(input);
    let results = results(&ran, 3, &std::fs::read(&output).unwrap(), 1);
    assert_eq!(count(&results, "delivered"), 1);
}

#[test]
fn a_signal_before_the_input_is_open_is_an_interruption() {
    let target = Target::new(Server::builder());
    let fifo = target.path("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    for (at, name) in (1..).zip(["INT", "TERM"]) {
        let child = spawn(&mut target.command(&["--input", &fifo, "--connections", "1"]));
        let start = Instant::now();
        while target.server.processed().connections < at {
            assert!(start.elapsed() < PATIENCE, "no connection");
            std::thread::sleep(Duration::from_millis(5));
        }
        signal(&child, name);
        let ran = finish(child);
        let stderr = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("before anything was sent"), "{stderr}");
    }
}
