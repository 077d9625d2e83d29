//! The nine octets in front of each frame (RFC 9113 §4.1).

use super::{ErrorCode, FrameError, MAX_31};

/// The bits of [`FrameHeader::flags`]; undefined ones are ignored.
pub mod flags {
    /// DATA, HEADERS: the last frame of this sender on the stream.
    pub const END_STREAM: u8 = 0x1;
    /// SETTINGS, PING: an acknowledgement.
    pub const ACK: u8 = 0x1;
    /// HEADERS, PUSH_PROMISE, CONTINUATION: the field block ends here.
    pub const END_HEADERS: u8 = 0x4;
    /// DATA, HEADERS, PUSH_PROMISE: a pad length and padding are there.
    pub const PADDED: u8 = 0x8;
    /// HEADERS: five octets of (deprecated) priority are there.
    pub const PRIORITY: u8 = 0x20;
}

/// The kind of a frame (RFC 9113 §6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are RFC 9113 §6's")]
pub enum Kind {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// Any other type octet.
    Unknown(u8),
}

impl Kind {
    /// The kind that this type octet stands for.
    pub const fn from_octet(octet: u8) -> Self {
        match octet {
            0x0 => Self::Data,
            0x1 => Self::Headers,
            0x2 => Self::Priority,
            0x3 => Self::RstStream,
            0x4 => Self::Settings,
            0x5 => Self::PushPromise,
            0x6 => Self::Ping,
            0x7 => Self::GoAway,
            0x8 => Self::WindowUpdate,
            0x9 => Self::Continuation,
            other => Self::Unknown(other),
        }
    }

    /// The type octet.
    pub const fn octet(self) -> u8 {
        match self {
            Self::Data => 0x0,
            Self::Headers => 0x1,
            Self::Priority => 0x2,
            Self::RstStream => 0x3,
            Self::Settings => 0x4,
            Self::PushPromise => 0x5,
            Self::Ping => 0x6,
            Self::GoAway => 0x7,
            Self::WindowUpdate => 0x8,
            Self::Continuation => 0x9,
            Self::Unknown(other) => other,
        }
    }
}

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FrameHeader {
    /// Octets of payload: 24 bits.
    pub length: u32,
    /// The kind.
    pub kind: Kind,
    /// See [`flags`].
    pub flags: u8,
    /// The stream, 0 for the connection: 31 bits.
    pub stream_id: u32,
}

impl FrameHeader {
    /// Octets of a frame header.
    pub const LEN: usize = 9;

    /// The header of a frame that we write; `length` under 2^24.
    #[inline]
    pub(super) fn of(kind: Kind, flags: u8, stream_id: u32, length: usize) -> Self {
        debug_assert!(length < 1 << 24, "a frame's length has 24 bits");
        Self {
            length: u32::try_from(length).unwrap_or(u32::MAX),
            kind,
            flags,
            stream_id,
        }
    }

    /// Reads a header; the reserved bit is dropped.
    #[inline]
    pub const fn parse(octets: &[u8; Self::LEN]) -> Self {
        let &[l0, l1, l2, kind, flags, s0, s1, s2, s3] = octets;
        Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind: Kind::from_octet(kind),
            flags,
            stream_id: u32::from_be_bytes([s0, s1, s2, s3]) & MAX_31,
        }
    }

    /// Appends the nine octets.
    #[inline]
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.to_octets());
    }

    /// The nine octets.
    #[inline]
    pub const fn to_octets(&self) -> [u8; Self::LEN] {
        let [_, l0, l1, l2] = self.length.to_be_bytes();
        let [s0, s1, s2, s3] = (self.stream_id & MAX_31).to_be_bytes();
        [l0, l1, l2, self.kind.octet(), self.flags, s0, s1, s2, s3]
    }

    /// Whether this flag is set.
    #[inline]
    pub const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Holds the length against the SETTINGS_MAX_FRAME_SIZE that we announced, before any of the
    /// payload is buffered.
    ///
    /// # Errors
    /// FRAME_SIZE_ERROR of the connection, on whatever stream: stricter than RFC 9113 §4.2 for DATA.
    #[inline]
    pub const fn check_size(&self, max_frame_size: u32) -> Result<(), FrameError> {
        if self.length > max_frame_size {
            return Err(FrameError::connection(
                ErrorCode::FRAME_SIZE_ERROR,
                "a frame is larger than SETTINGS_MAX_FRAME_SIZE (§4.2)",
            ));
        }
        Ok(())
    }
}
