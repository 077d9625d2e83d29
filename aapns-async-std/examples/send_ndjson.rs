//! Many notifications from newline-delimited JSON, on async-std: `aapns send --input` with another runtime.
//!
//! ```sh
//! cargo run -p aapns-async-std --example send_ndjson -- send --server https://localhost:8443 \
//!     --ca ca.pem --cert client.pem --topic com.example.app --input notifications.ndjson --output -
//! ```
//!
//! Flags, lines and exit codes are those of the program `aapns`: what a line means, and what becomes of it, is
//! written once, in `aapns_models::ndjson` and `aapns_proto::client::ndjson`. What is left for a runtime to do
//! is here: read, post, write.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::ExitCode;
use std::str::FromStr;
use std::task::{Context, Poll};
use std::thread::JoinHandle;
use std::time::Duration;

use aapns_async_std::models::ndjson::{Defaults, InputLine, Line, Lines, Outcome};
use aapns_async_std::models::{ApnsId, Topic};
use aapns_async_std::proto::client::ndjson::{Requests, Settlement, device_token};
use aapns_async_std::proto::tls::{Identity, Roots};
use aapns_async_std::{
    AsyncStd, Builder, Credential, Endpoint, Policy, Pool, Post, PostOptions, Request, Unordered,
};
use async_std::channel::{self, Receiver, Sender, TrySendError};
use clap::{Args, Parser, Subcommand};
use futures::{FutureExt, Stream};

/// Lines taken up before answers get their turn.
const BATCH: usize = 256;
/// Octets read at once.
const CHUNK: usize = 64 * 1024;
/// Result lines that go out at once; fewer wait for the next tick.
const FULL: usize = 64 * 1024;
/// Result lines that nobody takes pile up to this; then no more input is read.
const STALLED: usize = 1024 * 1024;
/// How often the output is flushed.
const TICK: Duration = Duration::from_millis(250);

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
struct Flags {
    /// production, sandbox or https://HOST[:PORT]
    #[arg(long, default_value = "sandbox", value_parser = server)]
    server: Endpoint,
    /// PEM file of certificate authorities to trust in addition to the built-in ones
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust only the authorities of --ca
    #[arg(long, requires = "ca")]
    ca_only: bool,
    /// PEM file of the client certificate, with its key unless --key is given
    #[arg(long, value_name = "FILE", conflicts_with = "token_key")]
    cert: Option<PathBuf>,
    /// PEM file of the client certificate's key
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Apple's key file for token authentication (AuthKey_….p8)
    #[arg(long, value_name = "FILE", requires_all = ["key_id", "team_id"])]
    token_key: Option<PathBuf>,
    /// The 10 characters that name the key of --token-key
    #[arg(long, value_name = "ID", requires = "token_key")]
    key_id: Option<String>,
    /// The 10 characters that name your team
    #[arg(long, value_name = "ID", requires = "token_key")]
    team_id: Option<String>,
    /// The app's bundle id, for lines that name no topic
    #[arg(long)]
    topic: Option<Topic>,
    /// Read notifications from this file, a JSON object a line; - is the standard input
    #[arg(long, value_name = "FILE|-")]
    input: PathBuf,
    /// Write an outcome for each line into this file; - is the standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    output: PathBuf,
    /// How many seconds a notification may take, retries included; none = retry for ever
    #[arg(long, value_name = "SECONDS|none", default_value = "10")]
    timeout: Timeout,
    /// at-least-once or at-most-once: whether to send again what may have been processed already
    #[arg(long, default_value = "at-least-once", value_parser = policy)]
    policy: Policy,
    /// How many connections, or from how many to how many: 2, 1..10
    #[arg(long, value_name = "N|MIN..MAX", default_value = "2", value_parser = connections)]
    connections: (u16, u16),
    /// How many lines may be read and unsettled at a time
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    concurrency: usize,
    /// Print nothing but results and errors
    #[arg(short, long)]
    quiet: bool,
}

/// `--timeout SECONDS` or `none`.
#[derive(Clone, Copy)]
struct Timeout(Option<Duration>);

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

fn policy(text: &str) -> Result<Policy, &'static str> {
    match text {
        "at-least-once" => Ok(Policy::AtLeastOnce),
        "at-most-once" => Ok(Policy::AtMostOnce),
        _ => Err("give at-least-once or at-most-once"),
    }
}

fn connections(text: &str) -> Result<(u16, u16), &'static str> {
    let (min, max) = text.split_once("..").unwrap_or((text, text));
    match (min.parse(), max.parse()) {
        (Ok(min), Ok(max)) if 0 < min && min <= max && max <= 512 => Ok((min, max)),
        _ => Err("give a number from 1 to 512, or two like 1..10"),
    }
}

/// Why the program ends early, and with which code.
struct Fault(u8, String);

impl Fault {
    /// Wrong usage or configuration.
    fn usage(what: impl ToString) -> Self {
        Self(2, what.to_string())
    }
}

