//! `aapns send --input`: many notifications, in bounded memory.

mod input;
mod output;

use std::path::PathBuf;

use clap::Args;

/// Flags of `send --input`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Many notifications")]
pub(crate) struct BulkArgs {
    /// Read notifications from this file, a JSON object a line; - is the standard input
    #[arg(long, value_name = "FILE|-", conflicts_with_all = ["body", "title", "subtitle", "badge", "sound", "thread_id", "category", "data", "collapse_id", "apns_id"])]
    pub(crate) input: Option<PathBuf>,
    /// Write an outcome for each line into this file; - is the standard output
    #[arg(long, value_name = "FILE|-", default_value = "-")]
    pub(crate) output: PathBuf,
    /// How many lines may be read and unsettled at a time
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) concurrency: u32,
    /// Go on where the output file ends: skip the lines that it settles
    #[arg(long, requires = "input")]
    pub(crate) resume: bool,
    /// Write what is about to be sent into this file first, so that --resume knows it after a crash
    #[arg(long, value_name = "FILE", requires = "input")]
    pub(crate) journal: Option<PathBuf>,
}
