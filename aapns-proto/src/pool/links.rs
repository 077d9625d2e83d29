//! The pool's links: who is up, who is hungry, and who was woken.
//!
//! A link that had credit and took nothing is *hungry*; it sleeps until it is woken. At most one link
//! at a time is on its way to work because of a wake: it holds the *baton*, and hands it on in its
//! exchange if it leaves work behind. So a burst of submits causes one wake, work spreads, and a wake
//! can't be lost: the baton's holder always exchanges, or dies, which hands the baton on as well.

use crate::limits::LINKS_LIMIT;
use crate::pool::action::LinkId;
use crate::time::Time;

/// What a link is to do; handed over in its next exchange.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Go on.
    #[default]
    None,
    /// Take nothing more, finish what is in flight.
    Drain,
    /// End at once.
    Kill,
}

/// One place in the table of links.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Takes no new work and has been replaced, or will be.
    pub(crate) is_draining: bool,
    /// Its first SETTINGS arrived.
    pub(crate) is_ready: bool,
    /// It gave an answer that didn't retire it.
    pub(crate) is_proven: bool,
    /// It received GOAWAY.
    pub(crate) has_goaway: bool,
    /// It has had no credit for too long: it drains once another link is ready.
    pub(crate) is_stuck: bool,
    /// For its next exchange.
    pub(crate) order: Order,
    /// When it was dialed.
    pub(crate) since: Time,
    /// When it last took a job.
    pub(crate) busy_at: Time,
    /// The provider token that it was given last.
    pub(crate) token_generation: u64,
}

/// The table of links, and the wake-up protocol's state.
#[derive(Debug, Default)]
pub(crate) struct Links {
    slots: Vec<Option<Slot>>,
    hungry: Set,
    /// The one link that was woken for work and hasn't exchanged since.
    baton: Option<LinkId>,
    up: usize,
    draining: usize,
    stuck: usize,
}

impl Links {
    /// Gives a new link its slot; `None` if all are taken.
    pub(crate) fn admit(&mut self, now: Time) -> Option<LinkId> {
        let free = self.slots.iter().position(Option::is_none);
        let at = free.unwrap_or(self.slots.len());
        if at >= LINKS_LIMIT {
            return None;
        }
        let slot = Some(Slot {
            is_draining: false,
            is_ready: false,
            is_proven: false,
            has_goaway: false,
            is_stuck: false,
            order: Order::None,
            since: now,
            busy_at: now,
            token_generation: 0,
        });
        match self.slots.get_mut(at) {
            Some(free) => *free = slot,
            None => self.slots.push(slot),
        }
        self.up += 1;
        u16::try_from(at).ok().map(LinkId)
    }

    /// Frees a slot, and takes the baton from it.
    pub(crate) fn remove(&mut self, id: LinkId) -> Option<Slot> {
        self.set_stuck(id, false);
        let slot = self.slots.get_mut(usize::from(id.0))?.take()?;
        if slot.is_draining {
            self.draining -= 1;
        } else {
            self.up -= 1;
        }
        self.leave(id);
        Some(slot)
    }

    pub(crate) fn get(&self, id: LinkId) -> Option<&Slot> {
        self.slots.get(usize::from(id.0))?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: LinkId) -> Option<&mut Slot> {
        self.slots.get_mut(usize::from(id.0))?.as_mut()
    }

    /// Links that aren't draining; those that wait for SETTINGS included.
    pub(crate) fn up(&self) -> usize {
        self.up
    }

    pub(crate) fn draining(&self) -> usize {
        self.draining
    }

    /// Links that are up but can't take work.
    pub(crate) fn stuck(&self) -> usize {
        self.stuck
    }

