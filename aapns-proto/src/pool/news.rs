//! What the pool makes of the news that its links bring.

use std::time::Duration;

use aapns_models::Reason;

use crate::delivery::{Cause, DialError, DialStep, Disconnect, GoAway};
use crate::frame::ErrorCode;
use crate::job::Tag;
use crate::limits::SETBACK_CAP;
use crate::link::Link;
use crate::mutants::Mutant;
use crate::pool::breaker::Trip;
use crate::pool::hand::News;
use crate::pool::judge;
use crate::pool::links::{Order, Slot};
use crate::pool::{LinkId, Pool};
use crate::time::Time;

impl<T: Tag> Pool<T> {
    /// Hears what happened to a link since its last exchange.
    pub(crate) fn hear(&mut self, now: Time, id: LinkId, news: News) {
        self.inflight = self.inflight.saturating_sub(news.tally.settled);
        self.tally.add(news.tally);
        self.budget.answered(news.tally.completed);
        if news.is_ready {
            self.ready(now, id);
        }
        if news.is_proven
            && let Some(slot) = self.links.get_mut(id)
            && !std::mem::replace(&mut slot.is_proven, true)
        {
            self.dials.proven();
        }
        if news.is_good && self.breaker.is_watching() {
            self.breaker.answered();
        }
        if let Some(run) = news.run
            && self.breaker.fatal(now, run, &mut self.rng)
        {
            self.tripped();
        }
        if let Some(goaway) = news.draining {
            self.drains(now, id, goaway);
        }
        if news.is_stuck && self.backlog() > 0 && self.may_go(now) {
            self.links.set_stuck(id, true);
        }
    }

    /// A link is up. It takes the place of a stuck one, if there is one.
    fn ready(&mut self, now: Time, id: LinkId) {
        if let Some(slot) = self.links.get_mut(id) {
            slot.is_ready = true;
        }
        self.dials.ready();
        self.breaker.ready();
        let stuck = self.links.iter_up().find(|(_, slot)| slot.is_stuck);
        if let Some((stuck, _)) = stuck {
            self.order(stuck, Order::Drain);
        }
        self.drain_surplus();
        self.watch_idle(now);
    }

    /// A link drains by itself: the reason in a GOAWAY decides when to reconnect, never more.
    fn drains(&mut self, now: Time, id: LinkId, goaway: Option<GoAway>) {
        let slot = self.links.get(id).copied();
        self.retire(now, id, Order::None);
        let Some(goaway) = goaway else {
            return;
        };
        if let Some(slot) = self.links.get_mut(id)
            && !std::mem::replace(&mut slot.has_goaway, true)
        {
            self.goaways += 1;
        }
        match goaway.reason.as_deref().map(Reason::from) {
            Some(reason) if judge::is_fatal(&reason) => {
                let cause = Cause::Fatal(reason.as_str().into());
                self.trip(now, cause, Trip::Credential);
            }
            Some(Reason::ExpiredProviderToken) => {
                let generation = slot.map_or(0, |slot| slot.token_generation);
                self.tokens.refused(now, generation);
                self.mint(now);
            }
            Some(Reason::TooManyProviderTokenUpdates) => self.dials.setback(now, &mut self.rng),
            _ if is_about_load(&goaway) => {
                self.dials.setback(now, &mut self.rng);
            }
            _ => {}
        }
    }

    /// Replaces a link: at once if it had proved itself, after a pause if not.
    pub(crate) fn retire(&mut self, now: Time, id: LinkId, order: Order) {
        let Some(slot) = self.links.get(id).copied() else {
            return;
        };
        if order > Order::None {
            self.order(id, order);
        } else {
            self.links.retire(id);
        }
        if !slot.is_draining && is_setback(now, &slot) {
            self.dials.setback(now, &mut self.rng);
        }
    }

    /// Replaces a link after a pause, though it had proved itself.
    pub(crate) fn retire_with_pause(&mut self, now: Time, id: LinkId) {
        let slot = self.links.get(id);
        if slot.is_some_and(|slot| !slot.is_draining && !is_setback(now, slot)) {
            self.dials.setback(now, &mut self.rng);
        }
        self.retire(now, id, Order::Drain);
    }

    /// Opens the breaker, and ends what waits.
    pub(crate) fn trip(&mut self, now: Time, cause: Cause, by: Trip) {
        self.breaker.trip(now, cause, by, &mut self.rng);
        self.tripped();
    }

    fn tripped(&mut self) {
        if let Some(at) = self.breaker.next() {
            self.arm(at);
        }
        self.flush();
    }

    /// A link is over, or its task is: takes its jobs back, and passes its wake on. Wake the link that
    /// comes back, if one does.
    pub fn link_closed(&mut self, now: Time, mut link: Link<T>) -> Option<LinkId> {
        let (hand, cause) = link.end(now);
        let id = hand.id;
        let slot = self.links.get(id).copied();
        self.hear(now, id, hand.news);
        for back in hand.backs {
            if let Some(done) = self.take_back(now, Duration::ZERO, id, back) {
                self.end(done);
            }
        }
        for done in hand.done {
            self.actions.push_back(crate::pool::Action::Done(done));
        }
        let is_replaced = self.links.get(id).is_some_and(|slot| slot.is_draining);
        if let Some(slot) = slot
            && !(slot.is_ready && is_replaced)
        {
            self.lost(now, &slot, cause);
        }
        self.links.remove(id);
        self.finish(now);
        self.redial(now);
        let passes_on = !self.config.connection.is(Mutant::DeathDropsBaton);
        if self.backlog() > 0 && self.may_go(now) && passes_on {
            return self.links.wake();
        }
        None
    }

    /// A link that was up, or on its way up, is gone.
    fn lost(&mut self, now: Time, slot: &Slot, cause: Option<Cause>) {
        if slot.is_draining {
            return;
        }
        if slot.is_ready {
            if is_setback(now, slot) {
                self.dials.setback(now, &mut self.rng);
            }
            return;
        }
        self.dial_error(now, unready(cause));
    }
}

/// Why a link ended before the server's SETTINGS. An alert is part of the handshake still.
fn unready(cause: Option<Cause>) -> DialError {
    if let Some(Cause::ConnectionLost(alert @ Disconnect::Alert(_))) = cause {
        return DialError {
            step: DialStep::Tls,
            is_fatal: true,
            message: alert.to_string().into(),
        };
    }
    let message = cause.map_or_else(|| "closed".into(), |cause| cause.to_string());
    DialError {
        step: DialStep::Http2,
        is_fatal: false,
        message: message.into(),
    }
}

/// Whether the server sent a link away because we asked too much of it; some say so by the text alone.
fn is_about_load(goaway: &GoAway) -> bool {
    let text = goaway.reason.as_deref().unwrap_or_default();
    goaway.code == ErrorCode::ENHANCE_YOUR_CALM
        || text.to_ascii_lowercase().contains("active streams")
}

/// Whether the end of a link says that the next one may fare no better: it never gave an answer, and
/// not because there was nothing to ask for long.
fn is_setback(now: Time, slot: &Slot) -> bool {
    !slot.is_proven && now.saturating_since(slot.since) < SETBACK_CAP
}
