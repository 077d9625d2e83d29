//! Wrong usage and configuration: exit code 2, and one line that says what, where and what to do.

use super::support::{Dir, Target, aapns, finish, run, spawn};

/// Command lines, parted at each blank, and what is said of them.
const WRONG: &[(&str, &[&str])] = &[
    ("nonsense", &["nonsense", "--help"]),
    ("send", &["DEVICE_TOKEN", "BODY", "--input"]),
    (
        "send abcd Hello --priority 7",
        &["--priority", "10, 5 or 1"],
    ),
    (
        "send abcd Hello --server apple",
        &["--server", "https://HOST"],
    ),
    (
        "send abcd Hello --connections 0",
        &["--connections", "1..10"],
    ),
    ("send abcd Hello --timeout soon", &["--timeout", "none"]),
    ("send abcd Hello", &["credential", "--cert"]),
    ("send abcd", &["nothing to show", "BODY"]),
    ("send abcd Hello --token-key k.p8", &["--key-id"]),
    ("send --input in --resume", &["--resume", "--output"]),
    ("send --input in --resume --output out", &["credential"]),
    ("mock --port 0", &["--self-signed"]),
    (
        "mock --port 0 --self-signed /tmp --scenario none",
        &["none", "goaway"],
    ),
    (
        "bench --port 1 --ca /no/such.pem",
        &["/no/such.pem", "no such file"],
    ),
    (
        "channels list",
        &["missing: --topic", "aapns channels list --help"],
    ),
    ("send abcd Hello world", &["'world'", "quote"]),
    ("send abcd ", &["BODY is empty"]),
    ("send abcd Hello --badge -1", &["-1", "negative"]),
    (
        "send abcd Hello --expiration tomorrow",
        &["--expiration", "whole number"],
    ),
    (
        "send abcd Hello --server https://127.0.0.1:0",
        &["--server", "1 to 65535"],
    ),
    (
        "send abcd Hello --no-such-flag",
        &["--no-such-flag", "aapns send --help"],
    ),
    ("send abcd Hello --policy once", &["at-most-once"]),
    ("send abcd Hello --ca-only", &["--ca"]),
    ("send abcd Hello --resume", &["--resume", "--input"]),
    (
        "send abcd Hello --cert a --token-key b",
        &["--cert", "--token-key"],
    ),
    ("bench --ca x --port 0", &["1 to 65535"]),
    ("broadcast dGVzdA==", &["--topic", "CONTENT_STATE"]),
    ("simulator booted", &["APP_ID"]),
    ("completions cmd", &["cmd", "bash"]),
    ("man --dir /dev/null", &["/dev/null", "directory"]),
    (
        "demo --notifications x",
        &["--notifications", "whole number"],
    ),
    ("sned", &["sned", "send"]),
];

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    for (line, words) in WRONG {
        run(line.split(' ')).exits(2).complains(words);
    }
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
