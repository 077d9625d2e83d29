//! Signals, and readers that go away.

use std::io::Write;
use std::process::Stdio;
use std::time::{Duration, Instant};

use aapns_tokio::mock::Server;

use super::support::{
    Target, aapns, assert_each_once, count, finish, line, lines, results, signal, spawn, wait_until,
};

#[test]
fn a_signal_drains_and_every_line_taken_up_has_its_result() {
    for name in ["INT", "TERM"] {
        let target = Target::with(Server::builder().latency(Duration::from_millis(300)));
        let output = target.dir.path("out");
        let args = target.send_args(&["--input", "-", "--output", &output]);
        let mut child = spawn(aapns(args).stdin(Stdio::piped()));
        let mut input = child.stdin.take().unwrap();
        input.write_all(lines(100).as_bytes()).unwrap();
        wait_until("all are with the server", || {
            target.server.processed().accepted == 100
        });
        // As by `timeout`, which signals the process and then its group.
        signal(&child, name);
        signal(&child, name);
        let ran = finish(child).exits(3);
        ran.complains(&["interrupted", "--resume"]);
        drop(input);
        let results = results(&target.dir.read("out"));
        assert_each_once(&results, 100);
        assert_eq!(count(&results, "delivered"), 100);
    }
}

#[test]
fn a_signal_before_the_input_is_open_is_an_interruption() {
    let target = Target::new();
    let fifo = target.dir.path("fifo");
    let made = std::process::Command::new("mkfifo").arg(&fifo).status();
    assert!(made.unwrap().success());
    for (at, name) in (1..).zip(["INT", "TERM"]) {
        let args = target.send_args(&["--input", &fifo, "--connections", "1"]);
        let child = spawn(&mut aapns(args));
        wait_until("it is connected", || {
            target.server.processed().connections >= at
        });
        signal(&child, name);
        finish(child)
            .exits(3)
            .complains(&["interrupted before anything was sent"]);
    }
}

/// An input that breaks lets what was read go on; the first signal after that drains it as any other.
#[cfg(target_os = "linux")]
#[test]
fn after_a_broken_input_the_first_signal_drains_too() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(2)));
    let output = target.dir.path("out");
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut input = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut writer, _) = listener.accept().unwrap();
    let unread = input.write(b"x").unwrap();
    assert_eq!(unread, 1);
    let args = target.send_args(&["--input", "-", "--output", &output]);
    let child = spawn(aapns(args).stdin(std::os::fd::OwnedFd::from(input)));
    writer.write_all(lines(20).as_bytes()).unwrap();
    wait_until("all are with the server", || {
        target.server.processed().accepted == 20
    });
    // With an octet unread this resets the connection.
    drop(writer);
    std::thread::sleep(Duration::from_millis(300));
    signal(&child, "TERM");
    finish(child).exits(3).complains(&["the input broke"]);
    let results = results(&target.dir.read("out"));
    assert_each_once(&results, 20);
    assert_eq!(count(&results, "delivered"), 20);
}

#[test]
fn answers_that_do_not_come_within_five_seconds_are_unknown() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let input = target.dir.write("in", lines(50));
    let output = target.dir.path("out");
    let args = target.send_args(&["--input", &input, "--output", &output, "--timeout", "none"]);
    let child = spawn(&mut aapns(args));
    wait_until("all are with the server", || {
        target.server.processed().accepted == 50
    });
    let start = Instant::now();
    signal(&child, "TERM");
    finish(child).exits(3);
    assert!(
        start.elapsed() < Duration::from_secs(7),
        "{:?}",
        start.elapsed()
    );
    let results = results(&target.dir.read("out"));
    assert_each_once(&results, 50);
    assert_eq!(count(&results, "unknown"), 50);
    assert_eq!(results[0]["cause"], "interrupted");
}

#[test]
fn what_was_never_sent_is_not_processed() {
    let target = Target::with(
        Server::builder()
            .max_concurrent_streams(2)
            .latency(Duration::from_secs(60)),
    );
    let input = target.dir.write("in", lines(20));
    let output = target.dir.path("out");
    let args = target.send_args(&["--input", &input, "--output", &output, "--timeout", "none"]);
    let child = spawn(&mut aapns(args));
    wait_until("some are with the server", || {
        target.server.processed().accepted == 4
    });
    signal(&child, "INT");
    // The second one asks for less patience.
    std::thread::sleep(Duration::from_millis(200));
    let start = Instant::now();
    signal(&child, "INT");
    finish(child).exits(3);
    assert!(
        start.elapsed() < Duration::from_secs(4),
        "{:?}",
        start.elapsed()
    );
    let results = results(&target.dir.read("out"));
    assert_each_once(&results, 20);
    assert_eq!(
        (count(&results, "unknown"), count(&results, "not_processed")),
        (4, 16)
    );
}

