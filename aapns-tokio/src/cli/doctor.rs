//! `aapns doctor`: what can go wrong before the first push.

use clap::Args;

use super::connect::ConnectArgs;

/// `aapns doctor`
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Send one push to a made-up device token, to see what the server says of the credential
    #[arg(long)]
    probe: bool,
    /// The app's bundle id, for --probe
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(_args: &DoctorArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns doctor"))
}
