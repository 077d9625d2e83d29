//! Keys, tokens and passwords: never shown, and none on the command line.

use super::support::{Target, aapns, finish, run, spawn};

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

/// `AAPNS_TOKEN_KEY="$(cat key.p8)"` and the like.
#[test]
fn a_secret_in_place_of_its_path_is_not_shown() {
    let target = Target::new();
    let key = target.server.token_key_pem();
    let body = key.lines().nth(1).unwrap();
    let jwt = "eyJhbGciOi.c2VjcmV0.c2lnbmF0dXJl";
    let mut token_key = aapns(["send", "abcd", "Hello"]);
    token_key
        .env("AAPNS_TOKEN_KEY", key)
        .env("AAPNS_KEY_ID", "ABC123DEFG")
        .env("AAPNS_TEAM_ID", "DEF123GHIJ");
    let args = |args: &[&str]| aapns([&["send", "abcd", "Hello"], args].concat());
    for (mut command, words) in [
        (token_key, &["--token-key wants the path"][..]),
        (
            args(&["--bearer-file", jwt]),
            &["--bearer-file wants the path"],
        ),
        (args(&["--p12", "eyJ", "--p12-password-file", jwt]), &[]),
        (args(&["--cert", key]), &[]),
        (args(&[&format!("--cert={key}")]), &["--cert wants"]),
        (args(&[key]), &[]),
        (args(&[jwt]), &["there is no place"]),
        (args(&["--server", jwt]), &["--server"]),
        (
            aapns(["send", "--input", jwt, "--server", "https://[::1]:9"]),
            &["--input"],
        ),
        (
            aapns([
                "mock",
                "--port",
                "0",
                "--self-signed",
                "x",
                "--scenario",
                jwt,
            ]),
            &["--scenario"],
        ),
    ] {
        let ran = finish(spawn(&mut command)).exits(2);
        assert!(!ran.stderr.contains(body), "{}", ran.stderr);
        assert!(!ran.stderr.contains("c2VjcmV0"), "{}", ran.stderr);
        ran.complains(words);
    }
    let p12 = target.dir.write("x.p12", "");
    let ran = finish(spawn(&mut args(&[
        "--p12",
        &p12,
        "--p12-password-file",
        "hunter2",
    ])));
    assert!(!ran.stderr.contains("hunter2"), "{}", ran.stderr);
    ran.exits(2).complains(&["--p12-password-file"]);
}

#[test]
fn a_password_of_the_proxy_may_stand_in_the_variable_only() {
    let url = "http://user:secret@127.0.0.1:9";
    let args = [
        "send",
        "--topic",
        "a.b",
        "abcd",
        "Hello",
        "--timeout",
        "0.1",
    ];
    let server = ["--server", "https://127.0.0.1:9"];
    let args = || args.into_iter().chain(server);
    finish(spawn(aapns(args()).env("AAPNS_PROXY", url))).exits(1);
    let ran = run(args().chain(["--proxy", url])).exits(2);
    ran.complains(&["AAPNS_PROXY_PASSWORD"]);
}
