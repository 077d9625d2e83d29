//! `aapns doctor`: what can go wrong before the first push, a line each.

mod clock;
mod credential;
mod network;
mod probe;
mod report;

use aapns_models::Topic;
use clap::Args;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exit::{Exit, Outcome};
use report::Report;

/// What `aapns doctor --help` says after the flags.
const HELP: &str = "\
Give the flags that you send with. Each line is ok, a warning, failed or not checked, and says
what to do. Nothing is sent to anybody, unless --probe sends one push to a device token that
nobody has.

Examples:
  aapns doctor --cert client.pem
  aapns doctor --token-key AuthKey_ABC123DEFG.p8 --key-id ABC123DEFG --team-id DEF123GHIJ \\
      --topic com.example.app --server production --probe

Exit codes: 0 nothing failed, 1 something failed, 2 wrong usage.";

/// `aapns doctor`
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct DoctorArgs {
    /// Send one push to a made-up device token, to see what the server says of the credential
    #[arg(long)]
    probe: bool,
    /// The app's bundle id: checked against the certificate, and used by --probe
    #[arg(long, value_name = "TOPIC")]
    topic: Option<Topic>,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(args: &DoctorArgs, console: Console) -> Outcome {
    let mut report = Report::new(console);
    let is_usable = credential::check(args, &mut report);
    super::block_on(super::or_signal(async {
        let is_reachable = network::check(&args.connect, &mut report).await;
        if !is_reachable {
            report.rest_not_checked(&network::CHECKS);
        }
        if !args.probe {
            report.not_checked("clock", "only an answer tells it; add --probe");
            report.not_checked(
                "probe",
                "no push was sent; add --probe to send one to a made-up device token",
            );
        } else if is_usable && is_reachable {
            probe::check(args, &mut report, console).await;
        } else {
            report.rest_not_checked(&["clock", "probe"]);
        }
        Ok(())
    }))?;
    Ok(if report.has_failed() {
        Exit::Failure
    } else {
        Exit::Success
    })
}
