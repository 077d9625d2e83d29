//! Where words go: results to stdout, everything else to stderr.

use std::fmt;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::OnceLock;

use aapns_proto::pool::Stats;
use clap::ValueEnum;

use super::exit::{Exit, io_text};

/// Why a result could not be written.
static LOST: OnceLock<io::Error> = OnceLock::new();

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How a command speaks to its user.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Console {
    /// Results as JSON.
    pub(crate) json: bool,
    /// Nothing but results and errors.
    pub(crate) quiet: bool,
    /// How often `-v` was given.
    verbose: u8,
    color: Color,
}

/// The few colours that the program uses, as SGR parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Style {
    /// Good news.
    Green = 32,
    /// A warning.
    Yellow = 33,
    /// A failure.
    Red = 31,
    /// Less important.
    Dim = 2,
}

impl Console {
    pub(crate) fn new(json: bool, quiet: bool, verbose: u8, color: Color) -> Self {
        Self {
            json,
            quiet,
            verbose,
            color,
        }
    }

    /// A result, to stdout. A reader that went away (`| head`) is not an error; any other is kept for the end.
    pub(crate) fn result(&self, line: impl fmt::Display) {
        let mut out = io::stdout().lock();
        match writeln!(out, "{line}").and_then(|()| out.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => {
                // The first one tells the cause.
                let _ = LOST.set(error);
            }
            _ => {}
        }
    }

    /// The exit code, once it is said if results could not be written.
    pub(crate) fn conclude(&self, exit: Exit) -> Exit {
        let Some(error) = LOST.get() else {
            return exit;
        };
        let error = io_text(error);
        self.error(format_args!(
            "can't write to stdout: {error}; results are missing there"
        ));
        match exit {
            Exit::Success => Exit::Interrupted,
            exit => exit,
        }
    }

    /// A word to the user, to stderr; not with `-q`.
    pub(crate) fn note(&self, line: impl fmt::Display) {
        if !self.quiet {
            self.error_stream(line);
        }
    }

    /// What a pool did, for those who asked with `-v`.
    pub(crate) fn detail(&self, stats: &Stats) {
        if self.verbose > 0 {
            let count = |number: u64, word: &str| {
                let plural = if number == 1 { "" } else { "s" };
                format!("{number} {word}{plural}")
            };
            self.error_stream(format_args!(
                "{} ({} failed), {}, {} resent ({})",
                count(stats.dials, "dial"),
                stats.dial_failures,
                count(stats.goaways, "GOAWAY"),
                stats.resent,
                count(stats.possible_duplicates, "possible duplicate"),
            ));
        }
    }

    /// An error or warning, to stderr even with `-q`.
    pub(crate) fn error(&self, line: impl fmt::Display) {
        let label = self.paint_for(Style::Red, "aapns:", io::stderr().is_terminal());
        self.error_stream(format_args!("{label} {line}"));
    }

    /// Whether to draw a progress bar: stderr is a terminal, and nobody asked for quiet.
    pub(crate) fn draws_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// `text` in a colour, if stdout may have colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        self.paint_for(style, text, io::stdout().is_terminal())
    }

    fn paint_for(&self, style: Style, text: &str, is_terminal: bool) -> String {
        let colours = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => is_terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
        };
        if colours {
            format!("\x1b[{}m{text}\x1b[0m", style as u8)
        } else {
            text.to_owned()
        }
    }

    fn error_stream(&self, line: impl fmt::Display) {
        let _ = writeln!(io::stderr().lock(), "{line}");
    }
}
