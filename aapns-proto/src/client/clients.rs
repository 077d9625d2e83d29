//! Many teams, environments and topics in one process.

mod builder;
mod table;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::Duration;

use aapns_models::Topic;
use futures_core::Stream;

use crate::pool::Stats;

use super::builder::BuildError;
use super::credential::Credential;
use super::endpoint::Endpoint;
use super::handle::Client;
use super::pool::Drained;
use super::runtime::Runtime;
use super::unordered::Unordered;
use builder::shared;
use table::{Entry, Inner};

pub use builder::ClientsBuilder;

/// A [`Client`] for each credential and server, made when it is first asked for. Cheap to clone; clones
/// are the same set.
///
/// APNs binds a connection to the first team, key and environment that it sees, so that each of them
/// needs a pool of its own; topics of one key share theirs. Ask for a client when there is something to
/// send, and drop it afterwards: that costs a look into a map. What nobody holds and nothing is under way
/// in is idle; after an hour of that a pool is closed, with its connections.
///
/// There are 100 pools at most, unless the builder says otherwise. When one more is asked for, the one
/// that has been idle for longest gives way. When none is idle, the call fails with
/// [`ClientsError::Busy`]: to wait could be for ever, if whoever asks holds the others.
///
/// Credentials are known by names of your choice. Those that are one team's and one key share one
/// source of provider tokens, under whatever names: Apple wants one token of a key to be used by all.
pub struct Clients<R: Runtime>(Arc<Inner<R>>);

