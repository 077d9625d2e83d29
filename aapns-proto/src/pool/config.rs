//! The numbers of a pool.

use std::time::Duration;

use crate::connection::ConnectionConfig;
use crate::time::Time;

/// The numbers of a [`Pool`](super::Pool). The defaults suit Apple's servers:
/// `let mut config = PoolConfig::default();`, and set what is to differ.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PoolConfig {
    /// The least number of links kept up.
    pub min_links: u16,
    /// The most, at least 1; draining links don't count, and are at most as many again. A number over
    /// half of [`LINKS_LIMIT`](crate::limits::LINKS_LIMIT) is taken as that half.
    pub max_links: u16,
    /// Jobs in the queue.
    pub max_queued: usize,
    /// Octets of bodies in the queue.
    pub max_queued_octets: usize,
    /// DNS + TCP + TLS.
    pub dial_timeout: Duration,
    /// Work waited this long and no link had credit for it: dial another link.
    pub grow_after: Duration,
    /// A link beyond `min_links` that had nothing to do for this long is closed.
    pub shrink_after: Duration,
    /// A link had no credit, and answered nothing, for this long while work waited: replace it.
    pub stuck_after: Duration,
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
            grow_after: Duration::from_millis(100),
            shrink_after: Duration::from_secs(600),
            stuck_after: Duration::from_secs(10),
            auth: Auth::None,
            connection: ConnectionConfig::default(),
        }
    }
}

/// How links authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Auth {
    /// By the TLS client certificate, or not at all: no `authorization`.
    #[default]
    None,
    /// By a provider token that the pool asks for with [`Action::Mint`](super::Action::Mint).
    Token,
}

/// How a pool ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Close {
    /// Sends what is queued, until then; afterwards what is left fails as closed.
    Drain {
        /// When to give up.
        until: Time,
    },
    /// Fails what is queued at once.
    Abort,
}
