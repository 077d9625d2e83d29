//! One HTTP/2 client connection as a pure state machine (RFC 9113).
//!
//! | file | story |
//! |---|---|
//! | `input`, `receive` | octets in: frames in place, and what each means |
//! | `response`, `fields` | the response of a request, and its rules |
//! | `send`, `flow`, `output` | requests out, windows, and what was lent to the transport |
//! | `streams`, `stream` | the requests in flight |
//! | `settle`, `reset`, `goaway` | how requests end, and with which delivery |
//! | `settings`, `liveness`, `flood` | the connection's own health |
//! | `timers`, `closing` | time, and the end |

mod closing;
mod config;
mod fields;
mod flood;
mod flow;
mod goaway;
mod input;
mod liveness;
mod output;
mod receive;
mod reset;
mod response;
mod send;
mod settings;
mod settle;
mod stream;
mod streams;
mod timers;

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;

use self::closing::Phase;
pub use self::config::ConnectionConfig;
use self::flood::FloodBudget;
use self::flow::{ReceiveWindow, SendWindow};
use self::input::Input;
use self::liveness::Liveness;
use self::output::Output;
use self::reset::ResetRate;
use self::response::OpenBlock;
use self::settings::PeerSettings;
use self::streams::Streams;
use crate::deadlines::Deadlines;
use crate::delivery::{Cause, Delivery, Disconnect, GoAway};
use crate::hpack::{Decoder, Encoder};
use crate::job::{Job, RejectReason, Rejected};
use crate::limits::{CONNECTION_WINDOW, HEADER_TABLE_SIZE};
use crate::machine::Wakeup;
use crate::mutants::Mutant;
use crate::request::Response;
use crate::time::Time;

/// What a connection can take now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credit {
    /// Requests that can start.
    pub streams: u32,
    /// Octets of body that fit the connection's window and the output's room.
    pub octets: usize,
}

/// What a connection tells. Each matters to a driver, so that a new one is a new major version.
#[derive(Debug)]
pub enum Event<T> {
    /// A final response arrived for this job, complete or cut.
    Answered(Job<T>, Response),
    /// The attempt ended without a response.
    Returned(Job<T>, Delivery, Cause),
    /// No new request can start (GOAWAY, ids used up, no progress, too many resets, `close`); those
    /// in flight go on. The GOAWAY, if one was received; it comes once more for a GOAWAY that
    /// arrives later, if that is the first or has another reason or code.
    Draining(Option<GoAway>),
    /// The last event, once. `None` after a drain that ended well.
    Closed(Option<Cause>),
}

/// One HTTP/2 client connection: bytes and time in, bytes and events out.
///
/// A driver fills [`read_buf`](Self::read_buf), writes what [`transmit`](Self::transmit) lends, and
/// calls [`handle_timeout`](Self::handle_timeout) when [`poll_timeout`](Self::poll_timeout) says so;
/// after each it drains [`poll_event`](Self::poll_event). Every job that [`start`](Self::start) took
/// comes back whole, in exactly one event. After the end every input is a no-op.
pub struct Connection<T> {
    config: ConnectionConfig,
    /// The latest moment that a driver told of.
    now: Time,
    phase: Phase,
    input: Input,
    output: Output,
    /// A field block that isn't complete.
    block: Option<OpenBlock>,
    decoder: Decoder,
    encoder: Encoder,
    /// The generation of the present `authorization`.
    generation: u64,
    streams: Streams<T>,
    /// Streams whose body waits for a window or for room, first come, first served.
    waiting: VecDeque<u32>,
    /// A window opened, or only the room was missing.
    is_body_due: bool,
    /// Streams that wait for a PING's ACK before their first octet is coded.
    parked: Vec<u32>,
    send_window: SendWindow,
    receive_window: ReceiveWindow,
    /// Streams that have used half of their receive window.
    creditors: Vec<u32>,
    peer: PeerSettings,
    /// When the server's first SETTINGS must be there.
    settings_due: Time,
    /// When our SETTINGS must be acknowledged, while they aren't.
    ack_due: Option<Time>,
    /// What the GOAWAYs so far come to.
    goaway: Option<GoAway>,
    liveness: Liveness,
    resets: ResetRate,
    budget: FloodBudget,
    deadlines: Deadlines<u32>,
    /// Octets of responses that are incomplete or not taken yet.
    held: usize,
    events: VecDeque<Event<T>>,
}

