//! `aapns broadcast`: a Live Activity update to a channel.

use std::time::{SystemTime, UNIX_EPOCH};

use aapns_models::ndjson::Outcome as LineOutcome;
use aapns_models::{Broadcast, BundleId, ChannelId, InvalidNotification, Notification, Priority};
use aapns_proto::client::ndjson::Settlement;
use clap::Args;
use serde_json::Value;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::interruptible;
use super::exit::{Exit, Fault, Outcome};
use super::notification::{expiration, invalid};
use super::settlement::Told;
use crate::SendError;

/// `aapns broadcast`
#[derive(Debug, Args)]
pub(crate) struct BroadcastArgs {
    /// The channel's id
    channel_id: ChannelId,
    /// The Live Activity's content state, a JSON object
    content_state: String,
    /// The app's bundle id
    #[arg(long, value_name = "BUNDLE_ID")]
    topic: BundleId,
    /// End the Live Activity with this state
    #[arg(long)]
    end: bool,
    /// 10 at once, 5 outside the hourly budget
    #[arg(long, value_name = "10|5", default_value = "10")]
    priority: Priority,
    /// Until when Apple keeps it, in seconds since 1970; 0 = not at all
    #[arg(long, value_name = "SECONDS|0", default_value_t = 0)]
    expiration: u64,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(args: &BroadcastArgs, console: Console) -> Outcome {
    let state: Value = serde_json::from_str(&args.content_state).map_err(|error| {
        Fault::usage(format_args!(
            "CONTENT_STATE is not JSON: {error}; quote it for the shell: '{{\"score\": 1}}'"
        ))
    })?;
    let broadcast = broadcast(args, &state).map_err(|error| invalid(&error))?;
    broadcast.encode().map_err(|error| invalid(&error))?;
    let builder = args.connect.builder(args.connect.endpoint())?;
    let sent = super::block_on(async {
        let client = builder.connections(1, 1).build().map_err(Fault::usage)?;
        interruptible(client.pool(), client.broadcast(&broadcast), console).await
    })?;
    let (settlement, id) = match &sent.result {
        Ok(accepted) => (
            Settlement::delivered(accepted.attempts, accepted.possible_duplicate),
            Some(accepted.request_id),
        ),
        Err(SendError::Response(response)) => (Settlement::rejected(response), response.request_id),
        Err(error) => (
            Settlement::failed(error.failure(), error, sent.is_interrupted),
            None,
        ),
    };
    let id = id.map(|id| id.to_string());
    if console.json {
        console.result(settlement.json("request_id", id.as_deref()));
    }
    if settlement.outcome != LineOutcome::Delivered {
        return Err(settlement.fault());
    }
    if !console.json {
        console.result(id.unwrap_or_default());
    }
    Ok(Exit::Success)
}

fn broadcast(args: &BroadcastArgs, state: &Value) -> Result<Broadcast, InvalidNotification> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (app, channel) = (args.topic.clone(), args.channel_id.clone());
    let expiration = expiration(Some(args.expiration));
    Ok(if args.end {
        let end = Notification::live_activity_end(now, state)?;
        Broadcast::new(
            app,
            channel,
            end.priority(args.priority).expiration(expiration),
        )
    } else {
        let update = Notification::live_activity_update(now, state)?;
        Broadcast::new(
            app,
            channel,
            update.priority(args.priority).expiration(expiration),
        )
    })
}
