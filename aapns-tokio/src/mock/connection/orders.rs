//! What concerns the whole connection: GOAWAY, another limit, a cut, silence.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};

use super::{Connection, Later, Phase};
use crate::mock::goaway::Goaway;
use crate::mock::log::Event;
use crate::mock::scenario::Action;
use crate::mock::tap::lock;

/// A GOAWAY that waits for requests to leave unprocessed waits no longer.
const HOLD: Duration = Duration::from_millis(50);
/// RFC 9113 §6.8: the last-stream-id of a warning.
const ALL_STREAMS: u32 = 0x7fff_ffff;

impl<IO: AsyncRead + AsyncWrite + Unpin> Connection<IO> {
    /// Does what concerns the whole connection.
    pub(super) fn obey(&mut self, action: Action) {
        // A black hole says nothing more: it can only be cut.
        if self.silent && !matches!(action, Action::Cut) {
            return;
        }
        match action {
            Action::Goaway(goaway) => self.prepare_goaway(goaway),
            Action::Limit(limit) => {
                lock(&self.wire).announce(limit);
                self.shared.log.note(&Event::Limit {
                    connection: self.number,
                    max_concurrent_streams: limit,
                });
            }
            Action::Cut => {
                self.cut = true;
                self.fall_silent();
            }
            Action::Blackhole => {
                lock(&self.wire).go_silent();
                self.fall_silent();
                self.shared.log.note(&Event::Silent {
                    connection: self.number,
                });
            }
            _ => {}
        }
    }

    /// Answers on their way are lost, and those of requests to come.
    fn fall_silent(&mut self) {
        if !std::mem::replace(&mut self.silent, true) {
            let lost = self.owed_accepted + self.handed.lose();
            lock(&self.shared.ledger).counts.unanswered += lost;
        }
    }

    fn prepare_goaway(&mut self, goaway: Goaway) {
        if !matches!(self.phase, Phase::Open) {
            return;
        }
        if let Some(millis) = goaway.two_step_ms {
            self.send_goaway(ALL_STREAMS, &Goaway::default());
            let then = Goaway {
                two_step_ms: None,
                ..goaway
            };
            let order = Later::Order(Action::Goaway(then));
            self.timers.set(Duration::from_millis(millis), order);
            return;
        }
        let at_once = goaway.unprocessed == 0;
        self.phase = Phase::Holding(goaway.unprocessed, goaway);
        if at_once {
            self.say_goaway();
        } else {
            self.timers.set(HOLD, Later::Goaway);
        }
    }

    /// The last-stream-id is the highest that was processed: what is above provably wasn't.
    pub(super) fn say_goaway(&mut self) {
        // The timer comes after the last request that was waited for, as a rule: then it was said already.
        let Phase::Holding(_, goaway) = &mut self.phase else {
            return;
        };
        if self.silent {
            return;
        }
        let goaway = std::mem::take(goaway);
        self.phase = Phase::Gone {
            last: self.highest,
            linger: goaway.linger,
        };
        self.send_goaway(self.highest, &goaway);
    }

    fn send_goaway(&mut self, last: u32, goaway: &Goaway) {
        lock(&self.wire).go_away(last, goaway.code, &goaway.debug_data());
        lock(&self.shared.ledger).counts.goaways += 1;
        self.shared.log.note(&Event::Goaway {
            connection: self.number,
            last_stream_id: last,
        });
    }
}
