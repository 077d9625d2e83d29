//! `aapns bench`.

use super::support::{Target, aapns, finish, run, signal, spawn, wait_until};

fn bench(target: &Target, extra: &[&str]) -> super::support::Ran {
    let port = target.server.address().port().to_string();
    let ca = target.dir.path("ca.pem");
    let mut args = vec![
        "bench",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--ca",
        &ca,
        "--requests",
        "2000",
        "--concurrency",
        "100",
    ];
    args.extend(extra);
    run(args)
}

#[test]
fn the_last_line_is_the_report_and_the_server_saw_as_many() {
    for (extra, connections) in [
        (vec![], 1),
        (vec!["--connections", "3", "--token", "a.b.c"], 3),
        (vec!["--runtime", "multi"], 1),
        (vec!["--typed"], 1),
        (vec!["--rps", "20000"], 1),
    ] {
        let target = Target::new();
        let json = bench(&target, &extra).exits(0).json();
        assert_eq!(
            (json["ok"].as_u64(), json["failed"].as_u64()),
            (Some(2000), Some(0)),
            "{extra:?}"
        );
        for key in ["seconds", "cpu_us_per_request", "p50_us", "p99_us"] {
            assert!(json[key].as_f64().unwrap() > 0.0, "{key}: {json}");
        }
        let counts = target.server.processed();
        assert_eq!(
            (counts.accepted, counts.connections),
            (2000, connections),
            "{extra:?}"
        );
    }
}

#[test]
fn requests_have_the_shape_that_other_clients_are_measured_with() {
    let target = Target::new();
    bench(&target, &[]).exits(0);
    let requests = target.server.requests();
    let request = requests.last().unwrap();
    assert_eq!(request.body.len(), 200);
    assert_eq!(request.device_token().unwrap().len(), 64);
    for (field, value) in [
        ("apns-topic", Some("com.example.bench")),
        ("apns-push-type", Some("alert")),
        ("apns-priority", Some("10")),
        ("apns-expiration", Some("0")),
        ("apns-id", None),
        ("authorization", None),
    ] {
        assert_eq!(request.field(field), value, "{field}");
    }
}

#[test]
fn a_signal_ends_it_with_the_report_so_far() {
    let target = Target::new();
    let port = target.server.address().port().to_string();
    let ca = target.dir.path("ca.pem");
    for pace in [["--rps", "1000"], ["--concurrency", "10"]] {
        let before = target.server.processed().accepted;
        let args = [
            "bench",
            "--port",
            &port,
            "--ca",
            &ca,
            "--requests",
            "50000000",
        ];
        let child = spawn(&mut aapns(args.iter().chain(&pace)));
        wait_until("some are answered", || {
            target.server.processed().accepted > before + 100
        });
        signal(&child, "INT");
        let ran = finish(child).exits(3);
        let json = ran.json();
        let (ok, failed) = (json["ok"].as_u64(), json["failed"].as_u64());
        assert!(ok > Some(0), "{json}");
        // What was never begun is in neither of them.
        assert!(failed < Some(10_000), "{json}");
        ran.complains(&["interrupted"]);
    }
}

#[test]
fn an_open_loop_keeps_its_pace() {
    let target = Target::new();
    let json = bench(&target, &["--rps", "4000"]).exits(0).json();
    let seconds = json["seconds"].as_f64().unwrap();
    assert!((0.49..2.0).contains(&seconds), "{json}");
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let target = Target::new();
    let other = Target::new();
    let ca = other.dir.path("ca.pem");
    let port = target.server.address().port().to_string();
    run(["bench", "--port", &port, "--ca", &ca])
        .exits(2)
        .complains(&["can't connect", "authority"]);
}
