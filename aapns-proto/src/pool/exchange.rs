//! The exchange between a link and the pool: the only call made under the pool's lock while work flows.

use std::time::Duration;

use crate::connection::Credit;
use crate::job::{Job, Tag};
use crate::limits::{LEAST_PULL, PULL, PUT_OFF};
use crate::mutants::Mutant;
use crate::pool::hand::Hand;
use crate::pool::timer::is_late;
use crate::pool::{LinkId, Pool};
use crate::time::Time;

impl<T: Tag> Pool<T> {
    /// Moves jobs, news, orders and the token between a link and the pool; returns whom to wake.
    ///
    /// The link leaves the set of the hungry, and gives the baton up; it is hungry again if it had
    /// credit and there was nothing that might go. What it leaves behind is the next one's.
    pub(crate) fn exchange(
        &mut self,
        now: Time,
        unix: Duration,
        credit: Credit,
        hand: &mut Hand<T>,
    ) -> Option<LinkId> {
        let id = hand.id;
        self.links.leave(id);
        (hand.is_woken, hand.is_hungry) = (false, false);
        self.hear(now, id, std::mem::take(&mut hand.news));
        for back in hand.backs.drain(..) {
            if let Some(done) = self.take_back(now, unix, id, back) {
                self.tally.count(&done);
                hand.done.push_back(done);
            }
        }
        self.tokens.judge_age(now, unix);
        self.mint(now);
        self.fill(now, credit, hand);
        self.hand_over(hand);
        self.announce_room();
        if !self.phase.is_open() {
            self.finish(now);
        }
        self.redial(now);
        if self.backlog() == 0 || !self.may_go(now) {
            return None;
        }
        if self.config.connection.is(Mutant::NoBaton) {
            return None;
        }
        let next = self.links.wake();
        if next.is_none() && credit.streams == 0 {
            self.note_backlog(now);
        }
        next
    }

    /// Gives the link its share of the work.
    fn fill(&mut self, now: Time, credit: Credit, hand: &mut Hand<T>) {
        let Some(slot) = self.links.get(hand.id).copied() else {
            return;
        };
        if slot.is_draining || credit.streams == 0 {
            return;
        }
        self.links.set_stuck(hand.id, false);
        let may_go = self.may_go(now);
        if self.backlog() == 0 || !may_go {
            self.links.starve(hand.id);
            hand.is_hungry = true;
            self.note_plenty();
            return;
        }
        let share = self
            .share()
            .min(usize::try_from(credit.streams).unwrap_or(PULL));
        self.pull(now, share, credit.octets, hand);
        if hand.taken.is_empty() && self.backlog() == 0 {
            self.links.starve(hand.id);
            hand.is_hungry = true;
        }
        self.inflight += u64::try_from(hand.taken.len()).unwrap_or_default();
        if let Some(slot) = self.links.get_mut(hand.id)
            && !hand.taken.is_empty()
        {
            slot.busy_at = now;
        }
        let is_short = hand.taken.len() < share || share == credit.streams as usize;
        if self.backlog() > 0 && is_short {
            self.note_backlog(now);
        } else {
            self.note_plenty();
        }
        self.fresh.forget();
        self.due.forget();
    }

    /// An even part of the work for each link that is or soon will be here to take some, if it is worth
    /// a write of its own.
    fn share(&self) -> usize {
        let takers = self.links.hungry() + usize::from(self.links.is_waking()) + 1;
        let even = self.backlog().div_ceil(takers);
        even.clamp(LEAST_PULL, PULL)
    }

    /// Moves up to `share` jobs of up to `octets` octets of bodies in all, but always one. It looks at a bounded
    /// number that are too late or must wait.
    fn pull(&mut self, now: Time, share: usize, octets: usize, hand: &mut Hand<T>) {
        let mut left = octets;
        let mut passed_over = 0;
        while hand.taken.len() < share && passed_over < PUT_OFF {
            let queue = match self.due.len() {
                0 => &mut self.fresh,
                _ => &mut self.due,
            };
            let Some(octets) = queue.front_octets() else {
                return;
            };
            if octets > left && !hand.taken.is_empty() {
                return;
            }
            let Some(job) = queue.pop() else {
                return;
            };
            if is_late(&job, now) {
                passed_over += 1;
                let done = self.expired(job);
                self.tally.count(&done);
                hand.done.push_back(done);
            } else if let Some(until) = self.throttle.until(now, job.request.path()) {
                passed_over += 1;
                self.put_off(until, job);
            } else {
                left = left.saturating_sub(octets);
                hand.taken.push(job);
            }
        }
    }

    fn put_off(&mut self, until: Time, job: Job<T>) {
        let at = self.delayed.push(until, job);
        self.arm(at);
    }

    /// Hands over orders, and the token if it changed and something goes out with it.
    fn hand_over(&mut self, hand: &mut Hand<T>) {
        hand.is_watched = self.breaker.is_watching();
        let generation = self.tokens.generation();
        let Some(slot) = self.links.get_mut(hand.id) else {
            return;
        };
        hand.order = slot.order;
        hand.drain_until = self.phase.end();
        if slot.token_generation != generation && !hand.taken.is_empty() {
            slot.token_generation = generation;
            hand.authorization = Some((generation, self.tokens.authorization()));
        }
    }
}
