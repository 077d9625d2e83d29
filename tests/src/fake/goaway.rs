//! The ways in which a fake server says GOAWAY (FACTS §13.4): never an id below one that it may have processed.

use super::server::{Act, Context, Server};
use super::wire::{self, code};

/// The notice of a graceful shutdown (RFC 9113 §6.8): the exact id follows, or never.
pub(super) const TWO_STEPS: u32 = 0x7fff_ffff;

impl Server {
    pub(super) fn say_goaway(&mut self, in_two_steps: bool, leaves: bool, cx: &mut Context<'_>) {
        if in_two_steps && self.goaway.is_none() {
            wire::put_goaway(&mut self.out, TWO_STEPS, code::NO_ERROR, b"");
            let wait = cx.swarm.rng.millis(1, 2_000);
            let act = Act::GoAway {
                in_two_steps: false,
                leaves,
            };
            cx.later.push((cx.now + wait, act));
            return;
        }
        let highest = self.streams.highest();
        let decided = self.streams.highest_decided();
        let last = match cx.swarm.rng.below(10) {
            0..6 => decided,
            6..8 => highest,
            // Any id from the highest that may have been processed on is as true.
            _ => decided.max(u32::try_from(cx.swarm.rng.below(highest.into())).unwrap_or(0) | 1),
        };
        let last = self.goaway.map_or(last, |before| before.min(last));
        let debug: &[u8] = cx
            .swarm
            .rng
            .pick(&[
                b"".as_slice(),
                br#"{"reason":"Shutdown"}"#,
                br#"{"reason":"IdleTimeout","timestamp":1}"#,
                b"Maximum active streams violated for this endpoint.",
                br#"{"reas"#,
            ])
            .unwrap_or(b"");
        let code = cx
            .swarm
            .rng
            .pick(&[0, 0, 0, code::ENHANCE_YOUR_CALM, code::INTERNAL_ERROR])
            .unwrap_or(0);
        cx.trace.add(
            cx.now,
            "server {} says GOAWAY, last stream {}",
            &[self.id.into(), last.into()],
        );
        wire::put_goaway(&mut self.out, last, code, debug);
        if cx.swarm.rng.chance(200) {
            wire::put_goaway(&mut self.out, last, code, debug);
        }
        self.goaway = Some(last);
        self.streams.forget_above(last);
        if cx.swarm.rng.chance(200) {
            let act = Act::GoAway {
                in_two_steps: false,
                leaves,
            };
            let wait = cx.swarm.rng.millis(1, 500);
            cx.later.push((cx.now + wait, act));
        }
        if leaves {
            let soon = cx.swarm.rng.millis(0, 100);
            cx.later.push((cx.now + soon, Act::Leave));
        }
        self.leaves_when_empty = cx.swarm.rng.chance(500);
        self.leave_if_empty();
    }

    /// GOAWAY for a reason that is about the connection, and then leaves.
    pub(super) fn say_goaway_for(&mut self, reason: &str, last: u32) {
        let debug = format!(r#"{{"reason":"{reason}"}}"#);
        let last = self.goaway.map_or(last, |before| before.min(last));
        wire::put_goaway(&mut self.out, last, code::NO_ERROR, debug.as_bytes());
        self.goaway = Some(last);
        self.streams.forget_above(last);
        self.has_left = true;
    }

    pub(super) fn leave_if_empty(&mut self) {
        if self.goaway.is_some() && self.leaves_when_empty && self.streams.is_empty() {
            self.has_left = true;
        }
    }
}
