//! `aapns channels`: broadcast channels of an app.

use aapns_models::ndjson::Outcome as LineOutcome;
use aapns_models::{BundleId, ChannelConfig, ChannelId, InvalidAnswer, StoragePolicy};
use aapns_proto::client::ndjson::Settlement;
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::interruptible;
use super::exit::{Exit, Fault, Outcome};
use super::settlement::Told;
use crate::{ChannelError, Channels};

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
        channel_id: ChannelId,
        #[command(flatten)]
        target: Target,
    },
    /// Delete a channel, for good
    Delete {
        /// The channel's id, as create printed it
        channel_id: ChannelId,
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
    topic: BundleId,
    #[command(flatten)]
    connect: ConnectArgs,
}

impl From<Storage> for StoragePolicy {
    fn from(storage: Storage) -> Self {
        match storage {
            Storage::None => Self::NoStorage,
            Storage::Newest => Self::MostRecent,
        }
    }
}

pub(crate) fn run(args: &ChannelsArgs, console: Console) -> Outcome {
    match &args.action {
        Action::Create { storage, target } => create(*storage, target, console),
        Action::Read { channel_id, target } => read(channel_id, target, console),
        Action::Delete { channel_id, target } => delete(channel_id, target, console),
        Action::List { target } => list(target, console),
    }
}

fn create(storage: Storage, target: &Target, console: Console) -> Outcome {
    let config = ChannelConfig::new(storage.into());
    let id = ask(target, console, async |channels| {
        channels.create(&target.topic, config).await
    })?;
    if console.json {
        console.result(json!({"channel_id": id.as_str()}));
    } else {
        console.result(id);
    }
    Ok(Exit::Success)
}

fn read(channel_id: &ChannelId, target: &Target, console: Console) -> Outcome {
    let config = ask(target, console, async |channels| {
        channels.read(&target.topic, channel_id).await
    })?;
    let storage = match config.storage {
        StoragePolicy::NoStorage => "none",
        StoragePolicy::MostRecent => "newest",
        _ => "other",
    };
    if console.json {
        console.result(json!({"channel_id": channel_id.as_str(), "storage": storage}));
    } else {
        console.result(format_args!("storage: {storage}"));
    }
    Ok(Exit::Success)
}

fn delete(channel_id: &ChannelId, target: &Target, console: Console) -> Outcome {
    ask(target, console, async |channels| {
        channels.delete(&target.topic, channel_id).await
    })?;
    if console.json {
        console.result(json!({"channel_id": channel_id.as_str(), "deleted": true}));
    } else {
        console.note(format_args!("Deleted {channel_id}."));
    }
    Ok(Exit::Success)
}

fn list(target: &Target, console: Console) -> Outcome {
    let list = ask(target, console, async |channels| {
        channels.list(&target.topic).await
    })?;
    let ids: Vec<&str> = list.iter().map(ChannelId::as_str).collect();
    if console.json {
        console.result(json!({"channels": ids}));
    } else {
        for id in ids {
            console.result(id);
        }
    }
    Ok(Exit::Success)
}

/// Asks where channels are managed; a signal ends it.
fn ask<T>(
    target: &Target,
    console: Console,
    question: impl AsyncFnOnce(&Channels) -> Result<T, ChannelError>,
) -> Result<T, Fault> {
    let endpoint = target.connect.endpoint().for_channels();
    let builder = target.connect.builder(endpoint)?;
    super::block_on(async {
        let channels = builder.connections(1, 1).channels().map_err(Fault::usage)?;
        let asked = interruptible(channels.pool(), question(&channels), console).await?;
        asked.result.map_err(|error| {
            let settlement = settlement(&error, asked.is_interrupted);
            if console.json {
                let id = error.response().and_then(|response| response.request_id);
                let id = id.map(|id| id.to_string());
                console.result(settlement.json("request_id", id.as_deref()));
            }
            fault(&error, &settlement)
        })
    })
}

/// What became of a request that failed.
fn settlement(error: &ChannelError, is_interrupted: bool) -> Settlement {
    match error {
        ChannelError::Response(response) => Settlement::rejected(response),
        ChannelError::Post(error) => Settlement::failed(error.failure(), error, is_interrupted),
        // The server did it, and what it said of it is lost.
        ChannelError::Unreadable(_) | ChannelError::Truncated => {
            let mut settlement = Settlement::unsent(LineOutcome::Unknown, error.to_string());
            settlement.attempts = 1;
            settlement
        }
        _ => Settlement::unsent(LineOutcome::NotProcessed, error.to_string()),
    }
}

fn fault(error: &ChannelError, settlement: &Settlement) -> Fault {
    match error {
        ChannelError::Invalid(_) => Fault::usage(format_args!("{error}; check it")),
        ChannelError::Certificate(_) => Fault::usage(error),
        ChannelError::Response(_) | ChannelError::Post(_) => settlement.fault(),
        ChannelError::Unreadable(InvalidAnswer::ChannelId) => {
            Fault::failure(format_args!("{error}; see aapns channels list"))
        }
        error => Fault::failure(format_args!("{error}; check --server")),
    }
}
