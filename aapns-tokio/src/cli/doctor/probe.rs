//! One push to a device token that nobody has.

use std::time::Duration;

use aapns_models::{Alert, DeviceToken, Notification, Reason};
use aapns_proto::client::{PostOptions, SendError};

use super::DoctorArgs;
use super::report::Report;
use crate::Client;

/// The hash of nothing: no device has it.
const NOBODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const CHECK: &str = "probe";

pub(super) async fn check(args: &DoctorArgs, report: &mut Report) {
    match send(args).await {
        Ok(()) => report.ok(
            CHECK,
            "the server accepted a push to a made-up device token, as Apple's would not",
        ),
        Err(text) => match text {
            Answer::Accepted(text) => report.ok(CHECK, text),
            Answer::Refused(text, advice) => report.failed(CHECK, text, advice),
        },
    }
}

enum Answer {
    Accepted(String),
    Refused(String, &'static str),
}

async fn send(args: &DoctorArgs) -> Result<(), Answer> {
    let refused = |text: String| Answer::Refused(text, "mend what failed above first");
    let token: DeviceToken = NOBODY
        .parse()
        .map_err(|_| refused("the made-up token is none".to_owned()))?;
    let mut builder = args
        .connect
        .builder(args.connect.endpoint())
        .map_err(|fault| refused(fault.to_string()))?;
    if let Some(topic) = &args.topic {
        builder = builder.topic(topic.clone());
    }
    let client: Client = builder
        .connections(1, 1)
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let prepared = client
        .prepare(&Notification::alert(Alert::new().body("probe")))
        .map_err(|error| refused(error.to_string()))?;
    let options = PostOptions::new().timeout(Duration::from_secs(10));
    let result = client.send_prepared(&token, &prepared, None, options).await;
    client.close().await;
    match result {
        Ok(_) => Ok(()),
        Err(error) => Err(judge(&error)),
    }
}

/// What an answer says of the credential.
fn judge(error: &SendError) -> Answer {
    let text = error.to_string();
    match (error.status(), error.reason()) {
        (
            _,
            Some(Reason::BadDeviceToken | Reason::Unregistered | Reason::DeviceTokenNotForTopic),
        ) => Answer::Accepted(format!(
            "{text}: the server took the credential, and knows no such device, as it should"
        )),
        (_, Some(Reason::MissingTopic | Reason::BadTopic | Reason::TopicDisallowed)) => {
            Answer::Refused(text, "give the app's bundle id to --topic")
        }
        (_, Some(Reason::ExpiredProviderToken)) => {
            Answer::Refused(text, "check this machine's clock")
        }
        (_, Some(Reason::InvalidProviderToken)) => Answer::Refused(
            text,
            "check that the key, --key-id and --team-id belong together, and that the key isn't revoked",
        ),
        (Some(403), _) => Answer::Refused(text, "the credential is not for this server or app"),
        _ => Answer::Refused(text, "try again; then look at the reason"),
    }
}
