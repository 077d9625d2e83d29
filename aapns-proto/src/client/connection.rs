//! The low-level handle: one connection, nothing retried, nothing redialled.

mod machine;
mod renewal;

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::connection::{self, ConnectionConfig, Credit};
use crate::delivery::{DialError, DialStep};
use crate::job::Job;
use crate::pool::MintError;
use crate::request::Request;

use super::bell::Bell;
use super::builder::{BuildError, Builder};
use super::credential::Access;
use super::driver::drive;
use super::endpoint::Endpoint;
use super::error::PostError;
use super::observe::Observer;
use super::pool_task::dial_until;
use super::post::Answer;
use super::reply::Reply;
use super::runtime::{Runtime, Transport};
use super::token::TokenSource;
use super::watchers::{Watched, Watchers, Watching};
use machine::WiredMachine;
use renewal::Renewal;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// Something is wrong before anything was dialled.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The dial failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// There is no provider token.
    #[error("credential: {0}")]
    Mint(MintError),
}

impl From<MintError> for ConnectError {
    fn from(error: MintError) -> Self {
        Self::Mint(error)
    }
}

/// One HTTP/2 connection. Cheap to clone; clones are the same connection, which is closed with the last of them.
pub struct Connection<R: Runtime>(Arc<Owner<R>>);

struct Owner<R: Runtime> {
    wired: Arc<Wired<R>>,
}

/// What the handle and the driver share.
struct Wired<R: Runtime> {
    runtime: R,
    timeout: Option<Duration>,
    tokens: Option<TokenSource>,
    bell: Arc<Bell>,
    observer: Observer,
    state: Mutex<State>,
}

/// What is under the mutex: held for one call, or one read or write, never across an await.
struct State {
    wire: connection::Connection<Arc<Reply>>,
    renewal: Renewal,
    watchers: Watchers,
    is_over: bool,
}

impl<R: Runtime + Default> Connection<R> {
    /// Sets up a connection to this server; [`Builder::connect`] dials.
    pub fn builder(endpoint: Endpoint) -> Builder<R> {
        Builder::new(R::default(), endpoint)
    }
}

impl<R: Runtime> Connection<R> {
    pub(super) async fn dial(
        runtime: R,
        endpoint: &Endpoint,
        access: Access,
        config: &ConnectionConfig,
        dial_timeout: Duration,
        timeout: Option<Duration>,
    ) -> Result<Self, ConnectError> {
        let deadline = runtime.now() + dial_timeout;
        let token = match &access.tokens {
            Some(source) => Some(renewal::mint(&runtime, source, deadline).await?),
            None => None,
        };
        let renewal = Renewal::new(token, runtime.unix())?;
        let observer = Observer::new(endpoint);
        let since = runtime.now();
        let transport = dial_until(&runtime, access.target(endpoint), deadline, |_| {}).await;
        let is_http2 = |transport: &R::Transport| transport.alpn() == Some(b"h2");
        let transport = transport.and_then(|transport| match is_http2(&transport) {
            true => Ok(transport),
            false => Err(not_http2()),
        });
        let transport = transport.inspect_err(|error| {
            let took = runtime.now().saturating_since(since);
            observer.dial_failed(0, took, error);
        })?;
        let watch = observer.link(0, since);
        let mut wire = connection::Connection::new(config, runtime.now());
        if let Some(value) = renewal.value() {
            wire.set_authorization(1, Some(value));
        }
        let wired = Arc::new(Wired {
            runtime: runtime.clone(),
            timeout,
            tokens: access.tokens,
            bell: Arc::default(),
            observer,
            state: Mutex::new(State {
                wire,
                renewal,
                watchers: Watchers::default(),
                is_over: false,
            }),
        });
        let bell = Arc::clone(&wired.bell);
        let machine = WiredMachine::new(Arc::clone(&wired), watch);
        runtime.spawn(drive(runtime.clone(), transport, machine, bell));
        let this = Self(Arc::new(Owner { wired }));
        this.settings().await?;
        Ok(this)
    }

