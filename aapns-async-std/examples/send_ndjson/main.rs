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

mod bulk;
mod connect;
mod files;
mod flags;
mod panics;

use std::io::{self, Write};
use std::process::ExitCode;

use async_signal::{Signal, Signals};
use async_std::channel::Sender;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::stream::StreamExt;

use bulk::{Bulk, Summary};
use connect::file_fault;
use files::{Input, Writing};
use flags::Flags;

/// Why the program ends early, and with which code.
struct Fault(u8, String);

impl Fault {
    /// Wrong usage or configuration.
    fn usage(what: impl ToString) -> Self {
        Self(2, what.to_string())
    }

    /// The run was cut short.
    fn interrupted(what: impl ToString) -> Self {
        Self(3, what.to_string())
    }

    /// Says so in one line.
    fn tell(&self) -> ExitCode {
        say(&format!("send_ndjson: {}", self.1.replace('\n', " ")));
        ExitCode::from(self.0)
    }
}

/// To people, if they still listen.
fn say(words: &str) {
    let _ = writeln!(io::stderr(), "{words}");
}

fn main() -> ExitCode {
    panics::exit_with_70();
    let flags = match flags::parse() {
        Ok(flags) => flags,
        Err(code) => return code,
    };
    match run(&flags) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(fault) => fault.tell(),
    }
}

/// Whether every line was delivered.
fn run(flags: &Flags) -> Result<bool, Fault> {
    let builder = connect::builder(flags)?;
    // First: from here on a signal ends the run in order.
    let mut signals =
        signals().map_err(|error| Fault(70, format!("can't listen for signals: {error}")))?;
    let (summary, writing) = async_std::task::block_on(async {
        // Before the output is emptied: it may be that nothing can be sent.
        let pool = builder.pool().map_err(Fault::usage)?;
        let Opened {
            input,
            output,
            writing,
        } = match select(open(flags), signals.next()).await {
            Either::Left((opened, _)) => opened.unwrap_or_else(|_| {
                let what = "opening files ended early";
                Err(Fault(70, what.to_owned()))
            })?,
            Either::Right(_) => {
                return Err(Fault::interrupted("interrupted before anything was sent"));
            }
        };
        let bulk = Bulk::new(flags, pool, input, output, signals);
        Ok((bulk.run().await, writing))
    })?;
    let Summary {
        delivered,
        total,
        is_interrupted,
        broken,
    } = summary;
    let ended = writing.join();
    if let Err(error) = ended.unwrap_or_else(|_| Err(io::Error::other("writing ended early"))) {
        return Err(Fault::interrupted(format_args!(
            "the output broke: {error}"
        )));
    }
    if let Some(error) = broken {
        return Err(Fault::interrupted(format_args!("the input broke: {error}")));
    }
    if !flags.quiet {
        say(&format!("{total} lines: {delivered} delivered"));
    }
    if is_interrupted {
        let what = "interrupted; every line that was taken up has its outcome";
        return Err(Fault::interrupted(what));
    }
    Ok(delivered == total)
}

/// Where lines come from and go to.
struct Opened {
    input: Input,
    output: Sender<Vec<u8>>,
    writing: Writing,
}

/// Opens both on a thread of its own: a FIFO may wait long for its other end.
fn open(flags: &Flags) -> oneshot::Receiver<Result<Opened, Fault>> {
    let (report, opened) = oneshot::channel();
    let (input, output) = (flags.input.clone(), flags.output.clone());
    std::thread::spawn(move || {
        let open = || {
            let input = files::open(&input).map_err(|error| file_fault("read", &input, &error))?;
            let (output, writing) =
                files::write(&output).map_err(|error| file_fault("write", &output, &error))?;
            Ok(Opened {
                input: files::read(input),
                output,
                writing,
            })
        };
        let _ = report.send(open());
    });
    opened
}

/// Takes over the signals that ask the program to stop: they don't end it by themselves from now on.
fn signals() -> io::Result<Signals> {
    #[cfg(unix)]
    let wanted = [Signal::Int, Signal::Term];
    #[cfg(not(unix))]
    let wanted = [Signal::Int];
    Signals::new(wanted)
}
