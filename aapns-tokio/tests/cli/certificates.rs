//! What a client certificate says of itself stops a push before anything is connected.

use super::certificate::{Wanted, apple_like};
use super::support::{Dir, Ran, Target, results, run};

const APP: &str = "com.example.app";

fn wanted<'a>(topics: &'a [&'a str]) -> Wanted<'a> {
    Wanted {
        development: false,
        production: true,
        topics,
        expires: 2090,
    }
}

/// Sends to Apple with such a certificate, by a way that leads nowhere.
fn send(wanted: &Wanted<'_>, args: &[&str]) -> Ran {
    let dir = Dir::new();
    let pem = dir.write("apple.pem", apple_like(wanted));
    let nowhere = ["--proxy", "http://127.0.0.1:9", "--cert", &pem];
    run([&["send"], args, &nowhere].concat())
}

#[test]
fn a_topic_that_the_certificate_lacks_is_named_with_those_that_it_has() {
    let args = [
        "abcd",
        "Hi",
        "--server",
        "production",
        "--topic",
        "com.example.other",
    ];
    send(&wanted(&[APP]), &args)
        .exits(2)
        .complains(&["topic", "com.example.other", APP]);
    send(&wanted(&[APP, "com.example.app.voip"]), &args[..4])
        .exits(2)
        .complains(&["topic", "name one"]);
}

#[test]
fn the_other_environment_and_the_past_are_named() {
    let args = ["abcd", "Hi", "--topic", APP, "--server"];
    let sandbox = [&args[..], &["sandbox"]].concat();
    send(&wanted(&[APP]), &sandbox)
        .exits(2)
        .complains(&["certificate", "production", "sandbox"]);
    let expired = Wanted {
        expires: 2020,
        ..wanted(&[APP])
    };
    let production = [&args[..], &["production"]].concat();
    send(&expired, &production)
        .exits(2)
        .complains(&["expired", "days ago", "renew"]);
}

#[test]
fn a_line_of_another_topic_is_invalid_and_never_sent() {
    let dir = Dir::new();
    let lines = [1, 2].map(|n| {
        format!(r#"{{"device_token":"0{n}","topic":"com.example.other{n}","payload":{{}}}}"#)
    });
    let input = dir.write("in", lines.join("\n"));
    let ran = send(
        &wanted(&[APP]),
        &["--input", &input, "--server", "production"],
    );
    let results = results(&ran.stdout);
    assert_eq!((ran.code, results.len()), (Some(1), 2), "{ran:?}");
    for result in results {
        assert_eq!(result["outcome"], "invalid");
        let reason = result["reason"].as_str().unwrap();
        assert!(reason.contains("com.example.other"), "{reason}");
    }
}

#[test]
fn a_certificate_about_to_expire_is_warned_of_and_used() {
    let target = Target::new();
    let old = Wanted {
        expires: 2020,
        ..wanted(&["com.example.other"])
    };
    let pem = target.dir.write("old.pem", apple_like(&old));
    let mut args: Vec<String> = ["send", "abcd", "Hi", "--topic", APP, "--cert", &pem]
        .map(str::to_owned)
        .into();
    args.extend(target.open_flags());
    // Another server than Apple's judges for itself.
    let ran = run(args.clone()).exits(0);
    assert!(
        ran.stderr.contains("warning: the client certificate"),
        "{ran:?}"
    );
    args.push("-q".to_owned());
    assert_eq!(run(args).exits(0).stderr, "");
}
