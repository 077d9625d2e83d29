//! `aapns broadcast`: a Live Activity update to a channel.

use clap::Args;

use super::connect::ConnectArgs;

/// `aapns broadcast`
#[derive(Debug, Args)]
pub(crate) struct BroadcastArgs {
    /// The channel's id
    channel_id: String,
    /// The Live Activity's content state, a JSON object
    content_state: String,
    /// The app's bundle id
    #[arg(long, value_name = "BUNDLE_ID")]
    topic: String,
    /// End the Live Activity with this state
    #[arg(long)]
    end: bool,
    /// 10 at once, 5 outside the hourly budget
    #[arg(long, value_name = "10|5", default_value = "10")]
    priority: String,
    /// Until when Apple keeps it, in seconds since 1970; 0 = not at all
    #[arg(long, value_name = "SECONDS|0", default_value_t = 0)]
    expiration: u64,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(_args: &BroadcastArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns broadcast"))
}
