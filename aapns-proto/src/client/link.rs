//! A pool's link as a driver sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::Disconnect;
use crate::link::Link;
use crate::machine::{Machine, Turn};
use crate::time::Time;

use super::bell::Bell;
use super::reply::Reply;
use super::runtime::Runtime;
use super::shared::Shared;

/// Results handed out in a turn: more would make the last of them wait for the callers of the first.
const RESULTS: usize = 256;

/// A link with its pool. Dropped, for whatever reason, it settles what it has.
pub(super) struct LinkMachine<R: Runtime> {
    shared: Arc<Shared<R>>,
    /// `None` only while being dropped.
    link: Option<Link<Arc<Reply>>>,
}

impl<R: Runtime> LinkMachine<R> {
    pub(super) fn new(shared: Arc<Shared<R>>, link: Link<Arc<Reply>>) -> Self {
        Self {
            shared,
            link: Some(link),
        }
    }
}

impl<R: Runtime> Machine for LinkMachine<R> {
    type Wire = Link<Arc<Reply>>;

    fn with<O>(&mut self, f: impl FnOnce(&mut Self::Wire) -> O) -> O {
        f(self.link_mut())
    }

    fn handle_wake(&mut self) {
        self.link_mut().handle_wake();
    }

    fn turn(&mut self, now: Time, unix: Duration, may_take: bool) -> Turn {
        let shared = Arc::clone(&self.shared);
        let link = self.link_mut();
        if link.wants_exchange(may_take) {
            let wake = shared.with(|core| link.exchange(now, unix, may_take, &mut core.pool));
            shared.bells.ring(wake);
            link.handle_taken(now);
        }
        for _ in 0..RESULTS {
            let Some(done) = link.poll_done() else {
                return Turn {
                    again: link.wants_exchange(may_take),
                };
            };
            shared.settle(done);
        }
        Turn { again: true }
    }

    fn is_closed(&self) -> bool {
        self.link.as_ref().is_none_or(Link::is_closed)
    }
}

impl<R: Runtime> LinkMachine<R> {
    fn link_mut(&mut self) -> &mut Link<Arc<Reply>> {
        self.link
            .as_mut()
            .expect("a machine has its link until it is dropped")
    }
}

impl<R: Runtime> Drop for LinkMachine<R> {
    fn drop(&mut self) {
        let Some(mut link) = self.link.take() else {
            return;
        };
        let now = self.shared.runtime.now();
        link.handle_disconnect(now, Disconnect::DriverDropped);
        while let Some(done) = link.poll_done() {
            self.shared.settle(done);
        }
        let wake = self.shared.with(|core| core.pool.link_closed(now, link));
        self.shared.bells.ring(wake);
    }
}

/// The bell of a link; a deaf one for an id that no pool gives.
pub(super) fn bell<R: Runtime>(shared: &Shared<R>, link: &Link<Arc<Reply>>) -> Arc<Bell> {
    shared
        .bells
        .of(link.id())
        .map_or_else(Arc::default, Arc::clone)
}
