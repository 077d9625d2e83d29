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
fn a_certificate_that_cannot_be_used_costs_no_file() {
    let dir = Dir::new();
    let input = dir.write("in", "");
    let (output, journal) = (
        dir.write("out", "results\n"),
        dir.write("journal", "intents\n"),
    );
    let expired = Wanted {
        expires: 2020,
        ..wanted(&[APP])
    };
    let mut args = vec!["--input", &input, "--output", &output];
    args.extend(["--journal", &journal, "--server", "production"]);
    send(&expired, &args).exits(2).complains(&["expired"]);
    assert_eq!(dir.read("out"), "results\n");
    assert_eq!(dir.read("journal"), "intents\n");
}

#[test]
fn a_line_of_another_topic_is_not_processed_and_can_be_resumed() {
    let dir = Dir::new();
    let lines = [1, 2].map(|n| {
        format!(r#"{{"device_token":"0{n}","topic":"com.example.other{n}","payload":{{}}}}"#)
    });
    let input = dir.write("in", lines.join("\n"));
    let output = dir.path("out");
    let args = [
        "--input",
        &input,
        "--server",
        "production",
        "--output",
        &output,
    ];
    send(&wanted(&[APP]), &args).exits(1);
    let refused = results(&dir.read("out"));
    assert_eq!(refused.len(), 2, "{refused:?}");
    for result in &refused {
        assert_eq!(result["outcome"], "not_processed");
        assert_eq!(result["attempts"], 0);
        let cause = result["cause"].as_str().unwrap();
        assert!(cause.contains("com.example.other"), "{cause}");
    }
    // Another certificate may send them: they are not settled.
    let again = [&args[..], &["--resume", "--timeout", "0.1"]].concat();
    let topics = [APP, "com.example.other1", "com.example.other2"];
    send(&wanted(&topics), &again).exits(1);
    let tried = results(&dir.read("out")).split_off(2);
    assert_eq!(tried.len(), 2, "{tried:?}");
    for result in &tried {
        let cause = result["cause"].as_str().unwrap();
        assert!(cause.starts_with("connect:"), "{cause}");
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
