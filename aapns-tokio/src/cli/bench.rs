//! `aapns bench`: how fast requests go to a server, through the public `Pool`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// `aapns bench`
#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    /// The server's name or address
    #[arg(long, default_value = "127.0.0.1")]
    host: String,
    /// The server's port
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    port: u16,
    /// PEM file of the authorities to trust
    #[arg(long, value_name = "FILE")]
    ca: PathBuf,
    /// How many requests to send
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..))]
    requests: u64,
    /// How many requests to keep in flight, over all connections
    #[arg(long, value_name = "C", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    concurrency: u32,
    /// How many connections to open
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=512))]
    connections: u32,
    /// A made-up provider token to send with each request
    #[arg(long, value_name = "JWT", conflicts_with = "cert")]
    token: Option<String>,
    /// PEM file of the client certificate, with its key unless --key is given
    #[arg(long, value_name = "FILE")]
    cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Send the contents of this file as body, in place of 200 octets of JSON
    #[arg(long, value_name = "FILE")]
    payload: Option<PathBuf>,
    /// Begin R requests a second, whether or not answers come (open loop)
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    rps: Option<u64>,
    /// Build a typed notification and its JSON for each request
    #[arg(long, conflicts_with = "payload")]
    typed: bool,
    /// Which of tokio's schedulers to run on
    #[arg(long, value_enum, default_value_t)]
    runtime: Runtime,
}

/// `--runtime`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Runtime {
    /// All on one thread
    #[default]
    Current,
    /// One thread for each core
    Multi,
}

pub(crate) fn run(_args: &BenchArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns bench"))
}
