//! What a set of clients holds, and the retirement of what is idle.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, ready};
use std::time::Duration;

use crate::client::bell::Bell;
use crate::client::builder::Builder;
use crate::client::credential::Credential;
use crate::client::endpoint::Endpoint;
use crate::client::handle::Client;
use crate::client::pool::State;
use crate::client::runtime::{Runtime, Timer};
use crate::time::Time;

use super::{ClientKey, ClientsError};

/// How soon to look again at a client that is in use.
const LOOK: Duration = Duration::from_secs(1);

pub(super) type Template<R> = Box<dyn Fn(Builder<R>) -> Builder<R> + Send + Sync>;

pub(super) struct Inner<R: Runtime> {
    pub(super) runtime: R,
    pub(super) template: Template<R>,
    pub(super) most: usize,
    pub(super) idle: Duration,
    /// Rung when there is more for the sweeper to look after, or nothing any more.
    pub(super) bell: Arc<Bell>,
    pub(super) state: Mutex<Table<R>>,
}

/// What is under the lock.
pub(super) struct Table<R: Runtime> {
    pub(super) credentials: BTreeMap<Arc<str>, Credential>,
    pub(super) entries: BTreeMap<(Arc<str>, Endpoint), Entry<R>>,
    pub(super) is_closed: bool,
}

pub(super) struct Entry<R: Runtime> {
    pub(super) client: Client<R>,
    /// When it was last seen in use.
    pub(super) used: Time,
}

impl<R: Runtime> Inner<R> {
    pub(super) fn lock(&self) -> MutexGuard<'_, Table<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What sets up a client of this key, as the user wants each. Not under the lock.
    pub(super) fn builder(&self, key: &ClientKey) -> Builder<R> {
        let builder = Builder::new(self.runtime.clone(), key.endpoint.clone());
        (self.template)(builder).endpoint(key.endpoint.clone())
    }

    /// Closes what has been idle for long enough; the moment of the next look.
    fn retire(&self) -> Option<Time> {
        let now = self.runtime.now();
        let mut state = self.lock();
        for entry in state.entries.values_mut() {
            if !entry.is_idle() {
                entry.used = now;
            }
        }
        let is_kept = |entry: &Entry<R>| !entry.is_idle() || entry.used + self.idle > now;
        let entries = std::mem::take(&mut state.entries);
        let (kept, retired): (BTreeMap<_, _>, BTreeMap<_, _>) =
            entries.into_iter().partition(|(_, entry)| is_kept(entry));
        let due = |entry: &Entry<R>| match entry.used < now {
            true => entry.used + self.idle,
            // In use just now: not to look again and again.
            false => now + self.idle.max(LOOK),
        };
        let next = kept.values().map(due).min();
        state.entries = kept;
        drop(state);
        drop(retired);
        next
    }
}

impl<R: Runtime> Drop for Inner<R> {
    fn drop(&mut self) {
        self.bell.ring();
    }
}

impl<R: Runtime> Table<R> {
    /// A handle of the client that is there.
    pub(super) fn present(
        &mut self,
        key: &ClientKey,
        place: &(Arc<str>, Endpoint),
        now: Time,
    ) -> Result<Option<Client<R>>, ClientsError> {
        if self.is_closed {
            return Err(ClientsError::Closed);
        }
        let entry = self.entries.get_mut(place);
        Ok(entry.filter(|entry| !entry.is_closed()).map(|entry| {
            entry.used = now;
            entry.give(key)
        }))
    }

    pub(super) fn of(&self, name: &str) -> impl Iterator<Item = &Entry<R>> {
        let of_name = move |((of, _), _): &(&(Arc<str>, Endpoint), &Entry<R>)| **of == *name;
        self.entries.iter().filter(of_name).map(|(_, entry)| entry)
    }

    pub(super) fn longest_idle(&self) -> Option<(Arc<str>, Endpoint)> {
        let idle = self.entries.iter().filter(|(_, entry)| entry.is_idle());
        idle.min_by_key(|(_, entry)| entry.used)
            .map(|(place, _)| place.clone())
    }
}

impl<R: Runtime> Entry<R> {
    /// A handle for whoever asked.
    pub(super) fn give(&self, key: &ClientKey) -> Client<R> {
        match &key.topic {
            Some(topic) => self.client.with_topic(topic.clone()),
            None => self.client.clone(),
        }
    }

    /// Nobody else has a handle, and nothing is under way.
    fn is_idle(&self) -> bool {
        let pool = self.client.pool();
        let stats = pool.stats();
        pool.is_unshared()
            && stats.pending + stats.retrying + stats.inflight == 0
            && pool.waiting() == 0
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.client.pool().state(), State::Closing | State::Closed)
    }
}

/// Retires idle clients until the set is gone.
pub(super) async fn sweep<R: Runtime>(clients: Weak<Inner<R>>, runtime: R, bell: Arc<Bell>) {
    let mut timer = runtime.timer();
    poll_fn(|cx| {
        bell.listen(cx);
        loop {
            bell.hear();
            let Some(inner) = clients.upgrade() else {
                return Poll::Ready(());
            };
            let next = inner.retire();
            drop(inner);
            match next {
                Some(at) => ready!(timer.poll_until(cx, at)),
                None => return Poll::Pending,
            }
        }
    })
    .await;
}