impl<T> Connection<T> {
    /// A connection over a transport that was just established; its preface is the first output.
    pub fn new(config: &ConnectionConfig, now: Time) -> Self {
        let settings_due = now + config.settings_timeout;
        Self {
            now,
            phase: Phase::Open,
            input: Input::new(),
            output: Output::new(settings::preface()),
            block: None,
            decoder: Decoder::new(HEADER_TABLE_SIZE),
            encoder: Encoder::new(config.scheme.clone(), config.authority.clone()),
            generation: 0,
            streams: Streams::new(config.first_stream_id, config.max_streams),
            waiting: VecDeque::new(),
            is_body_due: false,
            parked: Vec::new(),
            send_window: SendWindow::new(crate::limits::STREAM_WINDOW),
            receive_window: ReceiveWindow::new(CONNECTION_WINDOW),
            creditors: Vec::new(),
            peer: PeerSettings::new(),
            settings_due,
            ack_due: Some(settings_due),
            goaway: None,
            liveness: Liveness::new(now),
            resets: ResetRate::new(now),
            budget: FloodBudget::new(now),
            deadlines: Deadlines::new(),
            held: 0,
            events: VecDeque::new(),
            config: config.clone(),
        }
    }

    /// Room for what the transport has; never empty.
    pub fn read_buf(&mut self) -> &mut [u8] {
        self.input.room()
    }

    /// `n` octets of [`read_buf`](Self::read_buf) were filled.
    pub fn handle_read(&mut self, now: Time, n: usize) {
        self.advance(now);
        if self.is_over() || n == 0 {
            return;
        }
        self.liveness.heard(self.now);
        self.input.fill(n);
        let mut frames = self.input.take();
        let result = self.receive(&mut frames);
        self.input.restore(frames);
        if let Err(error) = result {
            self.fail(error);
        }
        self.settle();
    }

    /// Lends the pending output, and counts all of it as sent.
    pub fn transmit(&mut self) -> &[u8] {
        if !self.is_over() {
            self.give_credit();
            if self.is_body_due {
                self.code_bodies();
            }
        }
        self.output.lend()
    }

    /// The transport took `n` octets of what [`transmit`](Self::transmit) lent; only frees them.
    pub fn handle_written(&mut self, now: Time, n: usize) {
        self.advance(now);
        self.output.free(n);
        if self.output.is_empty() && matches!(self.phase, Phase::Closing { .. }) {
            self.shut();
        }
    }

    /// The transport ended: everything in flight is settled by what was lent and heard.
    pub fn handle_disconnect(&mut self, now: Time, why: Disconnect) {
        self.advance(now);
        self.lost(Cause::ConnectionLost(why));
    }

    /// Sets the value of `authorization` for requests started from now on; `None`: no such field (client certificate).
    pub fn set_authorization(&mut self, generation: u64, value: Option<Bytes>) {
        self.generation = generation;
        self.encoder.set_authorization(value);
    }

    /// The generation of the present `authorization`.
    pub fn authorization_generation(&self) -> u64 {
        self.generation
    }

    /// What can start now: exactly what the server's settings, the windows and the output leave.
    ///
    /// No stream before the first SETTINGS, while draining, and while a PING decides whether the
    /// peer is alive; a single one after long idleness, which waits for its PING's ACK.
    pub fn credit(&self) -> Credit {
        let in_flight = u32::try_from(self.streams.len()).unwrap_or(u32::MAX);
        let window = self.send_window.octets();
        let octets = window.min(self.output.room());
        let is_stuck = in_flight > 0 && octets == 0;
        let is_open = matches!(self.phase, Phase::Open) && self.is_ready();
        if !is_open || is_stuck || self.liveness.is_probing() {
            return Credit { streams: 0, octets };
        }
        let over = u32::from(self.config.is(Mutant::OverLimit));
        let limit = self.peer.max_streams.min(self.config.max_streams) + over;
        let most = if self.liveness.is_stale { 1 } else { u32::MAX };
        let streams = limit
            .saturating_sub(in_flight)
            .min(self.streams.ids_left())
            .min(most);
        Credit { streams, octets }
    }

