//! SETTINGS, both ways (RFC 9113 §6.5).

use super::Connection;
use crate::frame::{ErrorCode, FrameError, PREFACE, Settings, WindowUpdate, setting};
use crate::limits::{
    ADVERTISED_FIELD_LIST, CONNECTION_WINDOW, FLOOD_ANSWERED, FLOOD_STREAMS, SETTINGS_ENTRIES,
    STREAM_WINDOW,
};
use crate::time::Time;

/// What the peer announced; until then RFC 9113's initial values.
#[derive(Debug)]
pub(super) struct PeerSettings {
    /// The first SETTINGS arrived.
    pub(super) is_known: bool,
    pub(super) max_streams: u32,
    pub(super) initial_window: u32,
    pub(super) max_frame_size: u32,
    pub(super) max_field_list: u32,
}

impl PeerSettings {
    pub(super) const fn new() -> Self {
        Self {
            is_known: false,
            max_streams: u32::MAX,
            initial_window: STREAM_WINDOW,
            max_frame_size: crate::limits::MAX_FRAME_SIZE,
            max_field_list: u32::MAX,
        }
    }
}

/// The connection preface: the magic octets, our SETTINGS, and a connection window larger than the
/// initial one. What isn't named keeps its initial value, so nothing depends on the peer's ACK.
pub(super) fn preface() -> Vec<u8> {
    let mut octets = PREFACE.to_vec();
    let settings = [
        (setting::ENABLE_PUSH, 0),
        (setting::MAX_HEADER_LIST_SIZE, ADVERTISED_FIELD_LIST),
    ];
    Settings::encode_entries(&settings, &mut octets);
    let window = WindowUpdate {
        stream_id: 0,
        increment: CONNECTION_WINDOW - STREAM_WINDOW,
    };
    window.encode(&mut octets);
    octets
}

impl<T> Connection<T> {
    /// Acknowledges behind all that was coded under the old values, then applies the new ones.
    pub(super) fn handle_settings(&mut self, frame: Settings<'_>) -> Result<(), FrameError> {
        if frame.ack {
            if self.ack_due.take().is_some() {
                return Ok(());
            }
            return self.charge(1);
        }
        if frame.len() > SETTINGS_ENTRIES {
            return Err(FrameError::connection(
                ErrorCode::ENHANCE_YOUR_CALM,
                "too many entries in one SETTINGS (§10.5)",
            ));
        }
        if self.peer.is_known {
            self.charge(FLOOD_ANSWERED)?;
        } else {
            self.peer.is_known = true;
            self.settings_due = Time::NEVER;
            if self.ack_due.is_some() {
                self.ack_due = Some(self.now + self.config.settings_timeout);
            }
        }
        Settings::encode_ack(self.output.frames());
        let mut window = self.peer.initial_window;
        for (id, value) in frame.iter() {
            match id {
                setting::HEADER_TABLE_SIZE => self.encoder.set_peer_table_size(value),
                setting::MAX_CONCURRENT_STREAMS => self.peer.max_streams = value,
                setting::INITIAL_WINDOW_SIZE => window = value,
                setting::MAX_FRAME_SIZE => self.peer.max_frame_size = value,
                setting::MAX_HEADER_LIST_SIZE => self.peer.max_field_list = value,
                _ => {}
            }
        }
        self.resize_windows(window)
    }

    /// A new initial window moves the windows of all streams, below 0 perhaps (RFC 9113 §6.9.2).
    fn resize_windows(&mut self, window: u32) -> Result<(), FrameError> {
        let change = i64::from(window) - i64::from(self.peer.initial_window);
        self.peer.initial_window = window;
        if change == 0 {
            return Ok(());
        }
        let touched = u32::try_from(self.streams.len()).unwrap_or(u32::MAX);
        self.charge(touched / FLOOD_STREAMS)?;
        for stream in self.streams.iter_mut() {
            stream.send_window.add(change).map_err(|_| {
                FrameError::connection(
                    ErrorCode::FLOW_CONTROL_ERROR,
                    "SETTINGS_INITIAL_WINDOW_SIZE moves a window over 2^31 - 1 (§6.9.2)",
                )
            })?;
        }
        self.is_body_due = !self.waiting.is_empty();
        Ok(())
    }
}
