//! `aapns mock`: the embedded mock as a server.

use std::path::PathBuf;

use clap::Args;

/// `aapns mock`
#[derive(Debug, Args)]
pub(crate) struct MockArgs {
    /// The port to listen on, on 127.0.0.1; 0 for any free one
    #[arg(long, value_name = "P")]
    port: u16,
    /// PEM file of the server's certificate
    #[arg(
        long,
        value_name = "FILE",
        requires = "key",
        conflicts_with = "self_signed"
    )]
    cert: Option<PathBuf>,
    /// PEM file of the server's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Make throw-away certificates and write them into this directory: ca.pem, client.pem
    #[arg(long, value_name = "DIR")]
    self_signed: Option<PathBuf>,
    /// PEM file of authorities for client certificates: clients must then show one
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// What to do to clients: a file, or one of ok, latency, goaway, refused, cut, limit-1,
    /// expired-token, throttle, reasons, blackhole
    #[arg(long, value_name = "FILE|NAME")]
    scenario: Option<String>,
    /// Answer after this many milliseconds
    #[arg(long, value_name = "MS")]
    latency: Option<u64>,
    /// Announce this limit of concurrent streams
    #[arg(long, value_name = "N")]
    max_concurrent: Option<u32>,
    /// Write a JSON line for each event into this file: opened, closed, accepted, answered
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

pub(crate) fn run(_args: &MockArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns mock"))
}