    /// Notes that a link can't take work, or can again.
    pub(crate) fn set_stuck(&mut self, id: LinkId, is_stuck: bool) {
        if let Some(slot) = self.get_mut(id)
            && slot.is_stuck != is_stuck
            && !(is_stuck && slot.is_draining)
        {
            slot.is_stuck = is_stuck;
            if is_stuck {
                self.stuck += 1;
            } else {
                self.stuck -= 1;
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.up + self.draining == 0
    }

    /// The links that aren't draining.
    pub(crate) fn iter_up(&self) -> impl Iterator<Item = (LinkId, &Slot)> {
        self.iter().filter(|(_, slot)| !slot.is_draining)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (LinkId, &Slot)> {
        let ids = (0..=u16::MAX).map(LinkId);
        ids.zip(&self.slots)
            .filter_map(|(id, slot)| Some((id, slot.as_ref()?)))
    }

    /// Gives an order; whether it is news to the link, which then has to be woken.
    pub(crate) fn order(&mut self, id: LinkId, order: Order) -> bool {
        let Some(slot) = self.get_mut(id) else {
            return false;
        };
        if order <= slot.order {
            return false;
        }
        slot.order = order;
        self.retire(id);
        true
    }

    /// From now on the link counts as draining.
    pub(crate) fn retire(&mut self, id: LinkId) -> bool {
        let Some(slot) = self.get_mut(id) else {
            return false;
        };
        if slot.is_draining {
            return false;
        }
        slot.is_draining = true;
        self.set_stuck(id, false);
        self.up -= 1;
        self.draining += 1;
        self.hungry.remove(id);
        true
    }

    /// The link exchanges: it is neither hungry nor on its way any more.
    pub(crate) fn leave(&mut self, id: LinkId) {
        self.hungry.remove(id);
        if self.baton == Some(id) {
            self.baton = None;
        }
    }

    /// The link had credit and found nothing to take.
    pub(crate) fn starve(&mut self, id: LinkId) {
        if self.get(id).is_some_and(|slot| !slot.is_draining) {
            self.hungry.insert(id);
        }
    }

    pub(crate) fn hungry(&self) -> usize {
        self.hungry.len
    }

    /// Whether a link was woken for work and hasn't exchanged since.
    pub(crate) fn is_waking(&self) -> bool {
        self.baton.is_some()
    }

    /// Picks a hungry link to be woken for work, unless one is on its way. Always the first: light
    /// work stays on few links, in larger batches, and the others can be closed.
    pub(crate) fn wake(&mut self) -> Option<LinkId> {
        if self.baton.is_some() {
            return None;
        }
        let id = self.hungry.first()?;
        self.hungry.remove(id);
        self.baton = Some(id);
        Some(id)
    }
}

/// A set of slots.
#[derive(Debug, Default)]
struct Set {
    words: [u64; LINKS_LIMIT / 64],
    len: usize,
}

impl Set {
    fn insert(&mut self, id: LinkId) {
        let (word, bit) = Self::place(id);
        if let Some(word) = self.words.get_mut(word) {
            self.len += usize::from(*word & bit == 0);
            *word |= bit;
        }
    }

    fn remove(&mut self, id: LinkId) {
        let (word, bit) = Self::place(id);
        if let Some(word) = self.words.get_mut(word) {
            self.len -= usize::from(*word & bit != 0);
            *word &= !bit;
        }
    }

    fn first(&self) -> Option<LinkId> {
        if self.len == 0 {
            return None;
        }
        let (at, word) = self
            .words
            .iter()
            .enumerate()
            .find(|(_, word)| **word != 0)?;
        let bit = usize::try_from(word.trailing_zeros()).ok()?;
        u16::try_from(at * 64 + bit).ok().map(LinkId)
    }

    fn place(id: LinkId) -> (usize, u64) {
        (usize::from(id.0 / 64), 1 << (id.0 % 64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(n: u16) -> Links {
        let mut links = Links::default();
        for at in 0..n {
            assert_eq!(links.admit(Time::ZERO), Some(LinkId(at)));
            links.starve(LinkId(at));
        }
        links
    }

    #[test]
    fn one_link_at_a_time_is_on_its_way_and_a_burst_reaches_all() {
        let mut links = links(130);
        for at in 0..130 {
            assert_eq!(links.wake(), Some(LinkId(at)));
            assert_eq!(links.wake(), None);
            links.leave(LinkId(at));
        }
        assert_eq!((links.hungry(), links.wake()), (0, None));
        links.starve(LinkId(129));
        assert_eq!(links.wake(), Some(LinkId(129)));
    }

    #[test]
    fn a_link_that_dies_gives_its_slot_and_the_baton_back() {
        let mut links = links(2);
        assert_eq!(links.wake(), Some(LinkId(0)));
        assert!(links.remove(LinkId(0)).is_some());
        assert!(links.remove(LinkId(0)).is_none());
        assert_eq!(links.wake(), Some(LinkId(1)));
        assert_eq!(links.admit(Time::ZERO), Some(LinkId(0)));
        assert_eq!((links.up(), links.hungry()), (2, 0));
    }

    #[test]
    fn a_retired_link_is_not_hungry_and_is_told_an_order_once() {
        let mut links = links(1);
        assert!(links.order(LinkId(0), Order::Drain));
        assert!(!links.order(LinkId(0), Order::Drain));
        assert_eq!((links.up(), links.draining(), links.hungry()), (0, 1, 0));
        links.starve(LinkId(0));
        assert_eq!(links.wake(), None);
        assert!(links.order(LinkId(0), Order::Kill));
    }

    #[test]
    fn slots_are_limited() {
        let mut links = links(LINKS_LIMIT as u16);
        assert_eq!(links.admit(Time::ZERO), None);
        assert_eq!(links.hungry(), LINKS_LIMIT);
    }
}
