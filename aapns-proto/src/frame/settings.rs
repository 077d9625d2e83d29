//! SETTINGS (RFC 9113 §6.5).

use super::{CONNECTION, ErrorCode, FrameError, FrameHeader, Kind, MAX_31, flags, need_connection};

/// The identifiers of settings (RFC 9113 §6.5.2).
#[allow(missing_docs, reason = "the names are RFC 9113 §6.5.2's")]
pub mod setting {
    pub const HEADER_TABLE_SIZE: u16 = 0x1;
    pub const ENABLE_PUSH: u16 = 0x2;
    pub const MAX_CONCURRENT_STREAMS: u16 = 0x3;
    pub const INITIAL_WINDOW_SIZE: u16 = 0x4;
    pub const MAX_FRAME_SIZE: u16 = 0x5;
    pub const MAX_HEADER_LIST_SIZE: u16 = 0x6;
}

/// The sender's settings, or the acknowledgement of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings<'a> {
    /// An acknowledgement; it has no entries.
    pub ack: bool,
    entries: &'a [[u8; ENTRY_LEN]],
}

/// Octets of identifier and value.
const ENTRY_LEN: usize = 6;

impl<'a> Settings<'a> {
    /// Parses a payload and checks the values, as a client.
    ///
    /// # Errors
    /// All of the connection: PROTOCOL_ERROR on a stream, for ENABLE_PUSH other than 0, or for
    /// MAX_FRAME_SIZE outside 2^14 to 2^24 − 1; FLOW_CONTROL_ERROR for INITIAL_WINDOW_SIZE over
    /// 2^31 − 1; FRAME_SIZE_ERROR for a broken entry or an acknowledgement with entries.
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        need_connection(header, "SETTINGS on a stream (§6.5)")?;
        let ack = header.has(flags::ACK);
        if ack && !payload.is_empty() {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "an acknowledgement of SETTINGS has a payload (§6.5)",
            ));
        }
        let (entries, []) = payload.as_chunks() else {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "SETTINGS is not a multiple of 6 octets (§6.5)",
            ));
        };
        let settings = Self { ack, entries };
        for (id, value) in settings.iter() {
            check(id, value)?;
        }
        Ok(settings)
    }

    /// Identifiers and values in order. Unknown identifiers are to be ignored, and the last of two
    /// values holds.
    pub fn iter(&self) -> SettingsIter<'a> {
        SettingsIter {
            entries: self.entries.iter(),
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends the frame.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let ack = if self.ack { flags::ACK } else { 0 };
        let payload = self.entries.as_flattened();
        FrameHeader::of(Kind::Settings, ack, CONNECTION, payload.len()).encode(out);
        out.extend_from_slice(payload);
    }

    /// Appends a frame of these identifiers and values.
    pub fn encode_entries(entries: &[(u16, u32)], out: &mut Vec<u8>) {
        FrameHeader::of(Kind::Settings, 0, CONNECTION, entries.len() * ENTRY_LEN).encode(out);
        for (id, value) in entries {
            out.extend_from_slice(&id.to_be_bytes());
            out.extend_from_slice(&value.to_be_bytes());
        }
    }

    /// Appends an acknowledgement.
    pub fn encode_ack(out: &mut Vec<u8>) {
        FrameHeader::of(Kind::Settings, flags::ACK, CONNECTION, 0).encode(out);
    }
}

/// See [`Settings::iter`].
#[derive(Clone, Debug)]
pub struct SettingsIter<'a> {
    entries: std::slice::Iter<'a, [u8; ENTRY_LEN]>,
}

impl Iterator for SettingsIter<'_> {
    type Item = (u16, u32);

    fn next(&mut self) -> Option<Self::Item> {
        let &[i0, i1, v0, v1, v2, v3] = self.entries.next()?;
        Some((
            u16::from_be_bytes([i0, i1]),
            u32::from_be_bytes([v0, v1, v2, v3]),
        ))
    }
}

/// The values that RFC 9113 §6.5.2 forbids.
fn check(id: u16, value: u32) -> Result<(), FrameError> {
    match id {
        setting::ENABLE_PUSH if value != 0 => Err(FrameError::connection(
            ErrorCode::PROTOCOL_ERROR,
            "a server sets SETTINGS_ENABLE_PUSH to other than 0 (§6.5.2)",
        )),
        setting::INITIAL_WINDOW_SIZE if value > MAX_31 => Err(FrameError::connection(
            ErrorCode::FLOW_CONTROL_ERROR,
            "SETTINGS_INITIAL_WINDOW_SIZE is over 2^31 - 1 (§6.5.2)",
        )),
        setting::MAX_FRAME_SIZE if !(1 << 14..1 << 24).contains(&value) => {
            Err(FrameError::connection(
                ErrorCode::PROTOCOL_ERROR,
                "SETTINGS_MAX_FRAME_SIZE is outside 2^14 to 2^24 - 1 (§6.5.2)",
            ))
        }
        _ => Ok(()),
    }
}
