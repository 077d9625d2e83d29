//! Wrong usage and configuration: exit code 2, and one line that says what, where and what to do.

use super::support::{Dir, Target, aapns, finish, run, spawn};

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    for (args, words) in [
        (vec!["nonsense"], vec!["nonsense", "--help"]),
        (vec!["send"], vec!["DEVICE_TOKEN", "BODY", "--input"]),
        (
            vec!["send", "abcd", "Hello", "--priority", "7"],
            vec!["--priority", "10, 5 or 1"],
        ),
        (
            vec!["send", "abcd", "Hello", "--server", "apple"],
            vec!["--server", "https://HOST"],
        ),
        (
            vec!["send", "abcd", "Hello", "--connections", "0"],
            vec!["--connections", "1..10"],
        ),
        (
            vec!["send", "abcd", "Hello", "--timeout", "soon"],
            vec!["--timeout", "none"],
        ),
        (vec!["send", "abcd", "Hello"], vec!["credential", "--cert"]),
        (vec!["send", "abcd"], vec!["nothing to show", "BODY"]),
        (
            vec!["send", "abcd", "Hello", "--token-key", "k.p8"],
            vec!["--key-id"],
        ),
        (
            vec!["send", "--input", "in", "--resume"],
            vec!["--resume", "--output"],
        ),
        (
            vec!["send", "--input", "in", "--resume", "--output", "out"],
            vec!["credential"],
        ),
        (vec!["mock", "--port", "0"], vec!["--self-signed"]),
        (
            vec![
                "mock",
                "--port",
                "0",
                "--self-signed",
                "/tmp",
                "--scenario",
                "none",
            ],
            vec!["none", "goaway"],
        ),
        (
            vec!["bench", "--port", "1", "--ca", "/no/such.pem"],
            vec!["/no/such.pem", "no such file"],
        ),
        (
            vec!["channels", "list"],
            vec!["missing: --topic", "aapns channels list --help"],
        ),
        (
            vec!["send", "abcd", "Hello", "world"],
            vec!["'world'", "quote"],
        ),
        (vec!["send", "abcd", ""], vec!["BODY is empty"]),
        (
            vec!["send", "abcd", "Hello", "--badge", "-1"],
            vec!["-1", "negative"],
        ),
        (
            vec!["send", "abcd", "Hello", "--expiration", "tomorrow"],
            vec!["--expiration", "whole number"],
        ),
        (
            vec!["send", "abcd", "Hello", "--server", "https://127.0.0.1:0"],
            vec!["--server", "1 to 65535"],
        ),
        (
            vec!["send", "abcd", "Hello", "--no-such-flag"],
            vec!["--no-such-flag", "aapns send --help"],
        ),
        (
            vec!["send", "abcd", "Hello", "--policy", "once"],
            vec!["at-most-once"],
        ),
        (vec!["send", "abcd", "Hello", "--ca-only"], vec!["--ca"]),
        (
            vec!["send", "abcd", "Hello", "--resume"],
            vec!["--resume", "--input"],
        ),
        (
            vec!["send", "abcd", "Hello", "--cert", "a", "--token-key", "b"],
            vec!["--cert", "--token-key"],
        ),
        (
            vec!["bench", "--ca", "x", "--port", "0"],
            vec!["1 to 65535"],
        ),
        (
            vec!["broadcast", "dGVzdA=="],
            vec!["--topic", "CONTENT_STATE"],
        ),
        (vec!["simulator", "booted"], vec!["APP_ID"]),
        (vec!["completions", "cmd"], vec!["cmd", "bash"]),
        (
            vec!["man", "--dir", "/dev/null"],
            vec!["/dev/null", "directory"],
        ),
        (
            vec!["demo", "--notifications", "x"],
            vec!["--notifications", "whole number"],
        ),
        (vec!["sned"], vec!["sned", "send"]),
    ] {
        run(&args).exits(2).complains(&words);
    }
}

#[test]
fn no_arguments_and_help_show_the_commands() {
    let help = run(["--help"]).exits(0);
    for command in [
        "demo",
        "send",
        "mock",
        "bench",
        "doctor",
        "channels",
        "broadcast",
        "simulator",
    ] {
        assert!(help.stdout.contains(command), "{command}");
    }
    assert!(help.stdout.contains("First steps"));
    assert!(run::<&str>([]).exits(2).stderr.contains("Usage"));
    assert!(run(["--version"]).exits(0).stdout.starts_with("aapns "));
}

#[test]
fn files_that_cannot_be_read_or_used_are_named() {
    let target = Target::new();
    let dir = Dir::new();
    let junk = dir.write("junk.pem", "not a PEM");
    let mut args = vec!["send", "abcd", "Hello", "--cert", &junk];
    run(&args).exits(2).complains(&["junk.pem", "PEM"]);
    args[4] = "/no/such/file";
    run(&args)
        .exits(2)
        .complains(&["/no/such/file", "no such file", "--cert"]);
    let key = target.dir.path("key.p8");
    run([
        "send",
        "abcd",
        "Hello",
        "--token-key",
        &key,
        "--key-id",
        "short",
        "--team-id",
        "MOCKTEAM01",
    ])
    .exits(2)
    .complains(&["key.p8", "key ID", "10"]);
    target
        .send(&["--input", "/no/such/file"])
        .exits(2)
        .complains(&["/no/such/file", "--input"]);
    target
        .send(&["--input", "/tmp"])
        .exits(2)
        .complains(&["/tmp", "directory"]);
    let input = dir.write("in", "");
    target
        .send(&["--input", &input, "--output", "/no/dir/out"])
        .exits(2)
        .complains(&["/no/dir/out", "--output"]);
    target
        .send(&["--input", &input, "--journal", "/no/dir/j"])
        .exits(2)
        .complains(&["/no/dir/j", "--journal"]);
}

