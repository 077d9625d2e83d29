//! GOAWAY (RFC 9113 §6.8).

use super::{
    CONNECTION, ErrorCode, FrameError, FrameHeader, Kind, MAX_31, need_connection, split_u32,
};

/// The sender takes no new streams.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct GoAway<'a> {
    /// Streams above it were not processed.
    pub last_stream_id: u32,
    /// Why.
    pub code: ErrorCode,
    /// Anything; of APNs' servers JSON with a `reason`.
    pub debug: &'a [u8],
}

impl<'a> GoAway<'a> {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on a stream; FRAME_SIZE_ERROR under 8 octets.
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        need_connection(header, "GOAWAY on a stream (§6.8)")?;
        let parts = split_u32(payload).and_then(|(id, rest)| Some((id, split_u32(rest)?)));
        let Some((last_stream_id, (code, debug))) = parts else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "GOAWAY is under 8 octets (§4.2)",
            ));
        };
        Ok(Self {
            last_stream_id: last_stream_id & MAX_31,
            code: ErrorCode(code),
            debug,
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        FrameHeader::of(Kind::GoAway, 0, CONNECTION, 8 + self.debug.len()).encode(out);
        out.extend_from_slice(&(self.last_stream_id & MAX_31).to_be_bytes());
        out.extend_from_slice(&self.code.0.to_be_bytes());
        out.extend_from_slice(self.debug);
    }
}

/// Shows the length of the debug data, which may be sensitive.
impl std::fmt::Debug for GoAway<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GoAway")
            .field("last_stream_id", &self.last_stream_id)
            .field("code", &self.code)
            .field("debug", &format_args!("{} octets", self.debug.len()))
            .finish()
    }
}
