//! The client's octets on their way to h2, cut at frame boundaries.

use tokio::io::ReadBuf;

use super::frame::{FLAG_ONE, HEADER, HEADERS, RST_STREAM, SETTINGS, fields, payload_length};
use super::streams::Streams;

const PREFACE: usize = 24;
/// Read at once: a TLS record's worth.
const READ: usize = 16 * 1024;

pub(super) struct Input {
    pub(super) buffer: Box<[u8]>,
    pub(super) start: usize,
    pub(super) end: usize,
    state: InputState,
}

enum InputState {
    Preface(usize),
    Header([u8; HEADER], usize),
    Show([u8; HEADER], usize),
    Payload { left: usize, hide: bool },
}

impl Input {
    pub(super) fn new() -> Self {
        Self {
            buffer: vec![0; READ].into_boxed_slice(),
            start: 0,
            end: 0,
            state: InputState::Preface(PREFACE),
        }
    }

    /// Moves what h2 may see from the buffer to `to`, until either is exhausted.
    pub(super) fn pass(&mut self, to: &mut ReadBuf<'_>, streams: &mut Streams) {
        while to.remaining() > 0 {
            let from = &self.buffer[self.start..self.end];
            let taken = match &mut self.state {
                InputState::Show(header, shown) => {
                    let rest = &header[*shown..];
                    let n = rest.len().min(to.remaining());
                    to.put_slice(&rest[..n]);
                    *shown += n;
                    if *shown == HEADER {
                        let left = payload_length(header);
                        self.state = InputState::Payload { left, hide: false };
                    }
                    0
                }
                InputState::Payload { left: 0, .. } => {
                    self.state = InputState::Header([0; HEADER], 0);
                    0
                }
                _ if from.is_empty() => return,
                InputState::Preface(left) => {
                    let n = from.len().min(*left).min(to.remaining());
                    to.put_slice(&from[..n]);
                    *left -= n;
                    if *left == 0 {
                        self.state = InputState::Header([0; HEADER], 0);
                    }
                    n
                }
                InputState::Header(header, have) => {
                    let n = from.len().min(HEADER - *have);
                    header[*have..*have + n].copy_from_slice(&from[..n]);
                    *have += n;
                    if *have == HEADER {
                        self.state = arrived(*header, streams);
                    }
                    n
                }
                InputState::Payload { left, hide } => {
                    let room = if *hide { usize::MAX } else { to.remaining() };
                    let n = from.len().min(*left).min(room);
                    if !*hide {
                        to.put_slice(&from[..n]);
                    }
                    *left -= n;
                    n
                }
            };
            self.start += taken;
        }
    }
}

/// Notes a frame of the client's, and says whether h2 sees it.
fn arrived(header: [u8; HEADER], streams: &mut Streams) -> InputState {
    let (kind, flags, stream) = fields(&header);
    match kind {
        HEADERS => streams.opened(stream),
        RST_STREAM => streams.closed(stream),
        SETTINGS if flags & FLAG_ONE != 0 && streams.acknowledged() => {
            let left = payload_length(&header);
            return InputState::Payload { left, hide: true };
        }
        _ => {}
    }
    InputState::Show(header, 0)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::frame::{DATA, frame};
    use super::*;

    #[test]
    fn any_split_of_the_input_hides_the_extra_acknowledgement_and_nothing_else() {
        let preface = [7; PREFACE];
        let ack = frame(SETTINGS, FLAG_ONE, 0, b"");
        let headers = frame(HEADERS, 5, 1, b"abc");
        let data = frame(DATA, FLAG_ONE, 1, b"hello");
        let all = [&preface[..], &ack, &headers, &ack, &data].concat();
        let shown = [&preface[..], &ack, &headers, &data].concat();
        for chunk in 1..all.len() {
            for room in [1, 2, 9, 64] {
                let (mut input, mut streams) = (Input::new(), Streams::default());
                streams.announced = VecDeque::from([10, 1]);
                let mut seen = Vec::new();
                for part in all.chunks(chunk) {
                    input.buffer[..part.len()].copy_from_slice(part);
                    (input.start, input.end) = (0, part.len());
                    loop {
                        let mut space = [0; 64];
                        let mut to = ReadBuf::new(&mut space[..room]);
                        input.pass(&mut to, &mut streams);
                        if to.filled().is_empty() {
                            break;
                        }
                        seen.extend_from_slice(to.filled());
                    }
                }
                assert_eq!(seen, shown, "chunks of {chunk}, room for {room}");
                assert_eq!(streams.limit, Some(1));
            }
        }
    }
}