/// Which client: the credential's name, the server, and the topic of notifications that name none.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClientKey {
    credential: Arc<str>,
    endpoint: Endpoint,
    topic: Option<Topic>,
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientsError {
    /// No credential was given under this name.
    #[error("there is no credential called {0:?}")]
    UnknownCredential(Arc<str>),
    /// There are as many as there may be, and each is held by somebody or has something under way.
    #[error("all {0} clients are in use")]
    Busy(usize),
    /// All were closed.
    #[error("closed")]
    Closed,
    /// The client can't be set up.
    #[error(transparent)]
    Build(#[from] BuildError),
}

impl ClientKey {
    /// The client of this credential at this server.
    pub fn new(credential: impl Into<Arc<str>>, endpoint: Endpoint) -> Self {
        Self {
            credential: credential.into(),
            endpoint,
            topic: None,
        }
    }

    /// Notifications that name no topic have this one.
    #[must_use]
    pub fn topic(mut self, topic: Topic) -> Self {
        self.topic = Some(topic);
        self
    }
}

impl<R: Runtime + Default> Clients<R> {
    /// Sets up a set of clients.
    pub fn builder() -> ClientsBuilder<R> {
        ClientsBuilder::new(R::default())
    }
}

impl<R: Runtime> Clients<R> {
    /// The client of this key; made by the first call, and the same pool for all who ask until it is retired.
    ///
    /// A client that was closed by one of its holders is replaced by a new one.
    ///
    /// # Errors
    /// [`ClientsError`].
    pub fn client(&self, key: &ClientKey) -> Result<Client<R>, ClientsError> {
        let now = self.0.runtime.now();
        let place = (Arc::clone(&key.credential), key.endpoint.clone());
        let present = self.0.lock().present(key, &place, now)?;
        if let Some(client) = present {
            return Ok(client);
        }
        // The user's functions are called without the lock, here and at the end.
        let builder = self.0.builder(key);
        // Dropped, thus closed, without it too.
        let mut retired;
        let mut state = self.0.lock();
        if let Some(client) = state.present(key, &place, now)? {
            return Ok(client);
        }
        let credential = state.credentials.get(&key.credential).cloned();
        let credential = credential
            .ok_or_else(|| ClientsError::UnknownCredential(Arc::clone(&key.credential)))?;
        retired = state.entries.remove(&place);
        if state.entries.len() >= self.0.most {
            let longest = state.longest_idle();
            let longest = longest.ok_or(ClientsError::Busy(self.0.most))?;
            retired = state.entries.remove(&longest);
        }
        let client = builder.credential(credential).build_quietly()?;
        let entry = Entry { client, used: now };
        let asked = entry.give(key);
        state.entries.insert(place, entry);
        drop(state);
        drop(retired);
        self.0.bell.ring();
        asked.pool().warn();
        Ok(asked)
    }

    /// Gives a credential under this name, or another in place of one: clients that have the old one go on
    /// with the new one, without losing a notification.
    ///
    /// # Errors
    /// [`BuildError`] if a client can't use it: that client keeps the old one.
    pub fn set_credential(
        &self,
        name: impl Into<Arc<str>>,
        credential: impl Into<Credential>,
    ) -> Result<(), BuildError> {
        let name = name.into();
        let mut state = self.0.lock();
        let credential = shared(&state.credentials, credential.into());
        let users: Vec<Client<R>> = state.of(&name).map(|e| e.client.clone()).collect();
        state.credentials.insert(name, credential.clone());
        drop(state);
        let results: Vec<_> = users
            .iter()
            .map(|client| client.set_credential(credential.clone()))
            .collect();
        results.into_iter().collect()
    }

    /// Forgets a credential. Its clients are closed, once those who hold them have dropped them and what is
    /// under way is over.
    pub fn remove_credential(&self, name: &str) {
        let mut state = self.0.lock();
        state.credentials.remove(name);
        let kept = std::mem::take(&mut state.entries);
        let (retired, kept): (BTreeMap<_, _>, _) =
            kept.into_iter().partition(|((of, _), _)| **of == *name);
        state.entries = kept;
        drop(state);
        drop(retired);
    }

    /// How many pools there are.
    pub fn len(&self) -> usize {
        self.0.lock().entries.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The counters of each pool.
    pub fn stats(&self) -> Vec<(ClientKey, Stats)> {
        let state = self.0.lock();
        let of = |((credential, endpoint), entry): (&(Arc<str>, Endpoint), &Entry<R>)| {
            let key = ClientKey::new(Arc::clone(credential), endpoint.clone());
            (key, entry.client.stats())
        };
        state.entries.iter().map(of).collect()
    }

    /// Gives out no more clients, and [drains](Client::drain) all that there are, queues and answers, each for
    /// at most `limit`: what to call after a run of sends.
    ///
    /// # Cancel safety
    /// Safe: once polled, every drain goes on without the future.
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.end(Some(limit)).await
    }

    /// Gives out no more clients, and [closes](Client::close) all that there are at once: what is queued comes
    /// back to its callers unsent, and what is in flight without its answer, as
    /// [`Delivery::Unknown`](crate::delivery::Delivery::Unknown), which isn't counted as unsent. After a run of
    /// sends take [`drain`](Self::drain).
    ///
    /// # Cancel safety
    /// Safe: once polled, all are closed, also without the future.
    pub async fn close(&self) -> Drained {
        self.end(None).await
    }

    async fn end(&self, limit: Option<Duration>) -> Drained {
        let entries = {
            let mut state = self.0.lock();
            state.is_closed = true;
            std::mem::take(&mut state.entries)
        };
        let mut ending: Unordered<(), Pin<Box<dyn Future<Output = Drained> + Send>>> =
            Unordered::new();
        for entry in entries.into_values() {
            ending.push(
                (),
                Box::pin(async move {
                    match limit {
                        Some(limit) => entry.client.drain(limit).await,
                        None => entry.client.close().await,
                    }
                }),
            );
        }
        let mut unsent = 0;
        poll_fn(|cx| {
            while let Some(((), drained)) = ready!(Pin::new(&mut ending).poll_next(cx)) {
                unsent += drained.unsent;
            }
            Poll::Ready(())
        })
        .await;
        Drained { unsent }
    }
}

impl<R: Runtime> Clone for Clients<R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<R: Runtime> std::fmt::Debug for Clients<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients")
            .field("len", &self.len())
            .field("most", &self.0.most)
            .finish_non_exhaustive()
    }
}
