//! `aapns demo`: the whole path against the embedded mock, and a comparison of both counts.

mod audit;
mod table;

use std::time::{Duration, Instant};

use aapns_models::{Alert, ApnsId, DeviceToken, Localized, Notification, Priority, Topic};
use aapns_proto::client::{Endpoint, PostOptions, Unordered};
use aapns_proto::tls::Identity;
use clap::Args;
use futures::StreamExt;

use super::bench::made_up_token;
use super::console::Console;
use super::exit::{Exit, Fault, Outcome};
use super::histogram::Histogram;
use super::progress::Progress;
use super::values::Connections;
use crate::mock::{Authentication, Scenario, Server};
use crate::{Builder, Client, Sending, Tokio};
use audit::{Audit, Fate};
use table::Table;

/// Notifications in flight at any time.
const IN_FLIGHT: u64 = 1000;

/// How often the progress bar is told, in notifications.
const PROGRESS_STEP: u64 = 256;

/// What the mock does meanwhile with `--faults`.
const FAULTS: &str = r#"{
    "latency_ms": 1,
    "jitter_ms": 4,
    "rules": [
        {"every": 3000, "do": {"goaway": {"unprocessed": 20, "reason": "Shutdown"}}},
        {"probability": 0.005, "do": "refuse"},
        {"probability": 0.0001, "do": "cut"},
        {"probability": 0.01, "do": {"answer": {"status": 410, "reason": "Unregistered", "timestamp": 1700000000000}}},
        {"probability": 0.005, "do": {"answer": {"status": 400, "reason": "BadDeviceToken"}}},
        {"probability": 0.001, "do": {"answer": {"status": 503, "reason": "ServiceUnavailable"}}}
    ]
}"#;

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

pub(crate) fn run(args: &DemoArgs, console: Console) -> Outcome {
    let server = start_mock(args)?;
    console.note(format_args!(
        "Sending {} notifications over TLS to a mock on {}{}.",
        args.notifications,
        server.address(),
        if args.faults {
            ", which misbehaves"
        } else {
            ""
        },
    ));
    let builder = builder(args, &server)?;
    let run = super::block_on(super::or_signal(async {
        let client = builder.build().map_err(Fault::usage)?;
        let run = send_all(&client, args.notifications, console).await;
        Ok(run.finish(client, console).await)
    }))?;
    let audit = run.audit.compare(&server);
    let table = Table::new(&run, &audit);
    if console.json {
        console.result(table.json());
    } else {
        console.result(table);
    }
    match audit.disagreement() {
        Some(words) => Err(Fault::failure(format_args!(
            "the counts disagree: {words}; this is a bug, please report it with the seed {}",
            args.seed
        ))),
        None => Ok(Exit::Success),
    }
}

fn start_mock(args: &DemoArgs) -> Result<Server, Fault> {
    let mut mock = Server::builder()
        .authentication(Authentication::Certificate)
        .seed(args.seed);
    if args.faults {
        let scenario = Scenario::from_json(FAULTS)
            .map_err(|error| Fault::bug(format_args!("the demo's own scenario: {error}")))?;
        mock = mock.scenario(scenario);
    }
    mock.start_on_thread().map_err(|error| {
        Fault::usage(format_args!(
            "{error}; the demo needs a free port on 127.0.0.1"
        ))
    })
}

fn builder(args: &DemoArgs, server: &Server) -> Result<Builder, Fault> {
    let own =
        |error: &dyn std::fmt::Display| Fault::bug(format_args!("the demo's own mock: {error}"));
    let identity =
        Identity::from_pem(server.client_certificate_pem().as_bytes()).map_err(|e| own(&e))?;
    let endpoint = Endpoint::parse(&server.origin()).map_err(|e| own(&e))?;
    let topic = Topic::new("com.example.demo").map_err(|e| own(&e))?;
    let Connections { min, max } = args.connections;
    Ok(Builder::new(Tokio::default(), endpoint)
        .proxy(None)
        .credential(identity)
        .topic(topic)
        .ca_pem(server.ca_pem())
        .ca_only()
        .connections(min, max))
}

/// What a run measured.
struct Run {
    audit: Audit,
    latencies: Histogram,
    elapsed: Duration,
    resent: u64,
}

impl Run {
    async fn finish(mut self, client: Client, console: Console) -> Self {
        console.detail(&client.stats());
        self.resent = client.stats().resent;
        client.close().await;
        self
    }
}

async fn send_all(client: &Client, count: u64, console: Console) -> Run {
    let progress = Progress::of_notifications(count, console);
    let mut run = Run {
        audit: Audit::default(),
        latencies: Histogram::new(),
        elapsed: Duration::ZERO,
        resent: 0,
    };
    let mut flights = Unordered::new();
    let start = Instant::now();
    let mut begun = 0;
    let mut done = 0;
    loop {
        while begun < count && begun - done < IN_FLIGHT {
            let id = ApnsId::random();
            let start = Instant::now();
            flights.push((id, start), send(client, begun, id));
            begun += 1;
        }
        let Some(((id, start), result)) = flights.next().await else {
            break;
        };
        done += 1;
        run.latencies.record(start.elapsed());
        run.audit.add(id, Fate::of(&result));
        if done % PROGRESS_STEP == 0 && progress.is_shown() {
            progress.update(done, format!("{} in flight", flights.len()));
        }
    }
    run.elapsed = start.elapsed();
    run
}

/// A typed notification of its own for each device.
fn send(client: &Client, number: u64, id: ApnsId) -> Sending {
    let text = Localized::new("DEMO_MESSAGE", [number.to_string()]);
    let notification = Notification::alert(Alert::new().title("Demo").body(text))
        .badge(1)
        .priority(Priority::Immediate);
    let prepared = (client.prepare(&notification)).expect("what the demo sends is valid");
    let token = DeviceToken::new(made_up_token(number)).expect("64 hexadecimal digits");
    client.send_prepared(&token, &prepared, Some(id), PostOptions::new())
}
