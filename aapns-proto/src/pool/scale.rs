//! How many links there should be, and the dials and drains that make it so.

use std::time::Duration;

use crate::job::Tag;
use crate::limits::{LINKS_LIMIT, SHRINK_PAUSE};
use crate::mutants::Mutant;
use crate::pool::links::Order;
use crate::pool::{Action, LinkId, Pool};
use crate::time::Time;

/// How far the backlog has driven the number of links.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    /// The number of links wanted, between the pool's bounds.
    target: usize,
    /// Since when work waits and no link has credit for it.
    starving_since: Option<Time>,
    /// When to look for idle links next.
    shrink_at: Option<Time>,
}

impl<T: Tag> Pool<T> {
    /// Changes the bounds on the number of links: dials what is missing, drains what is too much.
    ///
    /// `max_links` is at least 1 and at most half of [`LINKS_LIMIT`].
    pub fn resize(&mut self, now: Time, min_links: u16, max_links: u16) {
        self.set_bounds(min_links, max_links);
        self.drain_surplus();
        self.redial(now);
        self.watch_idle(now);
    }

    pub(crate) fn set_bounds(&mut self, min_links: u16, max_links: u16) {
        let most = u16::try_from(LINKS_LIMIT / 2).unwrap_or(u16::MAX);
        self.config.max_links = max_links.clamp(1, most);
        self.config.min_links = min_links.min(self.config.max_links);
        let bounds = (self.min_links(), self.max_links());
        self.growth.target = self.growth.target.clamp(bounds.0, bounds.1);
    }

    fn min_links(&self) -> usize {
        self.config.min_links.into()
    }

    fn max_links(&self) -> usize {
        self.config.max_links.into()
    }

    fn wanted(&self) -> usize {
        let has_work = self.waiting() > 0;
        if self.phase.is_closed() || (!self.phase.is_open() && !has_work) {
            return 0;
        }
        self.growth.target.max(usize::from(has_work))
    }

    /// When the next dial is due, if one is wanted.
    pub(crate) fn dial_at(&self) -> Option<Time> {
        let pending = self.dials.pending();
        let able = (self.links.up() + pending).saturating_sub(self.links.stuck());
        if able >= self.growth.target.max(1) {
            return None; // never are more wanted: most calls end here
        }
        let all = self.links.up() + self.links.draining() + pending;
        if able >= self.wanted() || all >= 2 * self.max_links() || self.breaker.is_open() {
            return None;
        }
        if self.breaker.is_half_open() && pending > 0 {
            return None;
        }
        if self.config.connection.is(Mutant::DialStorm) {
            return Some(Time::ZERO);
        }
        self.dials.not_before()
    }

    /// Dials what is wanted and due.
    pub(crate) fn redial(&mut self, now: Time) {
        while let Some(at) = self.dial_at() {
            if at > now {
                return self.arm(at);
            }
            let dial = self.dials.begin(now, self.config.dial_timeout);
            self.arm(dial.deadline);
            self.actions.push_back(Action::Dial(dial));
        }
    }

    /// Work waits and nobody is on the way: if that lasts, another link is needed.
    pub(crate) fn note_backlog(&mut self, now: Time) {
        let can_grow = self.links.up() < self.max_links() && self.links.up() > 0;
        if self.growth.starving_since.is_none()
            && can_grow
            && !self.links.is_waking()
            && self.may_go(now)
        {
            self.growth.starving_since = Some(now);
            self.arm(now + self.config.grow_after);
        }
    }

    /// A link had more credit than there was work.
    pub(crate) fn note_plenty(&mut self) {
        self.growth.starving_since = None;
    }

    pub(crate) fn grow_at(&self) -> Option<Time> {
        Some(self.growth.starving_since? + self.config.grow_after)
    }

