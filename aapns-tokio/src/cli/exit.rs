//! How the program ends: exit codes, and errors of one line.

use std::fmt;
use std::process::ExitCode;

use super::secrets::without_secrets;

/// The exit codes that other programs rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Every notification was delivered; the command did what it was for.
    Success = 0,
    /// At least one notification was not delivered, or a check failed.
    Failure = 1,
    /// Wrong usage or configuration.
    Usage = 2,
    /// A signal, a reader that went away, or an output that can't be written cut the run short.
    Interrupted = 3,
    /// A bug in this program.
    Bug = 70,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command ended early: one line that says what, where and what to do.
#[derive(Debug)]
pub(crate) struct Fault {
    exit: Exit,
    line: String,
}

/// What every command returns.
pub(crate) type Outcome = Result<Exit, Fault>;

impl Fault {
    /// Wrong usage or configuration: exit code 2.
    pub(crate) fn usage(line: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, line)
    }

    /// A file that can't be read or written: exit code 2.
    pub(crate) fn file(
        verb: &str,
        path: &std::path::Path,
        error: &std::io::Error,
        todo: &str,
    ) -> Self {
        Self::usage(format_args!(
            "can't {verb} {}: {}; {todo}",
            path.display(),
            io_text(error)
        ))
    }

    /// The command did its work, and the result is a failure: exit code 1.
    pub(crate) fn failure(line: impl fmt::Display) -> Self {
        Self::new(Exit::Failure, line)
    }

    /// The run was cut short: exit code 3.
    pub(crate) fn interrupted(line: impl fmt::Display) -> Self {
        Self::new(Exit::Interrupted, line)
    }

    /// Something that can't be: exit code 70.
    pub(crate) fn bug(line: impl fmt::Display) -> Self {
        Self::new(Exit::Bug, line)
    }

    /// The code to exit with.
    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    fn new(exit: Exit, line: impl fmt::Display) -> Self {
        let mut line = without_secrets(&line.to_string());
        if line.contains(['\n', '\r']) {
            line = line.split_whitespace().collect::<Vec<_>>().join(" ");
        }
        Self { exit, line }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

/// An IO error without Rust's "(os error 2)".
pub(crate) fn io_text(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_one_line_whatever_it_quotes() {
        let fault = Fault::usage("a\n  b\r\nc");
        assert_eq!(fault.to_string(), "a b c");
        assert_eq!(fault.exit(), Exit::Usage);
    }

    #[test]
    fn io_errors_lose_their_number() {
        let error = std::fs::File::open("/no/such/file").unwrap_err();
        assert_eq!(io_text(&error), "no such file or directory");
    }
}
