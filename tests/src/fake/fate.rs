//! What becomes of a request: the swarm's choice, honest in what counts as processed.

use std::time::Duration;

use crate::rng::Rng;
use crate::swarm::{Kind, Swarm};

/// An answer that says no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct No {
    /// The status.
    pub status: u16,
    /// The reason; empty: no body.
    pub reason: &'static str,
    /// `retry-after`, in seconds.
    pub retry_after: Option<u32>,
}

impl No {
    /// An answer of this status and reason.
    pub const fn new(status: u16, reason: &'static str) -> Self {
        Self {
            status,
            reason,
            retry_after: None,
        }
    }
}

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Processed and answered.
    Accept,
    /// Answered with a no.
    Reject(No),
    /// REFUSED_STREAM; also STREAM_CLOSED after it, if so.
    Refuse {
        /// Whether a second RST_STREAM follows (FACTS §13.4).
        twice: bool,
    },
    /// RST_STREAM with another code.
    Reset {
        /// The code.
        code: u32,
        /// Whether the device showed it nonetheless.
        processed: bool,
    },
    /// Never answered.
    Forget {
        /// Whether the device showed it nonetheless.
        processed: bool,
    },
    /// Processed; the response's headers come, its end doesn't.
    CutShort,
    /// Processed; the response breaks RFC 9113 §8.
    Malform,
}

impl Fate {
    /// Whether the device shows the notification.
    pub fn is_processed(self) -> bool {
        match self {
            Self::Accept | Self::CutShort | Self::Malform => true,
            Self::Reset { processed, .. } | Self::Forget { processed } => processed,
            Self::Reject(_) | Self::Refuse { .. } => false,
        }
    }
}

/// What a server says to every request for a while.
pub(super) const SPELLS: [No; 6] = [
    No::new(403, "InvalidProviderToken"),
    No::new(403, "Forbidden"),
    No::new(403, "ExpiredProviderToken"),
    No::new(429, "TooManyRequests"),
    No::new(503, "ServiceUnavailable"),
    No::new(503, "Shutdown"),
];

/// Decides on a whole request.
pub fn choose(swarm: &mut Swarm) -> Fate {
    if swarm.strikes(Kind::Refused, 60) {
        let twice = swarm.rng.chance(500);
        return Fate::Refuse { twice };
    }
    if swarm.strikes(Kind::Reset, 40) {
        let code = swarm.rng.pick(&[1, 2, 5, 6, 8, 11, 13, 99]).unwrap_or(2);
        let processed = swarm.rng.chance(500);
        return Fate::Reset { code, processed };
    }
    if swarm.strikes(Kind::NoAnswer, 20) {
        let processed = swarm.rng.chance(500);
        return Fate::Forget { processed };
    }
    if swarm.strikes(Kind::CutAnswer, 30) {
        return Fate::CutShort;
    }
    if swarm.strikes(Kind::Malformed, 20) {
        return Fate::Malform;
    }
    no(swarm).map_or(Fate::Accept, Fate::Reject)
}

fn no(swarm: &mut Swarm) -> Option<No> {
    if swarm.strikes(Kind::TooMany, 50) {
        let retry_after = swarm.rng.chance(300).then_some(3);
        let no = No::new(429, "TooManyRequests");
        return Some(No { retry_after, ..no });
    }
    if swarm.strikes(Kind::ServerError, 50) {
        let errors = [
            No::new(500, "InternalServerError"),
            No::new(503, "ServiceUnavailable"),
            No::new(503, ""),
            No::new(500, "Surprise"),
        ];
        let retry_after = swarm.rng.chance(200).then_some(2);
        return swarm.rng.pick(&errors).map(|no| No { retry_after, ..no });
    }
    if swarm.strikes(Kind::Shutdown, 30) {
        return Some(No::new(503, "Shutdown"));
    }
    if swarm.strikes(Kind::Forbidden, 20) {
        let answers = [
            No::new(403, "InvalidProviderToken"),
            No::new(403, "BadCertificateEnvironment"),
            No::new(403, ""),
        ];
        return swarm.rng.pick(&answers);
    }
    if swarm.strikes(Kind::Misdirected, 20) {
        return Some(No::new(421, ""));
    }
    if swarm.strikes(Kind::Rejected, 60) {
        let answers = [
            No::new(400, "BadDeviceToken"),
            No::new(410, "Unregistered"),
            No::new(400, "DeviceTokenNotForTopic"),
            No::new(413, "PayloadTooLarge"),
            No::new(418, ""),
        ];
        return swarm.rng.pick(&answers);
    }
    None
}

/// How long the answer takes.
pub fn delay(swarm: &mut Swarm, rng: &mut Rng, usual: (u64, u64)) -> Duration {
    if swarm.strikes(Kind::LateAnswer, 20) {
        return swarm.rng.millis(1_000, 40_000);
    }
    rng.micros(usual.0, usual.1)
}
