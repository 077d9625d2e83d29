//! Variables, and the command line that wins over them.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::support::{Ran, Target, aapns, finish, lines, spawn};

fn send(target: &Target, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = aapns(target.send_args(args));
    finish(spawn(command.envs(variables.iter().copied())))
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
fn a_variable_that_switches_off_is_as_if_it_were_absent() {
    let target = Target::new();
    let mut args = vec!["send", "--topic", "a.b", "abcd", "Hello", "-v"];
    let flags = target.flags();
    args.extend(flags.iter().map(String::as_str));
    for off in ["0", "false", "No", "off", "n", "F", ""] {
        let mut command = aapns(&args);
        command.env("AAPNS_QUIET", off).env("AAPNS_ALT_PORT", off);
        let ran = finish(spawn(&mut command)).exits(0);
        assert!(ran.stderr.contains("1 dial"), "{ran:?}");
    }
    // Neither wants the other flag that it would want if it were given.
    let mut command = aapns(["send", "abcd", "Hello", "--server", "https://127.0.0.1:9"]);
    command.env("AAPNS_CA_ONLY", "0").env("AAPNS_CA", "");
    command
        .env("AAPNS_TOPIC", "a.b")
        .env("AAPNS_TIMEOUT", "0.1");
    finish(spawn(&mut command)).exits(1);
    args.retain(|arg| *arg != "-v");
    for (value, is_told) in [("true", true), ("2", true), ("0", false)] {
        let ran = finish(spawn(aapns(&args).env("AAPNS_VERBOSE", value))).exits(0);
        assert_eq!(ran.stderr.contains("1 dial"), is_told, "{ran:?}");
    }
}

#[test]
fn a_credential_on_the_command_line_overrides_one_of_another_kind() {
    let target = Target::new();
    let (cert, key) = (target.dir.path("client.pem"), target.dir.path("key.p8"));
    let mut open = vec!["send", "--topic", "a.b", "abcd", "Hello"];
    let flags = target.open_flags();
    open.extend(flags.iter().map(String::as_str));
    let token = ["--token-key", &key, "--key-id", "ABC123DEFG"];
    let team = ["--team-id", "DEF123GHIJ"];
    let run = |more: &[&[&str]], variables: &[(&str, &str)]| {
        let mut command = aapns(open.iter().chain(more.iter().copied().flatten()));
        finish(spawn(command.envs(variables.iter().copied())))
    };
    run(
        &[&token, &team],
        &[("AAPNS_CERT", &cert), ("AAPNS_KEY", "x")],
    )
    .exits(0);
    run(&[&["--cert", &cert]], &[("AAPNS_TEAM_ID", "DEF123GHIJ")]).exits(0);
    let equals = format!("--cert={cert}");
    run(&[&[&equals]], &[("AAPNS_TOKEN_KEY", &key)]).exits(0);
    // What belongs to the same credential still completes it.
    run(&[&token], &[("AAPNS_TEAM_ID", "DEF123GHIJ")]).exits(0);
    run(&[&["--cert", &cert]], &[("AAPNS_KEY", &cert)]).exits(0);
    // Words of the text are no flags.
    let text = ["send", "--topic", "a.b", "--", "abcd", "--cert"];
    let mut command = aapns(text);
    command.env("AAPNS_BEARER_FILE", "/no/such/file");
    finish(spawn(&mut command))
        .exits(2)
        .complains(&["/no/such/file"]);
}

#[test]
fn variables_for_many_are_no_matter_to_one() {
    let target = Target::new();
    let output = target.dir.path("out");
    let variables = [
        ("AAPNS_INPUT", "/no/such/file"),
        ("AAPNS_OUTPUT", &*output),
        ("AAPNS_JOURNAL", &output),
        ("AAPNS_RESUME", "1"),
    ];
    send(&target, &["abcd", "Hello"], &variables).exits(0);
    assert_eq!(target.server.processed().accepted, 1);
    assert!(!std::path::Path::new(&output).exists());
    // What the command line says itself is a mistake as before.
    send(&target, &["abcd", "Hello", "--output", &output], &[])
        .exits(2)
        .complains(&["--output is for many"]);
}

#[test]
fn variables_for_one_are_no_matter_to_many() {
    let target = Target::new();
    let input = target.dir.write("in", lines(2));
    let id = "11111111-2222-4333-8444-555555555555";
    let variables = [("AAPNS_TITLE", "Chess"), ("AAPNS_APNS_ID", id)];
    send(&target, &["--input", &input], &variables).exits(0);
    assert_eq!(target.server.processed().accepted, 2);
}

#[test]
fn words_of_the_command_line_are_as_many_as_it_wants() {
    let target = Target::new();
    let quiet = send(&target, &["abcd", "Hi", "-q"], &[("AAPNS_VERBOSE", "1")]);
    assert_eq!(quiet.exits(0).stderr, "");
    let verbose = send(&target, &["abcd", "Hi", "-v"], &[("AAPNS_QUIET", "1")]).exits(0);
    assert!(verbose.stderr.contains("1 dial"), "{verbose:?}");
}

#[test]
fn bench_takes_the_larger_number_of_a_range_of_connections() {
    let target = Target::new();
    let port = target.server.address().port().to_string();
    let ca = target.dir.path("ca.pem");
    let args = ["bench", "--port", &port, "--ca", &ca, "--requests", "100"];
    finish(spawn(aapns(args).env("AAPNS_CONNECTIONS", "1..3"))).exits(0);
    assert_eq!(target.server.processed().connections, 3);
}

#[test]
fn a_mistake_is_told_in_the_colours_that_were_asked_for() {
    const RED: &str = "\x1b[31maapns:";
    for (args, variable, is_red) in [
        (&["sned", "--color", "always"][..], "", true),
        (&["--color=always", "send", "--nonsense"], "never", true),
        (&["sned"], "always", true),
        (&["sned", "--color=never"], "always", false),
        (&["sned", "--", "--color=always"], "", false),
    ] {
        let ran = finish(spawn(aapns(args).env("AAPNS_COLOR", variable))).exits(2);
        assert_eq!(ran.stderr.starts_with(RED), is_red, "{ran:?}");
    }
}

/// As with `--proxy`: the variable with the URL is often everybody's, the password is not.
#[test]
fn the_password_of_the_environments_proxy_may_stand_apart() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = proxy.local_addr().unwrap();
    let (report, asked) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for stream in proxy.incoming() {
            let mut stream = stream.unwrap();
            let mut head = Vec::new();
            let mut octet = [0];
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap_or(0) > 0 {
                head.extend_from_slice(&octet);
            }
            if !head.ends_with(b"\r\n\r\n") {
                continue; // a try that was given up
            }
            let _ = stream.write_all(b"HTTP/1.1 407 No\r\n\r\n");
            if report.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
        }
    });
    let server = ["--server", "https://127.0.0.2:9", "--timeout", "2"];
    for (url, password, basic) in [
        ("user@", "secret", Some("dXNlcjpzZWNyZXQ=")),
        ("user:own@", "secret", Some("dXNlcjpvd24=")),
        ("", "secret", None),
    ] {
        let url = format!("http://{url}{address}");
        for command in [&["send", "--topic", "a.b", "abcd", "Hi"][..], &["doctor"]] {
            let mut command = aapns(command.iter().chain(&server));
            command.env("HTTPS_PROXY", &url);
            command.env("AAPNS_PROXY_PASSWORD", password);
            finish(spawn(&mut command)).exits(1);
            let head = asked.try_iter().last().unwrap();
            match basic {
                Some(basic) => assert!(head.contains(basic), "{url}: {head}"),
                None => assert!(!head.contains("Proxy-Authorization"), "{url}: {head}"),
            }
        }
    }
}
