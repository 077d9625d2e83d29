//! DATA (RFC 9113 §6.1).

use super::{FrameError, FrameHeader, Kind, flags, need_stream, padding};

/// A piece of body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Data<'a> {
    /// The stream, never 0.
    pub stream_id: u32,
    /// The data without padding.
    pub data: &'a [u8],
    /// What flow control counts: the whole payload, padding and pad length included.
    pub flow_length: u32,
    /// No more frames follow from this sender.
    pub end_stream: bool,
}

impl<'a> Data<'a> {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0 or if the padding doesn't fit; FRAME_SIZE_ERROR if the pad length is missing.
    #[inline]
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        Ok(Self {
            stream_id: need_stream(header, "DATA on stream 0 (§6.1)")?,
            data: padding::strip(header, payload)?,
            flow_length: header.length,
            end_stream: header.has(flags::END_STREAM),
        })
    }

    /// Appends the frame, without padding.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let end_stream = if self.end_stream {
            flags::END_STREAM
        } else {
            0
        };
        FrameHeader::of(Kind::Data, end_stream, self.stream_id, self.data.len()).encode(out);
        out.extend_from_slice(self.data);
    }
}

/// Shows the length; the data may be secret.
impl std::fmt::Debug for Data<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Data")
            .field("stream_id", &self.stream_id)
            .field("data", &format_args!("{} octets", self.data.len()))
            .field("flow_length", &self.flow_length)
            .field("end_stream", &self.end_stream)
            .finish()
    }
}
