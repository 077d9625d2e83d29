//! Padding (RFC 9113 §6.1): its content is never looked at.

use super::{ErrorCode, FrameError, FrameHeader, flags};

/// Strips the pad length and the padding.
#[inline]
pub(super) fn strip(header: FrameHeader, payload: &[u8]) -> Result<&[u8], FrameError> {
    if !header.has(flags::PADDED) {
        return Ok(payload);
    }
    let Some((&pad, rest)) = payload.split_first() else {
        return Err(FrameError::connection(
            ErrorCode::FRAME_SIZE_ERROR,
            "a padded frame has no room for its pad length (§4.2)",
        ));
    };
    rest.len()
        .checked_sub(usize::from(pad))
        .and_then(|end| rest.get(..end))
        .ok_or(FrameError::connection(
            ErrorCode::PROTOCOL_ERROR,
            "the padding is as long as the payload or longer (§6.1)",
        ))
}
