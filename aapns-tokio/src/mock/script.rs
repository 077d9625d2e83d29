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

    /// The rules that fall due without a request: when, and their index for [`due`].
    pub(super) fn timed(&self, scenario: &Scenario) -> Vec<(Duration, usize)> {
        let rules = scenario.rules.iter().enumerate();
        rules
            .filter(|(_, rule)| rule.connection.is_none_or(|n| n == self.connection))
            .filter_map(|(index, rule)| Some((Duration::from_millis(rule.after_ms?), index)))
            .collect()
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
            plan.delay +=
                Duration::from_micros(random.below(scenario.jitter_ms.saturating_mul(1000)));
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

/// What a rule does whose time has come, if its `times` allow: only now is it used.
pub(super) fn due<'a>(
    scenario: &'a Scenario,
    used: &[AtomicU64],
    index: usize,
) -> Option<&'a Action> {
    let rule = scenario.rules.get(index)?;
    take(rule, used.get(index)?)?;
    Some(&rule.action)
}

/// Uses a rule once more, if its `times` allow; says how often it was used before.
fn take(rule: &Rule, used: &AtomicU64) -> Option<u64> {
    let before = used.fetch_add(1, Ordering::Relaxed);
    rule.times
        .is_none_or(|times| before < times)
        .then_some(before)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_comes_on_top_of_the_latency_and_may_be_as_long_as_can_be() {
        let mut random = Random::new(1);
        let mut delays = |jitter_ms| {
            let scenario = Scenario {
                latency_ms: 80,
                jitter_ms,
                ..Scenario::default()
            };
            let mut script = Script::new(1);
            let mut delay = || script.plan(&scenario, &[], "/", &mut random).delay;
            (0..100).map(|_| delay()).collect::<Vec<_>>()
        };
        let latency = Duration::from_millis(80);
        assert!(delays(0).iter().all(|delay| *delay == latency));
        let some = delays(40);
        let most = Duration::from_millis(120);
        assert!(some.iter().all(|delay| (latency..most).contains(delay)));
        assert!(some.iter().any(|delay| *delay < Duration::from_millis(90)));
        assert!(some.iter().any(|delay| *delay > Duration::from_millis(110)));
        assert!(delays(u64::MAX).iter().all(|delay| *delay >= latency));
    }
}
