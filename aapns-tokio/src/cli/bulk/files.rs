//! The files of a run: none is another, and none is emptied before all can be opened.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use aapns_proto::Policy;

use super::journal::Journal;
use super::ledger::Ledger;
use super::lines::Lines;
use super::output::Output;
use super::{BulkArgs, input};
use crate::cli::exit::Fault;

/// What a run reads and writes.
pub(super) struct Files {
    pub(super) lines: Lines,
    /// How long the input is, if that is known.
    pub(super) octets: Option<u64>,
    pub(super) output: Output,
    pub(super) journal: Option<Journal>,
    /// What earlier runs settled.
    pub(super) ledger: Ledger,
}

/// Whether the flags name files that can do.
pub(super) fn check(args: &BulkArgs, input: &Path) -> Result<(), Fault> {
    if args.resume && is_stdio(&args.output) {
        return Err(Fault::usage(
            "--resume needs the output file of the earlier run: give it to --output",
        ));
    }
    if args.journal.as_deref().is_some_and(is_stdio) {
        return Err(Fault::usage(
            "--journal is read again after a crash, so it can't be -; give it a file",
        ));
    }
    // What is written would overwrite what is read.
    let mut files = vec![("--input", input), ("--output", &args.output)];
    files.extend(args.journal.as_deref().map(|path| ("--journal", path)));
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

/// Opens all of them. It may block: a FIFO waits for its other end.
pub(super) fn open(args: &BulkArgs, input: &Path, policy: Policy) -> Result<Files, Fault> {
    let mut ledger = Ledger::new(policy);
    if args.resume {
        ledger.read_output(&args.output)?;
        if let Some(path) = &args.journal {
            ledger.read_journal(path)?;
        }
    }
    let (lines, octets) = open_input(input)?;
    let output = open_output(&args.output, args.resume)?;
    let mut journal = match &args.journal {
        Some(path) => Some(Journal::open(path, args.resume)?),
        None => None,
    };
    let output = begin_output(output, args.resume).map_err(|error| fault(&args.output, &error))?;
    if let Some(journal) = &mut journal {
        journal.catch_up(&ledger)?;
    }
    Ok(Files {
        lines,
        octets,
        output,
        journal,
        ledger,
    })
}

/// Whether both lead to one regular file, or will: neither may exist yet.
fn is_same(a: &Path, b: &Path) -> bool {
    if is_stdio(a) || is_stdio(b) {
        return false;
    }
    let (a, b) = (resolved(a), resolved(b));
    a == b && (a.is_file() || !a.exists())
}

/// The path without links and dots. Of a file that doesn't exist, its directory's and its name.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let parent = path.parent().unwrap_or(Path::new(""));
    let parent = if parent == Path::new("") {
        Path::new(".")
    } else {
        parent
    };
    match (parent.canonicalize(), path.file_name()) {
        (Ok(parent), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}

pub(super) fn is_stdio(path: &Path) -> bool {
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

/// Opens what results are written to, as it is; `None` is the standard output.
fn open_output(path: &Path, is_resumed: bool) -> Result<Option<File>, Fault> {
    if is_stdio(path) {
        return Ok(None);
    }
    OpenOptions::new()
        .create(true)
        .write(true)
        .append(is_resumed)
        .truncate(false)
        .open(path)
        .map(Some)
        .map_err(|error| fault(path, &error))
}

/// Empties it, unless it is gone on with.
fn begin_output(file: Option<File>, is_resumed: bool) -> io::Result<Output> {
    let Some(file) = file else {
        return Output::new(io::stdout());
    };
    // Devices and pipes hold nothing.
    if !is_resumed && file.metadata()?.is_file() {
        file.set_len(0)?;
    }
    Output::new(file)
}

fn fault(path: &Path, error: &io::Error) -> Fault {
    Fault::file(
        "write",
        path,
        error,
        "give a file that you may write to --output",
    )
}
