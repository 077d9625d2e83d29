//! `aapns simulator`: delivery to an iOS Simulator on this Mac.

use std::io::{ErrorKind, Write};
use std::process::{Command, Stdio};

use clap::Args;

use super::console::Console;
use super::exit::{Exit, Fault, Outcome, io_text};
use super::notification::{NotificationArgs, invalid};

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

pub(crate) fn run(args: &SimulatorArgs, console: Console) -> Outcome {
    // Both come before the payload on another program's command line: neither may look like a flag.
    for (name, value) in [("DEVICE_ID", &args.device_id), ("APP_ID", &args.app_id)] {
        if value.is_empty() || value.starts_with('-') {
            return Err(Fault::usage(format_args!(
                "{name} can't be {value:?}; give the id itself"
            )));
        }
    }
    let payload = args
        .notification
        .build(None)?
        .encode()
        .map_err(|error| invalid(&error))?
        .payload;
    push(&args.device_id, &args.app_id, &payload)?;
    if console.json {
        console.result(serde_json::json!({"device_id": args.device_id, "app_id": args.app_id, "outcome": "delivered"}));
    } else {
        console.note(format_args!(
            "Delivered to {} on {}.",
            args.app_id, args.device_id
        ));
    }
    Ok(Exit::Success)
}

fn push(device_id: &str, app_id: &str, payload: &[u8]) -> Result<(), Fault> {
    let mut child = Command::new("xcrun")
        .args(["simctl", "push", device_id, app_id, "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::usage(
                "xcrun was not found: simulators run on macOS with Xcode; install it, then: xcode-select --install",
            ),
            _ => Fault::usage(format_args!("can't start xcrun: {}; check Xcode's installation", io_text(&error))),
        })?;
    // A child that stops reading says why on its stderr; the broken pipe says nothing more.
    if let Some(mut stdin) = child.stdin.take() {
        let _ = stdin.write_all(payload);
    }
    let output = child.wait_with_output().map_err(|error| {
        Fault::failure(format_args!("lost xcrun: {}; try again", io_text(&error)))
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    Err(Fault::failure(format_args!(
        "xcrun simctl push failed: {}; see the devices with: xcrun simctl list devices booted",
        words.trim()
    )))
}