    /// Wants one link more if work has waited too long for credit.
    pub(crate) fn grow(&mut self, now: Time) {
        if self.grow_at().is_none_or(|at| at > now) {
            return;
        }
        self.growth.starving_since = None;
        if self.backlog() == 0 {
            return;
        }
        let is_settled = self.dials.pending() == 0 && self.links.iter_up().all(|(_, s)| s.is_ready);
        if is_settled && self.may_go(now) {
            self.growth.target = (self.links.up() + 1).clamp(1, self.max_links());
        }
        self.note_backlog(now);
    }

    pub(crate) fn shrink_at(&self) -> Option<Time> {
        self.growth.shrink_at
    }

    /// A link beyond the least number is up: looks in time whether it has nothing to do. The last one
    /// stays, idle or not: a dial costs more.
    pub(crate) fn watch_idle(&mut self, now: Time) {
        if self.links.up() > self.min_links().max(1) && self.growth.shrink_at.is_none() {
            let idlest = self.links.iter_up().map(|(_, slot)| slot.busy_at).min();
            let at = idlest.unwrap_or(now) + self.config.shrink_after;
            // A link may be idle for long already, and be kept: not before the next second.
            let at = at.max(now + SHRINK_PAUSE);
            self.growth.shrink_at = Some(at);
            self.arm(at);
        }
    }

    /// Drains links beyond the least number that had nothing to do for long.
    pub(crate) fn shrink(&mut self, now: Time) {
        if self.growth.shrink_at.is_none_or(|at| at > now) {
            return;
        }
        self.growth.shrink_at = None;
        let limit: Duration = self.config.shrink_after;
        let idle = self.links.iter_up();
        let idle = idle.filter(|(_, slot)| now.saturating_since(slot.busy_at) >= limit);
        let surplus = self.links.up().saturating_sub(self.min_links().max(1));
        let surplus = surplus.min(idle.count());
        // There may be more than the most, for a moment.
        self.growth.target = (self.links.up() - surplus).clamp(self.min_links(), self.max_links());
        self.drain_idle(now, surplus);
        self.watch_idle(now);
    }

    fn drain_idle(&mut self, now: Time, count: usize) {
        let limit = self.config.shrink_after;
        let up = self.links.iter_up();
        let idle = up.filter(|(_, slot)| now.saturating_since(slot.busy_at) >= limit);
        let mut ids: Vec<LinkId> = idle.map(|(id, _)| id).collect();
        let keep = ids.len().saturating_sub(count);
        for id in ids.drain(keep..) {
            self.order(id, Order::Drain);
        }
    }

    /// Drains links beyond the most, those first that can do nothing: `resize` lowered it while dials were
    /// under way, or a stuck link recovered while its replacement was dialed.
    pub(crate) fn drain_surplus(&mut self) {
        if self.links.up() <= self.max_links() {
            return;
        }
        let up = self.links.iter_up();
        let mut ids: Vec<(bool, LinkId)> = up
            .map(|(id, slot)| (!slot.is_ready || slot.is_stuck, id))
            .collect();
        ids.sort_unstable();
        for (_, id) in ids.drain(self.max_links()..) {
            self.order(id, Order::Drain);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::PoolConfig;

    #[test]
    fn no_more_links_than_the_most_are_wanted_though_there_are_more_for_a_moment() {
        let config = PoolConfig {
            min_links: 2,
            max_links: 2,
            ..PoolConfig::default()
        };
        let now = Time::from_millis(1);
        let mut pool: Pool<u32> = Pool::new(config, 1, now);
        let actions: Vec<_> = std::iter::from_fn(|| pool.poll_action()).collect();
        pool.resize(now, 1, 1);
        for action in actions {
            if let Action::Dial(dial) = action {
                assert!(pool.dialed(now, dial, Some(b"h2")).is_ok());
            }
        }
        assert_eq!(pool.links.up(), 2);
        pool.growth.shrink_at = Some(now);
        pool.shrink(now);
        assert_eq!(pool.growth.target, 1);
    }
}
