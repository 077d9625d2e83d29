//! `aapns send --input`: many notifications, in bounded memory.

mod engine;
mod files;
mod input;
mod journal;
mod ledger;
mod lines;
mod open;
mod output;
mod tally;

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use aapns_models::ndjson::Defaults;
use clap::Args;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::warn;
use super::exit::{Exit, Fault, Outcome};
use super::progress::Progress;
use super::signals::Signals;
use aapns_proto::Policy;
use engine::{Ended, Engine, Setup, Stop, Summary};
use files::{Files, is_stdio};
use output::Output;

/// How long the last results may take to be written after a signal.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Flags of `send --input`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Many notifications")]
pub(crate) struct BulkArgs {
    /// Read notifications from this file, a JSON object a line; - is the standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["body", "title", "subtitle", "badge", "sound", "thread_id", "category", "data", "apns_id"])]
    input: Option<PathBuf>,
    /// Write an outcome for each line into this file; - is the standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    output: PathBuf,
    /// How many lines may be read and unsettled at a time
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    concurrency: u32,
    /// Go on where the output file ends: skip the lines that it settles
    #[arg(long)]
    resume: bool,
    /// Write what is about to be sent into this file first, so that --resume knows it after a crash
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

impl BulkArgs {
    /// The input, if there are many notifications to send.
    pub(crate) fn input(&self) -> Option<&Path> {
        self.input.as_deref()
    }

    /// That nothing is asked for which one notification doesn't have.
    pub(crate) fn check_one(&self) -> Result<(), Fault> {
        let flag = match (self.resume, &self.journal) {
            (true, _) => "--resume",
            (false, Some(_)) => "--journal",
            (false, None) if !is_stdio(&self.output) => "--output",
            (false, None) => return Ok(()),
        };
        Err(Fault::usage(format_args!(
            "{flag} is for many notifications; give --input FILE in place of DEVICE_TOKEN, or leave it away"
        )))
    }
}

pub(crate) fn run(
    args: &BulkArgs,
    input: &Path,
    defaults: Defaults,
    connect: &ConnectArgs,
    console: Console,
) -> Outcome {
    files::check(args, input)?;
    let builder = connect.builder(connect.endpoint())?;
    super::block_on(async {
        // First: from here on a signal ends the run in order.
        let mut signals = Signals::new()?;
        // Before a file is emptied: it may be that nothing can be sent.
        let pool = builder.pool().map_err(Fault::usage)?;
        warn(&pool, console);
        let files = tokio::select! {
            files = open(args, input, connect.policy()) => files?,
            () = signals.wait() => return Err(Fault::interrupted("interrupted before anything was sent")),
        };
        let earlier = (files.ledger.settled(), files.ledger.delivered());
        // A bar among results on the same terminal would spoil both.
        let progress = if is_stdio(&args.output) && std::io::stdout().is_terminal() {
            Progress::none()
        } else {
            Progress::of_octets(files.octets, console)
        };
        let start = Instant::now();
        let engine = Engine::new(
            Setup {
                pool: pool.clone(),
                lines: files.lines,
                output: files.output,
                journal: files.journal,
                ledger: files.ledger,
                defaults,
                concurrency: args.concurrency as usize,
                timeout: connect.timeout.0,
                progress,
            },
            signals,
        );
        let Ended {
            summary,
            output,
            rest,
            signals,
        } = engine.run().await;
        console.detail(&pool.stats());
        if summary.stopped.is_none() {
            pool.close().await;
        }
        let is_interrupted = matches!(summary.stopped, Some(Stop::Signal));
        let written = finish(output, rest, signals, is_interrupted).await;
        conclude(summary, written, earlier, start, console)
    })
}

/// Opens the files on a thread of its own: a FIFO may wait long for its other end, and a long output to be read.
async fn open(args: &BulkArgs, input: &Path, policy: Policy) -> Result<Files, Fault> {
    let (args, input) = (args.clone(), input.to_owned());
    tokio::task::spawn_blocking(move || files::open(&args, &input, policy))
        .await
        .map_err(|error| Fault::bug(format_args!("opening files ended early: {error}")))?
}

/// Waits until the last results are written; after a signal not for long.
async fn finish(
    output: Output,
    rest: Vec<u8>,
    mut signals: Signals,
    is_interrupted: bool,
) -> std::io::Result<()> {
    let writing = tokio::task::spawn_blocking(move || output.finish(rest));
    let patience = async {
        if !is_interrupted {
            signals.wait().await;
        }
        tokio::time::sleep(LAST_WRITE).await;
    };
    tokio::select! {
        biased;
        written = writing => written.unwrap_or_else(|error| Err(std::io::Error::other(error))),
        () = patience => Err(std::io::Error::other("nobody reads it")),
    }
}

fn conclude(
    summary: Summary,
    written: std::io::Result<()>,
    earlier: (u64, u64),
    start: Instant,
    console: Console,
) -> Outcome {
    let Summary {
        tally,
        skipped,
        stopped,
    } = summary;
    let seconds = start.elapsed().as_secs_f64();
    let rate = tally.total() as f64 / seconds.max(0.001);
    let mut words = format!(
        "{}: {tally}; {seconds:.1} s, {rate:.0} a second",
        counted(tally.total())
    );
    if skipped > 0 {
        words += &format!("; {} settled before", counted(skipped));
    }
    console.note(words);
    let stopped = match stopped {
        Some(Stop::Output(_)) => stopped,
        // Results are missing, whatever else ended the run.
        _ => written.err().map(Stop::Output).or(stopped),
    };
    match stopped {
        Some(Stop::Journal(fault)) => Err(fault),
        Some(stop @ Stop::Output(_)) => Err(Fault::interrupted(format_args!(
            "{stop}; what became of the lines that are missing in it is not recorded, so look for the cause before you go on with --resume"
        ))),
        Some(stop) => Err(Fault::interrupted(format_args!(
            "{stop}; every line that was taken up has its outcome, go on with --resume"
        ))),
        // Settled earlier but not delivered: the whole isn't a success.
        None if earlier.0 > earlier.1 => Ok(Exit::Failure),
        None => Ok(tally.exit()),
    }
}

fn counted(lines: u64) -> String {
    let plural = if lines == 1 { "" } else { "s" };
    format!("{lines} line{plural}")
}
