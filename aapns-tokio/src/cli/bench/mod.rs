//! `aapns bench`: how fast requests go to a server, through the public `Pool`.

mod drive;
mod work;

use std::path::PathBuf;
use std::time::Duration;

use aapns_proto::client::{Builder, Credential, Endpoint, PostOptions};
use clap::{Args, ValueEnum};

use super::connect::{read_ca, read_file, read_identity};
use super::console::Console;
use super::exit::{Exit, Fault, Outcome};
use super::signals::Signals;
use super::values::Connections;
use crate::{Client, Tokio};
use drive::{Pace, Report, drive};
use work::{Ready, Typed, answered, sent};

pub(crate) use work::made_up_token;

/// How long all connections may take to come up.
const CONNECT_LIMIT: Duration = Duration::from_secs(15);

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
    /// How many connections to open; of a range, as other commands take it, the larger number
    #[arg(long, value_name = "K", default_value = "1")]
    connections: Connections,
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

pub(crate) fn run(args: &BenchArgs, console: Console) -> Outcome {
    let builder = builder(args)?;
    let body = match &args.payload {
        Some(path) => read_file("--payload", path)?,
        None => work::PAYLOAD.as_bytes().to_vec(),
    };
    let ready = Ready::new(body)
        .map_err(|error| Fault::bug(format_args!("the bench's own request is wrong: {error}")))?;
    let plan = Plan {
        requests: args.requests,
        connections: args.connections.max,
        is_typed: args.typed,
        pace: match args.rps {
            Some(rate) => Pace::Rate(rate),
            None => Pace::InFlight(args.concurrency as usize),
        },
        ready,
    };
    let report = match args.runtime {
        Runtime::Current => super::block_on(measure_apart(builder, plan, console)),
        Runtime::Multi => super::block_on_with(multi()?, measure_apart(builder, plan, console)),
    }?;
    if let Some(failure) = &report.first_failure {
        console.note(format_args!("The first failure: {failure}"));
    }
    console.result(report.json());
    if report.is_interrupted {
        return Err(Fault::interrupted(
            "interrupted; requests without an answer count as failed",
        ));
    }
    Ok(if report.failed == 0 {
        Exit::Success
    } else {
        Exit::Failure
    })
}

fn multi() -> Result<tokio::runtime::Runtime, Fault> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        // More tasks than a worker's queue holds must not starve the connections.
        .global_queue_interval(1)
        .build()
        .map_err(|error| {
            Fault::usage(format_args!(
                "can't start the runtime: {error}; free some threads"
            ))
        })
}

/// In a task of its own: what `block_on` runs is no worker's.
async fn measure_apart(
    builder: Builder<Tokio>,
    plan: Plan,
    console: Console,
) -> Result<Report, Fault> {
    let signals = Signals::new()?;
    tokio::spawn(measure(builder, plan, console, signals))
        .await
        .map_err(|error| Fault::bug(format_args!("the bench's task ended early: {error}")))?
}

/// What to measure.
struct Plan {
    requests: u64,
    connections: u16,
    is_typed: bool,
    pace: Pace,
    ready: Ready,
}

async fn measure(
    builder: Builder<Tokio>,
    plan: Plan,
    console: Console,
    mut signals: Signals,
) -> Result<Report, Fault> {
    let client: Client = builder.build().map_err(Fault::usage)?;
    tokio::select! {
        connected = wait_for_connections(&client, &plan) => connected?,
        () = signals.wait() => return Err(Fault::interrupted("interrupted before anything was sent")),
    }
    let Plan {
        requests,
        pace,
        ready,
        ..
    } = &plan;
    let stop = signals.wait();
    let report = if plan.is_typed {
        let typed = Typed::new();
        let send = |n| typed.send(&client, n);
        drive(*requests, *pace, send, sent, stop).await
    } else {
        let post = |n| ready.post(client.pool(), n);
        drive(*requests, *pace, post, answered, stop).await
    };
    console.detail(&client.stats());
    client.close().await;
    Ok(report)
}

/// Times start when all connections are up.
async fn wait_for_connections(client: &Client, plan: &Plan) -> Result<(), Fault> {
    let mut step = tokio::time::interval(Duration::from_millis(1));
    let all_up = async {
        while client.stats().links < u64::from(plan.connections) {
            step.tick().await;
        }
    };
    if tokio::time::timeout(CONNECT_LIMIT, all_up).await.is_ok() {
        return Ok(());
    }
    // A request that has no time left is told why no connection is up.
    let options = PostOptions::new().timeout(Duration::from_millis(1));
    let cause = match client
        .pool()
        .post_with(plan.ready.request(0), options)
        .await
    {
        Err(error) => error.to_string(),
        Ok(_) => format!("{} of {} are up", client.stats().links, plan.connections),
    };
    Err(Fault::usage(format_args!(
        "can't connect: {cause}; check --host, --port, --ca and the credential"
    )))
}

fn builder(args: &BenchArgs) -> Result<Builder<Tokio>, Fault> {
    let host = &args.host;
    let authority = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.clone()
    };
    let endpoint =
        Endpoint::parse(&format!("https://{authority}:{}", args.port)).map_err(|error| {
            Fault::usage(format_args!(
                "--host {host}: {error}; give a name or an address"
            ))
        })?;
    let credential = match (&args.token, &args.cert) {
        (Some(jwt), _) => Credential::bearer(jwt)
            .map_err(|error| Fault::usage(format_args!("--token: {error}")))?,
        (None, Some(cert)) => read_identity(cert, args.key.as_deref())?.into(),
        (None, None) => Credential::None,
    };
    Ok(Builder::new(Tokio::default(), endpoint)
        .proxy(None)
        .credential(credential)
        .ca_pem(read_ca(&args.ca)?)
        .ca_only()
        .connections(args.connections.max, args.connections.max)
        .timeout(None))
}
