//! CONTINUATION (RFC 9113 §6.10).

use super::{FrameError, FrameHeader, Kind, flags, need_stream};

/// More of a field block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Continuation<'a> {
    /// The stream, never 0.
    pub stream_id: u32,
    /// The next part of the field block.
    pub fragment: &'a [u8],
    /// The block is complete.
    pub end_headers: bool,
}

impl<'a> Continuation<'a> {
    /// Parses a payload. CONTINUATION has no padding.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0.
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        Ok(Self {
            stream_id: need_stream(header, "CONTINUATION on stream 0 (§6.10)")?,
            fragment: payload,
            end_headers: header.has(flags::END_HEADERS),
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let bits = if self.end_headers {
            flags::END_HEADERS
        } else {
            0
        };
        FrameHeader::of(
            Kind::Continuation,
            bits,
            self.stream_id,
            self.fragment.len(),
        )
        .encode(out);
        out.extend_from_slice(self.fragment);
    }
}

/// Shows the length; the block may be secret.
impl std::fmt::Debug for Continuation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Continuation")
            .field("stream_id", &self.stream_id)
            .field("fragment", &format_args!("{} octets", self.fragment.len()))
            .field("end_headers", &self.end_headers)
            .finish()
    }
}
