//! Wrong usage and configuration: exit code 2, and one line that says what, where and what to do.

use super::support::{Dir, Target, aapns, finish, run, spawn};

#[test]
fn wrong_usage_is_one_line_and_exit_code_2() {
    for (args, words) in [
        (vec!["nonsense"], vec!["nonsense", "--help"]),
        (vec!["send"], vec!["DEVICE_TOKEN"]),
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
        (vec!["channels", "list"], vec!["--topic"]),
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
fn flags_come_from_the_environment_too_and_the_command_line_wins() {
    let target = Target::new();
    let mut command = aapns(["send", "abcd", "Hello"]);
    command
        .env("AAPNS_SERVER", target.server.origin())
        .env("AAPNS_CA", target.dir.path("ca.pem"))
        .env("AAPNS_CERT", target.dir.path("client.pem"))
        .env("AAPNS_TOPIC", "com.example.env")
        .env("AAPNS_JSON", "1");
    assert_eq!(
        finish(spawn(&mut command)).exits(0).json()["outcome"],
        "delivered"
    );
    let ran = finish(spawn(command.args(["--topic", "com.example.line"]))).exits(0);
    assert_eq!(ran.json()["outcome"], "delivered");
    let requests = target.server.requests();
    let topics: Vec<_> = requests
        .iter()
        .map(|r| r.field("apns-topic").unwrap())
        .collect();
    assert_eq!(topics, ["com.example.env", "com.example.line"]);
    let wrong = finish(spawn(command.env("AAPNS_PRIORITY", "7")));
    wrong.exits(2).complains(&["10, 5 or 1"]);
}

#[test]
fn no_secret_is_ever_shown() {
    let target = Target::new();
    let secret = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl";
    let mut args = vec![
        "send".to_owned(),
        "00112233445566778899aabbccddeeffzz".to_owned(),
        "Hello".to_owned(),
    ];
    args.extend(target.open_flags());
    let mut command = aapns(&args);
    let ran = finish(spawn(command.env("AAPNS_BEARER", secret))).exits(2);
    ran.complains(&["DEVICE_TOKEN"]);
    assert!(!ran.stderr.contains("00112233"), "{}", ran.stderr);
    let help = finish(spawn(
        aapns(["send", "--help"])
            .env("AAPNS_TOKEN", secret)
            .env("AAPNS_BEARER", secret),
    ));
    assert!(!help.stdout.contains("c2VjcmV0"));
    let bad = finish(spawn(command.env("AAPNS_BEARER", "se cret")));
    assert!(!bad.stderr.contains("se cret"), "{}", bad.stderr);
}

#[test]
fn completions_and_man_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            run(["completions", shell])
                .exits(0)
                .stdout
                .contains("broadcast")
        );
    }
    assert!(run(["man"]).exits(0).stdout.contains("aapns"));
    let dir = Dir::new();
    run(["man", "--dir", &dir.path("")]).exits(0);
    assert!(dir.read("aapns-send.1").contains("concurrency"));
}
