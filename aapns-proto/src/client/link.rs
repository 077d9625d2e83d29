//! A pool's link as a driver sees it.

use std::sync::Arc;
use std::time::Duration;

use crate::delivery::Disconnect;
use crate::link::Link;
use crate::machine::{Machine, Turn};
use crate::time::Time;

use super::bell::Bell;
use super::observe::LinkWatch;
use super::pool_task::wind_up;
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
    watch: LinkWatch,
}

impl<R: Runtime> LinkMachine<R> {
    pub(super) fn new(shared: Arc<Shared<R>>, link: Link<Arc<Reply>>, watch: LinkWatch) -> Self {
        Self {
            shared,
            link: Some(link),
            watch,
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
        self.look(now);
        let shared = Arc::clone(&self.shared);
        let Some(link) = &mut self.link else {
            return Turn::default();
        };
        if link.wants_exchange(may_take) {
            self.watch.given_back(&shared.observer, link.backs());
            let wake = shared.with(|core| {
                let wake = link.exchange(now, unix, may_take, &mut core.pool);
                shared.observer.load(&core.pool);
                wake
            });
            shared.bells.ring(wake);
            self.watch.taken(&shared.observer, link.taken());
            link.handle_taken(now);
        }
        for _ in 0..RESULTS {
            let Some(done) = link.poll_done() else {
                return Turn {
                    again: link.wants_exchange(may_take),
                };
            };
            shared.settle(now, done);
        }
        Turn { again: true }
    }

    fn is_closed(&self) -> bool {
        self.link.as_ref().is_none_or(Link::is_closed)
    }
}

impl<R: Runtime> LinkMachine<R> {
    /// Tells what is new of the connection.
    fn look(&mut self, now: Time) {
        if let Some(link) = &self.link {
            let sight = self.watch.look(link.connection());
            self.watch.tell(&self.shared.observer, now, sight);
        }
    }

    fn link_mut(&mut self) -> &mut Link<Arc<Reply>> {
        self.link
            .as_mut()
            .expect("a machine has its link until it is dropped")
    }
}

impl<R: Runtime> Drop for LinkMachine<R> {
    fn drop(&mut self) {
        let now = self.shared.runtime.now();
        self.look(now);
        let Some(mut link) = self.link.take() else {
            return;
        };
        link.handle_disconnect(now, Disconnect::DriverDropped);
        while let Some(done) = link.poll_done() {
            self.shared.settle(now, done);
        }
        let observer = &self.shared.observer;
        self.watch.given_back(observer, link.backs());
        self.watch.closed(observer, now, link.cause());
        let (wake, is_orphaned) = self.shared.with(|core| {
            let wake = core.pool.link_closed(now, link);
            observer.load(&core.pool);
            (wake, core.is_orphaned)
        });
        self.shared.bells.ring(wake);
        if is_orphaned {
            wind_up(&self.shared, now);
        }
    }
}

/// The bell of a link; a deaf one for an id that no pool gives.
pub(super) fn bell<R: Runtime>(shared: &Shared<R>, link: &Link<Arc<Reply>>) -> Arc<Bell> {
    shared
        .bells
        .of(link.id())
        .map_or_else(Arc::default, Arc::clone)
}
