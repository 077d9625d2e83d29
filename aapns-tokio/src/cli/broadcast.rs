//! `aapns broadcast`: a Live Activity update to a channel.

use std::time::{SystemTime, UNIX_EPOCH};

use aapns_models::ndjson::Outcome as LineOutcome;
use aapns_models::{
    Broadcast, BundleId, ChannelId, EncodedBroadcast, InvalidNotification, Notification, Priority,
};
use aapns_proto::{Fields, Head, InvalidField, Method, Request};
use clap::Args;
use serde_json::Value;

use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::exchange;
use super::exit::{Exit, Fault, Outcome};
use super::notification::{expiration, invalid};

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
    let encoded = encode(args, &state).map_err(|error| invalid(&error))?;
    let request = request(encoded).map_err(|error| {
        Fault::usage(format_args!(
            "the broadcast can't be sent: {error}; check its values"
        ))
    })?;
    let builder = args.connect.builder(args.connect.endpoint())?;
    let exchanged = super::runtime()?.block_on(exchange(builder, request, console))?;
    let settlement = exchanged.settlement();
    let id = exchanged
        .result
        .as_ref()
        .ok()
        .and_then(|answer| answer.response.fields.get("apns-request-id"))
        .and_then(|id| std::str::from_utf8(id).ok());
    if console.json {
        console.result(settlement.json("request_id", id));
    }
    if settlement.outcome != LineOutcome::Delivered {
        return Err(settlement.fault());
    }
    if !console.json {
        console.result(id.unwrap_or("accepted"));
    }
    Ok(Exit::Success)
}

fn encode(args: &BroadcastArgs, state: &Value) -> Result<EncodedBroadcast, InvalidNotification> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    let (app, channel) = (args.topic.clone(), args.channel_id.clone());
    let expiration = expiration(Some(args.expiration));
    let broadcast = if args.end {
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
    };
    broadcast.encode()
}

fn request(encoded: EncodedBroadcast) -> Result<Request, InvalidField> {
    let mut fields = Fields::new()
        .with("apns-channel-id", encoded.channel_id.as_str())?
        .with("apns-push-type", encoded.push_type.as_str())?;
    if let Some(seconds) = encoded.expiration.as_unix() {
        fields.push("apns-expiration", seconds.to_string())?;
    }
    if let Some(priority) = encoded.priority {
        fields.push("apns-priority", priority.as_str())?;
    }
    Request::new(
        Head::new(Method::POST, fields),
        encoded.path,
        encoded.payload,
    )
}
