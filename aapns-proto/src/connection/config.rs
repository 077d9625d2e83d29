//! The numbers of a connection.

use std::time::Duration;

use bytes::Bytes;

/// The numbers of a [`Connection`](super::Connection). The defaults suit Apple's servers:
/// `let mut config = ConnectionConfig::default();`, and set what is to differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConnectionConfig {
    /// `:scheme`, `https` as a rule.
    pub scheme: Bytes,
    /// `:authority`: host, and the port if it isn't the scheme's own.
    pub authority: Bytes,
    /// The first stream id: odd. Only tests of id exhaustion want another than 1.
    pub first_stream_id: u32,
    /// From `new` to the server's first SETTINGS, and from there to its ACK of ours; for a field block to be complete too.
    pub settings_timeout: Duration,
    /// Streams open and nothing received for this long: PING.
    pub ping_after: Duration,
    /// First use after this much idleness: PING first.
    pub idle_ping_after: Duration,
    /// From PING to its ACK.
    pub ping_timeout: Duration,
    /// PINGs are answered, no request is: drain after this long.
    pub progress_timeout: Duration,
    /// From GOAWAY or `close` to the end.
    pub drain_timeout: Duration,
    /// Streams in flight whatever the server allows: bounds memory.
    pub max_streams: u32,
    /// How to be wrong.
    #[cfg(feature = "mutants")]
    pub(crate) mutant: Option<crate::mutants::Mutant>,
}

impl Default for ConnectionConfig {
    fn default() -> Self {
        Self {
            scheme: Bytes::from_static(b"https"),
            authority: Bytes::new(),
            first_stream_id: 1,
            settings_timeout: Duration::from_secs(10),
            ping_after: Duration::from_secs(2),
            idle_ping_after: Duration::from_secs(60),
            ping_timeout: Duration::from_secs(5),
            progress_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            max_streams: 16_384,
            #[cfg(feature = "mutants")]
            mutant: None,
        }
    }
}

#[cfg(feature = "mutants")]
impl ConnectionConfig {
    /// Makes connections, and the pool of this configuration, wrong on purpose.
    #[doc(hidden)]
    pub fn set_mutant(&mut self, mutant: Option<crate::mutants::Mutant>) {
        self.mutant = mutant;
    }
}