fn main() -> ExitCode {
    let Command::Send(flags) = Cli::parse().command;
    match run(&flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(Fault(code, why)) => {
            eprintln!("send_ndjson: {}", why.replace('\n', " "));
            ExitCode::from(code)
        }
    }
}

/// Whether every line was delivered.
fn run(flags: &Flags) -> Result<bool, Fault> {
    let builder = builder(flags)?;
    let input = read(&flags.input).map_err(|error| file_fault("read", &flags.input, &error))?;
    let (output, writing) =
        write(&flags.output).map_err(|error| file_fault("write", &flags.output, &error))?;
    let bulk = async_std::task::block_on(async {
        let mut bulk = Bulk::new(flags, builder.pool().map_err(Fault::usage)?, input, output);
        std::future::poll_fn(|cx| bulk.poll(cx)).await;
        bulk.pool.close().await;
        // An output that broke says so below.
        let _ = bulk.output.send(std::mem::take(&mut bulk.out)).await;
        Ok(bulk)
    })?;
    let (delivered, total, broken) = (bulk.delivered, bulk.total, bulk.broken);
    drop(bulk.output);
    let ended = writing.join();
    if let Err(error) = ended.unwrap_or_else(|_| Err(io::Error::other("writing ended early"))) {
        return Err(Fault(3, format!("the output broke: {error}")));
    }
    if let Some(error) = broken {
        return Err(Fault(3, format!("the input broke: {error}")));
    }
    if !flags.quiet {
        eprintln!("{total} lines: {delivered} delivered");
    }
    Ok(delivered == total)
}

fn builder(flags: &Flags) -> Result<Builder, Fault> {
    let credential = credential(flags)?;
    let is_apple = flags.server.host().ends_with(".push.apple.com");
    if is_apple && matches!(credential, Credential::None) {
        return Err(Fault::usage(
            "Apple's servers want a credential: give --cert FILE, or --token-key FILE --key-id ID --team-id ID",
        ));
    }
    let (min, max) = flags.connections;
    let mut builder = Builder::new(AsyncStd::default(), flags.server.clone())
        .credential(credential)
        .connections(min, max)
        .policy(flags.policy)
        .timeout(flags.timeout.0);
    if let Some(path) = &flags.ca {
        let pem = load(path)?;
        Roots::only_pem(&pem).map_err(|error| content_fault(path, &error))?;
        builder = builder.ca_pem(pem);
    }
    Ok(if flags.ca_only {
        builder.ca_only()
    } else {
        builder
    })
}

fn credential(flags: &Flags) -> Result<Credential, Fault> {
    if let Some(path) = &flags.cert {
        let identity = match &flags.key {
            Some(key) => Identity::from_pem_pair(&load(path)?, &load(key)?),
            None => Identity::from_pem(&load(path)?),
        };
        return Ok(identity
            .map_err(|error| content_fault(path, &error))?
            .into());
    }
    match (&flags.token_key, &flags.key_id, &flags.team_id) {
        (Some(path), Some(key_id), Some(team_id)) => {
            let credential = Credential::from_p8(&load(path)?, key_id, team_id);
            credential.map_err(|error| content_fault(path, &error))
        }
        _ => Ok(Credential::None),
    }
}

fn load(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| file_fault("read", path, &error))
}

fn file_fault(verb: &str, path: &Path, error: &io::Error) -> Fault {
    let path = path.display();
    Fault::usage(format_args!("can't {verb} {path}: {error}; check the path"))
}

fn content_fault(path: &Path, error: &dyn std::error::Error) -> Fault {
    Fault::usage(format_args!("{}: {error}; check the file", path.display()))
}

/// What the reading thread hands over.
type Input = Receiver<io::Result<Vec<u8>>>;
/// The writing thread.
type Writing = JoinHandle<io::Result<()>>;

