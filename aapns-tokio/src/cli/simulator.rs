//! `aapns simulator`: delivery to an iOS Simulator on this Mac.

use clap::Args;

use super::notification::NotificationArgs;

/// `aapns simulator`
#[derive(Debug, Args)]
pub(crate) struct SimulatorArgs {
    /// The simulator's device id, or booted for the one that runs
    device_id: String,
    /// The app's bundle id
    app_id: String,
    #[command(flatten)]
    notification: NotificationArgs,
}

pub(crate) fn run(_args: &SimulatorArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns simulator"))
}