    /// Sends a request now, or not at all: queued nowhere, never sent again.
    ///
    /// # Cancel safety
    /// Safe. The request is sent by the call; dropping the future leaves it to its answer or deadline, and the
    /// stream stays in use until then.
    ///
    /// # Errors
    /// By the future: [`PostError::Blocked`] exactly if there is no [`credit`](Self::credit) (try later),
    /// [`PostError::Closed`] if the connection takes no more requests, [`PostError::Failed`] with
    /// [`Cause::Credential`](crate::Cause::Credential) if the provider token got too old and no other could be made,
    /// else as [`Pool::post`](super::Pool::post).
    pub fn post(&self, request: Request) -> Posting {
        let wired = &self.0.wired;
        let (now, unix) = (wired.runtime.now(), wired.runtime.unix());
        let reply = Arc::new(Reply::new(wired.observer.request(now)));
        let deadline = wired.timeout.map(|timeout| now + timeout);
        let job = Job::new(request, Arc::clone(&reply)).deadline(deadline);
        let started = wired.lock().start(now, unix, job);
        match started {
            Ok(()) => {
                wired.observer.began();
                wired.observer.attempt(reply.told());
                wired.bell.ring();
                Posting(Stage::Sent(reply))
            }
            Err(error) => {
                // What is sent leads to a turn by itself.
                wired.ask_for_renewal(now, unix);
                Posting(Stage::Failed(error))
            }
        }
    }

    /// How many requests can start now: none without a free stream, or while the provider token is 59 minutes old and
    /// the next one is being made.
    pub fn credit(&self) -> Credit {
        let wired = &self.0.wired;
        let (now, unix) = (wired.runtime.now(), wired.runtime.unix());
        wired.ask_for_renewal(now, unix);
        wired.lock().credit(unix)
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.0.wired.lock().wire.in_flight()
    }

    /// Whether no request can start any more: after a GOAWAY, a failure or [`close`](Self::close).
    pub fn is_closed(&self) -> bool {
        let state = self.0.wired.lock();
        state.is_over || state.wire.is_draining() || state.wire.is_closed()
    }

    /// Takes no more requests, waits for those in flight, within the configured drain timeout, and ends the connection.
    ///
    /// # Cancel safety
    /// Safe: once polled, the connection takes its leave without the future too.
    pub async fn close(&self) {
        self.0.wired.close();
        self.0
            .wired
            .watch(|state| state.is_over.then_some(()))
            .await;
    }

    /// Waits for the server's first SETTINGS, which say how many requests can start.
    async fn settings(&self) -> Result<(), DialError> {
        let watched = self.0.wired.watch(|state| match state.is_over {
            true => Some(false),
            false => state.wire.is_ready().then_some(true),
        });
        if watched.await {
            return Ok(());
        }
        Err(DialError {
            step: DialStep::Http2,
            is_fatal: false,
            message: "the server ended the connection before its SETTINGS".into(),
        })
    }
}

impl<R: Runtime> Clone for Connection<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Runtime> std::fmt::Debug for Connection<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

impl<R: Runtime> Drop for Owner<R> {
    fn drop(&mut self) {
        self.wired.close();
    }
}

/// A request on its way over a [`Connection`].
#[derive(Debug)]
#[must_use = "dropping it gives the answer away"]
pub struct Posting(Stage);

#[derive(Debug)]
enum Stage {
    Sent(Arc<Reply>),
    Failed(PostError),
    Over,
}

impl Future for Posting {
    type Output = Result<Answer, PostError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Sent(reply) = &self.0 {
            let result = reply.poll(cx);
            if result.is_ready() {
                self.0 = Stage::Over;
            }
            return result;
        }
        match std::mem::replace(&mut self.0, Stage::Over) {
            Stage::Failed(error) => Poll::Ready(Err(error)),
            Stage::Sent(_) | Stage::Over => Poll::Pending,
        }
    }
}

impl Drop for Posting {
    fn drop(&mut self) {
        if let Stage::Sent(reply) = &self.0 {
            reply.abandon();
        }
    }
}

impl<R: Runtime> Wired<R> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn close(&self) {
        let now = self.runtime.now();
        self.lock().wire.close(now);
        self.bell.ring();
    }

    /// Waits until something holds; looked at after each turn while anyone watches.
    async fn watch<O>(&self, mut holds: impl FnMut(&State) -> Option<O>) -> O {
        let watching = Watching::new(self);
        poll_fn(|cx| {
            let mut state = self.lock();
            match holds(&state) {
                Some(output) => Poll::Ready(output),
                None => {
                    state.watchers.listen(watching.seat, cx.waker());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl<R: Runtime> Watched for Wired<R> {
    fn with_watchers<O>(&self, f: impl FnOnce(&mut Watchers) -> O) -> O {
        f(&mut self.lock().watchers)
    }
}

pub(super) fn not_http2() -> DialError {
    DialError {
        step: DialStep::Tls,
        is_fatal: true,
        message: crate::pool::NotAdmitted::NotHttp2.to_string().into(),
    }
}
