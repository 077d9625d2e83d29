//! `aapns send`, one notification.

use std::time::{Duration, Instant};

use aapns_tokio::mock::{Answer, Authentication, Server};

use super::support::{Target, run};

#[test]
fn one_notification_is_delivered_and_its_id_printed() {
    let target = Target::new();
    let id = "11111111-2222-4333-8444-555555555555";
    let args = [
        "00FCab12",
        "Hello",
        "--title",
        "T",
        "--badge",
        "3",
        "--sound",
        "default",
        "--priority",
        "5",
        "--expiration",
        "0",
        "--collapse-id",
        "game",
        "--apns-id",
        id,
        "--data",
        r#"{"k":1}"#,
    ];
    let ran = target.send(&args).exits(0);
    assert_eq!(ran.stdout.trim(), id);
    let requests = target.server.requests();
    let request = requests.last().unwrap();
    assert_eq!(request.device_token(), Some("00FCab12"));
    for (field, value) in [
        ("apns-topic", "com.example.app"),
        ("apns-push-type", "alert"),
        ("apns-priority", "5"),
        ("apns-expiration", "0"),
        ("apns-collapse-id", "game"),
        ("apns-id", id),
    ] {
        assert_eq!(request.field(field), Some(value), "{field}");
    }
    let body: serde_json::Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(body["aps"]["alert"]["title"], "T");
    assert_eq!(body["k"], 1);
}

#[test]
fn verbose_says_what_the_connections_did_and_quiet_nothing() {
    let target = Target::new();
    let ran = target.send(&["abcd", "Hello", "-v"]).exits(0);
    let told = "1 dial (0 failed), 0 GOAWAYs, 0 resent (0 possible duplicates)\n";
    assert_eq!(ran.stderr, told);
    let ran = target.send(&["abcd", "Hello", "-q"]).exits(0);
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout.trim().len(), 36, "the apns-id");
}

#[test]
fn push_types_bring_their_topic_and_priority() {
    let target = Target::new();
    target.send(&["abcd", "--push-type", "background"]).exits(0);
    target
        .send(&["abcd", "--push-type", "voip", "--data", "{}"])
        .exits(0);
    let requests = target.server.requests();
    assert_eq!(requests[0].field("apns-priority"), Some("5"));
    assert_eq!(
        requests[1].field("apns-topic"),
        Some("com.example.app.voip")
    );
    target
        .send(&["abcd", "--push-type", "background", "--priority", "10"])
        .exits(2)
        .complains(&["background", "10"]);
}

#[test]
fn a_rejection_names_the_reason_and_exits_1() {
    let answer = Answer::rejection(410, "Unregistered").timestamp(1_700_000_000_000);
    let target = Target::with(Server::builder().answer("dead", answer));
    target.send(&["dead", "Hello"]).exits(1).complains(&[
        "rejected",
        "410",
        "Unregistered",
        "forget it",
    ]);
    let json = target.send(&["dead", "Hello", "--json"]).exits(1).json();
    assert_eq!(json["outcome"], "rejected");
    assert_eq!(json["status"], 410);
    assert_eq!(json["reason"], "Unregistered");
    assert_eq!(json["timestamp"], 1_700_000_000_000_u64);
    assert_eq!(json["attempts"], 1);
}

#[test]
fn a_provider_token_is_made_from_the_key() {
    let target = Target::with(Server::builder().authentication(Authentication::Token));
    let mut args: Vec<String> = ["send", "abcd", "Hello", "--topic", "a.b"]
        .map(str::to_owned)
        .into();
    args.extend(target.open_flags());
    run(&args)
        .exits(1)
        .complains(&["403", "MissingProviderToken", "--token-key"]);
    let key = target.dir.path("key.p8");
    args.extend(
        [
            "--token-key",
            &key,
            "--key-id",
            "MOCKKEY001",
            "--team-id",
            "MOCKTEAM01",
        ]
        .map(str::to_owned),
    );
    run(&args).exits(0);
}

/// What is wrong with the way to the server is named, within the timeout.
#[test]
fn a_server_that_cannot_be_trusted_or_reached_is_named_as_the_cause() {
    let cause = |target: &Target, extra: &[&str]| {
        let start = Instant::now();
        let mut args = vec!["abcd", "Hello", "--json", "--timeout", "2"];
        args.extend(extra);
        let json = target.send(&args).exits(1).json();
        assert!(start.elapsed() < Duration::from_secs(8), "{json}");
        assert_eq!(json["outcome"], "not_processed", "{json}");
        assert_eq!(json["attempts"], 0);
        json["cause"].as_str().unwrap().to_owned()
    };
    let other = Target::new();
    let target = Target::new();
    let foreign = other.dir.path("ca.pem");
    let mut args: Vec<String> = ["send", "abcd", "Hello", "--json", "--timeout", "2"]
        .map(str::to_owned)
        .into();
    args.extend([
        "--server".to_owned(),
        target.server.origin(),
        "--ca".to_owned(),
        foreign,
    ]);
    let json = run(&args).exits(1).json();
    assert!(
        json["cause"].as_str().unwrap().contains("authority"),
        "{json}"
    );

    let expired = Target::with(Server::builder().expired());
    assert!(cause(&expired, &[]).contains("expired"));
    let named = Target::with(Server::builder().names(["elsewhere.example"]));
    assert!(cause(&named, &[]).contains("host name"));
    let old = Target::with(Server::builder().without_alpn());
    assert!(cause(&old, &[]).contains("h2"), "no ALPN");
    let gone = Target::new();
    let address = gone.server.address();
    let Target { server, dir } = gone;
    drop(server);
    let mut args: Vec<String> = ["send", "abcd", "Hello", "--json", "--timeout", "1"]
        .map(str::to_owned)
        .into();
    args.extend([
        "--server".to_owned(),
        format!("https://{address}"),
        "--ca".to_owned(),
        dir.path("ca.pem"),
    ]);
    super::support::wait_until("the port is free", || {
        std::net::TcpStream::connect(address).is_err()
    });
    let json = run(&args).exits(1).json();
    assert!(
        json["cause"].as_str().unwrap().starts_with("connect: "),
        "{json}"
    );
}

#[test]
fn silence_is_unknown_after_the_timeout() {
    let target = Target::with(Server::builder().latency(Duration::from_secs(60)));
    let start = Instant::now();
    let json = target
        .send(&["abcd", "Hello", "--json", "--timeout", "0.5"])
        .exits(1)
        .json();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(
        (json["outcome"].as_str(), json["cause"].as_str()),
        (Some("unknown"), Some("timeout"))
    );
    assert_eq!(json["attempts"], 1);
}

/// A PKCS#12 file as `openssl` writes it, with a password from a file.
#[test]
fn a_pkcs12_file_is_a_client_certificate() {
    let target = Target::with(Server::builder().authentication(Authentication::Certificate));
    let (pem, p12) = (target.dir.path("client.pem"), target.dir.path("client.p12"));
    let made = std::process::Command::new("openssl")
        .args([
            "pkcs12",
            "-export",
            "-in",
            &pem,
            "-out",
            &p12,
            "-passout",
            "pass:tell no one",
        ])
        .status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: openssl is not installed");
        return;
    }
    let password = target.dir.write("password", "tell no one\n");
    let mut args: Vec<String> = ["send", "abcd", "Hello", "--topic", "a.b", "--p12", &p12]
        .map(str::to_owned)
        .into();
    args.extend(target.open_flags());
    run(&args)
        .exits(2)
        .complains(&["client.p12", "--p12-password-file"]);
    args.extend(["--p12-password-file".to_owned(), password]);
    run(&args).exits(0);
}
