//! What is shown on a real terminal, and what isn't in a pipe.

#![cfg(unix)]

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use aapns_tokio::mock::Server;

use super::support::{
    Ran, Target, aapns, assert_each_once, count, finish, line, lines, results, run, spawn,
    wait_until,
};

const PYTHON: &str = "python3";

/// Starts the program on a terminal of its own: what it shows is the child's stdout, what is typed its stdin.
fn on_a_terminal(program: &Command) -> Child {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cli/terminal.py");
    let mut command = Command::new(PYTHON);
    command.arg(script).arg(program.get_program());
    command.args(program.get_args());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    spawn(command.env("TERM", "xterm-256color").stdin(Stdio::piped()))
}

/// The program without the developer's wish for or against colours.
fn plain<S: AsRef<std::ffi::OsStr>>(args: impl IntoIterator<Item = S>) -> Command {
    let mut command = aapns(args);
    command.env_remove("NO_COLOR").env_remove("CLICOLOR");
    command.env_remove("CLICOLOR_FORCE");
    command
}

fn has_python() -> bool {
    let found = Command::new(PYTHON).arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: python3 is not installed");
    }
    found
}

/// What was shown, without colours and movements of the cursor.
fn without_escapes(screen: &str) -> String {
    let mut text = String::new();
    let mut rest = screen;
    while let Some(start) = rest.find("\x1b[") {
        text.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let end = after.find(|c: char| c.is_ascii_alphabetic());
        rest = end.map_or("", |end| &after[end + 1..]);
    }
    text + rest
}

/// A run of two seconds and more, whatever the machine: 200 lines, 10 at a time, 100 ms each.
fn slow_target() -> (Target, Vec<String>) {
    let target = Target::with(Server::builder().latency(Duration::from_millis(100)));
    let input = target.dir.write("in", lines(200));
    let output = target.dir.path("out");
    let args = target.send_args(&[
        "--input",
        &input,
        "--output",
        &output,
        "--concurrency",
        "10",
    ]);
    (target, args)
}

#[test]
fn a_terminal_gets_a_progress_bar_and_a_pipe_none() {
    if !has_python() {
        return;
    }
    let (target, args) = slow_target();
    let ran = finish(on_a_terminal(&plain(&args))).exits(0);
    let screen = without_escapes(&ran.stdout);
    let bars: Vec<&str> = screen
        .split(['\r', '\n'])
        .filter(|line| line.contains("in flight"))
        .collect();
    let bar = bars.last().unwrap_or_else(|| panic!("no bar: {screen:?}"));
    for word in ["%", "delivered", "in flight", "/s", "left"] {
        assert!(bar.contains(word), "no {word:?} in {bar:?}");
    }
    assert!(screen.contains("200 lines: 200 delivered"), "{screen:?}");
    assert_each_once(&results(&target.dir.read("out")), 200);

    let (_target, args) = slow_target();
    let piped = finish(spawn(&mut plain(&args))).exits(0);
    assert!(!piped.stderr.contains("in flight"), "{piped:?}");
    assert!(!piped.stderr.contains('\x1b'), "{piped:?}");
    assert_eq!(piped.stdout, "");
}

#[test]
fn quiet_draws_nothing_and_results_on_a_terminal_have_no_bar_among_them() {
    if !has_python() {
        return;
    }
    let (_target, mut args) = slow_target();
    args.push("--quiet".to_owned());
    let ran = finish(on_a_terminal(&plain(&args))).exits(0);
    assert_eq!(without_escapes(&ran.stdout), "");

    let (_target, mut args) = slow_target();
    let at = args.iter().position(|arg| arg == "--output").unwrap();
    args.drain(at..at + 2);
    let ran = finish(on_a_terminal(&plain(&args))).exits(0);
    assert!(!ran.stdout.contains("in flight"), "{ran:?}");
    assert_eq!(count(&results_among(&ran), "delivered"), 200);
}

/// The result lines on a terminal that shows notes too.
fn results_among(ran: &Ran) -> Vec<serde_json::Value> {
    let lines = ran.stdout.lines().filter(|line| line.starts_with('{'));
    results(&lines.collect::<Vec<&str>>().join("\n"))
}

