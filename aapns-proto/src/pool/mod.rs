//! The pool: queue, expiry, retries, dial policy, breaker, token schedule.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::connection::ConnectionConfig;
use crate::delivery::{DialError, Done};
use crate::job::{Job, Rejected, Tag};
use crate::link::Link;
use crate::machine::Wakeup;
use crate::time::Time;

/// A slot of the pool's links; reused, so a late wake is only spurious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u16);

/// A place in the queue, for [`Pool::cancel`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a submit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a link may have to be woken"]
pub struct Submitted {
    /// For [`Pool::cancel`].
    pub ticket: Ticket,
    /// The link to wake.
    pub wake: Option<LinkId>,
}

/// An order to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dial {
    /// Which dial this is.
    pub id: u64,
    /// DNS, TCP and TLS must be done by then.
    pub deadline: Time,
    /// Which credential to dial with: the n-th that `set_credential` set.
    pub credential: u64,
}

/// An order to get a provider token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mint {
    /// Which mint this is.
    pub id: u64,
    /// The token that the server refused, if one was: don't answer with the same.
    pub refused: Option<ProviderToken>,
}

/// A provider token (JWT) and when it was issued. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
pub struct ProviderToken {
    /// `bearer <jwt>`, the value of `authorization`.
    pub value: Bytes,
    /// `iat`: time since 1970.
    pub issued_at: Duration,
}

impl std::fmt::Debug for ProviderToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProviderToken")
            .field("issued_at", &self.issued_at)
            .finish_non_exhaustive()
    }
}

/// Why no provider token could be had; the text is for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MintError(pub Arc<str>);

/// A transport that speaks no HTTP/2 (RFC 7301): the breaker opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the server did not select h2 by ALPN")]
pub struct NotHttp2;

/// How links authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Auth {
    /// By the TLS client certificate, or not at all: no `authorization`.
    #[default]
    None,
    /// By a provider token that the pool asks for with [`Action::Mint`].
    Token,
}

/// How a pool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Sends what is queued, until then; afterwards what is left fails as closed.
    Drain {
        /// When to give up.
        until: Time,
    },
    /// Fails what is queued at once.
    Abort,
}

/// The rare things that a pool wants done; drained under the same lock as the call that caused them.
#[derive(Debug)]
pub enum Action<T> {
    /// Wake this link.
    Wake(LinkId),
    /// Dial, and answer with `dialed` or `dial_failed`.
    Dial(Dial),
    /// Get a provider token, and answer with `minted`.
    Mint(Mint),
    /// There is room for this many waiting submitters.
    Room(usize),
    /// `poll_timeout` moved earlier.
    Timer,
    /// A request that ended in the queue.
    Done(Done<T>),
    /// All is over; the last action.
    Closed,
}

/// The numbers of a [`Pool`]; the defaults are DESIGN's.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// The least number of links kept up.
    pub min_links: u16,
    /// The most.
    pub max_links: u16,
    /// Jobs in the queue.
    pub max_queued: usize,
    /// Octets of bodies in the queue.
    pub max_queued_octets: usize,
    /// DNS + TCP + TLS.
    pub dial_timeout: Duration,
    /// How links authenticate.
    pub auth: Auth,
    /// The links' own numbers.
    pub connection: ConnectionConfig,
}

impl Default for PoolConfig {
    fn default() -> Self {
        Self {
            min_links: 1,
            max_links: 10,
            max_queued: 1_000_000,
            max_queued_octets: 256 * 1024 * 1024,
            dial_timeout: Duration::from_secs(10),
            auth: Auth::None,
            connection: ConnectionConfig::default(),
        }
    }
}

/// Counters, as one cheap snapshot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Jobs waiting in the queue for their first attempt.
    pub pending: u64,
    /// Jobs waiting for another attempt.
    pub retrying: u64,
    /// Jobs handed to links and not settled.
    pub inflight: u64,
    /// Octets of bodies in the queue.
    pub buffered: u64,
    /// Jobs answered.
    pub completed: u64,
    /// Jobs that ended without an answer.
    pub errors: u64,
    /// Attempts after the first.
    pub resent: u64,
    /// Jobs whose caller went away.
    pub abandoned: u64,
    /// Jobs resent after an unknown delivery.
    pub possible_duplicates: u64,
    /// Dials begun.
    pub dials: u64,
    /// Dials that failed.
    pub dial_failures: u64,
    /// GOAWAY frames that retired a link.
    pub goaways: u64,
    /// Links that are up and not draining.
    pub links: u64,
}

/// The pool.
#[derive(Debug)]
pub struct Pool<T> {
    _tag: PhantomData<T>,
}

#[allow(
    unused_variables,
    missing_docs,
    clippy::missing_errors_doc,
    reason = "skeleton"
)]
impl<T: Tag> Pool<T> {
    pub fn new(config: PoolConfig, seed: u64, now: Time) -> Self {
        todo!()
    }
    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub fn submit(&mut self, now: Time, job: Job<T>) -> Result<Submitted, Rejected<T>> {
        todo!()
    }
    /// Still queued: out it comes; in flight: `None`, the tag says abandoned.
    pub fn cancel(&mut self, ticket: Ticket) -> Option<Job<T>> {
        todo!()
    }
    pub fn dialed(
        &mut self,
        now: Time,
        dial: Dial,
        alpn: Option<&[u8]>,
    ) -> Result<Link<T>, NotHttp2> {
        todo!()
    }
    pub fn dial_failed(&mut self, now: Time, dial: Dial, error: DialError) {
        todo!()
    }
    pub fn link_closed(&mut self, now: Time, link: Link<T>) -> Option<LinkId> {
        todo!()
    }
    pub fn minted(
        &mut self,
        now: Time,
        unix: Duration,
        mint: Mint,
        result: Result<ProviderToken, MintError>,
    ) {
        todo!()
    }
    pub fn set_credential(&mut self, now: Time, auth: Auth) {
        todo!()
    }
    pub fn resize(&mut self, now: Time, min_links: u16, max_links: u16) {
        todo!()
    }
    pub fn close(&mut self, now: Time, how: Close) {
        todo!()
    }
    pub fn poll_action(&mut self) -> Option<Action<T>> {
        todo!()
    }
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        todo!()
    }
    pub fn handle_timeout(&mut self, now: Time) {
        todo!()
    }
    pub fn stats(&self) -> Stats {
        todo!()
    }
}
