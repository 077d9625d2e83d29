//! Clients side by side in one process: ours, the `h2` crate, hyper-util.
//!
//! `cargo bench -p aapns-tokio --bench wall` measures; as a test (`cargo test`) it only shows that everything
//! still runs. `-- idle CONNECTIONS SECONDS` is for `scale.py`. `tests/benches/README.md` says how to read it.

mod clients;
mod idle;
mod memory;
mod rounds;
mod server;

#[allow(dead_code, reason = "shared with the instruction counts")]
#[path = "../support/blind.rs"]
mod blind;
#[allow(dead_code, reason = "shared with the instruction counts")]
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use rounds::{Plan, compare};

/// Requests in flight at a time, as many as APNs allows on a connection.
const IN_FLIGHT: usize = 1_000;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    // Cargo says so when it benches; without it, this is a test.
    let is_bench = args.iter().any(|arg| arg == "--bench");
    // All clients, and the server, with the same one, whatever else is built in.
    let provider = tokio_rustls::rustls::crypto::aws_lc_rs::default_provider();
    assert!(provider.install_default().is_ok(), "the first to say");
    if let [what, connections, seconds, ..] = args.as_slice()
        && what == "idle"
    {
        let connections = connections.parse().expect("a number of connections");
        let seconds = seconds.parse().expect("a number of seconds");
        let server = server::Server::start();
        return idle::idle(&server, connections, Duration::from_secs(seconds));
    }
    let plan = |requests| match is_bench {
        true => Plan {
            requests,
            rounds: 9,
        },
        false => Plan {
            requests: 3 * IN_FLIGHT,
            rounds: 1,
        },
    };
    compare(
        "In memory, one connection × 1000: no socket, no TLS; the server's share is in it",
        plan(200_000),
        &mut [memory::core(), memory::pool(), memory::h2()],
    );
    let server = server::Server::start();
    compare(
        "TLS over loopback, one connection × 1000",
        plan(100_000),
        &mut [
            clients::pool(&server),
            clients::typed(&server),
            clients::h2(&server),
            clients::hyper(&server),
        ],
    );
    if !is_bench {
        idle::idle(&server, 2, Duration::from_millis(50));
    }
}