/// Reads on a thread of its own: a silent input holds up nobody's answers.
fn read(path: &Path) -> io::Result<Input> {
    let mut input: Box<dyn Read + Send> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else if path.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    } else {
        Box::new(File::open(path)?)
    };
    let (sender, receiver) = channel::bounded(2);
    std::thread::spawn(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = match input.read(&mut chunk) {
                Ok(0) => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read,
            };
            let is_last = read.is_err();
            let chunk = read.map(|read| chunk.drain(..read).collect());
            if sender.send_blocking(chunk).is_err() || is_last {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Writes on a thread of its own, until the sending half is dropped.
fn write(path: &Path) -> io::Result<(Sender<Vec<u8>>, Writing)> {
    let mut output: Box<dyn Write + Send> = if path == Path::new("-") {
        Box::new(io::stdout())
    } else {
        Box::new(File::create(path)?)
    };
    let (sender, receiver) = channel::bounded::<Vec<u8>>(4);
    let writing = std::thread::spawn(move || {
        while let Ok(lines) = receiver.recv_blocking() {
            output.write_all(&lines)?;
            output.flush()?;
        }
        Ok(())
    });
    Ok((sender, writing))
}

/// A run: lines in, requests on their way, results out.
struct Bulk {
    pool: Pool,
    input: Input,
    lines: Lines,
    defaults: Defaults,
    requests: Requests,
    options: PostOptions,
    concurrency: usize,
    flights: Unordered<Flight, Post>,
    out: Vec<u8>,
    output: Sender<Vec<u8>>,
    tick: Pin<Box<dyn Future<Output = ()>>>,
    delivered: u64,
    total: u64,
    is_at_end: bool,
    broken: Option<io::Error>,
}

/// A line on its way.
struct Flight {
    number: u64,
    /// Its path ends in the device token.
    request: Request,
    apns_id: ApnsId,
}

impl Bulk {
    fn new(flags: &Flags, pool: Pool, input: Input, output: Sender<Vec<u8>>) -> Self {
        Self {
            pool,
            input,
            lines: Lines::new(),
            defaults: Defaults {
                topic: flags.topic.clone(),
                ..Defaults::default()
            },
            requests: Requests::default(),
            options: match flags.timeout.0 {
                Some(timeout) => PostOptions::new().timeout(timeout),
                None => PostOptions::new().no_timeout(),
            },
            concurrency: flags.concurrency.max(1),
            flights: Unordered::new(),
            out: Vec::new(),
            output,
            tick: Box::pin(async_std::task::sleep(TICK)),
            delivered: 0,
            total: 0,
            is_at_end: false,
            broken: None,
        }
    }

    /// Ready once every line has its result.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some((flight, result))) = Pin::new(&mut self.flights).poll_next(cx) {
            let settlement = Settlement::of(&result, false);
            let token = Some(device_token(&flight.request));
            self.settle(flight.number, token, Some(flight.apns_id), &settlement);
        }
        self.poll_input(cx);
        while self.tick.poll_unpin(cx).is_ready() {
            self.tick = Box::pin(async_std::task::sleep(TICK));
            self.offer();
        }
        if self.is_at_end && self.flights.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Takes up lines while there is room, at most a batch; an answer or the next tick comes back here.
    fn poll_input(&mut self, cx: &mut Context<'_>) {
        for _ in 0..BATCH {
            let has_room = self.flights.len() < self.concurrency && self.out.len() < STALLED;
            if self.is_at_end || !has_room {
                return;
            }
            if !self.lines.has_line() {
                match Pin::new(&mut self.input).poll_next(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Some(Ok(octets))) => self.lines.push(octets),
                    Poll::Ready(Some(Err(error))) => {
                        self.broken = Some(error);
                        self.is_at_end = true;
                    }
                    Poll::Ready(None) => {
                        self.lines.end();
                        self.is_at_end = !self.lines.has_line();
                    }
                }
                continue;
            }
            self.take_up();
        }
        cx.waker().wake_by_ref();
    }

    /// Posts the next line, or settles it if it can't be a notification.
    fn take_up(&mut self) {
        let (number, line) = match self.lines.next_line() {
            Some(Line::Whole(number, line)) => (number, line),
            Some(Line::TooLong(number)) => {
                let reason = format!("the line is longer than {} octets", Lines::LIMIT);
                return self.settle(number, None, None, &Settlement::invalid(reason));
            }
            None => return,
        };
        let (token, apns_id, reason) = match InputLine::parse(line, number, &self.defaults) {
            Ok(line) => {
                let apns_id = line.apns_id.unwrap_or_else(ApnsId::random);
                let request = self.requests.make(&line, apns_id);
                let request = request.map_err(|error| error.to_string());
                // A certificate that is not for this topic or server is known to be so before it is sent.
                let judge = |request: &Request| self.pool.judge(request);
                match request.and_then(|r| judge(&r).map_err(|e| e.to_string()).map(|()| r)) {
                    Ok(request) => {
                        let post = self.pool.post_with(request.clone(), self.options);
                        let flight = Flight {
                            number,
                            request,
                            apns_id,
                        };
                        return self.flights.push(flight, post);
                    }
                    Err(reason) => (Some(line.device_token.into_owned()), Some(apns_id), reason),
                }
            }
            Err(invalid) => (invalid.device_token, invalid.apns_id, invalid.reason),
        };
        let settlement = Settlement::invalid(reason);
        self.settle(number, token.as_deref(), apns_id, &settlement);
    }

    fn settle(
        &mut self,
        number: u64,
        device_token: Option<&str>,
        apns_id: Option<ApnsId>,
        settlement: &Settlement,
    ) {
        let line = settlement.line(number, device_token, apns_id);
        line.write(&mut self.out);
        self.total += 1;
        self.delivered += u64::from(settlement.outcome == Outcome::Delivered);
        if self.out.len() >= FULL {
            self.offer();
        }
    }

    /// Hands what is to be written over, unless writing is behind.
    fn offer(&mut self) {
        if self.out.is_empty() {
            return;
        }
        match self.output.try_send(std::mem::take(&mut self.out)) {
            Ok(()) => {}
            Err(TrySendError::Full(lines)) => self.out = lines,
            // Nobody will read any of it: what is in flight is given up.
            Err(TrySendError::Closed(_)) => {
                self.is_at_end = true;
                self.flights = Unordered::new();
            }
        }
    }
}
