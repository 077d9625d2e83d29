//! The scenario's rules, applied to one connection.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Answer;
use super::check::device_token;
use super::random::Random;
use super::scenario::{Action, Rule, Scenario};

/// One connection's place in the scenario.
pub(super) struct Script {
    connection: u64,
    requests: u64,
}

/// What the rules want of one request.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) answer: Option<Answer>,
    pub(super) delay: Duration,
    pub(super) fate: Fate,
    /// What concerns the whole connection, in order.
    pub(super) then: Vec<Action>,
}

/// How a request ends.
#[derive(Default, PartialEq)]
pub(super) enum Fate {
    #[default]
    Answered,
    Refused {
        twice: bool,
    },
    Reset(u32),
    Ignored,
}

impl Script {
    pub(super) fn new(connection: u64) -> Self {
        Self {
            connection,
            requests: 0,
        }
    }

    /// Orders for later, without a request.
    pub(super) fn timed(&self, scenario: &Scenario, used: &[AtomicU64]) -> Vec<(Duration, Action)> {
        let mut orders = Vec::new();
        for (rule, used) in scenario.rules.iter().zip(used) {
            let Some(after) = rule.after_ms else { continue };
            if rule.connection.is_none_or(|n| n == self.connection) && take(rule, used).is_some() {
                orders.push((Duration::from_millis(after), rule.action.clone()));
            }
        }
        orders
    }

    /// Counts a request, and says what to do with it.
    pub(super) fn plan(
        &mut self,
        scenario: &Scenario,
        used: &[AtomicU64],
        path: &str,
        random: &mut Random,
    ) -> Plan {
        self.requests += 1;
        let mut plan = Plan {
            delay: Duration::from_millis(scenario.latency_ms),
            ..Plan::default()
        };
        if scenario.jitter_ms > 0 {
            plan.delay += Duration::from_micros(random.below(scenario.jitter_ms * 1000));
        }
        for (rule, used) in scenario.rules.iter().zip(used) {
            if self.applies(rule, path, random)
                && let Some(turn) = take(rule, used)
            {
                plan.obey(&rule.action, turn);
            }
        }
        plan
    }

    fn applies(&self, rule: &Rule, path: &str, random: &mut Random) -> bool {
        rule.after_ms.is_none()
            && rule.at.is_none_or(|n| self.requests == n)
            && rule.every.is_none_or(|n| self.requests.is_multiple_of(n))
            && rule.connection.is_none_or(|n| self.connection == n)
            && rule.device_token.as_ref().is_none_or(|token| {
                device_token(path).is_some_and(|found| found.eq_ignore_ascii_case(token))
            })
            && rule.probability.is_none_or(|p| random.chance(p))
    }
}

impl Plan {
    fn obey(&mut self, action: &Action, turn: u64) {
        match action {
            Action::Answer(answer) => {
                self.answer.get_or_insert_with(|| answer.clone());
            }
            Action::AnswerInTurn(answers) => {
                let at = turn.checked_rem(answers.len() as u64).unwrap_or(0);
                self.answer = self
                    .answer
                    .take()
                    .or_else(|| answers.get(at as usize).cloned());
            }
            Action::Delay(millis) => self.delay += Duration::from_millis(*millis),
            Action::Refuse => self.end(Fate::Refused { twice: false }),
            Action::RefuseTwice => self.end(Fate::Refused { twice: true }),
            Action::Reset(code) => self.end(Fate::Reset(*code)),
            Action::Ignore => self.end(Fate::Ignored),
            other => self.then.push(other.clone()),
        }
    }

    /// The first rule that ends a request decides.
    fn end(&mut self, fate: Fate) {
        if self.fate == Fate::Answered {
            self.fate = fate;
        }
    }
}

/// Uses a rule once more, if its `times` allow; says how often it was used before.
fn take(rule: &Rule, used: &AtomicU64) -> Option<u64> {
    let before = used.fetch_add(1, Ordering::Relaxed);
    rule.times
        .is_none_or(|times| before < times)
        .then_some(before)
}
