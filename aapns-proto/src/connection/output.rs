//! Octets on their way to the transport.
//!
//! What was lent counts as sent, for a TLS writer that fails forgets how much went out. A position
//! is an octet's place in the whole output since the beginning, so it stays true while octets in
//! front of it are freed; only control frames that jump the queue move what isn't lent, and they
//! do so in the moment in which everything is lent.

use crate::frame::flags;
use crate::limits::{OUTPUT_LIMIT, OUTPUT_ROOM};

#[derive(Debug)]
pub(super) struct Output {
    /// Written and freed, lent, not lent, in this order.
    octets: Vec<u8>,
    /// Where the octets begin that the transport hasn't taken.
    head: usize,
    /// Where the octets begin that were never lent.
    lent: usize,
    /// The position of `octets[0]`.
    base: u64,
    /// Control frames that go ahead of everything not lent.
    urgent: Vec<u8>,
    /// The length of the connection preface: nothing goes ahead of it.
    preface: usize,
}

/// Not (yet) part of the output.
pub(super) const NOWHERE: u64 = u64::MAX;

/// Freed octets in front that are worth moving the rest for.
const COMPACT: usize = 64 * 1024;

impl Output {
    pub(super) fn new(preface: Vec<u8>) -> Self {
        Self {
            preface: preface.len(),
            octets: preface,
            head: 0,
            lent: 0,
            base: 0,
            urgent: Vec::new(),
        }
    }

    /// Where whole frames are appended.
    pub(super) fn frames(&mut self) -> &mut Vec<u8> {
        &mut self.octets
    }

    /// Where control frames are appended that don't wait for requests.
    pub(super) fn urgent(&mut self) -> &mut Vec<u8> {
        &mut self.urgent
    }

    /// The position of the next octet of [`frames`](Self::frames).
    pub(super) fn position(&self) -> u64 {
        self.base + self.octets.len() as u64
    }

    pub(super) fn is_lent(&self, position: u64) -> bool {
        position < self.base + self.lent as u64
    }

    /// Octets that more requests may add.
    pub(super) fn room(&self) -> usize {
        OUTPUT_ROOM.saturating_sub(self.pending())
    }

    /// The peer makes us answer more than it reads.
    pub(super) fn is_overrun(&self) -> bool {
        self.pending() > OUTPUT_LIMIT
    }

    pub(super) fn is_empty(&self) -> bool {
        self.pending() == 0
    }

    fn pending(&self) -> usize {
        self.octets.len() - self.head + self.urgent.len()
    }

    /// Takes END_STREAM off a frame that was not lent: the request never ends.
    pub(super) fn take_end_back(&mut self, frame: u64) {
        const FLAGS: usize = 4;
        if frame == NOWHERE || self.is_lent(frame) {
            return;
        }
        let at = usize::try_from(frame.saturating_sub(self.base)).unwrap_or(usize::MAX);
        if let Some(octet) = self.octets.get_mut(at.saturating_add(FLAGS)) {
            *octet &= !flags::END_STREAM;
        }
    }

    /// Lends all that is pending.
    pub(super) fn lend(&mut self) -> &[u8] {
        if !self.urgent.is_empty() {
            let at = self.lent.max(self.preface).min(self.octets.len());
            self.octets.splice(at..at, self.urgent.drain(..));
        }
        self.lent = self.octets.len();
        self.octets.get(self.head..).unwrap_or_default()
    }

    /// The transport took this many of the octets lent.
    pub(super) fn free(&mut self, n: usize) {
        self.head = self.head.saturating_add(n).min(self.lent);
        if self.head == self.octets.len() {
            self.drop_front();
        } else if self.head >= COMPACT {
            self.octets.copy_within(self.head.., 0);
            self.drop_front();
        }
    }

    /// The octets in front of `head` are worth nothing any more, and the rest was moved to the front.
    fn drop_front(&mut self) {
        self.octets.truncate(self.octets.len() - self.head);
        self.base += self.head as u64;
        self.lent -= self.head;
        self.preface = self.preface.saturating_sub(self.head);
        self.head = 0;
    }

    /// Drops what was never lent: nothing of it may go out any more. The preface stays.
    pub(super) fn drop_unlent(&mut self) {
        self.octets.truncate(self.lent.max(self.preface));
        self.urgent.clear();
    }

