//! One push to a device token that nobody has.

use aapns_models::ndjson::InputLine;
use aapns_models::{ApnsId, Expiration, PushType, Reason};
use aapns_proto::client::Answer;
use aapns_proto::client::ndjson::Requests;

use super::report::Report;
use super::{DoctorArgs, clock};
use crate::cli::advice;
use crate::cli::console::Console;
use crate::cli::exchange::exchange;
use crate::cli::exit::Fault;

/// The hash of nothing: no device has it.
const NOBODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CHECK: &str = "probe";

pub(super) async fn check(args: &DoctorArgs, report: &mut Report, console: Console) {
    match send(args, console).await {
        Ok(answer) => {
            clock::check(&answer, report);
            judge(&answer, report);
        }
        Err(fault) => {
            report.not_checked("clock", "there was no answer");
            report.failed(CHECK, fault, "mend what failed above first, then try again");
        }
    }
}

async fn send(args: &DoctorArgs, console: Console) -> Result<Answer, Fault> {
    let payload = br#"{"aps":{"alert":"probe"}}"#;
    let mut line = InputLine::new(NOBODY, PushType::Alert, payload);
    line.topic = args.topic.as_ref().map(|topic| topic.as_str().into());
    line.expiration = Expiration::Immediately;
    let request = Requests::default()
        .make(&line, ApnsId::random())
        .map_err(Fault::usage)?;
    let builder = args.connect.builder(args.connect.endpoint())?;
    exchange(builder, request, console)
        .await?
        .result
        .map_err(Fault::failure)
}

/// What an answer says of the credential.
fn judge(answer: &Answer, report: &mut Report) {
    let reason = answer.reason();
    let said = match &reason {
        Some(reason) => format!("{} {reason}", answer.status()),
        None => answer.status().to_string(),
    };
    match (answer.status(), &reason) {
        (200, _) => report.ok(
            CHECK,
            "accepted, though the device token is made up: this is not Apple's server",
        ),
        (
            _,
            Some(Reason::BadDeviceToken | Reason::Unregistered | Reason::DeviceTokenNotForTopic),
        ) => report.ok(
            CHECK,
            format_args!(
                "{said}: the credential is good, and nobody has this device token, as it should be"
            ),
        ),
        (status, _) => report.failed(CHECK, said, advice::after(status, reason.as_ref())),
    }
}
