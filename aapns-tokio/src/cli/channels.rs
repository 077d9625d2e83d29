//! `aapns channels`: broadcast channels of an app.

use clap::{Args, Subcommand, ValueEnum};

use super::connect::ConnectArgs;

/// `aapns channels`
#[derive(Debug, Args)]
pub(crate) struct ChannelsArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a channel, and print its id
    Create {
        /// What Apple keeps for devices that are away; can't be changed later
        #[arg(long, value_enum, default_value_t)]
        storage: Storage,
        #[command(flatten)]
        target: Target,
    },
    /// Print a channel's settings
    Read {
        /// The channel's id, as create printed it
        channel_id: String,
        #[command(flatten)]
        target: Target,
    },
    /// Delete a channel, for good
    Delete {
        /// The channel's id, as create printed it
        channel_id: String,
        #[command(flatten)]
        target: Target,
    },
    /// Print the ids of all channels
    List {
        #[command(flatten)]
        target: Target,
    },
}

/// `--storage`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Storage {
    /// Nothing; a higher budget
    #[default]
    None,
    /// The newest message, for up to 8 hours
    Newest,
}

#[derive(Debug, Args)]
struct Target {
    /// The app's bundle id
    #[arg(long, value_name = "BUNDLE_ID")]
    topic: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(_args: &ChannelsArgs, _console: super::Console) -> super::Outcome {
    Err(super::not_available("aapns channels"))
}
