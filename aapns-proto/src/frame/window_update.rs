//! WINDOW_UPDATE (RFC 9113 §6.9).

use super::{CONNECTION, ErrorCode, FrameError, FrameHeader, Kind, MAX_31, split_u32};

/// More credit for DATA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowUpdate {
    /// The stream, or 0 for the connection's window.
    pub stream_id: u32,
    /// Octets, 1 to 2^31 − 1.
    pub increment: u32,
}

impl WindowUpdate {
    /// Parses a payload.
    ///
    /// # Errors
    /// FRAME_SIZE_ERROR of the connection unless it is 4 octets; PROTOCOL_ERROR, of the connection
    /// on stream 0, else of the stream, if the increment is 0.
    pub fn parse(header: FrameHeader, payload: &[u8]) -> Result<Self, FrameError> {
        let Some((increment, [])) = split_u32(payload) else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "WINDOW_UPDATE is not 4 octets (§6.9)",
            ));
        };
        let increment = increment & MAX_31;
        if increment == 0 {
            let error = if header.stream_id == CONNECTION {
                FrameError::connection
            } else {
                FrameError::stream
            };
            return Err(error(
                ErrorCode::PROTOCOL_ERROR,
                "WINDOW_UPDATE of 0 (§6.9)",
            ));
        }
        Ok(Self {
            stream_id: header.stream_id,
            increment,
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        FrameHeader::of(Kind::WindowUpdate, 0, self.stream_id, 4).encode(out);
        out.extend_from_slice(&(self.increment & MAX_31).to_be_bytes());
    }
}
