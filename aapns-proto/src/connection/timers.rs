//! Time: deadlines of requests, and the health of the connection.

use super::closing::Phase;
use super::liveness::Verdict;
use super::{Connection, Event};
use crate::delivery::Cause;
use crate::frame::{ErrorCode, Ping};
use crate::machine::Wakeup;
use crate::mutants::Mutant;
use crate::time::Time;

impl<T> Connection<T> {
    pub(super) fn next_timeout(&self) -> Option<(Time, Wakeup)> {
        if !self.events.is_empty() {
            return Some((self.now, Wakeup::Now));
        }
        let health = match &self.phase {
            Phase::Closed => return None,
            Phase::Closing { until } => return Some((*until, Wakeup::Health)),
            Phase::Draining { until, .. } => (*until).min(self.next_health()),
            Phase::Open => self.next_health(),
        };
        let deadline = self.deadlines.next().unwrap_or(Time::NEVER);
        let (at, why) = if deadline <= health {
            (deadline, Wakeup::Deadline)
        } else {
            (health, Wakeup::Health)
        };
        (at != Time::NEVER).then_some((at, why))
    }

    fn next_health(&self) -> Time {
        let block = self.block.as_ref().map_or(Time::NEVER, |block| block.due);
        let acknowledged = self.ack_due.unwrap_or(Time::NEVER);
        let mut next = block.min(acknowledged).min(self.settings_due);
        if self.is_ready() {
            let is_busy = self.streams.len() > 0;
            next = next.min(self.liveness.next(&self.config, is_busy));
        }
        next
    }

    pub(super) fn time_passed(&mut self) {
        while let Some(id) = self.deadlines.pop_due(self.now) {
            self.expire(id);
        }
        match &self.phase {
            Phase::Closed => return,
            Phase::Closing { until } => {
                if self.now >= *until {
                    self.shut();
                }
                return;
            }
            Phase::Draining { until, cause } if self.now >= *until => {
                let cause = cause.clone();
                return self.abort(ErrorCode::NO_ERROR, &cause);
            }
            Phase::Draining { .. } | Phase::Open => {}
        }
        let is_late = |due: Option<Time>| due.is_some_and(|due| self.now >= due);
        if is_late(Some(self.settings_due)) {
            return self.give_up(ErrorCode::SETTINGS_TIMEOUT, "no SETTINGS came");
        }
        if is_late(self.ack_due) {
            return self.give_up(
                ErrorCode::SETTINGS_TIMEOUT,
                "SETTINGS were not acknowledged",
            );
        }
        if is_late(self.block.as_ref().map(|block| block.due)) {
            return self.give_up(
                ErrorCode::ENHANCE_YOUR_CALM,
                "a field block was not completed",
            );
        }
        if self.is_ready() {
            self.check_health();
        }
    }

    fn check_health(&mut self) {
        let is_busy = self.streams.len() > 0;
        match self.liveness.verdict(self.now, &self.config, is_busy) {
            Verdict::Alive => {}
            Verdict::Suspicious => self.probe(),
            Verdict::Dead => {
                return self.give_up(ErrorCode::NO_ERROR, "PING was not acknowledged");
            }
        }
        if is_busy && self.liveness.is_stuck(self.now, &self.config) {
            self.liveness.answered(self.now);
            self.drain(None, Cause::Unresponsive("no request was answered"));
        }
    }

    /// Asks the peer whether it is there.
    pub(super) fn probe(&mut self) {
        let ping = Ping {
            ack: false,
            opaque: self.liveness.probe(self.now, &self.config),
        };
        ping.encode(self.output.urgent());
    }

    fn give_up(&mut self, code: ErrorCode, why: &'static str) {
        self.abort(code, &Cause::Unresponsive(why));
    }

    /// The caller stopped waiting.
    fn expire(&mut self, id: u32) {
        if self.config.is(Mutant::IgnoreDeadline) {
            return;
        }
        self.reset(id, ErrorCode::CANCEL);
        self.lose(id, Cause::Timeout);
    }

    pub(super) fn next_event(&mut self) -> Option<Event<T>> {
        let event = self.events.pop_front()?;
        if let Event::Answered(_, response) = &event {
            let held = response.fields.octets() + response.body.len();
            self.held = self.held.saturating_sub(held);
        }
        Some(event)
    }
}
