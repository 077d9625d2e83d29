//! `aapns send`: one notification from the command line, or many from a file.

use std::path::Path;

use aapns_models::ndjson::{Defaults, InputLine, Outcome as LineOutcome};
use aapns_models::{ApnsId, CollapseId, DeviceToken, Priority, PushType, Topic};
use aapns_proto::Request;
use aapns_proto::client::ndjson::Requests;
use clap::Args;

use super::bulk::{self, BulkArgs};
use super::connect::ConnectArgs;
use super::console::Console;
use super::exchange::exchange;
use super::exit::{Exit, Fault, Outcome};
use super::notification::{NotificationArgs, expiration, invalid};
use super::settlement::Told;

/// What `aapns send --help` says after the flags.
const HELP: &str = r#"Examples:
  aapns send --cert client.pem 00fc13adff785122 "Your move" --title Chess --badge 1
  aapns send --token-key AuthKey_ABC123DEFG.p8 --key-id ABC123DEFG --team-id DEF123GHIJ \
      --topic com.example.app --input lines.ndjson --output results.ndjson

A line of --input:
  {"device_token": "00fc13adff785122", "payload": {"aps": {"alert": "Your move"}}}
  and, if wanted: apns_id, topic, push_type, priority, expiration, collapse_id.
  The flags of the same names are for lines that say nothing.

A line of --output, for each line of --input in order of completion:
  {"line": 1, "device_token": "…", "apns_id": "…", "unique_id": null, "outcome": "delivered",
   "status": 200, "reason": null, "timestamp": null, "attempts": 1, "possible_duplicate": false,
   "cause": null}

Outcomes:
  delivered      a final answer with status 200
  rejected       a final answer with another status; reason says why
  not_processed  no server can have processed it: safe to send again; cause says why
  unknown        it may have been processed; cause says why
  invalid        the line can't be a notification; reason says why

Ctrl-C ends a run of many in order: what was read gets its outcome within five seconds, and --resume
goes on from there.

Exit codes: 0 all delivered, 1 not all, 2 wrong usage or configuration, 3 interrupted."#;

/// `aapns send`
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct SendArgs {
    /// The device token, in hexadecimal
    #[arg(conflicts_with = "input")]
    device_token: Option<String>,
    #[command(flatten)]
    notification: NotificationArgs,
    /// The app's bundle id; with a certificate for one app it may be left out
    #[arg(long, value_name = "TOPIC")]
    topic: Option<Topic>,
    /// alert, background, voip …; the default suits what is sent
    #[arg(long, value_name = "TYPE")]
    push_type: Option<PushType>,
    /// 10 at once, 5 with the battery in mind, 1 with nothing else in mind
    #[arg(long, value_name = "10|5|1")]
    priority: Option<Priority>,
    /// Until when Apple keeps it for a device that is away, in seconds since 1970; 0 = not at all
    #[arg(long, value_name = "SECONDS|0")]
    expiration: Option<u64>,
    /// Notifications with the same id replace each other on the device; at most 64 octets
    #[arg(long, value_name = "ID")]
    collapse_id: Option<CollapseId>,
    /// The notification's own id, a UUID; made here if absent
    #[arg(long, value_name = "UUID")]
    apns_id: Option<ApnsId>,
    #[command(flatten)]
    bulk: BulkArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

pub(crate) fn run(args: &SendArgs, console: Console) -> Outcome {
    match (args.bulk.input(), &args.device_token) {
        (Some(input), _) => run_many(args, input, console),
        (None, Some(device_token)) => run_one(args, device_token, console),
        (None, None) => Err(Fault::usage(
            "nothing to send: give DEVICE_TOKEN and BODY, or --input FILE; see aapns send --help",
        )),
    }
}

fn run_many(args: &SendArgs, input: &Path, console: Console) -> Outcome {
    let mut defaults = Defaults::default();
    defaults.topic = args.topic.clone();
    defaults.push_type = args.push_type.clone();
    defaults.priority = args.priority;
    defaults.expiration = expiration(args.expiration);
    defaults.collapse_id = args.collapse_id.clone();
    bulk::run(&args.bulk, input, defaults, &args.connect, console)
}

fn run_one(args: &SendArgs, device_token: &str, console: Console) -> Outcome {
    args.bulk.check_one()?;
    // Not the flag's own parser: its error would quote the token.
    let device_token: DeviceToken = device_token.parse().map_err(|error| {
        Fault::usage(format_args!(
            "DEVICE_TOKEN: {error}; copy it as the app printed it"
        ))
    })?;
    let device_token = &device_token;
    let apns_id = args.apns_id.unwrap_or_else(ApnsId::random);
    let request = request(args, device_token, apns_id)?;
    let builder = args.connect.builder(args.connect.endpoint())?;
    let settlement = super::block_on(exchange(builder, request, console))?.settlement();
    if console.json {
        let mut line = Vec::new();
        settlement
            .line(1, Some(device_token.as_str()), Some(apns_id))
            .write(&mut line);
        console.result(String::from_utf8_lossy(&line).trim_end());
    }
    if settlement.outcome != LineOutcome::Delivered {
        return Err(settlement.fault());
    }
    if !console.json {
        console.result(apns_id);
    }
    Ok(Exit::Success)
}

/// The request of the one notification that the flags describe.
fn request(args: &SendArgs, device_token: &DeviceToken, apns_id: ApnsId) -> Result<Request, Fault> {
    let encoded = args
        .notification
        .build(args.push_type.clone())?
        .encode()
        .map_err(|error| invalid(&error))?;
    let push_type = encoded.push_type.unwrap_or(PushType::Alert);
    let topic = args
        .topic
        .as_ref()
        .map(|topic| topic.for_push_type(&push_type));
    let priority = checked_priority(&push_type, args.priority)?;
    let mut line = InputLine::new(device_token.as_str(), push_type, &encoded.payload);
    line.apns_id = Some(apns_id);
    line.topic = topic.as_ref().map(|topic| topic.as_str().into());
    line.priority = priority.or(encoded.priority);
    line.expiration = expiration(args.expiration);
    line.collapse_id = args.collapse_id.as_ref().map(|id| id.as_str().into());
    Requests::default().make(&line, apns_id).map_err(|error| {
        Fault::usage(format_args!(
            "the notification can't be sent: {error}; change it"
        ))
    })
}

fn checked_priority(
    push_type: &PushType,
    priority: Option<Priority>,
) -> Result<Option<Priority>, Fault> {
    match (push_type, priority) {
        (PushType::Background, Some(Priority::Immediate)) => Err(Fault::usage(
            "a background push can't have priority 10; give --priority 5 or leave it away",
        )),
        (_, priority) => Ok(priority),
    }
}
