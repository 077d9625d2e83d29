//! One HTTP/2 client connection as a pure state machine.

use std::marker::PhantomData;
use std::time::Duration;

use bytes::Bytes;

use crate::delivery::{Cause, Delivery, Disconnect, GoAway};
use crate::job::{Job, Rejected};
use crate::machine::Wakeup;
use crate::request::Response;
use crate::time::Time;

/// The numbers of a [`Connection`]; the defaults are DESIGN's.
#[derive(Clone, Debug)]
pub struct ConnectionConfig {
    /// `:scheme`, `https` as a rule.
    pub scheme: Bytes,
    /// `:authority`: host, and the port if it isn't the scheme's own.
    pub authority: Bytes,
    /// The first stream id: odd. Only tests of id exhaustion want another than 1.
    pub first_stream_id: u32,
    /// From `new` to the server's first SETTINGS, and from ours to its ACK.
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
        }
    }
}

/// What a connection can take now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Requests that can start.
    pub streams: u32,
    /// Octets of body that fit the connection's window and the output's room.
    pub octets: usize,
}

/// What a connection tells.
#[derive(Debug)]
pub enum Event<T> {
    /// A final response arrived for this job, complete or cut.
    Answered(Job<T>, Response),
    /// The attempt ended without a response.
    Returned(Job<T>, Delivery, Cause),
    /// No new request can start (GOAWAY, ids used up, no progress, `close`); those in flight go on. The GOAWAY, if one was received.
    Draining(Option<GoAway>),
    /// The last event, once. `None` after a drain that ended well.
    Closed(Option<Cause>),
}

/// One HTTP/2 client connection: bytes and time in, bytes and events out.
#[derive(Debug)]
pub struct Connection<T> {
    _tag: PhantomData<T>,
}

#[allow(unused_variables, missing_docs, reason = "skeleton")]
impl<T> Connection<T> {
    pub fn new(config: &ConnectionConfig, now: Time) -> Self {
        todo!()
    }
    pub fn read_buf(&mut self) -> &mut [u8] {
        todo!()
    }
    pub fn handle_read(&mut self, now: Time, n: usize) {
        todo!()
    }
    pub fn transmit(&mut self) -> &[u8] {
        todo!()
    }
    pub fn handle_written(&mut self, now: Time, n: usize) {
        todo!()
    }
    pub fn handle_disconnect(&mut self, now: Time, why: Disconnect) {
        todo!()
    }
    /// Sets the value of `authorization` for requests started from now on; `None`: no such field (client certificate).
    pub fn set_authorization(&mut self, generation: u64, value: Option<Bytes>) {
        todo!()
    }
    /// The generation of the present `authorization`.
    pub fn authorization_generation(&self) -> u64 {
        todo!()
    }
    pub fn credit(&self) -> Credit {
        todo!()
    }
    /// # Errors
    /// Blocked | Closed | TooLarge: the job comes back.
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub fn start(&mut self, now: Time, job: Job<T>) -> Result<(), Rejected<T>> {
        todo!()
    }
    pub fn close(&mut self, now: Time) {
        todo!()
    }
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        todo!()
    }
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        todo!()
    }
    pub fn handle_timeout(&mut self, now: Time) {
        todo!()
    }
    /// The server's first SETTINGS arrived.
    pub fn is_ready(&self) -> bool {
        todo!()
    }
    /// No new request can start.
    pub fn is_draining(&self) -> bool {
        todo!()
    }
    /// `Event::Closed` was queued, and everything is over.
    pub fn is_closed(&self) -> bool {
        todo!()
    }
    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        todo!()
    }
    /// A PING decides whether the peer is alive: nothing may start meanwhile.
    pub fn is_probing(&self) -> bool {
        todo!()
    }
}
