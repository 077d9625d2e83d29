//! Variables, and the command line that wins over them.

use std::io::{Read, Write};
use std::net::TcpListener;

use super::support::{Ran, Target, aapns, finish, lines, spawn};

fn run(target: &Target, args: &[&str], variables: &[(&str, &str)]) -> Ran {
    let mut command = aapns(target.send_args(args));
    finish(spawn(command.envs(variables.iter().copied())))
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
    run(&target, &["abcd", "Hello"], &variables).exits(0);
    assert_eq!(target.server.processed().accepted, 1);
    assert!(!std::path::Path::new(&output).exists());
    // What the command line says itself is a mistake as before.
    run(&target, &["abcd", "Hello", "--output", &output], &[])
        .exits(2)
        .complains(&["--output is for many"]);
}

#[test]
fn variables_for_one_are_no_matter_to_many() {
    let target = Target::new();
    let input = target.dir.write("in", lines(2));
    let id = "11111111-2222-4333-8444-555555555555";
    let variables = [("AAPNS_TITLE", "Chess"), ("AAPNS_APNS_ID", id)];
    run(&target, &["--input", &input], &variables).exits(0);
    assert_eq!(target.server.processed().accepted, 2);
}

#[test]
fn words_of_the_command_line_are_as_many_as_it_wants() {
    let target = Target::new();
    let quiet = run(&target, &["abcd", "Hi", "-q"], &[("AAPNS_VERBOSE", "1")]);
    assert_eq!(quiet.exits(0).stderr, "");
    let verbose = run(&target, &["abcd", "Hi", "-v"], &[("AAPNS_QUIET", "1")]).exits(0);
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
            let _ = stream.write_all(b"HTTP/1.1 407 No\r\n\r\n");
            if report.send(String::from_utf8(head).unwrap()).is_err() {
                return;
            }
        }
    });
    let server = ["--server", "https://127.0.0.2:9", "--timeout", "0.5"];
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
