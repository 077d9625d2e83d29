//! Scenarios: what a mock does to its clients, and when, as data.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Answer;
use super::goaway::Goaway;
use super::json::{JsonError, read};

/// SETTINGS_MAX_CONCURRENT_STREAMS as Apple's servers were last seen to announce it.
const STREAMS: u32 = 1000;

/// What a mock does to its clients. Everything has a default, so `{}` is a server without a fault.
///
/// ```
/// use aapns_tokio::mock::Scenario;
///
/// let scenario = Scenario::from_json(r#"{
///     "latency_ms": 20,
///     "rules": [
///         {"every": 10, "do": "refuse"},
///         {"at": 500, "do": {"goaway": {"unprocessed": 20, "reason": "Shutdown"}}}
///     ]
/// }"#)?;
/// assert_eq!(scenario.rules.len(), 2);
/// # Ok::<(), aapns_tokio::mock::ScenarioError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct Scenario {
    /// For editors: where the schema is; the mock doesn't look.
    #[serde(rename = "$schema", skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// For people.
    pub description: Option<String>,
    /// Every answer waits so long, in milliseconds.
    pub latency_ms: u64,
    /// And up to so much longer, by chance.
    pub jitter_ms: u64,
    /// SETTINGS_MAX_CONCURRENT_STREAMS at the start; 1000 if absent, as Apple's.
    pub max_concurrent_streams: Option<u32>,
    /// Answers by device token, in lower-case hex.
    pub device_tokens: BTreeMap<String, Answer>,
    /// Looked through for each request, in order; all that apply are obeyed.
    pub rules: Vec<Rule>,
}

/// When to do what. Of the conditions, all that are given must hold; requests count from 1 on each
/// connection.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Rule {
    /// At this request of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// At every n-th request of a connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
    /// By chance, from 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// For this device token, in lower-case hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_token: Option<String>,
    /// On the n-th connection only, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// Once, so long after a connection opened; then no request is looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_ms: Option<u64>,
    /// At most so often, on all connections together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// What to do.
    #[serde(rename = "do")]
    pub action: Action,
}

/// What a rule, or [`Server::order`](super::Server::order), does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// Answers so, if the request is in order.
    Answer(Answer),
    /// Answers by turns.
    AnswerInTurn(Vec<Answer>),
    /// Lets this answer wait so much longer, in milliseconds.
    Delay(u64),
    /// RST_STREAM(REFUSED_STREAM): not processed.
    Refuse,
    /// RST_STREAM(REFUSED_STREAM), then RST_STREAM(STREAM_CLOSED), as Apple's servers were seen to.
    RefuseTwice,
    /// Accepts the notification and resets its stream with this error code in place of an answer.
    Reset(u32),
    /// Accepts the notification and never answers.
    Ignore,
    /// Says GOAWAY.
    Goaway(Goaway),
    /// Announces another SETTINGS_MAX_CONCURRENT_STREAMS.
    Limit(u32),
    /// Accepts the notification and cuts the connection: answers on their way are lost.
    Cut,
    /// Accepts the notification; then the connection stays open and silent.
    Blackhole,
    /// From now on the provider token of this request is answered by 403 `ExpiredProviderToken`.
    ExpireToken,
}

/// Why a scenario can't be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ScenarioError {
    /// No built-in one has this name.
    #[error("no scenario is called {0:?}; there are {names}", names = Scenario::NAMES.join(", "))]
    Unknown(String),
    /// JSON that is no scenario.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// A value that can't be meant.
    #[error("at {path}: {fault}")]
    Value {
        /// Where it is, as in `rules[0].every`.
        path: String,
        /// What is wrong with it.
        fault: &'static str,
    },
}

impl Scenario {
    /// The JSON Schema of scenarios (draft 2020-12), for editors and other tools.
    pub const SCHEMA: &str = include_str!("../../schema/scenario.schema.json");

    /// The built-in scenarios.
    pub const NAMES: [&'static str; 10] = [
        "ok",
        "latency",
        "goaway",
        "refused",
        "cut",
        "limit-1",
        "expired-token",
        "throttle",
        "reasons",
        "blackhole",
    ];

    /// These rules, and nothing else out of the ordinary.
    pub fn of(rules: impl Into<Vec<Rule>>) -> Self {
        Self {
            rules: rules.into(),
            ..Self::default()
        }
    }

    /// A built-in scenario.
    ///
    /// # Errors
    /// [`ScenarioError::Unknown`] if it is none of [`NAMES`](Self::NAMES).
    pub fn named(name: &str) -> Result<Self, ScenarioError> {
        Self::from_json(match name {
            "ok" => "{}",
            "latency" => include_str!("scenarios/latency.json"),
            "goaway" => include_str!("scenarios/goaway.json"),
            "refused" => include_str!("scenarios/refused.json"),
            "cut" => include_str!("scenarios/cut.json"),
            "limit-1" => include_str!("scenarios/limit-1.json"),
            "expired-token" => include_str!("scenarios/expired-token.json"),
            "throttle" => include_str!("scenarios/throttle.json"),
            "reasons" => include_str!("scenarios/reasons.json"),
            "blackhole" => include_str!("scenarios/blackhole.json"),
            other => return Err(ScenarioError::Unknown(other.to_owned())),
        })
    }

