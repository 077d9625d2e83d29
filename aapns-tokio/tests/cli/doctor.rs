//! `aapns doctor`, `channels`, `broadcast` and `simulator`.

use aapns_tokio::mock::{Answer, Server};
use serde_json::Value;

use super::support::{Ran, Target, results, run};

const NOBODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn doctor(target: &Target, extra: &[&str]) -> Ran {
    let mut args = vec!["doctor".to_owned(), "--json".to_owned()];
    args.extend(target.flags());
    args.extend(extra.iter().map(|arg| (*arg).to_owned()));
    run(args)
}

fn check<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    checks
        .iter()
        .find(|check| check["check"] == name)
        .unwrap_or_else(|| panic!("no {name}: {checks:?}"))
}

#[test]
fn a_good_way_is_ok_at_every_step() {
    let target = Target::new();
    let ran = doctor(&target, &[]).exits(0);
    let checks = results(&ran.stdout);
    for name in [
        "credential",
        "expiry",
        "name",
        "tcp v4",
        "tls",
        "alpn",
        "http/2",
    ] {
        assert_eq!(check(&checks, name)["result"], "ok", "{name}");
    }
    assert_eq!(check(&checks, "probe")["result"], "not checked");
    assert_eq!(
        target.server.processed().processed,
        0,
        "no push without --probe"
    );
}

#[test]
fn a_probe_says_what_the_server_thinks_of_the_credential() {
    let target =
        Target::with(Server::builder().answer(NOBODY, Answer::rejection(400, "BadDeviceToken")));
    let checks = results(
        &doctor(&target, &["--probe", "--topic", "a.b"])
            .exits(0)
            .stdout,
    );
    assert_eq!(check(&checks, "probe")["result"], "ok");
    let target = Target::with(
        Server::builder().answer(NOBODY, Answer::rejection(403, "InvalidProviderToken")),
    );
    let checks = results(
        &doctor(&target, &["--probe", "--topic", "a.b"])
            .exits(1)
            .stdout,
    );
    let probe = check(&checks, "probe");
    assert_eq!(probe["result"], "failed");
    assert!(probe["advice"].as_str().unwrap().contains("--key-id"));
}

#[test]
fn each_fault_is_found_at_its_step() {
    for (builder, step) in [
        (Server::builder().expired(), "tls"),
        (Server::builder().names(["elsewhere.example"]), "tls"),
        (Server::builder().without_alpn(), "alpn"),
    ] {
        let target = Target::with(builder);
        let checks = results(&doctor(&target, &["--probe"]).exits(1).stdout);
        assert_eq!(check(&checks, step)["result"], "failed", "{checks:?}");
        assert!(check(&checks, step)["advice"].is_string());
        assert_eq!(check(&checks, "probe")["result"], "not checked");
    }
    let ran = run([
        "doctor",
        "--server",
        "https://no-such-host.invalid",
        "--json",
    ])
    .exits(1);
    assert_eq!(check(&results(&ran.stdout), "name")["result"], "failed");
}

#[test]
fn a_simulator_without_xcode_is_a_clear_error() {
    run(["simulator", "booted", "com.example.app", "Hello"])
        .exits(2)
        .complains(&["xcrun", "macOS"]);
    run(["simulator", "--", "--delete", "com.example.app", "Hello"])
        .exits(2)
        .complains(&["DEVICE_ID"]);
}
