//! Why Apple's servers turn a request down.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Defines the enum and both directions from one table: variant, status, spellings, what it means.
macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $text:literal $(| $also:literal)*, $status:literal, $retry:ident;)*) => {
        /// The reason in the body of an answer, or in a GOAWAY's debug data: the strings of Apple's
        /// pages "Handling notification responses from APNs" and "Handling error responses from
        /// APNs" (broadcast), and of the field.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[$doc])* $variant,)*
            /// A reason that this version doesn't know, as the server spelled it.
            Other(String),
        }

        impl Reason {
            /// Every reason known to this version.
            pub const KNOWN: &'static [Self] = &[$(Self::$variant),*];

            /// The reason as Apple spells it.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }

            /// The status that comes with it, as documented; `None` for [`Other`](Self::Other).
            pub const fn usual_status(&self) -> Option<u16> {
                match self {
                    $(Self::$variant => Some($status),)*
                    Self::Other(_) => None,
                }
            }

            /// What would make the same request succeed; `None` for [`Other`](Self::Other), which
            /// only its status can tell: see [`Retry::classify`].
            pub const fn retry(&self) -> Option<Retry> {
                match self {
                    $(Self::$variant => Some(Retry::$retry),)*
                    Self::Other(_) => None,
                }
            }
        }

        impl From<&str> for Reason {
            fn from(text: &str) -> Self {
                match text {
                    $($text $(| $also)* => Self::$variant,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

reasons! {
    /// `apns-collapse-id` is over 64 octets.
    BadCollapseId = "BadCollapseId", 400, Fix;
    /// The device token is malformed, or belongs to the other environment.
    BadDeviceToken = "BadDeviceToken", 400, No;
    /// `apns-expiration` is wrong; for a broadcast also: not 0 on a channel that stores nothing.
    BadExpirationDate = "BadExpirationDate", 400, Fix;
    /// `apns-id` is no canonical UUID.
    BadMessageId = "BadMessageId", 400, Fix;
    /// `apns-priority` is wrong.
    BadPriority = "BadPriority", 400, Fix;
    /// `apns-topic` is wrong.
    BadTopic = "BadTopic", 400, Fix;
    /// The device token belongs to another topic.
    DeviceTokenNotForTopic = "DeviceTokenNotForTopic", 400, No;
    /// A field was sent twice.
    DuplicateHeaders = "DuplicateHeaders", 400, Fix;
    /// The connection was idle for too long.
    IdleTimeout = "IdleTimeout", 400, Connection;
    /// `apns-push-type` is wrong; on a channel: not `LiveActivity`.
    InvalidPushType = "InvalidPushType", 400, Fix;
    /// The path has no device token.
    MissingDeviceToken = "MissingDeviceToken", 400, Fix;
    /// `apns-topic` is needed and absent.
    MissingTopic = "MissingTopic", 400, Fix;
    /// The request has no body.
    PayloadEmpty = "PayloadEmpty", 400, Fix;
    /// The key or certificate may not push to this topic; for a broadcast: a suffix on the bundle id.
    TopicDisallowed = "TopicDisallowed", 400, Fix;
    /// The certificate is invalid.
    BadCertificate = "BadCertificate", 403, Fix;
    /// The certificate is for the other environment.
    BadCertificateEnvironment = "BadCertificateEnvironment", 403, Fix;
    /// The provider token is over an hour old: mint a new one.
    ExpiredProviderToken = "ExpiredProviderToken", 403, ProviderToken;
    /// The action is not allowed.
    Forbidden = "Forbidden", 403, No;
    /// The provider token or its signature is invalid, or its key was revoked.
    InvalidProviderToken = "InvalidProviderToken", 403, Fix;
    /// Neither a certificate nor a provider token was given.
    MissingProviderToken = "MissingProviderToken", 403, Fix;
    /// The token's key is unrelated to the first key used on this connection.
    UnrelatedKeyIdInToken = "UnrelatedKeyIdInToken", 403, Connection;
    /// The token's key is for the other environment. On the wire also `BadEnvironmentKeyInToken`.
    BadEnvironmentKeyIdInToken = "BadEnvironmentKeyIdInToken" | "BadEnvironmentKeyInToken", 403, Fix;
    /// The path is wrong.
    BadPath = "BadPath", 404, Fix;
    /// The method is not the one for this path.
    MethodNotAllowed = "MethodNotAllowed", 405, Fix;
    /// The device token has expired.
    ExpiredToken = "ExpiredToken", 410, No;
    /// The device token is no longer active for the topic.
    Unregistered = "Unregistered", 410, No;
    /// The payload is over 4096 octets (5120 for VoIP and broadcasts).
    PayloadTooLarge = "PayloadTooLarge", 413, No;
    /// The provider token changed more often than every 20 minutes: keep the old one.
    TooManyProviderTokenUpdates = "TooManyProviderTokenUpdates", 429, Wait;
    /// Too many requests in a row for one device token; on broadcasts and channels: at all.
    TooManyRequests = "TooManyRequests", 429, Wait;
    /// An error inside Apple's servers.
    InternalServerError = "InternalServerError" | "Internal Server Error", 500, Wait;
    /// The service is unavailable. Apple's broadcast page spells it with a space.
    ServiceUnavailable = "ServiceUnavailable" | "Service Unavailable", 503, Wait;
    /// This server is going down; another will do.
    Shutdown = "Shutdown", 503, Connection;
    /// The app id hasn't the broadcast capability.
    FeatureNotEnabled = "FeatureNotEnabled", 400, Fix;
    /// `apns-channel-id` is needed and absent.
    MissingChannelId = "MissingChannelId", 400, Fix;
    /// `apns-channel-id` is not base64, or too long.
    BadChannelId = "BadChannelId", 400, Fix;
    /// The channel is unknown in this environment: forget it.
    ChannelNotRegistered = "ChannelNotRegistered", 400, No;
    /// The body has an attribute that the service doesn't know.
    BadRequestParams = "BadRequestParams", 400, Fix;
    /// The body is no JSON.
    BadRequestPayload = "BadRequestPayload", 400, Fix;
    /// The push type is needed and absent.
    MissingPushType = "MissingPushType", 400, Fix;
    /// The app has as many channels as it may have: delete some.
    CannotCreateChannelConfig = "CannotCreateChannelConfig", 400, Fix;
    /// The storage policy is absent or invalid (undocumented).
    MissingChannelQueueSize = "MissingChannelQueueSize", 400, Fix;
    /// The path's bundle id isn't covered by the key or certificate.
    TopicMismatch = "TopicMismatch", 403, Fix;
}

impl Reason {
    /// Whether the device token is dead: `ExpiredToken` or `Unregistered`, the two of status 410.
    ///
    /// Forget it, unless it was registered anew after the [`timestamp`](crate::ErrorBody::timestamp).
    pub const fn is_device_token_dead(&self) -> bool {
        matches!(self, Self::ExpiredToken | Self::Unregistered)
    }

    /// Whether it says that the certificate or key itself is no good here, so that every request
    /// with it will end the same way.
    pub const fn is_credential_fault(&self) -> bool {
        matches!(
            self,
            Self::BadCertificate
                | Self::BadCertificateEnvironment
                | Self::BadEnvironmentKeyIdInToken
                | Self::Forbidden
                | Self::InvalidProviderToken
                | Self::MissingProviderToken
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Reason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Ok(Self::from(&*text))
    }
}

/// What would make a request that was turned down succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Retry {
    /// Nothing: never send it again as it is.
    No,
    /// A change of the configuration or of the request.
    Fix,
    /// Time: the same request, later.
    Wait,
    /// Another connection, at once.
    Connection,
    /// A new provider token.
    ProviderToken,
}

impl Retry {
    /// By the reason, or by the status where there is none that is known.
    pub const fn classify(status: u16, reason: Option<&Reason>) -> Self {
        let by_reason = match reason {
            Some(reason) => reason.retry(),
            None => None,
        };
        match (by_reason, status) {
            (Some(retry), _) => retry,
            (None, 429 | 500..=599) => Self::Wait,
            // Misdirected: this connection isn't for that authority (RFC 9110 §15.5.20).
            (None, 421) => Self::Connection,
            (None, 410 | 413) => Self::No,
            (None, _) => Self::Fix,
        }
    }

    /// Whether the same request may be sent again without anybody changing anything.
    ///
    /// Not the same as an error's `is_retryable`: a client has renewed its provider token before it tells.
    pub const fn is_automatic(self) -> bool {
        matches!(self, Self::Wait | Self::Connection | Self::ProviderToken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_reason_round_trips() {
        assert_eq!(Reason::KNOWN.len(), 42);
        for reason in Reason::KNOWN {
            assert_eq!(&Reason::from(reason.as_str()), reason);
            assert!(!matches!(reason, Reason::Other(_)));
        }
    }

    /// Apple's tables, row by row: "Handling notification responses from APNs" and, from
    /// `FeatureNotEnabled` on, "Handling error responses from APNs".
    const ROWS: [(u16, &str, Retry); 42] = {
        use Retry::{Connection, Fix, No, ProviderToken, Wait};
        [
            (400, "BadCollapseId", Fix),
            (400, "BadDeviceToken", No),
            (400, "BadExpirationDate", Fix),
            (400, "BadMessageId", Fix),
            (400, "BadPriority", Fix),
            (400, "BadTopic", Fix),
            (400, "DeviceTokenNotForTopic", No),
            (400, "DuplicateHeaders", Fix),
            (400, "IdleTimeout", Connection),
            (400, "InvalidPushType", Fix),
            (400, "MissingDeviceToken", Fix),
            (400, "MissingTopic", Fix),
            (400, "PayloadEmpty", Fix),
            (400, "TopicDisallowed", Fix),
            (403, "BadCertificate", Fix),
            (403, "BadCertificateEnvironment", Fix),
            (403, "ExpiredProviderToken", ProviderToken),
            (403, "Forbidden", No),
            (403, "InvalidProviderToken", Fix),
            (403, "MissingProviderToken", Fix),
            (403, "UnrelatedKeyIdInToken", Connection),
            (403, "BadEnvironmentKeyIdInToken", Fix),
            (404, "BadPath", Fix),
            (405, "MethodNotAllowed", Fix),
            (410, "ExpiredToken", No),
            (410, "Unregistered", No),
            (413, "PayloadTooLarge", No),
            (429, "TooManyProviderTokenUpdates", Wait),
            (429, "TooManyRequests", Wait),
            (500, "InternalServerError", Wait),
            (503, "ServiceUnavailable", Wait),
            (503, "Shutdown", Connection),
            (400, "FeatureNotEnabled", Fix),
            (400, "MissingChannelId", Fix),
            (400, "BadChannelId", Fix),
            (400, "ChannelNotRegistered", No),
            (400, "BadRequestParams", Fix),
            (400, "BadRequestPayload", Fix),
            (400, "MissingPushType", Fix),
            (400, "CannotCreateChannelConfig", Fix),
            (400, "MissingChannelQueueSize", Fix),
            (403, "TopicMismatch", Fix),
        ]
    };

    #[test]
    fn every_row_of_apples_tables_is_known_with_its_status_and_remedy() {
        for (status, text, retry) in ROWS {
            let reason = Reason::from(text);
            assert!(Reason::KNOWN.contains(&reason), "{text}");
            assert_eq!(reason.usual_status(), Some(status), "{text}");
            assert_eq!(Retry::classify(status, Some(&reason)), retry, "{text}");
        }
    }

    #[test]
    fn other_spellings_of_a_reason_are_the_same_reason() {
        let environment = Reason::BadEnvironmentKeyIdInToken;
        assert_eq!(Reason::from("BadEnvironmentKeyInToken"), environment);
        assert_eq!(Reason::from("BadEnvironmentKeyIdInToken"), environment);
        assert_eq!(
            Reason::from("Service Unavailable"),
            Reason::ServiceUnavailable
        );
    }

    #[test]
    fn an_unknown_reason_is_kept_as_it_is_spelled() {
        let reason = Reason::from("TeapotShort&Stout");
        assert_eq!(reason, Reason::Other("TeapotShort&Stout".to_owned()));
        assert_eq!(reason.to_string(), "TeapotShort&Stout");
    }

    #[test]
    fn apples_six_are_never_sent_again_as_they_are() {
        for text in [
            "BadDeviceToken",
            "DeviceTokenNotForTopic",
            "Forbidden",
            "ExpiredToken",
            "Unregistered",
            "PayloadTooLarge",
        ] {
            assert_eq!(Reason::from(text).retry(), Some(Retry::No), "{text}");
        }
    }

    #[test]
    fn an_unknown_reason_is_classified_by_its_status() {
        let other = Reason::Other("New".to_owned());
        for (status, retry) in [
            (400, Retry::Fix),
            (403, Retry::Fix),
            (410, Retry::No),
            (421, Retry::Connection),
            (429, Retry::Wait),
            (500, Retry::Wait),
            (503, Retry::Wait),
        ] {
            assert_eq!(Retry::classify(status, Some(&other)), retry, "{status}");
            assert_eq!(Retry::classify(status, None), retry, "{status}");
        }
        assert_eq!(
            Retry::classify(503, Some(&Reason::Shutdown)),
            Retry::Connection
        );
    }

    #[test]
    fn only_the_two_reasons_of_410_mean_a_dead_device_token() {
        for reason in Reason::KNOWN {
            let is_410 = reason.usual_status() == Some(410);
            assert_eq!(reason.is_device_token_dead(), is_410, "{reason}");
        }
    }
}
