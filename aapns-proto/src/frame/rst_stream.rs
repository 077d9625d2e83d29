//! RST_STREAM (RFC 9113 §6.4).

use super::{ErrorCode, FrameError, FrameHeader, Kind, need_stream, split_u32};

/// The end of a stream at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RstStream {
    /// The stream, never 0.
    pub stream_id: u32,
    /// Why.
    pub code: ErrorCode,
}

impl RstStream {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0; FRAME_SIZE_ERROR of the connection unless it is 4 octets.
    pub fn parse(header: FrameHeader, payload: &[u8]) -> Result<Self, FrameError> {
        let stream_id = need_stream(header, "RST_STREAM on stream 0 (§6.4)")?;
        let Some((code, [])) = split_u32(payload) else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "RST_STREAM is not 4 octets (§6.4)",
            ));
        };
        Ok(Self {
            stream_id,
            code: ErrorCode(code),
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        FrameHeader::of(Kind::RstStream, 0, self.stream_id, 4).encode(out);
        out.extend_from_slice(&self.code.0.to_be_bytes());
    }
}
