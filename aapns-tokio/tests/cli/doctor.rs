//! `aapns doctor`, `channels`, `broadcast` and `simulator`.

use std::net::TcpListener;

use aapns_tokio::mock::{Answer, Authentication, Server};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::Value;

use super::support::{Dir, Ran, Target, results, run};

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

/// Asserts that this check alone failed, and says all of `words`, advice included.
fn assert_fails_at(ran: Ran, name: &str, words: &[&str]) {
    let ran = ran.exits(1);
    let checks = results(&ran.stdout);
    let failed: Vec<&Value> = checks.iter().filter(|c| c["result"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{checks:?}");
    assert_eq!(failed[0]["check"], name, "{checks:?}");
    let text = format!("{} {}", failed[0]["detail"], failed[0]["advice"]);
    for word in words {
        assert!(text.contains(word), "no {word:?} in {text}");
    }
}

#[test]
fn a_port_where_nobody_listens_is_a_failure_of_tcp() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("https://{}", free.local_addr().unwrap());
    drop(free);
    let ran = run(["doctor", "--json", "--server", &server]);
    assert_fails_at(ran, "tcp v4", &["refused", "firewall", "--alt-port"]);
}

/// Connections are taken by the kernel, and nobody ever answers.
#[test]
fn a_black_hole_is_a_failure_of_tls_within_seconds() {
    let hole = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("https://{}", hole.local_addr().unwrap());
    let ran = run(["doctor", "--json", "--server", &server]);
    assert_fails_at(ran, "tls", &["no handshake in 5 s", "firewall"]);
}

#[test]
fn an_authority_that_is_not_trusted_is_named() {
    let target = Target::new();
    let mut args = vec!["doctor".to_owned(), "--json".to_owned()];
    args.extend(["--server".to_owned(), target.server.origin()]);
    assert_fails_at(run(&args), "tls", &["authority", "--ca"]);
}

#[test]
fn a_server_that_wants_a_certificate_refuses_a_client_without_one() {
    let target = Target::with(Server::builder().authentication(Authentication::Certificate));
    let mut args = vec!["doctor".to_owned(), "--json".to_owned()];
    args.extend(target.open_flags());
    assert_fails_at(run(&args), "http/2", &["certificate", "credential"]);
}

#[test]
fn keys_that_cannot_sign_for_apple_are_named() {
    let target = Target::new();
    let good = target.dir.path("key.p8");
    let wrong_curve = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let wrong_curve = target.dir.write("p384.p8", wrong_curve.serialize_pem());
    let certificate = target.dir.path("client.pem");
    for (key, key_id, team_id, words) in [
        (
            &wrong_curve,
            "ABC123DEFG",
            "DEF123GHIJ",
            ["p384.p8", "P-256"],
        ),
        (&good, "short", "DEF123GHIJ", ["key ID", "10"]),
        (&good, "ABC123DEFG", "Example Corp", ["team ID", "10"]),
        (
            &target.dir.path("ca.pem"),
            "ABC123DEFG",
            "DEF123GHIJ",
            ["ca.pem", "key"],
        ),
    ] {
        let mut args = vec!["doctor".to_owned(), "--json".to_owned()];
        args.extend(target.open_flags());
        let flags = ["--token-key", key, "--key-id", key_id, "--team-id", team_id];
        args.extend(flags.map(str::to_owned));
        assert_fails_at(run(&args), "credential", &words);
    }
    let mut args = vec!["doctor", "--json", "--cert", &certificate];
    let foreign = KeyPair::generate().unwrap().serialize_pem();
    let foreign = target.dir.write("foreign.key", foreign);
    args.extend(["--key", &foreign]);
    let open = target.open_flags();
    args.extend(open.iter().map(String::as_str));
    assert_fails_at(run(&args), "credential", &["foreign.key", "--key"]);
}

#[test]
fn a_client_certificate_that_has_expired_or_soon_will_is_told() {
    let target = Target::new();
    let dir = Dir::new();
    let until = |year| {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(year, 1, 1);
        let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
        let path = dir.write("client.pem", pem);
        let mut args = vec![
            "doctor".to_owned(),
            "--json".to_owned(),
            "--cert".to_owned(),
            path,
        ];
        args.extend(target.open_flags());
        run(&args)
    };
    assert_fails_at(until(2002), "expiry", &["expired", "renew"]);
    let checks = results(&until(2999).exits(0).stdout);
    assert_eq!(check(&checks, "expiry")["result"], "ok");
}

#[test]
fn without_a_credential_apples_servers_are_not_worth_a_try() {
    let ran = run(["doctor", "--json", "--proxy", "http://127.0.0.1:9"]).exits(1);
    let checks = results(&ran.stdout);
    let credential = check(&checks, "credential");
    assert_eq!(credential["result"], "failed");
    assert!(
        credential["advice"]
            .as_str()
            .unwrap()
            .contains("--token-key")
    );
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

#[test]
fn every_check_has_its_line_whatever_failed_before() {
    let target = Target::with(Server::builder().expired());
    let names = |ran: Ran| -> Vec<String> {
        results(&ran.exits(1).stdout)
            .iter()
            .map(|check| check["check"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = [
        "name", "tcp v4", "tcp v6", "proxy", "tls", "alpn", "http/2", "clock", "probe",
    ];
    let nowhere = ["--server", "https://no-such-host.invalid", "--probe"];
    for ran in [
        doctor(&target, &["--probe"]),
        doctor(&target, &[]),
        run(["doctor", "--json"].into_iter().chain(nowhere)),
    ] {
        let names = names(ran);
        for name in all {
            let count = names.iter().filter(|n| *n == name).count();
            assert_eq!(count, 1, "{name} in {names:?}");
        }
    }
}
