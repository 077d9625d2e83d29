//! HTTP/2 frames (RFC 9113 §4, §6): one file for each kind.
//!
//! Parsing borrows from the payload and allocates nothing. What is checked here is what one frame
//! shows by itself: lengths, padding, stream 0, forbidden values. What depends on the state of a
//! stream or of the connection is the connection's to check.
//!
//! These types are the whole of RFC 9113: they are open to be made and taken apart, and don't grow.

mod continuation;
mod data;
mod error;
mod goaway;
mod header;
mod headers;
mod padding;
mod ping;
mod priority;
mod push_promise;
mod rst_stream;
mod settings;
mod window_update;

pub use continuation::Continuation;
pub use data::Data;
pub use error::{ErrorCode, FrameError, Scope};
pub use goaway::GoAway;
pub use header::{FrameHeader, Kind, flags};
pub use headers::Headers;
pub use ping::Ping;
pub use priority::Priority;
pub use push_promise::PushPromise;
pub use rst_stream::RstStream;
pub use settings::{Settings, SettingsIter, setting};
pub use window_update::WindowUpdate;

/// The 24 octets that a client sends before its first frame (RFC 9113 §3.4).
pub const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Stream 0: the connection itself.
pub const CONNECTION: u32 = 0;

/// The greatest stream id, and the greatest flow-control window: 2^31 − 1.
pub const MAX_31: u32 = 0x7fff_ffff;

/// One frame, borrowed from its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the frame of its name")]
pub enum Frame<'a> {
    Data(Data<'a>),
    Headers(Headers<'a>),
    Priority(Priority),
    RstStream(RstStream),
    Settings(Settings<'a>),
    PushPromise(PushPromise<'a>),
    Ping(Ping),
    GoAway(GoAway<'a>),
    WindowUpdate(WindowUpdate),
    Continuation(Continuation<'a>),
    /// A kind that we don't know, to be discarded (RFC 9113 §4.1, §5.5).
    Unknown(FrameHeader),
}

impl<'a> Frame<'a> {
    /// Parses the whole payload of a frame by its kind. `payload` is exactly `header.length` octets.
    ///
    /// # Errors
    /// The [`FrameError`] of the first rule that the frame breaks. The frame's size against
    /// SETTINGS_MAX_FRAME_SIZE is [`FrameHeader::check_size`]'s to say, before the payload is there.
    #[inline]
    pub fn parse(header: FrameHeader, payload: &'a [u8]) -> Result<Self, FrameError> {
        Ok(match header.kind {
            Kind::Data => Self::Data(Data::parse(header, payload)?),
            Kind::Headers => Self::Headers(Headers::parse(header, payload)?),
            Kind::Priority => Self::Priority(Priority::parse(header, payload)?),
            Kind::RstStream => Self::RstStream(RstStream::parse(header, payload)?),
            Kind::Settings => Self::Settings(Settings::parse(header, payload)?),
            Kind::PushPromise => Self::PushPromise(PushPromise::parse(header, payload)?),
            Kind::Ping => Self::Ping(Ping::parse(header, payload)?),
            Kind::GoAway => Self::GoAway(GoAway::parse(header, payload)?),
            Kind::WindowUpdate => Self::WindowUpdate(WindowUpdate::parse(header, payload)?),
            Kind::Continuation => Self::Continuation(Continuation::parse(header, payload)?),
            Kind::Unknown(_) => Self::Unknown(header),
        })
    }

    /// Appends the frame with its header, without the padding and the priority that it may have come with.
    /// Of an unknown kind there is nothing to append.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Data(frame) => frame.encode(out),
            Self::Headers(frame) => frame.encode(out),
            Self::Priority(frame) => frame.encode(out),
            Self::RstStream(frame) => frame.encode(out),
            Self::Settings(frame) => frame.encode(out),
            Self::PushPromise(frame) => frame.encode(out),
            Self::Ping(frame) => frame.encode(out),
            Self::GoAway(frame) => frame.encode(out),
            Self::WindowUpdate(frame) => frame.encode(out),
            Self::Continuation(frame) => frame.encode(out),
            Self::Unknown(_) => {}
        }
    }
}

/// The first four octets, if there are as many.
fn split_u32(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (octets, rest) = payload.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*octets), rest))
}

/// The error of a frame on stream 0 that belongs to a stream.
fn need_stream(header: FrameHeader, rule: &'static str) -> Result<u32, FrameError> {
    if header.stream_id == CONNECTION {
        return Err(FrameError::connection(ErrorCode::PROTOCOL_ERROR, rule));
    }
    Ok(header.stream_id)
}

/// The error of a frame on a stream that belongs to the connection.
fn need_connection(header: FrameHeader, rule: &'static str) -> Result<(), FrameError> {
    if header.stream_id != CONNECTION {
        return Err(FrameError::connection(ErrorCode::PROTOCOL_ERROR, rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