    /// Reads a scenario from JSON.
    ///
    /// # Errors
    /// [`ScenarioError`] for what isn't one; the text tells where the mistake is.
    pub fn from_json(json: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = read(json)?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// Looks for values that can't be meant: rules that would never apply, statuses that aren't any.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] for the first one.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let at = |path: String, result: Result<(), (&str, &'static str)>| {
            result.map_err(|(field, fault)| ScenarioError::Value {
                path: path + field,
                fault,
            })
        };
        for (token, answer) in &self.device_tokens {
            let path = || format!("device_tokens.{token}");
            if !token
                .bytes()
                .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            {
                at(path(), Err(("", "device tokens are in lower-case hex")))?;
            }
            at(path(), check_status(answer))?;
        }
        for (index, rule) in self.rules.iter().enumerate() {
            at(format!("rules[{index}]"), rule.validate())?;
        }
        Ok(())
    }
}

impl Scenario {
    pub(super) fn limit(&self) -> u32 {
        self.max_concurrent_streams.unwrap_or(STREAMS)
    }
}

impl Rule {
    /// Does this at every request.
    pub const fn always(action: Action) -> Self {
        Self {
            at: None,
            every: None,
            probability: None,
            device_token: None,
            connection: None,
            after_ms: None,
            times: None,
            action,
        }
    }

    /// Does this at the n-th request of each connection.
    pub const fn at(n: u64, action: Action) -> Self {
        let mut rule = Self::always(action);
        rule.at = Some(n);
        rule
    }

    /// Does this at every n-th request of each connection.
    pub const fn every(n: u64, action: Action) -> Self {
        let mut rule = Self::always(action);
        rule.every = Some(n);
        rule
    }

    /// On the n-th connection only, from 1.
    #[must_use]
    pub const fn connection(mut self, n: u64) -> Self {
        self.connection = Some(n);
        self
    }

    /// At most so often, on all connections together.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        for (field, count) in [
            (".at", self.at),
            (".every", self.every),
            (".connection", self.connection),
        ] {
            if count == Some(0) {
                return Err((field, "counted from 1"));
            }
        }
        if self.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            return Err((".probability", "a probability is from 0 to 1"));
        }
        let on_request = self.at.is_some()
            || self.every.is_some()
            || self.probability.is_some()
            || self.device_token.is_some();
        if self.after_ms.is_some() && on_request {
            let fault = "it looks at no request: leave the other conditions out";
            return Err((".after_ms", fault));
        }
        if self.after_ms.is_some() && !self.action.needs_no_request() {
            return Err((".do", "this action needs a request: after_ms has none"));
        }
        self.action.validate()
    }
}

/// Interim and unknown statuses are no answers (RFC 9110 §15).
fn check_status(answer: &Answer) -> Result<(), (&'static str, &'static str)> {
    match answer.status {
        200..=599 => Ok(()),
        _ => Err((".status", "a status is from 200 to 599")),
    }
}

impl Action {
    /// Whether it concerns the whole connection.
    pub(super) fn needs_no_request(&self) -> bool {
        matches!(
            self,
            Self::Goaway(_) | Self::Limit(_) | Self::Cut | Self::Blackhole
        )
    }

    fn validate(&self) -> Result<(), (&'static str, &'static str)> {
        match self {
            Self::Answer(answer) => {
                check_status(answer).map_err(|(_, fault)| (".do.answer.status", fault))
            }
            Self::AnswerInTurn(answers) if answers.is_empty() => {
                Err((".do.answer_in_turn", "at least one answer"))
            }
            Self::AnswerInTurn(answers) => answers.iter().try_for_each(|answer| {
                check_status(answer).map_err(|(_, fault)| (".do.answer_in_turn", fault))
            }),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_scenario_can_be_read() {
        for name in Scenario::NAMES {
            let scenario = Scenario::named(name).unwrap();
            let json = serde_json::to_string(&scenario).unwrap();
            assert_eq!(Scenario::from_json(&json).unwrap(), scenario, "{name}");
        }
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (json, parts) in [
            (r#"{"latency": 1}"#, ["latency", "latency_ms"]),
            (
                r#"{"rules": [{"every": 0, "do": "cut"}]}"#,
                ["rules[0].every", "from 1"],
            ),
            (
                r#"{"rules": [{"do": "cut"}, {"do": "vanish"}]}"#,
                ["rules[1].do", "blackhole"],
            ),
            (
                r#"{"rules": [{"after_ms": 2, "do": "refuse"}]}"#,
                ["rules[0].do", "a request"],
            ),
            (
                r#"{"rules": [{"do": {"answer": {"status": 99}}}]}"#,
                ["answer.status", "599"],
            ),
            (
                r#"{"rules": [{"do": {"answer_in_turn": []}}]}"#,
                ["rules[0].do", "at least"],
            ),
            (
                r#"{"device_tokens": {"AB": {"status": 200}}}"#,
                ["device_tokens.AB", "lower"],
            ),
            (r#"{"rules": [{"#, ["line 1", "column"]),
        ] {
            let error = Scenario::from_json(json).unwrap_err().to_string();
            for part in parts {
                assert!(error.contains(part), "{error}");
            }
        }
        let unknown = Scenario::named("chaos").unwrap_err().to_string();
        assert!(unknown.contains("limit-1"), "{unknown}");
    }
}
