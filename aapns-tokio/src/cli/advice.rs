//! What to do about an answer that turned a request down.

use aapns_models::{Reason, Retry};

/// What would help, in a few words.
pub(crate) fn after(status: u16, reason: Option<&Reason>) -> &'static str {
    use Reason::{
        BadCertificate, BadCertificateEnvironment, BadDeviceToken, BadEnvironmentKeyIdInToken,
        BadTopic, ChannelNotRegistered, DeviceTokenNotForTopic, ExpiredProviderToken, ExpiredToken,
        FeatureNotEnabled, Forbidden, InvalidProviderToken, InvalidPushType, MissingProviderToken,
        MissingTopic, PayloadTooLarge, TooManyProviderTokenUpdates, TooManyRequests,
        TopicDisallowed, TopicMismatch, Unregistered,
    };
    match reason {
        Some(BadDeviceToken) => {
            "check that the device token is whole and of this environment: apps from Xcode belong to --server sandbox, those from TestFlight and the App Store to production"
        }
        Some(DeviceTokenNotForTopic) => {
            "the device token is another app's; give the bundle id of its app to --topic"
        }
        Some(MissingTopic) => "give the app's bundle id to --topic",
        Some(BadTopic | TopicDisallowed | TopicMismatch) => {
            "check --topic: the app's bundle id, and one that this key or certificate may push to"
        }
        Some(InvalidPushType) => "check --push-type, and that the payload is of that kind",
        Some(Unregistered | ExpiredToken) => {
            "the device token is dead: forget it, unless the app registered it again since"
        }
        Some(MissingProviderToken) => {
            "give --cert FILE, or --token-key FILE --key-id ID --team-id ID"
        }
        Some(InvalidProviderToken) => {
            "check that --token-key, --key-id and --team-id belong together, and that the key isn't revoked"
        }
        Some(ExpiredProviderToken) => "set this machine's clock, or bring a fresh token",
        Some(BadCertificateEnvironment | BadEnvironmentKeyIdInToken) => {
            "the credential is for the other environment: choose the other --server"
        }
        Some(BadCertificate | Forbidden) => {
            "the credential is not for this server or app; look at it with aapns doctor"
        }
        Some(TooManyProviderTokenUpdates) => {
            "provider tokens were made too often for this key; wait 20 minutes, and share one token"
        }
        Some(TooManyRequests) => "too many notifications for this device; wait, and send fewer",
        Some(PayloadTooLarge) => "make it shorter: 4096 octets at most, 5120 for VoIP",
        Some(ChannelNotRegistered) => {
            "there is no such channel in this environment; see aapns channels list"
        }
        Some(FeatureNotEnabled) => {
            "switch broadcasts on for the app id, at developer.apple.com under Identifiers"
        }
        _ => match Retry::classify(status, reason) {
            Retry::Wait | Retry::Connection => "try again later",
            Retry::ProviderToken => "bring a fresh token",
            _ => "change it before you send it again",
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_something_to_do_after_every_reason() {
        for reason in Reason::KNOWN {
            let status = reason.usual_status().unwrap_or(400);
            let advice = after(status, Some(reason));
            assert!(advice.len() > 10, "{reason}");
            // What passes by itself is waited for, and nothing else.
            if advice == "try again later" {
                assert!(reason.retry().is_some_and(Retry::is_automatic), "{reason}");
            }
        }
        assert_eq!(after(500, None), "try again later");
        assert_eq!(after(404, None), "change it before you send it again");
    }
}
