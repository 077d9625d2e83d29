//! Which streams are open, by the frames that pass.

use std::collections::{HashSet, VecDeque};

/// The streams as the wire shows them.
#[derive(Default)]
pub(in crate::mock) struct Streams {
    open: HashSet<u32>,
    highest: u32,
    over_limit: HashSet<u32>,
    pub(super) reset_again: HashSet<u32>,
    /// Limits that the client has yet to acknowledge.
    pub(super) announced: VecDeque<u32>,
    pub(super) limit: Option<u32>,
    acknowledged_first: bool,
}

impl Streams {
    /// Whether this stream was opened beyond the limit; forgets the answer.
    pub(in crate::mock) fn take_over_limit(&mut self, stream: u32) -> bool {
        self.over_limit.remove(&stream)
    }

    /// Whether neither side has reset it, and our END_STREAM is still to come.
    pub(in crate::mock) fn is_open(&self, stream: u32) -> bool {
        self.open.contains(&stream)
    }

    pub(super) fn opened(&mut self, stream: u32) {
        if stream <= self.highest {
            return;
        }
        self.highest = stream;
        self.open.insert(stream);
        if self
            .limit
            .is_some_and(|limit| self.open.len() > limit as usize)
        {
            self.over_limit.insert(stream);
        }
    }

    pub(super) fn closed(&mut self, stream: u32) {
        self.open.remove(&stream);
    }

    /// Whether h2 must not see this acknowledgement: only the first is for SETTINGS of its own.
    pub(super) fn acknowledged(&mut self) -> bool {
        if let Some(limit) = self.announced.pop_front() {
            self.limit = Some(limit);
        }
        std::mem::replace(&mut self.acknowledged_first, true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_beyond_the_acknowledged_limit_is_noted_once() {
        let mut streams = Streams {
            announced: VecDeque::from([1]),
            ..Streams::default()
        };
        streams.opened(1);
        streams.opened(3);
        assert!(!streams.take_over_limit(3), "nothing was acknowledged yet");
        assert!(!streams.acknowledged(), "the first is h2's");
        streams.opened(5);
        assert!(streams.take_over_limit(5));
        assert!(!streams.take_over_limit(5));
        for stream in [1, 3, 5] {
            streams.closed(stream);
        }
        streams.opened(7);
        assert!(!streams.take_over_limit(7));
    }
}
