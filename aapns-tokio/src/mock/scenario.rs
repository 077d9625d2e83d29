//! Scenarios: what a mock does to its clients, and when, as data.

mod validate;

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
    /// Answers by device token, in lower-case hex; a plain 200 leaves it to the rules.
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
    /// For this device token, in hex.
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
        scenario.check_shape(json)?;
        scenario.validate()?;
        Ok(scenario)
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
}

impl Action {
    /// Whether it concerns the whole connection.
    pub(super) fn needs_no_request(&self) -> bool {
        matches!(
            self,
            Self::Goaway(_) | Self::Limit(_) | Self::Cut | Self::Blackhole
        )
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
}
