//! The handle of a pool.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use aapns_models::ApnsId;

use crate::delivery::{Cause, Delivery};
use crate::limits::DROP_DRAIN;
use crate::pool::{Close, Stats};
use crate::request::Request;
use crate::time::Time;

use super::builder::{BuildError, Builder, check_connections};
use super::credential::Credential;
use super::endpoint::Endpoint;
use super::error::PostError;
use super::options::PostOptions;
use super::post::Post;
use super::runtime::{Runtime, Timer};
use super::shared::{Core, Shared};

/// Several connections to one origin behind one queue: requests are sent again where that is safe.
///
/// Cheap to clone; clones are the same pool. When the last one is dropped, what is queued is still
/// sent, for at most 30 s; [`drain`](Self::drain) waits for that.
pub struct Pool<R: Runtime>(Arc<Owner<R>>);

/// Closes the pool with the last handle: futures and tasks hold the shared part alone.
struct Owner<R: Runtime> {
    shared: Arc<Shared<R>>,
}

/// Where a pool is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// No connection is up.
    Connecting,
    /// A connection is up.
    Up,
    /// Takes no more requests, and finishes those that it has.
    Closing,
    /// Over.
    Closed,
}

/// What became of a pool's last requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Drained {
    /// Requests that came back to their callers as [`PostError::Closed`] without having been processed. Those
    /// that were in flight and lost their answers aren't among them.
    pub unsent: u64,
}

impl<R: Runtime + Default> Pool<R> {
    /// Sets up a pool for this server.
    pub fn builder(endpoint: Endpoint) -> Builder<R> {
        Builder::new(R::default(), endpoint)
    }
}

impl<R: Runtime> Pool<R> {
    pub(super) fn new(shared: Arc<Shared<R>>) -> Self {
        Self(Arc::new(Owner { shared }))
    }

    /// Sends a request: queued at once, in the order of calls, with the pool's timeout and policy.
    ///
    /// Answers of any status are `Ok`. While the queue is full, requests stand in line for it, first come
    /// first served; the timeout runs from the call.
    ///
    /// # Cancel safety
    /// Safe. Dropping the future takes the request back if it waits for its first attempt; one in flight
    /// keeps its stream until its answer or deadline, is never sent again, and disturbs no other; one that
    /// waits to be sent again keeps its place in the queue until it is due, and isn't sent. In any case it
    /// counts as [abandoned](crate::pool::Stats::abandoned).
    ///
    /// # Errors
    /// By the future: [`PostError`], which says whether the server can have processed the request.
    pub fn post(&self, request: Request) -> Post<R> {
        self.post_with(request, PostOptions::new())
    }

    /// The same, with a timeout and policy of its own.
    ///
    /// # Cancel safety
    /// Safe, as [`post`](Self::post).
    ///
    /// # Errors
    /// As [`post`](Self::post).
    pub fn post_with(&self, request: Request, options: PostOptions) -> Post<R> {
        Post::begin(&self.0.shared, request, options, true)
    }

    /// The same, but never waits for room: the future fails with [`PostError::Blocked`] if the queue is full.
    ///
    /// # Cancel safety
    /// Safe, as [`post`](Self::post).
    ///
    /// # Errors
    /// As [`post`](Self::post), and [`PostError::Blocked`].
    pub fn try_post(&self, request: Request, options: PostOptions) -> Post<R> {
        Post::begin(&self.0.shared, request, options, false)
    }

    /// Waits until a connection is up, for health checks; gives up after `limit`, or at once if trying
    /// again is pointless until the configuration or the credential changes.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing, and leaves nothing behind.
    ///
    /// # Errors
    /// [`PostError::Closed`] if the pool was closed, or [`PostError::Failed`] with what keeps it from
    /// connecting, as far as that is known; else [`PostError::Timeout`].
    pub async fn ready(&self, limit: Duration) -> Result<(), PostError> {
        let shared = &self.0.shared;
        let deadline = shared.runtime.now() + limit;
        let mut timer = shared.runtime.timer();
        let error = |cause| Err(PostError::settled(cause, Delivery::NotSent, (0, false)));
        let obstacle = |core: &Core| core.pool.obstacle();
        let verdict = shared.watch(
            |core| match core.state() {
                State::Up => Some(Ok(())),
                State::Closing | State::Closed => Some(error(Cause::Closed)),
                State::Connecting if core.pool.is_broken() => obstacle(core).map(error),
                State::Connecting => None,
            },
            |cx| timer.poll_until(cx, deadline),
        );
        if let Some(verdict) = verdict.await {
            return verdict;
        }
        error(shared.with(|core| obstacle(core)).unwrap_or(Cause::Timeout))
    }

