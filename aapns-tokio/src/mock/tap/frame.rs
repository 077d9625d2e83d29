//! The header of a frame (RFC 9113 §4.1), as far as the tap looks at frames.

use bytes::{BufMut, BytesMut};

pub(super) const HEADER: usize = 9;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const GOAWAY: u8 = 7;
/// END_STREAM of DATA and HEADERS, ACK of SETTINGS.
pub(super) const FLAG_ONE: u8 = 1;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;

pub(super) fn put_header(out: &mut BytesMut, length: usize, kind: u8, flags: u8, stream: u32) {
    out.put_uint(length as u64, 3);
    out.put_u8(kind);
    out.put_u8(flags);
    out.put_u32(stream);
}

pub(super) fn payload_length(header: &[u8; HEADER]) -> usize {
    u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize
}

/// Type, flags and stream id.
pub(super) fn fields(header: &[u8; HEADER]) -> (u8, u8, u32) {
    let stream = u32::from_be_bytes([header[5], header[6], header[7], header[8]]);
    (header[3], header[4], stream & 0x7fff_ffff)
}

/// A whole frame.
#[cfg(test)]
pub(super) fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> BytesMut {
    let mut out = BytesMut::new();
    put_header(&mut out, payload.len(), kind, flags, stream);
    out.put_slice(payload);
    out
}