/// More is queued than five seconds suffice for: in the last of them nothing is begun, so that what is on its
/// way is answered.
#[test]
fn a_drain_that_is_too_short_leaves_lines_unsent_and_none_unknown() {
    let target = Target::with(
        Server::builder()
            .max_concurrent_streams(5)
            .latency(Duration::from_millis(200)),
    );
    let input = target.dir.write("in", lines(1000));
    let output = target.dir.path("out");
    // One connection answers about a hundred in the time that is left.
    let args = target.send_args(&[
        "--input",
        &input,
        "--output",
        &output,
        "--timeout",
        "none",
        "--connections",
        "1",
    ]);
    let child = spawn(&mut aapns(args));
    wait_until("some are with the server", || {
        target.server.processed().accepted >= 10
    });
    let start = Instant::now();
    signal(&child, "INT");
    finish(child).exits(3);
    assert!(
        start.elapsed() < Duration::from_secs(7),
        "{:?}",
        start.elapsed()
    );
    let results = results(&target.dir.read("out"));
    // How far it read is its own business.
    let taken = results.len();
    assert_each_once(&results, taken as u64);
    assert_eq!(count(&results, "unknown"), 0);
    let delivered = count(&results, "delivered");
    assert_eq!(count(&results, "not_processed"), taken - delivered);
    assert_eq!(target.server.processed().accepted, delivered as u64);
    assert!((10..taken).contains(&delivered), "{delivered} of {taken}");
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let target = Target::new();
    let input = target.dir.write("in", lines(50_000));
    let mut child = spawn(&mut aapns(target.send_args(&["--input", &input])));
    drop(child.stdout.take());
    finish(child).exits(3).complains(&["output", "broken pipe"]);
}

#[test]
fn results_are_written_at_least_once_a_second() {
    let target = Target::new();
    let output = target.dir.path("out");
    let mut child = spawn(
        aapns(target.send_args(&["--input", "-", "--output", &output])).stdin(Stdio::piped()),
    );
    let mut input = child.stdin.take().unwrap();
    for number in 1..=3 {
        writeln!(input, "{}", line(number)).unwrap();
        wait_until("accepted", || target.server.processed().accepted == number);
        let start = Instant::now();
        wait_until("written", || {
            super::support::has_lines(&output, number as usize)
        });
        assert!(start.elapsed() < Duration::from_secs(2));
    }
    drop(input);
    finish(child).exits(0);
}

#[test]
fn a_signal_ends_a_run_whose_results_nobody_reads() {
    let target = Target::new();
    // More than a pipe holds.
    let input = target.dir.write("in", lines(2000));
    let mut child = spawn(&mut aapns(target.send_args(&["--input", &input])));
    let unread = child.stdout.take();
    wait_until("all are with the server", || {
        target.server.processed().accepted == 2000
    });
    let start = Instant::now();
    signal(&child, "TERM");
    finish(child).exits(3).complains(&["nobody reads it"]);
    assert!(start.elapsed() < Duration::from_secs(12));
    drop(unread);
}

#[cfg(target_os = "linux")]
#[test]
fn after_a_signal_results_that_could_not_be_written_are_told() {
    let target = Target::with(Server::builder().latency(Duration::from_millis(500)));
    let args = target.send_args(&["--input", "-", "--output", "/dev/full"]);
    let mut child = spawn(aapns(args).stdin(Stdio::piped()));
    let mut input = child.stdin.take().unwrap();
    input.write_all(lines(10).as_bytes()).unwrap();
    wait_until("all are with the server", || {
        target.server.processed().accepted == 10
    });
    signal(&child, "TERM");
    finish(child).exits(3).complains(&["output", "no space"]);
    drop(input);
}

#[test]
fn a_single_notification_is_answered_after_a_signal() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(1)));
    let child = spawn(&mut aapns(target.send_args(&["abcd", "Hello", "--json"])));
    wait_until("it is with the server", || {
        target.server.processed().accepted == 1
    });
    signal(&child, "TERM");
    let ran = finish(child).exits(0);
    assert_eq!(ran.json()["outcome"], "delivered");
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let args = target.send_args(&["abcd", "Hello", "--json", "--timeout", "none"]);
    let child = spawn(&mut aapns(args));
    wait_until("it is with the server", || {
        target.server.processed().accepted == 1
    });
    let start = Instant::now();
    signal(&child, "INT");
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT");
    assert_eq!(finish(child).exits(3).json()["outcome"], "unknown");
    assert!(start.elapsed() < Duration::from_secs(4));
}
