//! `aapns demo`: the whole path against the embedded mock, and a comparison of both counts.

use clap::Args;

use super::values::Connections;

/// `aapns demo`
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// How many notifications to send
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    notifications: u64,
    /// How many connections, or from how many to how many: 2, 1..10
    #[arg(long, value_name = "N|MIN..MAX", default_value = "2")]
    connections: Connections,
    /// Let the mock send GOAWAYs, refuse streams, cut connections and answer errors meanwhile
    #[arg(long)]
    faults: bool,
    /// Seed of the faults
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(crate) fn run(_args: &DemoArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns demo"))
}