    /// Drops everything: there is no transport any more.
    pub(super) fn clear(&mut self) {
        self.base += self.octets.len() as u64;
        self.octets = Vec::new();
        self.urgent = Vec::new();
        (self.head, self.lent, self.preface) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urgent_frames_go_ahead_of_what_is_not_lent_and_behind_the_preface() {
        let mut output = Output::new(b"preface".to_vec());
        output.frames().extend_from_slice(b"request");
        output.urgent().extend_from_slice(b"ping");
        assert_eq!(output.lend(), b"prefacepingrequest");
        output.free(9);
        output.frames().extend_from_slice(b"more");
        output.urgent().extend_from_slice(b"pong");
        assert_eq!(output.lend(), b"ngrequestpongmore");
    }

    #[test]
    fn a_position_stays_true_while_octets_are_freed() {
        let mut output = Output::new(Vec::new());
        output.frames().extend_from_slice(&[0; COMPACT + 5]);
        output.lend();
        let at = output.position();
        output.frames().extend_from_slice(&[0xff; 9]);
        assert!(!output.is_lent(at));
        output.free(COMPACT + 1);
        output.take_end_back(at);
        assert_eq!(output.lend()[4 + 4], !flags::END_STREAM);
        assert!(output.is_lent(at));
        output.free(usize::MAX);
        assert!(output.is_empty());
        assert_eq!(output.position(), at + 9);
    }

    #[test]
    fn the_peer_that_gets_nothing_more_still_gets_the_preface() {
        let mut output = Output::new(b"preface".to_vec());
        output.frames().extend_from_slice(b"request");
        output.drop_unlent();
        assert_eq!(output.lend(), b"preface");
    }

    #[test]
    fn the_room_and_the_limit_count_urgent_frames_too() {
        let mut output = Output::new(Vec::new());
        assert!(output.is_empty());
        output.urgent().extend_from_slice(&[0; 17]);
        assert_eq!(output.room(), OUTPUT_ROOM - 17);
        assert!(!output.is_empty());
        output.frames().resize(OUTPUT_LIMIT - 17, 0);
        assert_eq!(output.room(), 0);
        assert!(!output.is_overrun());
        output.urgent().push(0);
        assert!(output.is_overrun());
        output.lend();
        output.free(1);
        assert!(!output.is_overrun());
    }

    #[test]
    fn nothing_is_taken_off_a_frame_that_was_lent_or_never_was() {
        let mut output = Output::new(Vec::new());
        let lent = output.position();
        output.frames().extend_from_slice(&[0xff; 9]);
        output.lend();
        output.frames().extend_from_slice(&[0xff; 9]);
        for frame in [lent, NOWHERE, 9_999] {
            output.take_end_back(frame);
            assert_eq!(output.octets, [0xff; 18]);
        }
    }

    #[test]
    fn the_last_octet_lent_is_lent_and_the_next_is_not() {
        let mut output = Output::new(b"12".to_vec());
        assert!(!output.is_lent(0));
        output.lend();
        output.frames().push(b'3');
        assert!(output.is_lent(1) && !output.is_lent(2));
        output.free(2);
        assert!(output.is_lent(1) && !output.is_lent(2));
        assert_eq!(output.lend(), b"3");
    }

    #[test]
    fn urgent_frames_stay_behind_what_is_left_of_the_preface() {
        let mut output = Output::new(b"preface".to_vec());
        output.frames().extend_from_slice(b"request");
        output.free(3);
        output.urgent().extend_from_slice(b"ping");
        assert_eq!(
            output.lend(),
            b"prefacepingrequest",
            "only what was lent is freed"
        );
        output.free(7);
        output.urgent().extend_from_slice(b"pong");
        assert_eq!(output.lend(), b"pingrequestpong");
        output.free(15);
        output.frames().extend_from_slice(b"more");
        output.urgent().extend_from_slice(b"ping");
        assert_eq!(output.lend(), b"pingmore", "the preface is long gone");
    }

    #[test]
    fn without_a_transport_all_that_was_pending_counts_as_lent() {
        let mut output = Output::new(b"preface".to_vec());
        output.frames().extend_from_slice(b"request");
        output.urgent().extend_from_slice(b"ping");
        output.lend();
        output.free(3);
        let end = output.position();
        output.clear();
        assert_eq!(output.position(), end);
        assert!(output.is_empty() && output.lend().is_empty());
    }
}