    /// Starts a request: its octets are in the next [`transmit`](Self::transmit), as far as the
    /// windows go (RFC 9113 §5.2).
    ///
    /// # Errors
    /// [`Rejected`] gives the job back, untouched: `Blocked` without [`credit`](Self::credit),
    /// `TooLarge` if the fields exceed the server's SETTINGS_MAX_HEADER_LIST_SIZE, `Closed` for ever.
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub fn start(&mut self, now: Time, job: Job<T>) -> Result<(), Rejected<T>> {
        self.advance(now);
        let is_busy = self.streams.len() > 0;
        self.liveness.note_idleness(self.now, &self.config, is_busy);
        let reason = if !matches!(self.phase, Phase::Open) {
            RejectReason::Closed
        } else if self.credit().streams == 0 {
            RejectReason::Blocked
        } else if self.is_too_large(&job) {
            RejectReason::TooLarge
        } else {
            if self.liveness.is_stale {
                self.probe();
            }
            match self.open(job) {
                Ok(()) => {
                    self.retire_at_last_id();
                    return Ok(());
                }
                Err(job) => {
                    self.drain(None, Cause::Closed);
                    let reason = RejectReason::Closed;
                    return Err(Rejected { job, reason });
                }
            }
        };
        Err(Rejected { job, reason })
    }

    /// Takes no more requests, and ends when those in flight have: RFC 9113's graceful shutdown.
    pub fn close(&mut self, now: Time) {
        self.advance(now);
        self.drain(None, Cause::Closed);
        self.settle();
    }

    /// The next event, in order.
    pub fn poll_event(&mut self) -> Option<Event<T>> {
        self.next_event()
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) next; O(1). `now` while events are queued.
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        self.next_timeout()
    }

    /// Time passed: deadlines, PING, drain.
    pub fn handle_timeout(&mut self, now: Time) {
        self.advance(now);
        self.time_passed();
        self.settle();
    }

    /// The server's first SETTINGS arrived.
    pub fn is_ready(&self) -> bool {
        self.peer.is_known
    }

    /// No new request can start.
    pub fn is_draining(&self) -> bool {
        !matches!(self.phase, Phase::Open)
    }

    /// `Event::Closed` was queued, and everything is over: the last output was written, or had its time.
    pub fn is_closed(&self) -> bool {
        matches!(self.phase, Phase::Closed)
    }

    /// What the GOAWAY frames received so far come to, if there were any.
    pub fn goaway(&self) -> Option<&GoAway> {
        self.goaway.as_ref()
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.streams.len()
    }

    /// Whether bodies wait for the server to open a window.
    pub fn has_waiting_bodies(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// A PING decides whether the peer is alive: nothing may start meanwhile.
    pub fn is_probing(&self) -> bool {
        self.liveness.is_probing()
    }

    /// Whether this one is broken on purpose.
    pub(crate) fn is(&self, mutant: Mutant) -> bool {
        self.config.is(mutant)
    }

    /// Whether the fields exceed what the server takes; nothing is added up for one without a limit.
    #[inline]
    fn is_too_large(&self, job: &Job<T>) -> bool {
        let most = self.peer.max_field_list;
        most < u32::MAX && self.encoder.list_size(&job.request) > most as usize
    }

    /// Time doesn't run backwards, whatever the driver says.
    #[inline]
    fn advance(&mut self, now: Time) {
        self.now = self.now.max(now);
    }

    /// Ids are used once: a connection retires while it has some left (RFC 9113 §5.1.1).
    fn retire_at_last_id(&mut self) {
        if self.streams.ids_left() == 0 {
            self.drain(None, Cause::Closed);
        }
    }
}

/// Shows the state; no request, no field and no octets.
impl<T> fmt::Debug for Connection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection")
            .field("now", &self.now)
            .field("phase", &self.phase)
            .field("in_flight", &self.streams.len())
            .field("waiting", &self.waiting.len())
            .field("peer", &self.peer)
            .field("goaway", &self.goaway)
            .field("liveness", &self.liveness)
            .finish_non_exhaustive()
    }
}
