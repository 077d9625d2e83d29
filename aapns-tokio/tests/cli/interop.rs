//! Servers that are neither ours nor the h2 crate's: nghttpd, and Node's HTTP/2.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

use super::support::{Dir, assert_each_once, count, lines, results, run, wait_until};

const LINES: u64 = 3000;

/// A foreign server, and files to talk to it: `ca.pem`, `server.pem`, `server.key`, `client.pem`, `key.p8`.
struct Foreign {
    child: Child,
    port: u16,
    dir: Dir,
}

impl Foreign {
    /// Node's server of `tests/interop` with this behaviour; nothing where there is no Node.
    fn node(behaviour: &str) -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/interop/node-server.mjs");
        let dir = credentials();
        let spawned = Command::new("node")
            .arg(script)
            .args([
                dir.path("server.pem"),
                dir.path("server.key"),
                behaviour.to_owned(),
            ])
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            eprintln!("skipped: node is not installed");
            return None;
        };
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap();
        let port = u16::try_from(ready["listening"].as_u64().unwrap()).unwrap();
        Some(Self { child, port, dir })
    }

    /// nghttpd, which serves files: every push is a 404.
    fn nghttpd() -> Option<Self> {
        let dir = credentials();
        let port = std::net::TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let spawned = Command::new("nghttpd")
            .args(["-a", "127.0.0.1", "-d", &dir.path(""), &port.to_string()])
            .args([dir.path("server.key"), dir.path("server.pem")])
            .stdout(Stdio::null())
            .spawn();
        let Ok(child) = spawned else {
            eprintln!("skipped: nghttpd is not installed");
            return None;
        };
        wait_until("nghttpd listens", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self { child, port, dir })
    }

    fn send(&self, extra: &[&str]) -> Vec<Value> {
        let input = self.dir.write("in", lines(LINES));
        let server = format!("https://127.0.0.1:{}", self.port);
        let ca = self.dir.path("ca.pem");
        let mut args = vec![
            "send",
            "--server",
            &server,
            "--ca",
            &ca,
            "--topic",
            "com.example.app",
            "--input",
            &input,
        ];
        args.extend(extra);
        let results = results(&run(args).stdout);
        assert_each_once(&results, LINES);
        results
    }

    fn send_with_certificate(&self) -> Vec<Value> {
        self.send(&["--cert", &self.dir.path("client.pem")])
    }

    fn send_with_key(&self) -> Vec<Value> {
        self.send(&[
            "--token-key",
            &self.dir.path("key.p8"),
            "--key-id",
            "ABCDEFGHIJ",
            "--team-id",
            "KLMNOPQRST",
        ])
    }

    /// What Node's server counted.
    fn stop(mut self) -> Value {
        super::support::signal(&self.child, "TERM");
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn credentials() -> Dir {
    let dir = Dir::new();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    dir.write("ca.pem", ca.self_signed(&ca_key).unwrap().pem());
    let issuer = Issuer::new(ca, ca_key);
    let signed = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(names)
            .unwrap()
            .signed_by(&key, &issuer)
            .unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let (certificate, key) = signed(&["127.0.0.1", "localhost"]);
    dir.write("server.pem", certificate);
    dir.write("server.key", key);
    let (certificate, key) = signed(&[]);
    dir.write("client.pem", certificate + &key);
    dir.write("key.p8", KeyPair::generate().unwrap().serialize_pem());
    dir
}

#[test]
fn node_takes_every_line_with_a_certificate_and_with_a_key() {
    let Some(node) = Foreign::node("client-certificate") else {
        return;
    };
    assert_eq!(count(&node.send_with_certificate(), "delivered"), 3000);
    let counts = node.stop();
    assert_eq!(counts["processed"], LINES, "{counts}");
    assert_eq!(counts["with_certificate"], LINES, "{counts}");
    let node = Foreign::node("ok").unwrap();
    assert_eq!(count(&node.send_with_key(), "delivered"), 3000);
    let counts = node.stop();
    assert_eq!(counts["processed"], LINES, "{counts}");
    assert_eq!(
        (counts["twice"].as_u64(), counts["bad"].as_u64()),
        (Some(0), Some(0))
    );
    assert_eq!(counts["with_token"], LINES);
}

#[test]
fn nothing_is_lost_or_doubled_by_goaways_and_moving_limits_of_node() {
    for behaviour in ["goaway", "limit", "latency"] {
        let Some(node) = Foreign::node(behaviour) else {
            return;
        };
        assert_eq!(
            count(&node.send_with_certificate(), "delivered"),
            3000,
            "{behaviour}"
        );
        let counts = node.stop();
        assert_eq!(counts["processed"], LINES, "{behaviour}: {counts}");
        assert_eq!(counts["twice"], 0, "{behaviour}: {counts}");
    }
}

#[test]
fn a_node_server_without_alpn_is_named_in_bounded_time() {
    let Some(node) = Foreign::node("no-alpn") else {
        return;
    };
    let start = std::time::Instant::now();
    let results = node.send(&["--timeout", "3"]);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(count(&results, "not_processed"), 3000);
    assert!(
        results[0]["cause"].as_str().unwrap().contains("h2"),
        "{}",
        results[0]
    );
}

#[test]
fn nghttpd_rejects_every_line_once() {
    let Some(nghttpd) = Foreign::nghttpd() else {
        return;
    };
    for results in [nghttpd.send_with_certificate(), nghttpd.send_with_key()] {
        assert_eq!(count(&results, "rejected"), 3000);
        assert!(
            results
                .iter()
                .all(|r| r["status"] == 404 && r["reason"].is_null() && r["attempts"] == 1)
        );
    }
}
