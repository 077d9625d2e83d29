//! Looking for values that can't be meant.

use serde_json::Value;

use super::{Action, Rule, Scenario, ScenarioError};
use crate::mock::Answer;

/// Where a mistake is, from here on, and what it is.
type Mistake = (String, &'static str);

impl Scenario {
    /// Looks for values that can't be meant: rules that would never apply, statuses that aren't any.
    ///
    /// # Errors
    /// [`ScenarioError::Value`] for the first one.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        self.find_mistake()
            .map_err(|(path, fault)| ScenarioError::Value { path, fault })
    }

    /// Serde reads an array as an object's values in their order, and `{"cut": null}` as `"cut"`: nobody who
    /// writes that means it.
    pub(super) fn check_shape(&self, json: &str) -> Result<(), ScenarioError> {
        let (Ok(written), Ok(read)) = (serde_json::from_str(json), serde_json::to_value(self))
        else {
            return Ok(());
        };
        compare_shapes(&written, &read, String::new())
            .map_err(|(path, fault)| ScenarioError::Value { path, fault })
    }

    fn find_mistake(&self) -> Result<(), Mistake> {
        for (token, answer) in &self.device_tokens {
            let path = format!("device_tokens.{token}");
            if !is_hex(token) || token.bytes().any(|octet| octet.is_ascii_uppercase()) {
                return Err((path, "device tokens are in lower-case hex"));
            }
            check_status(answer, &path)?;
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.validate(&format!("rules[{index}]"))?;
        }
        Ok(())
    }
}

impl Rule {
    fn validate(&self, path: &str) -> Result<(), Mistake> {
        let mistake = |field, fault| Err((format!("{path}.{field}"), fault));
        for (field, count) in [
            ("at", self.at),
            ("every", self.every),
            ("connection", self.connection),
        ] {
            if count == Some(0) {
                return mistake(field, "counted from 1");
            }
        }
        if self.probability.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
            return mistake("probability", "a probability is from 0 to 1");
        }
        if self.device_token.as_deref().is_some_and(|t| !is_hex(t)) {
            return mistake("device_token", "a device token is in hex");
        }
        let on_request = self.at.is_some()
            || self.every.is_some()
            || self.probability.is_some()
            || self.device_token.is_some();
        if self.after_ms.is_some() && on_request {
            let fault = "it looks at no request: leave the other conditions out";
            return mistake("after_ms", fault);
        }
        if self.after_ms.is_some() && !self.action.needs_no_request() {
            return mistake("do", "this action needs a request: after_ms has none");
        }
        self.action.validate(&format!("{path}.do"))
    }
}

impl Action {
    fn validate(&self, path: &str) -> Result<(), Mistake> {
        match self {
            Self::Answer(answer) => check_status(answer, &format!("{path}.answer")),
            Self::AnswerInTurn(answers) if answers.is_empty() => {
                Err((format!("{path}.answer_in_turn"), "at least one answer"))
            }
            Self::AnswerInTurn(answers) => {
                let mut all = answers.iter().enumerate();
                all.try_for_each(|(index, answer)| {
                    check_status(answer, &format!("{path}.answer_in_turn[{index}]"))
                })
            }
            _ => Ok(()),
        }
    }
}

/// Compares what was written with the same as it would be written here.
fn compare_shapes(written: &Value, read: &Value, path: String) -> Result<(), Mistake> {
    match (written, read) {
        (Value::Object(written), Value::Object(read)) => {
            let dot = if path.is_empty() { "" } else { "." };
            let mut both = written
                .iter()
                .filter_map(|(name, w)| Some((name, w, read.get(name)?)));
            both.try_for_each(|(name, w, r)| compare_shapes(w, r, format!("{path}{dot}{name}")))
        }
        (Value::Array(written), Value::Array(read)) => {
            let mut both = written.iter().zip(read).enumerate();
            both.try_for_each(|(index, (w, r))| compare_shapes(w, r, format!("{path}[{index}]")))
        }
        (Value::Array(_), Value::Object(_)) => Err((whole(path), "an object, not an array")),
        (Value::Object(_), Value::String(_)) => Err((whole(path), "its name alone, as a string")),
        _ => Ok(()),
    }
}

fn whole(path: String) -> String {
    match path.is_empty() {
        true => ".".to_owned(),
        false => path,
    }
}

fn is_hex(token: &str) -> bool {
    !token.is_empty() && token.bytes().all(|octet| octet.is_ascii_hexdigit())
}

/// Interim and unknown statuses are no answers (RFC 9110 §15).
fn check_status(answer: &Answer, path: &str) -> Result<(), Mistake> {
    match answer.status {
        200..=599 => Ok(()),
        _ => Err((format!("{path}.status"), "a status is from 200 to 599")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
                r#"{"rules": [{"do": {"answer_in_turn": [{"status": 200}, {"status": 600}]}}]}"#,
                ["rules[0].do.answer_in_turn[1].status", "599"],
            ),
            (
                r#"{"rules": [{"do": "cut", "device_token": "xyz"}]}"#,
                ["rules[0].device_token", "hex"],
            ),
            ("[]", ["at .:", "object"]),
            (
                r#"{"rules": [{"do": {"goaway": []}}]}"#,
                ["rules[0].do.goaway", "object"],
            ),
            (
                r#"{"rules": [{"do": {"cut": null}}]}"#,
                ["rules[0].do:", "string"],
            ),
            (
                r#"{"device_tokens": {"": {"status": 410}}}"#,
                ["device_tokens.", "hex"],
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
