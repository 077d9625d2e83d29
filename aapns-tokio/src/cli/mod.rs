//! The program `aapns`: demo, send, mock, bench, doctor and their relatives.
//!
//! Other programs read its output: flags, exit codes and JSON fields are an interface.

#[cfg(not(unix))]
compile_error!(
    "the program aapns, of the feature cli, is for Unix: for its signals, modes of files and CPU time"
);

mod advice;
mod args;
mod bench;
mod broadcast;
mod bulk;
mod channels;
mod connect;
mod console;
mod demo;
mod doctor;
mod exchange;
mod exit;
mod generate;
mod histogram;
mod mock;
mod notification;
mod progress;
mod refuse;
mod secrets;
mod send;
mod settlement;
mod signals;
mod simulator;
mod values;

use std::process::ExitCode;

use clap::FromArgMatches;

use args::{Cli, Command};
use console::Console;
use exit::{Exit, Fault, Outcome};

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    exit_with_70_on_a_panic();
    let cli = match args::command_for(std::env::args_os())
        .try_get_matches()
        .and_then(|matches| Cli::from_arg_matches(&matches))
    {
        Ok(cli) => cli,
        Err(error) => return refuse::refuse(&error, &args::command()).into(),
    };
    let console = cli.console();
    let exit = run(cli.command, console).unwrap_or_else(|fault| {
        console.error(&fault);
        fault.exit()
    });
    console.conclude(exit).into()
}

fn run(command: Command, console: Console) -> Outcome {
    match command {
        Command::Demo(args) => demo::run(&args, console),
        Command::Send(args) => send::run(&args, console),
        Command::Mock(args) => mock::run(&args, console),
        Command::Bench(args) => bench::run(&args, console),
        Command::Doctor(args) => doctor::run(&args, console),
        Command::Channels(args) => channels::run(&args, console),
        Command::Broadcast(args) => broadcast::run(&args, console),
        Command::Simulator(args) => simulator::run(&args, console),
        Command::Completions(args) => generate::completions(&args, console),
        Command::Man(args) => generate::man(&args, console),
    }
}

/// A panic is a bug, and exits with its own code, on whatever thread it happens.
fn exit_with_70_on_a_panic() {
    std::panic::set_hook(Box::new(|panic| {
        use std::io::Write;
        let place = panic
            .location()
            .map(ToString::to_string)
            .unwrap_or_default();
        let payload = panic.payload_as_str().unwrap_or("no message");
        let _ = writeln!(
            std::io::stderr(),
            "aapns: a bug at {place}: {payload}; please report it with the command that led here"
        );
        std::process::exit(Exit::Bug as i32);
    }));
}

/// Does what waits for the network, on this thread.
fn block_on<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Fault::usage(format_args!(
                "can't start the runtime: {error}; free some file descriptors"
            ))
        })?;
    block_on_with(runtime, work)
}

/// Does something to its end, and no more: a thread that looks up a name or writes can't be stopped, only left.
fn block_on_with<T>(runtime: tokio::runtime::Runtime, work: impl Future<Output = T>) -> T {
    let result = runtime.block_on(work);
    runtime.shutdown_background();
    result
}

/// A command to its end, or to the first signal that asks it to stop.
async fn or_signal<T>(command: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let mut signals = signals::Signals::new()?;
    tokio::select! {
        result = command => result,
        () = signals.wait() => Err(Fault::interrupted("interrupted; what was on its way may have been delivered")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    /// As a look-up of a name does where no DNS server answers.
    #[test]
    fn a_thread_that_hangs_does_not_hold_up_the_end() {
        let (ended, hang) = mpsc::channel::<()>();
        let (report, reported) = mpsc::channel();
        std::thread::spawn(move || {
            let result = block_on(async move {
                tokio::task::spawn_blocking(move || hang.recv());
                Ok(())
            });
            let _ = report.send(result.is_ok());
        });
        assert_eq!(reported.recv_timeout(Duration::from_secs(30)), Ok(true));
        drop(ended);
    }
}
