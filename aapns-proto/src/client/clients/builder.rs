//! Setting up a set of clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::bell::Bell;
use crate::client::builder::Builder;
use crate::client::credential::Credential;
use crate::client::runtime::Runtime;
use crate::limits::{CLIENTS, CLIENTS_IDLE};

use super::Clients;
use super::table::{Inner, Table, Template, sweep};

/// Sets up [`Clients`].
#[must_use = "nothing is set up before build()"]
pub struct ClientsBuilder<R: Runtime> {
    runtime: R,
    template: Template<R>,
    credentials: BTreeMap<Arc<str>, Credential>,
    most: usize,
    idle: Duration,
}

impl<R: Runtime> ClientsBuilder<R> {
    /// On this runtime.
    pub fn new(runtime: R) -> Self {
        Self {
            runtime,
            template: Box::new(|builder| builder),
            credentials: BTreeMap::new(),
            most: CLIENTS,
            idle: CLIENTS_IDLE,
        }
    }

    /// How each client is set up: numbers of connections, timeouts, authorities. Server and credential are
    /// the key's.
    ///
    /// The function is called whenever a client has to be made, now and then more than once for one. No lock of
    /// the set is held: it may use the set, but to ask for the same client there has no end.
    pub fn template(
        mut self,
        template: impl Fn(Builder<R>) -> Builder<R> + Send + Sync + 'static,
    ) -> Self {
        self.template = Box::new(template);
        self
    }

    /// A credential under this name; more can come [later](Clients::set_credential).
    pub fn credential(
        mut self,
        name: impl Into<Arc<str>>,
        credential: impl Into<Credential>,
    ) -> Self {
        let credential = shared(&self.credentials, credential.into());
        self.credentials.insert(name.into(), credential);
        self
    }

    /// The most pools at a time, at least 1; 100 by default.
    pub fn max_clients(mut self, most: usize) -> Self {
        self.most = most.max(1);
        self
    }

    /// How long a pool may be idle before it is closed; an hour by default.
    pub fn idle_timeout(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// The set, without a client yet.
    pub fn build(self) -> Clients<R> {
        let bell = Arc::<Bell>::default();
        let inner = Arc::new(Inner {
            runtime: self.runtime.clone(),
            template: self.template,
            most: self.most,
            idle: self.idle,
            bell: Arc::clone(&bell),
            state: Mutex::new(Table {
                credentials: self.credentials,
                entries: BTreeMap::new(),
                is_closed: false,
            }),
        });
        let sweeping = sweep(Arc::downgrade(&inner), self.runtime.clone(), bell);
        self.runtime.spawn(sweeping);
        Clients(inner)
    }
}

/// The credential, with the source of tokens of another that has the same key.
pub(super) fn shared(known: &BTreeMap<Arc<str>, Credential>, credential: Credential) -> Credential {
    let Credential::Token(source) = &credential else {
        return credential;
    };
    let same = known.values().find_map(|other| match other {
        Credential::Token(other) if other.has_key_of(source) => Some(other.clone()),
        _ => None,
    });
    same.map_or(credential, Credential::Token)
}

impl<R: Runtime> std::fmt::Debug for ClientsBuilder<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClientsBuilder")
            .field("credentials", &self.credentials.len())
            .field("max_clients", &self.most)
            .field("idle_timeout", &self.idle)
            .finish_non_exhaustive()
    }
}
