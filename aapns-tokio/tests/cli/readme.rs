//! The README's commands, run as they stand there.
//!
//! A `console` block is a session: commands after `$`, and what they show. A `sh` block has commands alone, of which
//! some go to Apple; here they find a proxy that isn't there, so all that must hold is that they are understood.

#![cfg(unix)]

use std::fmt::Write;
use std::net::TcpListener;
use std::process::Command;

use super::support::{Target, finish, spawn};

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");

/// The ports that the README uses; here others, which are free.
const PORTS: [&str; 2] = ["8443", "8444"];

/// The blocks of the README in this language.
fn blocks(language: &str) -> Vec<String> {
    let text = std::fs::read_to_string(README).unwrap();
    let opening = format!("```{language}\n");
    let blocks = text.split(&opening).skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// A shell's script: what is started in the background is awaited, and ended with the script.
fn script(commands: &[&str]) -> String {
    let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null; wait' EXIT\n");
    for command in commands {
        let command = command.trim_end_matches('&').trim_end();
        if command.starts_with("aapns mock") {
            let _ = writeln!(script, "{command} -q > mock.out &");
            script +=
                "until grep -q listening mock.out; do kill -0 $! || exit 2; sleep 0.05; done\n";
            script += "cat mock.out\n";
        } else {
            let _ = writeln!(script, "{command}\n[ $? = 2 ] && exit 2");
        }
    }
    script + "exit 0\n"
}

/// Runs a script by bash, in a directory that has what the README takes for granted.
fn run(script: &str) -> (Target, String) {
    let target = Target::new();
    target
        .dir
        .write("AuthKey_ABC123DEFG.p8", target.server.token_key_pem());
    target.dir.write("lines.ndjson", super::support::lines(2));
    let mut script = script.to_owned();
    for port in PORTS {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let free = free.local_addr().unwrap().port().to_string();
        script = script.replace(port, &free);
    }
    let programs = std::path::Path::new(env!("CARGO_BIN_EXE_aapns"))
        .parent()
        .unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let aapns = super::support::aapns::<&str>([]);
    let mut bash = Command::new("bash");
    for (name, value) in aapns.get_envs() {
        assert!(value.is_none());
        bash.env_remove(name);
    }
    bash.args(["-c", &script])
        .current_dir(target.dir.path(""))
        .env("PATH", path)
        // Nothing leaves this machine.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .env("NO_PROXY", "127.0.0.1");
    let ran = finish(spawn(bash.stdin(std::process::Stdio::null())));
    let shown = ran.stdout.clone() + &ran.stderr;
    assert_eq!(ran.code, Some(0), "{script}\n{shown}");
    (target, shown)
}

/// A line without what differs from run to run: numbers and ids.
fn shape(line: &str) -> String {
    let mut shape = String::new();
    for word in line.split_whitespace() {
        let is_id = word.len() == 36 && word.bytes().filter(|b| *b == b'-').count() == 4;
        let word = if is_id { "ID" } else { word };
        let mut was_digit = false;
        for c in word.chars() {
            if !c.is_ascii_digit() {
                shape.push(c);
            } else if !was_digit {
                shape.push('#');
            }
            was_digit = c.is_ascii_digit();
        }
        shape.push(' ');
    }
    shape
}

#[test]
fn the_session_of_the_readme_goes_as_it_says() {
    if Command::new("timeout").arg("--version").output().is_err() {
        eprintln!("skipped: there is no timeout (coreutils)");
        return;
    }
    let blocks = blocks("console").join("\n");
    let commands: Vec<&str> = blocks
        .lines()
        .filter_map(|l| l.strip_prefix("$ "))
        .collect();
    assert!(commands.len() >= 8, "{blocks}");
    let (target, shown) = run(&script(&commands));
    let shapes: Vec<String> = shown.lines().map(shape).collect();
    for line in blocks.lines().filter(|line| !line.starts_with("$ ")) {
        assert!(shapes.contains(&shape(line)), "{line}\nis not in\n{shown}");
    }
    // Shapes hide numbers; these are the point.
    assert!(shown.lines().any(|line| line == "100000"), "{shown}");
    let results = super::support::results(&target.dir.read("results.ndjson"));
    super::support::assert_each_once(&results, 100_000);
}

#[test]
fn the_commands_of_the_readme_are_understood() {
    let mut seen = 0;
    for block in blocks("sh") {
        let block = block.replace("\\\n", " ");
        let commands: Vec<&str> = block
            .lines()
            .filter(|l| !l.trim_start().starts_with("cargo"))
            .collect();
        if !commands.is_empty() {
            seen += commands.len();
            let impatient = "export AAPNS_TIMEOUT=0.3";
            run(&script(&[&[impatient][..], &commands[..]].concat()));
        }
    }
    assert!(seen >= 4, "{seen}");
}
