//! `aapns channels`: broadcast channels of an app.

use aapns_models::{BundleId, ChannelConfig, ChannelId, ChannelList, StoragePolicy};
use aapns_proto::client::Answer;
use aapns_proto::{Fields, Head, InvalidField, Method, Policy, Request};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::exchange;
use super::exit::{Exit, Fault, Outcome};

/// A list of 10,000 ids has some hundred kilobytes.
const LIST_LIMIT: u32 = 1024 * 1024;

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
    let path = ChannelConfig::path(&target.topic);
    let body = ChannelConfig {
        storage: storage.into(),
    }
    .encode();
    let answer = ask(target, request(Method::POST, path, None, body), console)?;
    let id = answer
        .response
        .fields
        .get("apns-channel-id")
        .and_then(|id| std::str::from_utf8(id).ok())
        .ok_or_else(|| {
            Fault::failure(
                "the channel was made, but the answer doesn't name it; see aapns channels list",
            )
        })?;
    if console.json {
        console.result(json!({"channel_id": id}));
    } else {
        console.result(id);
    }
    Ok(Exit::Success)
}

fn read(channel_id: &ChannelId, target: &Target, console: Console) -> Outcome {
    let path = ChannelConfig::path(&target.topic);
    let answer = ask(
        target,
        request(Method::GET, path, Some(channel_id), Vec::new()),
        console,
    )?;
    let config = ChannelConfig::parse(&answer.response.body).map_err(odd_answer)?;
    let storage = match config.storage {
        StoragePolicy::NoStorage => "none",
        StoragePolicy::MostRecent => "newest",
    };
    if console.json {
        console.result(json!({"channel_id": channel_id.as_str(), "storage": storage}));
    } else {
        console.result(format_args!("storage: {storage}"));
    }
    Ok(Exit::Success)
}

fn delete(channel_id: &ChannelId, target: &Target, console: Console) -> Outcome {
    let path = ChannelConfig::path(&target.topic);
    ask(
        target,
        request(Method::DELETE, path, Some(channel_id), Vec::new()),
        console,
    )?;
    if console.json {
        console.result(json!({"channel_id": channel_id.as_str(), "deleted": true}));
    } else {
        console.note(format_args!("Deleted {channel_id}."));
    }
    Ok(Exit::Success)
}

fn list(target: &Target, console: Console) -> Outcome {
    let path = ChannelList::path(&target.topic);
    let request = request(Method::GET, path, None, Vec::new());
    let answer = ask(
        target,
        request.map(|request| request.response_limit(LIST_LIMIT)),
        console,
    )?;
    let list = ChannelList::parse(&answer.response.body).map_err(odd_answer)?;
    let ids: Vec<&str> = list.channels.iter().map(ChannelId::as_str).collect();
    if console.json {
        console.result(json!({"channels": ids}));
    } else {
        for id in ids {
            console.result(id);
        }
    }
    Ok(Exit::Success)
}

/// Sends a request to where channels are managed.
fn ask(
    target: &Target,
    request: Result<Request, InvalidField>,
    console: Console,
) -> Result<Answer, Fault> {
    let request = request.map_err(|error| {
        Fault::usage(format_args!(
            "the request can't be sent: {error}; check --topic and the channel's id"
        ))
    })?;
    let mut builder = target.connect.builder(target.connect.channels_endpoint())?;
    if *request.head().method() == Method::POST {
        // Sent twice, it would make two channels, and one of them nobody would know.
        builder = builder.policy(Policy::AtMostOnce);
    }
    super::runtime()?
        .block_on(exchange(builder, request, console))?
        .success()
}

fn request(
    method: Method,
    path: String,
    channel_id: Option<&ChannelId>,
    body: Vec<u8>,
) -> Result<Request, InvalidField> {
    let request = Request::new(Head::new(method, Fields::new()), path, body)?;
    match channel_id {
        Some(id) => request.field("apns-channel-id", id.as_str()),
        None => Ok(request),
    }
}

fn odd_answer(error: aapns_models::InvalidAnswer) -> Fault {
    Fault::failure(format_args!("{error}; check --server"))
}
