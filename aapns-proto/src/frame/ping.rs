//! PING (RFC 9113 §6.7).

use super::{CONNECTION, ErrorCode, FrameError, FrameHeader, Kind, flags, need_connection};

/// Eight octets to be sent back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The answer to a PING rather than a PING.
    pub ack: bool,
    /// Whatever the asker put there.
    pub opaque: [u8; 8],
}

impl Ping {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on a stream; FRAME_SIZE_ERROR unless it is 8 octets.
    pub fn parse(header: FrameHeader, payload: &[u8]) -> Result<Self, FrameError> {
        need_connection(header, "PING on a stream (§6.7)")?;
        let Ok(opaque) = payload.try_into() else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "PING is not 8 octets (§6.7)",
            ));
        };
        Ok(Self {
            ack: header.has(flags::ACK),
            opaque,
        })
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let ack = if self.ack { flags::ACK } else { 0 };
        FrameHeader::of(Kind::Ping, ack, CONNECTION, self.opaque.len()).encode(out);
        out.extend_from_slice(&self.opaque);
    }
}
