//! What a pool asks its driver for, and the names of what it is about.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::delivery::Done;
use crate::time::Time;

/// The rare things that a pool wants done; drained under the same lock as the call that caused them.
/// Each must be seen to, so that a new one is a new major version.
#[derive(Debug)]
pub enum Action<T> {
    /// Wake this link.
    Wake(LinkId),
    /// Dial, and answer with `dialed` or `dial_failed`.
    Dial(Dial),
    /// Get a provider token, and answer with `minted`.
    Mint(Mint),
    /// There is room for this many more of the submitters that wait.
    Room(usize),
    /// `poll_timeout` moved earlier.
    Timer,
    /// A request that ended in the queue.
    Done(Done<T>),
    /// All is over: the last action, and no timer runs.
    Closed,
}

/// A slot of the pool's links; reused, so a late wake is only spurious.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub u16);

/// A place in the queue, for [`Pool::cancel`](super::Pool::cancel).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(pub u64);

/// What a submit did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a link may have to be woken"]
#[non_exhaustive]
pub struct Submitted {
    /// For [`Pool::cancel`](super::Pool::cancel).
    pub ticket: Ticket,
    /// The link to wake.
    pub wake: Option<LinkId>,
}

/// An order to dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
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
#[non_exhaustive]
pub struct Mint {
    /// Which mint this is.
    pub id: u64,
    /// After that nobody waits for it any more.
    pub deadline: Time,
    /// The token that the server refused, if one was: don't answer with the same.
    pub refused: Option<ProviderToken>,
}

/// A provider token (JWT) and when it was issued. `Debug` shows no value.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProviderToken {
    /// `bearer <jwt>`, the value of `authorization`.
    pub value: Bytes,
    /// `iat`: time since 1970.
    pub issued_at: Duration,
}

impl ProviderToken {
    /// Of this JWT, without the word `bearer`, and the time since 1970 of its `iat` claim.
    ///
    /// # Errors
    /// [`MintError`] if the text can't be a JWT.
    pub fn new(jwt: &str, issued_at: Duration) -> Result<Self, MintError> {
        let is_jwt_char = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if jwt.is_empty() || !jwt.bytes().all(is_jwt_char) {
            return Err(MintError(
                "not a JWT: three base64url parts with dots between".into(),
            ));
        }
        Ok(Self {
            value: Bytes::from(format!("bearer {jwt}")),
            issued_at,
        })
    }
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

/// Why a finished dial became no link: drop its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAdmitted {
    /// It speaks no HTTP/2 (RFC 7301): the breaker opens.
    #[error("the server did not select h2 by ALPN")]
    NotHttp2,
    /// It took too long, was made with an earlier credential, or the pool is closed.
    #[error("the connection came too late")]
    Late,
}
