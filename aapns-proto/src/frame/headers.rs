//! HEADERS (RFC 9113 §6.2).

use super::{ErrorCode, FrameError, FrameHeader, Kind, flags, need_stream, padding};

/// The start of a field block. Padding and the deprecated priority are stripped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Headers<'a> {
    /// The stream, never 0.
    pub stream_id: u32,
    /// The first part, or the whole, of the field block.
    pub fragment: &'a [u8],
    /// No more frames follow from this sender, once the block is complete.
    pub end_stream: bool,
    /// The block is complete: no CONTINUATION follows.
    pub end_headers: bool,
}

/// Octets of stream dependency and weight.
const PRIORITY_LEN: usize = 5;

impl<'a> Headers<'a> {
    /// Parses a payload.
    ///
    /// # Errors
    /// PROTOCOL_ERROR on stream 0 or if the padding doesn't fit; FRAME_SIZE_ERROR if pad length or
    /// priority are missing.
    #[inline]
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        let stream_id = need_stream(header, "HEADERS on stream 0 (§6.2)")?;
        let mut fragment = padding::strip(header, payload)?;
        if header.has(flags::PRIORITY) {
            fragment = fragment
                .get(PRIORITY_LEN..)
                .ok_or_else(|| no_priority(header, payload))?;
        }
        Ok(Self {
            stream_id,
            fragment,
            end_stream: header.has(flags::END_STREAM),
            end_headers: header.has(flags::END_HEADERS),
        })
    }

    /// Appends the frame, without padding and priority.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut bits = if self.end_stream {
            flags::END_STREAM
        } else {
            0
        };
        if self.end_headers {
            bits |= flags::END_HEADERS;
        }
        FrameHeader::of(Kind::Headers, bits, self.stream_id, self.fragment.len()).encode(out);
        out.extend_from_slice(self.fragment);
    }
}

/// Padding that runs into the priority is a wrong padding; a frame too short for both is a wrong size.
fn no_priority(header: FrameHeader, payload: &[u8]) -> FrameError {
    let pad_length = usize::from(header.has(flags::PADDED));
    if payload.len() < pad_length + PRIORITY_LEN {
        FrameError::connection(
            ErrorCode::FRAME_SIZE_ERROR,
            "HEADERS has no room for its priority (§4.2)",
        )
    } else {
        FrameError::connection(
            ErrorCode::PROTOCOL_ERROR,
            "the padding of HEADERS leaves no room for the field block (§6.2)",
        )
    }
}

/// Shows the length; the block may be secret.
impl std::fmt::Debug for Headers<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Headers")
            .field("stream_id", &self.stream_id)
            .field("fragment", &format_args!("{} octets", self.fragment.len()))
            .field("end_stream", &self.end_stream)
            .field("end_headers", &self.end_headers)
            .finish()
    }
}
