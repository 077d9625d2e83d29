//! `aapns send --input`: many notifications, in bounded memory.

mod engine;
mod input;
mod journal;
mod ledger;
mod lines;
mod output;
mod tally;

use std::fs::{File, OpenOptions};
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
use engine::{Ended, Engine, Setup, Stop, Summary};
use journal::Journal;
use ledger::Ledger;
use lines::Lines;
use output::Output;

/// How long the last results may take to be written after a signal.
const LAST_WRITE: Duration = Duration::from_secs(2);

/// Flags of `send --input`.
#[derive(Debug, Args)]
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

    /// Three files are three files: what is written would overwrite what is read.
    fn check_files(&self, input: &Path) -> Result<(), Fault> {
        let mut files = vec![("--input", input), ("--output", &self.output)];
        files.extend(self.journal.as_deref().map(|path| ("--journal", path)));
        for (at, (flag, path)) in files.iter().enumerate() {
            let same = files[..at].iter().find(|(_, other)| is_same(path, other));
            if let Some((other, _)) = same {
                return Err(Fault::usage(format_args!(
                    "{}: both {other} and {flag} name this file; give each its own",
                    path.display()
                )));
            }
        }
        Ok(())
    }
}

pub(crate) fn run(
    args: &BulkArgs,
    input: &Path,
    defaults: Defaults,
    connect: &ConnectArgs,
    console: Console,
) -> Outcome {
    args.check_files(input)?;
    let builder = connect.builder(connect.endpoint())?;
    let mut ledger = Ledger::new(connect.policy());
    if args.resume {
        if is_stdio(&args.output) {
            return Err(Fault::usage(
                "--resume needs the output file of the earlier run: give it to --output",
            ));
        }
        ledger.read_output(&args.output)?;
        if let Some(path) = &args.journal {
            ledger.read_journal(path)?;
        }
    }
    let (lines, octets) = open_input(input)?;
    let mut journal = match &args.journal {
        Some(path) => Some(Journal::open(path, args.resume)?),
        None => None,
    };
    if let Some(journal) = &mut journal {
        journal.catch_up(&ledger)?;
    }
    let earlier = (ledger.settled(), ledger.delivered());
    let output = open_output(&args.output, args.resume)?;
    // A bar among results on the same terminal would spoil both.
    let progress = if is_stdio(&args.output) && std::io::stdout().is_terminal() {
        Progress::none()
    } else {
        Progress::of_octets(octets, console)
    };
    let start = Instant::now();
    let (summary, written) = super::block_on(async {
        let pool = builder.pool().map_err(Fault::usage)?;
        warn(&pool, console);
        let engine = Engine::new(Setup {
            pool: pool.clone(),
            lines,
            output,
            journal,
            ledger,
            defaults,
            concurrency: args.concurrency as usize,
            timeout: connect.timeout.0,
            progress,
        })?;
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
        Ok((summary, written))
    })?;
    conclude(summary, written, earlier, start, console)
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

/// Whether both lead to one regular file, or will: neither may exist yet.
fn is_same(a: &Path, b: &Path) -> bool {
    if is_stdio(a) || is_stdio(b) {
        return false;
    }
    match (a.canonicalize(), b.canonicalize()) {
        (Ok(a), Ok(b)) => a == b && a.is_file(),
        _ => a == b,
    }
}

fn is_stdio(path: &Path) -> bool {
    path == Path::new("-")
}

fn open_input(path: &Path) -> Result<(Lines, Option<u64>), Fault> {
    let fault = |error| Fault::file("read", path, &error, "check the path given to --input");
    if is_stdio(path) {
        let pieces = input::read(std::io::stdin()).map_err(fault)?;
        return Ok((Lines::new(pieces), None));
    }
    let file = File::open(path).map_err(fault)?;
    let metadata = file.metadata().map_err(fault)?;
    if metadata.is_dir() {
        return Err(Fault::usage(format_args!(
            "can't read {}: it is a directory; give a file to --input",
            path.display()
        )));
    }
    let octets = metadata.is_file().then_some(metadata.len());
    let pieces = input::read(file).map_err(fault)?;
    Ok((Lines::new(pieces), octets))
}

fn open_output(path: &Path, is_resumed: bool) -> Result<Output, Fault> {
    let fault = |error| {
        Fault::file(
            "write",
            path,
            &error,
            "give a file that you may write to --output",
        )
    };
    if is_stdio(path) {
        return Output::new(std::io::stdout()).map_err(fault);
    }
    let file = OpenOptions::new()
        .create(true)
        .write(true)
        .append(is_resumed)
        .truncate(!is_resumed)
        .open(path)
        .map_err(fault)?;
    Output::new(file).map_err(fault)
}