    /// The counters, as they are now.
    pub fn stats(&self) -> Stats {
        self.0.shared.with(|core| core.pool.stats())
    }

    /// How many requests stand in line for room in the queue.
    pub fn waiting(&self) -> usize {
        self.0.shared.with(|core| core.room.len())
    }

    /// Where the pool is in its life.
    pub fn state(&self) -> State {
        self.0.shared.with(|core| core.state())
    }

    /// The clock of [`PostOptions::deadline`].
    pub fn now(&self) -> Time {
        self.0.shared.runtime.now()
    }

    /// The server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.0.shared.endpoint
    }

    /// Changes the number of connections; surplus ones finish what they have.
    ///
    /// # Errors
    /// [`BuildError::Connections`] unless 1 ≤ `min` ≤ `max` ≤ 512.
    pub fn resize(&self, min: u16, max: u16) -> Result<(), BuildError> {
        check_connections(min, max)?;
        let now = self.now();
        self.0.shared.with(|core| core.pool.resize(now, min, max));
        Ok(())
    }

    /// Changes the credential without losing a request: new connections use the new one, old ones finish what they have.
    ///
    /// # Errors
    /// [`BuildError`] if it can't be used, or is a certificate that says so itself; the old one stays.
    pub fn set_credential(&self, credential: impl Into<Credential>) -> Result<(), BuildError> {
        let unix = self.0.shared.runtime.unix();
        let access = self.0.shared.trust.access(&credential.into(), unix)?;
        let now = self.now();
        self.0.shared.with(|core| {
            let auth = access.auth();
            core.access = access;
            core.pool.set_credential(now, auth);
        });
        self.0.shared.trust.warn(unix);
        Ok(())
    }

    /// Takes no more requests, sends what is queued, waits for the answers, for at most `limit`, and closes:
    /// what to call after a run of sends. Nothing starts any more in the last fifth of that time, so that
    /// answers can come in. What was never sent, or stood in line for room, comes back to its callers as
    /// [`PostError::Closed`], and is counted here. What has no answer by then ends as with [`close`](Self::close).
    ///
    /// # Cancel safety
    /// Safe: once polled, the drain goes on to its end without the future.
    pub async fn drain(&self, limit: Duration) -> Drained {
        let until = self.now() + limit;
        self.end(Close::Drain { until }).await
    }

    /// Closes at once: what is queued comes back to its callers as [`PostError::Closed`], unsent. What is in
    /// flight loses its answer: it comes back as `Closed` with [`Delivery::Unknown`], and isn't counted as
    /// unsent. After a run of sends take [`drain`](Self::drain).
    ///
    /// Of a single connection it is the other way round: [`Connection::close`](super::Connection::close)
    /// waits for what is in flight.
    ///
    /// # Cancel safety
    /// Safe: once polled, the pool is closed, also without the future.
    pub async fn close(&self) -> Drained {
        self.end(Close::Abort).await
    }

    /// A random id (UUID version 4, RFC 9562 §5.4).
    pub(super) fn random_id(&self) -> ApnsId {
        let random = || u128::from(self.0.shared.runtime.random());
        let number = random() << 64 | random();
        let (version, variant) = (0xf << 76, 0b11 << 62);
        ApnsId::from_u128(number & !version & !variant | 4 << 76 | 0b10 << 62)
    }

    /// Whether this is the only handle.
    pub(super) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.0) == 1
    }

    /// Calls the user's function, if the client certificate expires soon.
    pub(super) fn warn(&self) {
        let shared = &self.0.shared;
        shared.trust.warn(shared.runtime.unix());
    }

    #[cfg(feature = "rustls")]
    pub(super) fn shared(&self) -> &Arc<Shared<R>> {
        &self.0.shared
    }

    async fn end(&self, how: Close) -> Drained {
        let shared = &self.0.shared;
        let now = shared.runtime.now();
        shared.with(|core| core.close(now, how));
        shared
            .watch(|core| core.is_over().then_some(()), |_| Poll::Pending)
            .await;
        Drained {
            unsent: shared.unsent.load(Ordering::Relaxed),
        }
    }
}

impl<R: Runtime> Clone for Pool<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Runtime> std::fmt::Debug for Pool<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.shared.fmt(f)
    }
}

impl<R: Runtime> Drop for Owner<R> {
    fn drop(&mut self) {
        let now = self.shared.runtime.now();
        let until = now + DROP_DRAIN;
        self.shared
            .with(|core| core.close(now, Close::Drain { until }));
    }
}

#[cfg(test)]
mod tests;
