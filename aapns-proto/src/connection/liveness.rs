//! Whether the peer is still there: middleboxes drop idle connections silently.

use std::time::Duration;

use super::config::ConnectionConfig;
use crate::time::Time;

/// What was heard and when, and the PING that decides.
#[derive(Debug)]
pub(super) struct Liveness {
    /// When the last octets arrived.
    heard: Time,
    /// When the number of streams rose from 0.
    busy_since: Time,
    /// When the last request was answered, or otherwise settled by the peer.
    answered: Time,
    /// A little after the last ACK of a PING: the answers may be right behind it.
    patient_until: Time,
    ping: Option<Probe>,
    /// How many PINGs were sent: their opaque data.
    pings: u64,
    /// Idle for so long that the next use needs a PING first.
    pub(super) is_stale: bool,
}

/// A PING that was not acknowledged yet.
#[derive(Clone, Copy, Debug)]
struct Probe {
    due: Time,
    /// The driver came late once: what it had not read may hold the ACK.
    is_extended: bool,
}

/// What time says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Alive,
    /// Silence while streams are open: send a PING.
    Suspicious,
    /// The PING was not acknowledged.
    Dead,
}

/// A driver that comes later than this didn't read meanwhile; it gets as much to do so.
const LATE: Duration = Duration::from_millis(250);

impl Liveness {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            heard: now,
            busy_since: now,
            answered: now,
            patient_until: now,
            ping: None,
            pings: 0,
            is_stale: false,
        }
    }

    #[inline]
    pub(super) fn heard(&mut self, now: Time) {
        self.heard = now;
        self.is_stale = false;
    }

    #[inline]
    pub(super) fn answered(&mut self, now: Time) {
        self.answered = now;
    }

    #[inline]
    pub(super) fn became_busy(&mut self, now: Time) {
        self.busy_since = now;
    }

    /// A PING decides now whether the peer is alive.
    #[inline]
    pub(super) fn is_probing(&self) -> bool {
        self.ping.is_some()
    }

    /// The opaque data of a PING to be sent now.
    pub(super) fn probe(&mut self, now: Time, config: &ConnectionConfig) -> [u8; 8] {
        self.pings += 1;
        self.ping = Some(Probe {
            due: now + config.ping_timeout,
            is_extended: false,
        });
        self.pings.to_be_bytes()
    }

    /// Whether this acknowledges the PING that is out.
    pub(super) fn acknowledge(&mut self, now: Time, opaque: [u8; 8]) -> bool {
        if self.ping.is_none() || opaque != self.pings.to_be_bytes() {
            return false;
        }
        self.ping = None;
        self.patient_until = now + LATE;
        true
    }

    /// The next moment at which [`verdict`](Self::verdict) may change.
    pub(super) fn next(&self, config: &ConnectionConfig, is_busy: bool) -> Time {
        match (self.ping, is_busy) {
            (Some(ping), _) => ping.due,
            (None, true) => (self.silent_since() + config.ping_after).min(self.answer_due(config)),
            (None, false) if self.is_stale => Time::NEVER,
            (None, false) => self.heard + config.idle_ping_after,
        }
    }

    /// What time says, with streams open (busy) or not.
    pub(super) fn verdict(
        &mut self,
        now: Time,
        config: &ConnectionConfig,
        is_busy: bool,
    ) -> Verdict {
        if let Some(ping) = &mut self.ping {
            if now < ping.due {
                return Verdict::Alive;
            }
            if ping.is_extended || now <= ping.due + LATE {
                return Verdict::Dead;
            }
            *ping = Probe {
                due: now + LATE,
                is_extended: true,
            };
            return Verdict::Alive;
        }
        if is_busy && now >= self.silent_since() + config.ping_after {
            return Verdict::Suspicious;
        }
        self.note_idleness(now, config, is_busy);
        Verdict::Alive
    }

    /// After long idleness the next use needs a PING first.
    #[inline]
    pub(super) fn note_idleness(&mut self, now: Time, config: &ConnectionConfig, is_busy: bool) {
        self.is_stale |= !is_busy && now >= self.heard + config.idle_ping_after;
    }

    /// Whether the peer is there, and yet no stream was answered for too long.
    pub(super) fn is_stuck(&self, now: Time, config: &ConnectionConfig) -> bool {
        self.ping.is_none() && now >= self.answer_due(config)
    }

    fn silent_since(&self) -> Time {
        self.heard.max(self.busy_since)
    }

    /// When a request must have been answered; not before what came with a late ACK was read.
    fn answer_due(&self, config: &ConnectionConfig) -> Time {
        let since = self.answered.max(self.busy_since);
        (since + config.progress_timeout).max(self.patient_until)
    }
}
