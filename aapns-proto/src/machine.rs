//! What a driver loop is generic over.

use std::time::Duration;

use crate::connection::Connection;
use crate::delivery::Disconnect;
use crate::job::Tag;
use crate::link::Link;
use crate::time::Time;

/// Why [`Wire::poll_timeout`] wants to be called, for traces and for drivers that coalesce timers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Wakeup {
    /// Work is queued already: call `handle_timeout` now.
    Now,
    /// A request's deadline.
    Deadline,
    /// SETTINGS, PING, drain or progress: the connection's own health.
    Health,
    /// A retry, dial or token falls due.
    Schedule,
}

/// What a turn left to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Turn {
    /// Work is left that this turn did not do (bounds on batches): come again after writing.
    pub again: bool,
}

/// The bytes and the time of one HTTP/2 connection.
pub trait Wire {
    /// Room for what the socket has; never empty.
    fn read_buf(&mut self) -> &mut [u8];
    /// `n` octets of `read_buf` were filled.
    fn handle_read(&mut self, now: Time, n: usize);
    /// Lends the pending output, and counts it as sent.
    fn transmit(&mut self) -> &[u8];
    /// `n` octets of what `transmit` lent were taken by the transport; only frees them.
    fn handle_written(&mut self, now: Time, n: usize);
    /// The transport ended.
    fn handle_disconnect(&mut self, now: Time, why: Disconnect);
    /// When to call `handle_timeout` next; O(1).
    fn poll_timeout(&self) -> Option<(Time, Wakeup)>;
    /// Time passed.
    fn handle_timeout(&mut self, now: Time);
    /// Requests in flight.
    fn in_flight(&self) -> usize;
    /// Whether bodies wait for the server to open a window: then it is to be read at once.
    fn has_waiting_bodies(&self) -> bool;
}

/// One HTTP/2 connection as a driver loop sees it: bytes in, bytes out, time, and a step between.
///
/// A driver's turn is: `handle_wake` if it was woken → read into `read_buf`, `handle_read` →
/// `handle_timeout` if due (after reading: what came in time counts) → [`turn`](Self::turn) → write
/// `transmit()`, `handle_written` → flush → park until readable, writable, woken, or `poll_timeout`.
pub trait Machine {
    /// What has the bytes and the time.
    type Wire: Wire;
    /// Lends the wire for one call of it, or for one read or write of the transport.
    fn with<O>(&mut self, f: impl FnOnce(&mut Self::Wire) -> O) -> O;
    /// Somebody has work or an order for this connection.
    fn handle_wake(&mut self);
    /// The step between reading and writing: takes new work (if `may_take`), hands out results.
    /// `unix` is the wall clock: time since 1970.
    fn turn(&mut self, now: Time, unix: Duration, may_take: bool) -> Turn;
    /// Nothing more will come out: drop the transport.
    fn is_closed(&self) -> bool;
}

/// Both have these as methods of their own; the trait only forwards.
macro_rules! forward_wire {
    ($machine:ident, $($bound:ident)?) => {
        impl<T $(: $bound)?> Wire for $machine<T> {
            fn read_buf(&mut self) -> &mut [u8] {
                $machine::read_buf(self)
            }
            fn handle_read(&mut self, now: Time, n: usize) {
                $machine::handle_read(self, now, n);
            }
            fn transmit(&mut self) -> &[u8] {
                $machine::transmit(self)
            }
            fn handle_written(&mut self, now: Time, n: usize) {
                $machine::handle_written(self, now, n);
            }
            fn handle_disconnect(&mut self, now: Time, why: Disconnect) {
                $machine::handle_disconnect(self, now, why);
            }
            fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
                $machine::poll_timeout(self)
            }
            fn handle_timeout(&mut self, now: Time) {
                $machine::handle_timeout(self, now);
            }
            fn in_flight(&self) -> usize {
                $machine::in_flight(self)
            }
            fn has_waiting_bodies(&self) -> bool {
                $machine::has_waiting_bodies(self)
            }
        }
    };
}

forward_wire!(Connection,);
forward_wire!(Link, Tag);
