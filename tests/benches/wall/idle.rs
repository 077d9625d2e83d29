//! What connections cost that have nothing to do.

use std::time::Duration;

use crate::clients;
use crate::rounds::thread_time;
use crate::server::Server;

/// Holds as many connections for this long without a request, and prints what that took: one JSON line.
pub(crate) fn idle(server: &Server, connections: u16, time: Duration) {
    let runtime = clients::runtime();
    let pool = runtime.block_on(clients::connected(server, connections));
    let (wakes, cpu) = (sleeps(), thread_time());
    runtime.block_on(async { tokio::time::sleep(time).await });
    let (wakes, cpu) = (sleeps() - wakes, thread_time().saturating_sub(cpu));
    println!(
        r#"{{"connections": {connections}, "seconds": {}, "wakes": {wakes}, "cpu_ms": {:.3}}}"#,
        time.as_secs_f64(),
        cpu.as_secs_f64() * 1e3,
    );
    assert_eq!(pool.stats().links, u64::from(connections), "all held");
}

/// How often this thread went to sleep so far, so how often it was woken; 0 where the system doesn't say.
fn sleeps() -> u64 {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.map_or(0, |count| count.trim().parse().expect("a number"))
}
