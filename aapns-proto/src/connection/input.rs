//! The read buffer, and the boundaries of frames in it (RFC 9113 §4.1).

use crate::frame::FrameHeader;
use crate::limits::{MAX_FRAME_SIZE, READ_BUFFER};

/// A fixed buffer; frames are parsed in place.
#[derive(Debug)]
pub(super) struct Input {
    octets: Vec<u8>,
    /// What was parsed.
    start: usize,
    /// What was received.
    end: usize,
}

/// The largest frame with its header.
const LARGEST: usize = FrameHeader::LEN + MAX_FRAME_SIZE as usize;

impl Input {
    pub(super) fn new() -> Self {
        Self {
            octets: vec![0; READ_BUFFER],
            start: 0,
            end: 0,
        }
    }

    /// Room for what the transport has; never empty, and always enough for the frame that was begun.
    pub(super) fn room(&mut self) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.octets.len() - self.end < LARGEST {
            self.octets.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        self.octets.get_mut(self.end..).unwrap_or_default()
    }

    /// That much of the room was filled.
    pub(super) fn fill(&mut self, n: usize) {
        self.end = self.end.saturating_add(n).min(self.octets.len());
    }

    /// Nothing more is read.
    pub(super) fn clear(&mut self) {
        (self.start, self.end) = (0, 0);
    }

    /// Lends the octets out, so that frames can borrow from them while the connection changes.
    pub(super) fn take(&mut self) -> Frames {
        Frames {
            octets: std::mem::take(&mut self.octets),
            at: self.start,
            end: self.end,
        }
    }

    /// Takes them back, less what was parsed.
    pub(super) fn restore(&mut self, frames: Frames) {
        self.octets = frames.octets;
        self.start = frames.at;
    }
}

/// The octets received and not yet parsed.
#[derive(Debug)]
pub(super) struct Frames {
    octets: Vec<u8>,
    at: usize,
    end: usize,
}

impl Frames {
    /// The header of the next frame, as soon as it is there.
    #[inline]
    pub(super) fn header(&self) -> Option<FrameHeader> {
        let rest = self.octets.get(self.at..self.end)?;
        rest.first_chunk().map(FrameHeader::parse)
    }

    /// The payload of the frame with this header, once it is all there.
    #[inline]
    pub(super) fn payload(&mut self, header: FrameHeader) -> Option<&[u8]> {
        let from = self.at + FrameHeader::LEN;
        let to = from + header.length as usize;
        if to > self.end {
            return None;
        }
        self.at = to;
        self.octets.get(from..to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_always_room_for_the_frame_that_was_begun() {
        let mut input = Input::new();
        for _ in 0..100 {
            let room = input.room();
            assert!(room.len() >= LARGEST);
            room[..9].copy_from_slice(&[0, 0x40, 0, 0, 0, 0, 0, 0, 1]);
            input.fill(LARGEST - 1);
            let frames = input.take();
            assert!(frames.header().is_some());
            input.restore(frames);
            assert!(!input.room().is_empty());
            input.fill(1);
            let mut frames = input.take();
            let header = frames.header().unwrap();
            assert_eq!(frames.payload(header).map(<[u8]>::len), Some(0x4000));
            input.restore(frames);
        }
    }

    /// Fills this much, and parses this much of it away.
    fn pass(input: &mut Input, filled: usize, parsed: usize) {
        input.room();
        input.fill(filled);
        let mut frames = input.take();
        frames.at += parsed;
        input.restore(frames);
    }

    #[test]
    fn octets_are_moved_only_when_the_largest_frame_would_not_fit() {
        let mut input = Input::new();
        pass(&mut input, READ_BUFFER - LARGEST, 10);
        assert_eq!(input.room().len(), LARGEST, "it fits as it is");
        pass(&mut input, 1, 0);
        assert_eq!(
            input.room().len(),
            LARGEST - 1 + 10,
            "the ten octets are reused"
        );
        let end = input.end;
        pass(&mut input, 0, end);
        assert_eq!(input.room().len(), READ_BUFFER, "all was parsed");
    }

    #[test]
    fn what_is_moved_stays_what_it_was() {
        let mut input = Input::new();
        let room = input.room();
        for (octet, n) in room.iter_mut().zip(0_u32..) {
            *octet = n as u8;
        }
        pass(&mut input, READ_BUFFER, READ_BUFFER - 300);
        input.room();
        let expected: Vec<u8> = (READ_BUFFER - 300..READ_BUFFER).map(|n| n as u8).collect();
        assert_eq!(input.octets[input.start..input.end], expected);
        input.clear();
        assert_eq!(input.room().len(), READ_BUFFER);
    }

    #[test]
    fn no_more_is_filled_than_there_is_room() {
        let mut input = Input::new();
        input.room();
        input.fill(usize::MAX);
        assert_eq!(input.end, READ_BUFFER);
    }

    #[test]
    fn a_frame_is_there_with_its_last_octet() {
        let mut input = Input::new();
        input.room()[..12].copy_from_slice(&[0, 0, 3, 6, 0, 0, 0, 0, 0, 7, 8, 9]);
        input.fill(8);
        assert!(input.take().header().is_none());
        let mut input = Input::new();
        input.room()[..12].copy_from_slice(&[0, 0, 3, 6, 0, 0, 0, 0, 0, 7, 8, 9]);
        input.fill(11);
        let mut frames = input.take();
        let header = frames.header().unwrap();
        assert_eq!(frames.payload(header), None);
        frames.end += 1;
        assert_eq!(frames.payload(header), Some(&[7, 8, 9][..]));
        assert_eq!(frames.at, 12);
    }
}
