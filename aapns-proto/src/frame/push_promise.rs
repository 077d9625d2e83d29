//! PUSH_PROMISE (RFC 9113 §6.6): we forbid it, and parse it to say so.

use super::{
    ErrorCode, FrameError, FrameHeader, Kind, MAX_31, flags, need_stream, padding, split_u32,
};

/// The announcement of a pushed response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PushPromise<'a> {
    /// The stream of the request, never 0.
    pub stream_id: u32,
    /// The stream of the push, even and never 0.
    pub promised_id: u32,
    /// The first part, or the whole, of the field block.
    pub fragment: &'a [u8],
    /// The block is complete.
    pub end_headers: bool,
}

impl<'a> PushPromise<'a> {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0, for a promised stream that is 0 or odd, or if the padding doesn't fit;
    /// FRAME_SIZE_ERROR if pad length or promised id are missing.
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        let stream_id = need_stream(header, "PUSH_PROMISE on stream 0 (§6.6)")?;
        let Some((promised_id, fragment)) = split_u32(padding::strip(header, payload)?) else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "PUSH_PROMISE has no room for the promised stream id (§4.2)",
            ));
        };
        let promised_id = promised_id & MAX_31;
        if promised_id == 0 || promised_id % 2 == 1 {
            return Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "PUSH_PROMISE promises a stream that a server can't open (§6.6)",
            ));
        }
        Ok(Self {
            stream_id,
            promised_id,
            fragment,
            end_headers: header.has(flags::END_HEADERS),
        })
    }

    /// Appends the frame, without padding. Only a server may send it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let bits = if self.end_headers {
            flags::END_HEADERS
        } else {
            0
        };
        let length = 4 + self.fragment.len();
        FrameHeader::of(Kind::PushPromise, bits, self.stream_id, length).encode(out);
        out.extend_from_slice(&(self.promised_id & MAX_31).to_be_bytes());
        out.extend_from_slice(self.fragment);
    }
}

/// Shows the length of the block.
impl std::fmt::Debug for PushPromise<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PushPromise")
            .field("stream_id", &self.stream_id)
            .field("promised_id", &self.promised_id)
            .field("fragment", &format_args!("{} octets", self.fragment.len()))
            .field("end_headers", &self.end_headers)
            .finish()
    }
}
