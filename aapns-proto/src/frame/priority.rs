//! PRIORITY (RFC 9113 §6.3): deprecated, parsed to be ignored.

use super::{ErrorCode, FrameError, FrameHeader, Kind, MAX_31, need_stream, split_u32};

/// A stream's place in RFC 7540's priority tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority {
    /// The stream, never 0.
    pub stream_id: u32,
    /// The stream that it depends on.
    pub dependency: u32,
    /// Whether that dependency is exclusive.
    pub exclusive: bool,
    /// The weight, less one.
    pub weight: u8,
}

impl Priority {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0; FRAME_SIZE_ERROR, of the stream alone, unless it is 5 octets.
    pub fn parse(header: FrameHeader, payload: &[u8]) -> Result<Self, FrameError> {
        let stream_id = need_stream(header, "PRIORITY on stream 0 (§6.3)")?;
        let Some((dependency, &[weight])) = split_u32(payload) else {
            return Err(FrameError::stream(
                ErrorCode::FRAME_SIZE_ERROR,
                "PRIORITY is not 5 octets (§6.3)",
            ));
        };
        Ok(Self {
            stream_id,
            dependency: dependency & MAX_31,
            exclusive: dependency > MAX_31,
            weight,
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        FrameHeader::of(Kind::Priority, 0, self.stream_id, 5).encode(out);
        let exclusive = if self.exclusive { !MAX_31 } else { 0 };
        out.extend_from_slice(&(self.dependency & MAX_31 | exclusive).to_be_bytes());
        out.push(self.weight);
    }
}