#[test]
fn colours_are_for_terminals_and_obey_flag_and_variable() {
    if !has_python() {
        return;
    }
    let wrong = ["send", "zz", "Hello"];
    let is_coloured = |ran: &Ran| ran.stdout.contains('\x1b') || ran.stderr.contains('\x1b');
    let shown = |command: &Command| {
        let ran = finish(on_a_terminal(command)).exits(2);
        assert!(ran.stdout.contains("DEVICE_TOKEN"), "{ran:?}");
        is_coloured(&ran)
    };
    assert!(shown(&plain(wrong)));
    assert!(!shown(plain(wrong).env("NO_COLOR", "1")));
    assert!(
        shown(plain(wrong).env("NO_COLOR", "")),
        "empty means unset (no-color.org)"
    );
    assert!(!shown(plain(wrong).args(["--color", "never"])));
    assert!(shown(
        plain(wrong)
            .args(["--color", "always"])
            .env("NO_COLOR", "1")
    ));
    // Errors of usage are said before the flags are known; they listen to the variable.
    let usage = ["send", "--no-such-flag"];
    let shown = |command: &Command| is_coloured(&finish(on_a_terminal(command)).exits(2));
    assert!(shown(&plain(usage)));
    assert!(!shown(plain(usage).env("NO_COLOR", "1")));

    assert!(!is_coloured(&finish(spawn(&mut plain(wrong)))));
    assert!(is_coloured(&finish(spawn(
        plain(wrong).args(["--color", "always"])
    ))));
}

#[test]
fn doctor_colours_its_verdicts_on_a_terminal_only() {
    if !has_python() {
        return;
    }
    let target = Target::new();
    let mut args = vec!["doctor".to_owned()];
    args.extend(target.flags());
    let shown = finish(on_a_terminal(&plain(&args))).exits(0);
    assert!(shown.stdout.contains("\x1b[32mok"), "{shown:?}");
    assert!(!run(&args).exits(0).stdout.contains('\x1b'));
}

/// Ctrl-C is typed: the terminal turns it into SIGINT for the program, as in a shell.
#[test]
fn ctrl_c_drains_and_leaves_a_result_for_each_line_that_was_read() {
    if !has_python() {
        return;
    }
    let target = Target::with(Server::builder().latency(Duration::from_millis(300)));
    let endless: String = (1..=100_000).map(|number| line(number) + "\n").collect();
    let input = target.dir.write("in", endless);
    let output = target.dir.path("out");
    let args = target.send_args(&[
        "--input",
        &input,
        "--output",
        &output,
        "--concurrency",
        "50",
    ]);
    let mut child = on_a_terminal(&plain(args));
    let mut keyboard = child.stdin.take().unwrap();
    wait_until("some are answered", || {
        super::support::has_lines(&output, 100)
    });
    keyboard.write_all(b"\x03").unwrap();
    keyboard.flush().unwrap();
    let ran = finish(child).exits(3);
    drop(keyboard);
    let screen = without_escapes(&ran.stdout);
    assert!(screen.contains("aapns: interrupted"), "{screen:?}");
    assert!(screen.contains("--resume"), "{screen:?}");
    let results = results(&target.dir.read("out"));
    let read = results.len() as u64;
    assert!((100..100_000).contains(&read), "{read}");
    assert_each_once(&results, read);
    assert_eq!(count(&results, "delivered"), results.len());
    assert_eq!(target.server.processed().accepted, read);
    assert_eq!(target.server.processed().duplicates, 0);
}

#[test]
fn the_demo_shows_its_progress_on_a_terminal() {
    if !has_python() {
        return;
    }
    let args = ["demo", "--notifications", "20000", "--connections", "1"];
    let ran = finish(on_a_terminal(&plain(args))).exits(0);
    let screen = without_escapes(&ran.stdout);
    for word in ["/20000", "in flight", "left", "both agree"] {
        assert!(screen.contains(word), "no {word:?}: {screen:?}");
    }
    let piped = run(["demo", "--notifications", "100"]).exits(0);
    assert!(!piped.stderr.contains("in flight"));
}
