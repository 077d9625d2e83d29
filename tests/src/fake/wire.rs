//! HTTP/2 frames, read and written by hand (RFC 9113 §4.1).

/// What a client says first (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Frame types (RFC 9113 §6).
pub mod kind {
    #![allow(missing_docs, reason = "the names are RFC 9113 §6's")]
    pub const DATA: u8 = 0;
    pub const HEADERS: u8 = 1;
    pub const PRIORITY: u8 = 2;
    pub const RST_STREAM: u8 = 3;
    pub const SETTINGS: u8 = 4;
    pub const PING: u8 = 6;
    pub const GOAWAY: u8 = 7;
    pub const WINDOW_UPDATE: u8 = 8;
    pub const CONTINUATION: u8 = 9;
}

/// Frame flags.
pub mod flag {
    #![allow(missing_docs, reason = "the names are RFC 9113 §6's")]
    pub const ACK: u8 = 1;
    pub const END_STREAM: u8 = 1;
    pub const END_HEADERS: u8 = 4;
    pub const PADDED: u8 = 8;
    pub const PRIORITY: u8 = 0x20;
}

/// Settings (RFC 9113 §6.5.2).
pub mod setting {
    #![allow(missing_docs, reason = "the names are RFC 9113 §6.5.2's")]
    pub const HEADER_TABLE_SIZE: u16 = 1;
    pub const ENABLE_PUSH: u16 = 2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 3;
    pub const INITIAL_WINDOW_SIZE: u16 = 4;
    pub const MAX_FRAME_SIZE: u16 = 5;
    pub const MAX_HEADER_LIST_SIZE: u16 = 6;
}

/// A frame in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    /// Its stream.
    pub stream: u32,
    /// What follows the nine octets.
    pub payload: &'a [u8],
}

/// The first whole frame of `input` and its length in octets.
pub fn next(input: &[u8]) -> Option<(Frame<'_>, usize)> {
    let (head, rest) = input.split_first_chunk::<9>()?;
    let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).ok()?;
    let frame = Frame {
        kind: head[3],
        flags: head[4],
        stream: u32::from_be_bytes([head[5] & 0x7f, head[6], head[7], head[8]]),
        payload: rest.get(..length)?,
    };
    Some((frame, 9 + length))
}

/// Appends a frame.
pub fn put(out: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    let length = u32::try_from(payload.len())
        .unwrap_or(u32::MAX)
        .to_be_bytes();
    out.extend_from_slice(&[length[1], length[2], length[3], kind, flags]);
    out.extend_from_slice(&stream.to_be_bytes());
    out.extend_from_slice(payload);
}

/// Appends a SETTINGS frame.
pub fn put_settings(out: &mut Vec<u8>, settings: &[(u16, u32)]) {
    let mut payload = Vec::with_capacity(6 * settings.len());
    for (id, value) in settings {
        payload.extend_from_slice(&id.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    put(out, kind::SETTINGS, 0, 0, &payload);
}

/// Appends a WINDOW_UPDATE frame.
pub fn put_credit(out: &mut Vec<u8>, stream: u32, octets: u32) {
    put(out, kind::WINDOW_UPDATE, 0, stream, &octets.to_be_bytes());
}

/// Appends a RST_STREAM frame.
pub fn put_reset(out: &mut Vec<u8>, stream: u32, code: u32) {
    put(out, kind::RST_STREAM, 0, stream, &code.to_be_bytes());
}

/// Appends a GOAWAY frame.
pub fn put_goaway(out: &mut Vec<u8>, last: u32, code: u32, debug: &[u8]) {
    let mut payload = last.to_be_bytes().to_vec();
    payload.extend_from_slice(&code.to_be_bytes());
    payload.extend_from_slice(debug);
    put(out, kind::GOAWAY, 0, 0, &payload);
}

/// A payload without its padding, and without priority fields if `flag::PRIORITY` is set; `None` if it's too short.
pub fn unpad<'a>(frame: &Frame<'a>) -> Option<&'a [u8]> {
    let mut payload = frame.payload;
    if frame.flags & flag::PADDED != 0 {
        let (pad, rest) = payload.split_first()?;
        payload = rest.get(..rest.len().checked_sub(usize::from(*pad))?)?;
    }
    if frame.kind == kind::HEADERS && frame.flags & flag::PRIORITY != 0 {
        payload = payload.get(5..)?;
    }
    Some(payload)
}

/// A 32-bit number.
pub fn number(payload: &[u8]) -> Option<u32> {
    payload
        .first_chunk()
        .map(|octets| u32::from_be_bytes(*octets))
}

/// The pairs of a SETTINGS payload.
pub fn settings(payload: &[u8]) -> impl Iterator<Item = (u16, u32)> + '_ {
    payload.as_chunks::<6>().0.iter().map(|[a, b, c, d, e, f]| {
        (
            u16::from_be_bytes([*a, *b]),
            u32::from_be_bytes([*c, *d, *e, *f]),
        )
    })
}

/// Error codes that the fake uses (RFC 9113 §7).
pub mod code {
    #![allow(missing_docs, reason = "the names are RFC 9113 §7's")]
    pub const NO_ERROR: u32 = 0;
    pub const PROTOCOL_ERROR: u32 = 1;
    pub const INTERNAL_ERROR: u32 = 2;
    pub const SETTINGS_TIMEOUT: u32 = 4;
    pub const STREAM_CLOSED: u32 = 5;
    pub const REFUSED_STREAM: u32 = 7;
    pub const CANCEL: u32 = 8;
    pub const ENHANCE_YOUR_CALM: u32 = 11;
}
