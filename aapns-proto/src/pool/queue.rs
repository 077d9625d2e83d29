//! Jobs that may go, first in, first out.

use std::collections::VecDeque;

use crate::deadlines::{Deadlines, grow_by_an_eighth};
use crate::job::Job;
use crate::limits::QUEUE_HOLES;
use crate::time::Time;

/// A queue from whose middle a job can be taken by its ticket.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// In order of ticket. A job taken from the middle leaves a hole.
    slots: VecDeque<Slot<T>>,
    next_ticket: u64,
    len: usize,
    octets: usize,
    deadlines: Deadlines<u64>,
}

#[derive(Debug)]
struct Slot<T> {
    ticket: u64,
    job: Option<Job<T>>,
}

impl<T> Queue<T> {
    pub(crate) fn new() -> Self {
        Self {
            slots: VecDeque::new(),
            next_ticket: 0,
            len: 0,
            octets: 0,
            deadlines: Deadlines::new(),
        }
    }

    /// How many jobs wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Octets of their bodies.
    pub(crate) fn octets(&self) -> usize {
        self.octets
    }

    /// Puts a job at the end; its ticket.
    #[inline]
    pub(crate) fn push(&mut self, job: Job<T>) -> u64 {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.len += 1;
        self.octets += job.request.body().len();
        if let Some(deadline) = job.deadline {
            self.deadlines.push(deadline, ticket);
        }
        grow_by_an_eighth(&mut self.slots);
        self.slots.push_back(Slot {
            ticket,
            job: Some(job),
        });
        ticket
    }

    /// Octets of the first job's body.
    pub(crate) fn front_octets(&self) -> Option<usize> {
        let job = self.slots.front()?.job.as_ref()?;
        Some(job.request.body().len())
    }

    /// Takes the first job; call [`forget`](Self::forget) after the last one of a batch.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Job<T>> {
        let job = self.slots.pop_front()?.job?;
        self.left(&job);
        self.trim();
        Some(job)
    }

    /// Takes the job with this ticket, if it is still here.
    pub(crate) fn cancel(&mut self, ticket: u64) -> Option<Job<T>> {
        let job = self.take(ticket)?;
        self.forget();
        Some(job)
    }

    /// Takes one job whose deadline has come.
    pub(crate) fn pop_expired(&mut self, now: Time) -> Option<Job<T>> {
        while let Some(ticket) = self.deadlines.pop_due(now) {
            if let Some(job) = self.take(ticket) {
                return Some(job);
            }
        }
        None
    }

    /// Drops the deadlines of jobs that left, so that nobody is woken for them.
    pub(crate) fn forget(&mut self) {
        let slots = &self.slots;
        self.deadlines
            .prune(|ticket| slot_of(slots, ticket).is_none_or(|at| slots[at].job.is_none()));
    }

    /// The earliest deadline; O(1).
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.deadlines.next()
    }

    fn take(&mut self, ticket: u64) -> Option<Job<T>> {
        let at = slot_of(&self.slots, ticket)?;
        let job = self.slots.get_mut(at)?.job.take()?;
        self.left(&job);
        self.trim();
        Some(job)
    }

    fn left(&mut self, job: &Job<T>) {
        self.len -= 1;
        self.octets -= job.request.body().len();
    }

    /// The first slot never is a hole, and holes are never many more than jobs.
    #[inline]
    fn trim(&mut self) {
        if self.slots.len() > self.len {
            self.close_holes();
        }
    }

    #[cold]
    fn close_holes(&mut self) {
        while self.slots.pop_front_if(|slot| slot.job.is_none()).is_some() {}
        if self.slots.len() > 2 * self.len + QUEUE_HOLES {
            self.slots.retain(|slot| slot.job.is_some());
        }
    }
}

/// Where a ticket is: by counting from the first, or by search once holes were closed.
fn slot_of<T>(slots: &VecDeque<Slot<T>>, ticket: u64) -> Option<usize> {
    let first = slots.front()?.ticket;
    let at = usize::try_from(ticket.checked_sub(first)?).ok()?;
    match slots.get(at) {
        Some(slot) if slot.ticket == ticket => Some(at),
        _ => slots.binary_search_by_key(&ticket, |slot| slot.ticket).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::testing::job;

    fn tags(queue: &mut Queue<u32>) -> Vec<u32> {
        std::iter::from_fn(|| queue.pop())
            .map(|job| job.tag)
            .collect()
    }

    #[test]
    fn jobs_leave_in_the_order_they_came_but_for_those_cancelled() {
        let mut queue = Queue::new();
        let tickets: Vec<_> = (0..10).map(|tag| queue.push(job(tag))).collect();
        for at in [0, 5, 9] {
            assert_eq!(queue.cancel(tickets[at]).unwrap().tag, at as u32);
            assert!(queue.cancel(tickets[at]).is_none());
        }
        assert_eq!(queue.len(), 7);
        assert_eq!(tags(&mut queue), [1, 2, 3, 4, 6, 7, 8]);
        assert_eq!((queue.len(), queue.octets()), (0, 0));
    }

    #[test]
    fn holes_behind_a_job_that_stays_are_bounded_and_tickets_keep_their_meaning() {
        let mut queue = Queue::new();
        queue.push(job(0));
        for tag in 1..10_000 {
            let ticket = queue.push(job(tag));
            assert_eq!(queue.cancel(ticket).unwrap().tag, tag);
            assert!(queue.slots.len() <= 2 + QUEUE_HOLES);
        }
        let ticket = queue.push(job(77));
        assert_eq!(queue.cancel(ticket).unwrap().tag, 77);
        assert_eq!(tags(&mut queue), [0]);
    }

    #[test]
    fn a_job_expires_at_its_deadline_wherever_it_is() {
        let at = Time::from_millis;
        let mut queue = Queue::new();
        for (tag, deadline) in [(0, 50), (1, 10), (2, 30)] {
            queue.push(job(tag).deadline(Some(at(deadline))));
        }
        assert_eq!(queue.next_deadline(), Some(at(10)));
        assert!(queue.pop_expired(at(9)).is_none());
        assert_eq!(queue.pop_expired(at(10)).unwrap().tag, 1);
        assert!(queue.pop_expired(at(10)).is_none());
        assert_eq!(tags(&mut queue), [0, 2]);
        queue.forget();
        assert_eq!(queue.next_deadline(), None);
    }

    #[test]
    fn a_place_in_the_queue_is_small() {
        assert_eq!(size_of::<Slot<std::sync::Arc<u64>>>(), 56);
    }
}
