//! `aapns send`: one notification from the command line.

use std::path::PathBuf;

use clap::Args;

use super::connect::ConnectArgs;
use super::notification::NotificationArgs;

/// `aapns send`
#[derive(Debug, Args)]
pub(crate) struct SendArgs {
    /// The device token, in hexadecimal
    #[arg(required_unless_present = "input", conflicts_with = "input")]
    device_token: Option<String>,
    #[command(flatten)]
    notification: NotificationArgs,
    /// The app's bundle id; with a certificate for one app it may be left out
    #[arg(long, value_name = "TOPIC")]
    topic: Option<String>,
    /// alert, background, voip …; the default suits what is sent
    #[arg(long, value_name = "TYPE")]
    push_type: Option<String>,
    /// 10 at once, 5 with the battery in mind, 1 with nothing else in mind
    #[arg(long, value_name = "10|5|1")]
    priority: Option<String>,
    /// Until when Apple keeps it for a device that is away, in seconds since 1970; 0 = not at all
    #[arg(long, value_name = "SECONDS|0")]
    expiration: Option<u64>,
    /// Notifications with the same id replace each other on the device; at most 64 octets
    #[arg(long, value_name = "ID")]
    collapse_id: Option<String>,
    /// The notification's own id, a UUID; made here if absent
    #[arg(long, value_name = "UUID")]
    apns_id: Option<String>,
    #[command(flatten)]
    bulk: super::bulk::BulkArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(_args: &SendArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns send"))
}
