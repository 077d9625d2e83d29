//! The callers' side of a world: submits, cancels, waits for room, and the probes at the end.

use std::time::Duration;

use aapns_proto::pool::Close;
use aapns_proto::{Cause, Done, Job, Outcome, Policy, RejectReason, Time};

use super::{Event, Phase, World};
use crate::callers::{self, Caller, SimTag};
use crate::oracle::Rule;
use crate::swarm::Kind;

/// How long a probe may take: a dial's backoff, a dead link's discovery, and its drain all fit.
const PROBE: Duration = Duration::from_secs(150);

/// How often a probe may fail because the pool refuses to try (the breaker is open).
const TRIALS: u32 = 40;

impl World {
    pub(super) fn on_submit(&mut self, index: usize) {
        if let Some(caller) = self.callers.get(index).copied() {
            self.submit_new(&caller);
        }
    }

    fn submit_new(&mut self, caller: &Caller) -> Option<u32> {
        if matches!(self.phase, Phase::Closing | Phase::Over) {
            return None;
        }
        let id = u32::try_from(self.tickets.len()).ok()?;
        let (tag, leaver) = SimTag::new(id);
        let deadline = caller.patience.map(|patience| self.now + patience);
        let head = self.heads.get(caller.head)?.clone();
        let job = callers::job(caller, tag, deadline, head)?;
        self.trace.add(
            self.now,
            "tag {} is submitted, {} octets",
            &[id.into(), caller.body as u64],
        );
        self.oracle
            .submitted(self.now, caller.policy, deadline, caller.body);
        self.tickets.push(None);
        self.leavers.push(leaver);
        if let Some(after) = caller.leaves_after {
            self.heap.plan(self.now + after, Event::Leave(id));
        }
        if self.waiting.is_empty() {
            self.submit(job);
            self.drain_actions();
        } else {
            self.wait_for_room(job);
        }
        Some(id)
    }

    /// True if the pool took it.
    pub(super) fn submit(&mut self, job: Job<SimTag>) -> bool {
        let id = job.tag.id;
        match self.pool.submit(self.now, job) {
            Ok(submitted) => {
                if let Some(ticket) = self.tickets.get_mut(id as usize) {
                    *ticket = Some(submitted.ticket);
                }
                self.wake(submitted.wake);
                let stats = self.pool.stats();
                self.most_queued = self.most_queued.max(stats.pending + stats.retrying);
                true
            }
            Err(rejected) if rejected.reason == RejectReason::Full => {
                self.wait_for_room(rejected.job);
                false
            }
            Err(rejected) => {
                self.trace.say(self.now, || {
                    format!("tag {id} isn't taken: {}", rejected.reason)
                });
                self.oracle.handed_back(self.now, id);
                true
            }
        }
    }

    fn wait_for_room(&mut self, job: Job<SimTag>) {
        self.trace
            .add(self.now, "tag {} waits for room", &[job.tag.id.into()]);
        if let Some(deadline) = job.deadline {
            self.heap.plan(deadline, Event::WaitedEnough(job.tag.id));
        }
        self.waiting.push_back(job);
    }

    /// The pool has room for so many of those who wait.
    pub(super) fn offer_room(&mut self, count: usize) {
        self.trace.add(self.now, "room for {}", &[count as u64]);
        for _ in 0..count {
            let Some(job) = self.waiting.pop_front() else {
                break;
            };
            let id = job.tag.id;
            if job.deadline.is_some_and(|deadline| deadline <= self.now) {
                // Its own timer is late.
                self.oracle.handed_back(self.now, id);
                continue;
            }
            if !self.submit(job) {
                // It went to the back of those who wait, but it is the first of them.
                if let Some(job) = self.waiting.pop_back() {
                    self.waiting.push_front(job);
                }
                self.trace
                    .add(self.now, "tag {} found no room", &[id.into()]);
                break;
            }
        }
    }

    pub(super) fn stop_waiting(&mut self, tag: u32) {
        let place = self.waiting.iter().position(|job| job.tag.id == tag);
        if place.and_then(|place| self.waiting.remove(place)).is_some() {
            self.oracle.handed_back(self.now, tag);
        }
    }

    pub(super) fn on_leave(&mut self, tag: u32) {
        if let Some(leaver) = self.leavers.get(tag as usize) {
            leaver.set(true);
        }
        self.trace
            .add(self.now, "the caller of tag {} leaves", &[tag.into()]);
        self.oracle.abandoned(tag);
        self.stop_waiting(tag);
        let Some(ticket) = self.tickets.get(tag as usize).copied().flatten() else {
            return;
        };
        if let Some(job) = self.pool.cancel(ticket) {
            if job.tag.id != tag {
                let other = job.tag.id;
                self.oracle.fail(self.now, Rule::OnlyOnce, || {
                    format!("cancelled {tag}, got {other}")
                });
            }
            self.oracle.handed_back(self.now, job.tag.id);
        }
        self.drain_actions();
    }

    /// Plans the next probe, or the end.
    pub(super) fn next_probe(&mut self, after: Duration) {
        if self.probes_left == 0 {
            let until = self.now + Duration::from_secs(30);
            return self.close(Close::Drain { until });
        }
        self.probes_left -= 1;
        self.heap.plan(self.now + after, Event::Probe);
    }

    pub(super) fn on_probe(&mut self) {
        let caller = Caller {
            at: Time::ZERO,
            patience: Some(PROBE),
            leaves_after: None,
            policy: Policy::AtLeastOnce,
            body: 10,
            device: u32::MAX,
            head: 0,
        };
        let next = u32::try_from(self.tickets.len()).ok();
        self.probe = next;
        self.submit_new(&caller);
    }

    fn has_tiny_lists(&self) -> bool {
        let count = self.swarm.injected().get(Kind::TinyFieldList as usize);
        count.is_some_and(|count| *count > 0)
    }

    pub(super) fn judge_probe(&mut self, done: &Done<SimTag>) {
        self.probe = None;
        if self.phase == Phase::Closing {
            return;
        }
        match &done.outcome {
            Outcome::Answered(response) if response.status == 200 => {
                let wait = self.rng.millis(100, 5_000);
                let is_idle = self.probes_left == 1;
                self.next_probe(if is_idle {
                    Duration::from_secs(100)
                } else {
                    wait
                });
            }
            // A server said how little it takes, and fell silent before it could take that back.
            Outcome::Failed(Cause::RequestTooLarge, _) if self.has_tiny_lists() => {
                self.next_probe(Duration::from_secs(100));
            }
            Outcome::Failed(Cause::Fatal(_) | Cause::Dial(_), _) if self.probe_trials < TRIALS => {
                self.probe_trials += 1;
                self.probes_left += 1;
                self.next_probe(Duration::from_secs(60));
            }
            other => {
                let detail = format!("nothing is wrong any more, but a probe ended as {other:?}");
                self.oracle.fail(self.now, Rule::Liveness, || detail);
            }
        }
    }
}