#[test]
fn one_file_for_two_things_is_refused_before_it_is_overwritten() {
    let target = Target::new();
    let input = target.dir.write("in", "precious\n");
    let dotted = target.dir.path("./in");
    for (flag, path) in [
        ("--output", &input),
        ("--journal", &input),
        ("--output", &dotted),
    ] {
        target
            .send(&["--input", &input, flag, path])
            .exits(2)
            .complains(&["--input", flag, "its own"]);
    }
    let new = target.dir.path("new");
    target
        .send(&["--input", &input, "--output", &new, "--journal", &new])
        .exits(2)
        .complains(&["--output", "--journal", "its own"]);
    assert_eq!(target.dir.read("in"), "precious\n");
    let output = target.dir.path("out");
    let journal = target.dir.write("diary", "Dear diary\n");
    target
        .send(&[
            "--input",
            &input,
            "--output",
            &output,
            "--journal",
            &journal,
            "--resume",
        ])
        .exits(2)
        .complains(&["line 1", "diary", "--journal"]);
    assert_eq!(target.dir.read("diary"), "Dear diary\n");
}

#[test]
fn what_is_no_token_is_found_before_anything_is_connected() {
    let dir = Dir::new();
    for text in ["junk", "bearer eyJh.eyJp.c2ln", "a..b", ""] {
        let file = dir.write("jwt", text);
        run(["send", "abcd", "Hello", "--bearer-file", &file])
            .exits(2)
            .complains(&["jwt", "JWT"]);
    }
    let ran = finish(spawn(
        aapns(["send", "abcd", "Hello"]).env("AAPNS_BEARER", "junk"),
    ));
    ran.exits(2).complains(&["AAPNS_BEARER", "JWT"]);
}

#[cfg(unix)]
#[test]
fn an_argument_that_is_not_utf_8_is_wrong_usage() {
    use std::os::unix::ffi::OsStrExt;
    let args: [&[u8]; 4] = [b"send", b"abcd", b"H\xff", b"--title"];
    for end in 3..=4 {
        let args = args[..end]
            .iter()
            .map(|arg| std::ffi::OsStr::from_bytes(arg));
        run(args).exits(2).complains(&["aapns send --help"]);
    }
}

#[test]
fn help_of_send_tells_the_fields_that_go_in_and_come_out() {
    let help = run(["send", "--help"]).exits(0).stdout;
    for word in [
        "collapse_id",
        "possible_duplicate",
        "not_processed",
        "--resume",
        "Examples",
        "Exit codes: 0 all delivered, 1 not all, 2 wrong usage or configuration, 3 interrupted.",
    ] {
        assert!(help.contains(word), "{word}");
    }
    let short = run(["send", "-h"]).exits(0).stdout;
    assert!(
        !short.contains("possible_duplicate"),
        "the short help is short"
    );
    assert!(
        run(["doctor", "--help"])
            .exits(0)
            .stdout
            .contains("--probe\n")
    );
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let dir = Dir::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(["completions", shell]).exits(0).stdout;
        assert!(script.contains("broadcast") && script.contains("concurrency"));
        // Elvish and PowerShell complete no values.
        let has_values = ["bash", "zsh", "fish"].contains(&shell);
        assert_eq!(script.contains("at-most-once"), has_values, "{shell}");
        dir.write(shell, script);
    }
    assert!(run(["man"]).exits(0).stdout.contains("aapns"));
    run(["man", "--dir", &dir.path("new/man")]).exits(0);
    assert!(dir.read("new/man/aapns-send.1").contains("concurrency"));
    for page in ["aapns", "aapns-doctor", "aapns-channels-create"] {
        assert!(dir.read(&format!("new/man/{page}.1")).contains(".SH NAME"));
    }
}

/// What the shell itself makes of the script.
#[test]
fn bash_completes_flags_and_values() {
    let dir = Dir::new();
    let script = dir.write("aapns.bash", run(["completions", "bash"]).exits(0).stdout);
    let complete = |words: &str, last: &str, before: &str| {
        let text = format!(
            ". {script}; COMP_WORDS=({words} {last}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _aapns aapns '{last}' '{before}'; echo \"${{COMPREPLY[*]}}\""
        );
        std::process::Command::new("bash")
            .args(["-c", &text])
            .output()
    };
    let Ok(flags) = complete("aapns send", "--tok", "send") else {
        eprintln!("skipped: bash is not installed");
        return;
    };
    assert_eq!(String::from_utf8_lossy(&flags.stdout).trim(), "--token-key");
    let values = complete("aapns send --policy", "at-m", "--policy").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&values.stdout).trim(),
        "at-most-once"
    );
    let commands = complete("aapns", "bro", "aapns").unwrap();
    assert_eq!(
        String::from_utf8_lossy(&commands.stdout).trim(),
        "broadcast"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_told() {
    let target = Target::new();
    let full = || {
        std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap()
    };
    let args = target.send_args(&["abcd", "Hello"]);
    let child = aapns(&args)
        .stdout(full())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    finish(child)
        .exits(3)
        .complains(&["can't write to stdout", "no space"]);
    // A reader that went away wants no more.
    let mut child = spawn(&mut aapns(["completions", "bash"]));
    drop(child.stdout.take());
    finish(child).exits(0);
}
