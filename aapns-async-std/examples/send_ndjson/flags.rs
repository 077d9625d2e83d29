//! What the command line says.

use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use aapns_async_std::models::Topic;
use aapns_async_std::{Endpoint, Policy};
use clap::{Args, Parser, Subcommand};

use super::Fault;

/// Apple push notifications from newline-delimited JSON, on async-std.
#[derive(Parser)]
#[command(name = "send_ndjson", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Send a notification for each line of a file
    Send(Box<Flags>),
}

#[derive(Args)]
pub(crate) struct Flags {
    /// production, sandbox or https://HOST[:PORT]
    #[arg(long, default_value = "sandbox", value_parser = server)]
    pub(crate) server: Endpoint,
    /// PEM file of certificate authorities to trust in addition to the built-in ones
    #[arg(long, value_name = "FILE")]
    pub(crate) ca: Option<PathBuf>,
    /// Trust only the authorities of --ca
    #[arg(long, requires = "ca")]
    pub(crate) ca_only: bool,
    /// PEM file of the client certificate, with its key unless --key is given
    #[arg(long, value_name = "FILE", conflicts_with = "token_key")]
    pub(crate) cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Apple's key file for token authentication (AuthKey_….p8)
    #[arg(long, value_name = "FILE", requires_all = ["key_id", "team_id"])]
    pub(crate) token_key: Option<PathBuf>,
    /// The 10 characters that name the key of --token-key
    #[arg(long, value_name = "ID", requires = "token_key")]
    pub(crate) key_id: Option<String>,
    /// The 10 characters that name your team
    #[arg(long, value_name = "ID", requires = "token_key")]
    pub(crate) team_id: Option<String>,
    /// The app's bundle id, for lines that name no topic
    #[arg(long)]
    pub(crate) topic: Option<Topic>,
    /// Read notifications from this file, a JSON object a line; - is the standard input
    #[arg(long, value_name = "FILE|-")]
    pub(crate) input: PathBuf,
    /// Write an outcome for each line into this file; - is the standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub(crate) output: PathBuf,
    /// How many seconds a notification may take, retries included; none = retry for ever
    #[arg(long, value_name = "SECONDS|none", default_value = "10")]
    pub(crate) timeout: Timeout,
    /// at-least-once or at-most-once: whether to send again what may have been processed already
    #[arg(long, default_value = "at-least-once")]
    pub(crate) policy: Policy,
    /// How many connections, or from how many to how many: 2, 1..10
    #[arg(long, value_name = "N|MIN..MAX", default_value = "2", value_parser = connections)]
    pub(crate) connections: (u16, u16),
    /// How many lines may be read and unsettled at a time
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) concurrency: usize,
    /// Print nothing but results and errors
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// The process's own arguments.
///
/// # Errors
/// The code to exit with, once help is printed, or the line that tells the mistake.
pub(crate) fn parse() -> Result<Box<Flags>, ExitCode> {
    let error = match Cli::try_parse() {
        Ok(Cli {
            command: Command::Send(flags),
        }) => return Ok(flags),
        Err(error) => error,
    };
    if !error.use_stderr() {
        let _ = error.print();
        return Err(ExitCode::SUCCESS);
    }
    // What is wrong; usage and advice follow after an empty line.
    let text = error.to_string();
    let what: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.is_empty())
        .collect();
    let what = what.join(" ");
    let what = what.strip_prefix("error: ").unwrap_or(&what);
    Err(Fault::usage(format_args!("{what}; see send_ndjson send --help")).tell())
}

/// `--timeout SECONDS` or `none`.
#[derive(Clone, Copy)]
pub(crate) struct Timeout(pub(crate) Option<Duration>);

impl FromStr for Timeout {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(None));
        }
        let seconds = text.parse().ok().filter(|seconds| *seconds > 0.0);
        match seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
            Some(timeout) => Ok(Self(Some(timeout))),
            None => Err("give a number of seconds above 0, or none"),
        }
    }
}

fn server(text: &str) -> Result<Endpoint, &'static str> {
    let origin = || text.parse().ok().filter(|_| text.starts_with("https://"));
    let endpoint = match text {
        "production" => Some(Endpoint::production()),
        "sandbox" => Some(Endpoint::sandbox()),
        _ => origin(),
    };
    endpoint.ok_or("give production, sandbox or https://HOST[:PORT]")
}

fn connections(text: &str) -> Result<(u16, u16), &'static str> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) if 0 < min && min <= max && max <= 512 => Ok((min, max)),
        _ => Err("give a number from 1 to 512, or two like 1..10"),
    }
}
