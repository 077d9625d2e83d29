//! h2's octets on their way to the client, with the tap's own frames between them.

use bytes::{BufMut, BytesMut};

use super::frame::{
    DATA, FLAG_ONE, GOAWAY, HEADER, HEADERS, MAX_CONCURRENT_STREAMS, RST_STREAM, SETTINGS, fields,
    payload_length, put_header,
};
use super::streams::Streams;

pub(super) struct Output {
    /// h2's, up to where its last frame is complete.
    pub(super) partial: BytesMut,
    pub(super) ready: BytesMut,
    limit: u32,
    sent_settings: bool,
}

impl Output {
    /// Nothing yet; `limit` goes into h2's first SETTINGS.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            partial: BytesMut::new(),
            ready: BytesMut::new(),
            limit,
            sent_settings: false,
        }
    }

    /// SETTINGS with another MAX_CONCURRENT_STREAMS.
    pub(super) fn announce(&mut self, limit: u32) {
        put_header(&mut self.ready, 6, SETTINGS, 0, 0);
        self.ready.put_u16(MAX_CONCURRENT_STREAMS);
        self.ready.put_u32(limit);
    }

    /// GOAWAY.
    pub(super) fn go_away(&mut self, last: u32, code: u32, debug: &[u8]) {
        put_header(&mut self.ready, 8 + debug.len(), GOAWAY, 0, 0);
        self.ready.put_u32(last);
        self.ready.put_u32(code);
        self.ready.put_slice(debug);
    }

    /// Moves h2's complete frames on.
    pub(super) fn pass(&mut self, streams: &mut Streams) {
        while let Some((header, _)) = self.partial.split_first_chunk::<HEADER>() {
            let header = *header;
            let length = HEADER + payload_length(&header);
            if self.partial.len() < length {
                return;
            }
            let frame = self.partial.split_to(length);
            let (kind, flags, stream) = fields(&header);
            if kind == SETTINGS && flags & FLAG_ONE == 0 && !self.sent_settings {
                self.sent_settings = true;
                put_header(&mut self.ready, length - HEADER + 6, SETTINGS, flags, 0);
                self.ready.put_slice(&frame[HEADER..]);
                self.ready.put_u16(MAX_CONCURRENT_STREAMS);
                self.ready.put_u32(self.limit);
                streams.announced.push_back(self.limit);
                continue;
            }
            self.ready.put_slice(&frame);
            let ends = matches!(kind, DATA | HEADERS) && flags & FLAG_ONE != 0;
            if ends || kind == RST_STREAM {
                streams.closed(stream);
            }
            if kind == RST_STREAM && streams.reset_again.remove(&stream) {
                put_header(&mut self.ready, 4, RST_STREAM, 0, stream);
                self.ready.put_u32(h2::Reason::STREAM_CLOSED.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::frame::frame;
    use super::*;

    #[test]
    fn the_first_settings_carry_the_limit() {
        let mut output = Output::new(5);
        output.partial = frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0]);
        let mut streams = Streams::default();
        output
            .partial
            .extend_from_slice(&frame(SETTINGS, FLAG_ONE, 0, b"")[..4]);
        output.pass(&mut streams);
        let expected = frame(SETTINGS, 0, 0, &[0, 4, 0, 1, 0, 0, 0, 3, 0, 0, 0, 5]);
        assert_eq!(output.ready, expected);
        assert_eq!(output.partial.len(), 4, "a frame that isn't complete waits");
    }
}
