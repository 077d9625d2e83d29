//! The Grafana dashboard asks for metrics and labels that there are, in queries that Prometheus reads.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use aapns_tokio::proto::client::observability::{Kind, METRICS};
use serde_json::Value;

const DASHBOARD: &str = include_str!("../../../docs/grafana.json");

fn queries(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), value) {
                    ("expr", Value::String(query)) => found.push(query.clone()),
                    _ => queries(value, found),
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| queries(value, found)),
        _ => {}
    }
}

/// The names in a query, and whether each is a metric's.
fn words(query: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // Texts are no names: they are every second piece between quotes.
    let code = query.split('"').step_by(2);
    let words = code.flat_map(move |code| code.split(move |c| !is_word(c)));
    words
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
        .collect()
}

#[test]
fn every_query_names_metrics_and_labels_that_there_are() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let mut found = Vec::new();
    queries(&dashboard, &mut found);
    assert!(found.len() >= 10, "{}", found.len());
    let labels: BTreeSet<&str> = METRICS.iter().flat_map(|m| m.labels).copied().collect();
    let language = [
        "sum",
        "by",
        "rate",
        "increase",
        "histogram_quantile",
        "le",
        "s",
        "m",
        "h",
        "clamp_min",
        "or",
        "vector",
    ];
    let mut asked = BTreeSet::new();
    for query in &found {
        let mut names = 0;
        for word in words(query) {
            let metric = METRICS.iter().find(|metric| match metric.kind {
                Kind::Histogram => ["_bucket", "_sum", "_count"]
                    .iter()
                    .any(|suffix| word.strip_suffix(suffix) == Some(metric.name)),
                _ => metric.name == word,
            });
            match metric {
                Some(metric) => {
                    names += 1;
                    asked.insert(metric.name);
                }
                None => assert!(
                    labels.contains(word) || language.contains(&word) || word.starts_with("__"),
                    "{word} in {query}"
                ),
            }
        }
        assert!(names > 0, "{query}");
    }
    for metric in METRICS {
        assert!(
            asked.contains(metric.name),
            "no panel shows {}",
            metric.name
        );
    }
    check_queries(&found);
}

/// Whether Prometheus can read the queries: as rules.
fn check_queries(queries: &[String]) {
    let rules: Vec<Value> = queries
        .iter()
        .enumerate()
        .map(|(n, query)| {
            let query = query
                .replace("$__rate_interval", "1m")
                .replace("$server", ".*");
            serde_json::json!({ "record": format!("dashboard:query:{n}"), "expr": query })
        })
        .collect();
    // YAML is a superset of JSON.
    let rules = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    let path = std::env::temp_dir().join(format!("aapns-rules-{}.yml", std::process::id()));
    std::fs::write(&path, rules.to_string()).unwrap();
    promtool(&["check", "rules", path.to_str().unwrap()], "");
    std::fs::remove_file(&path).unwrap();
}

/// Whether Prometheus likes an exposition: names, types, help.
pub(crate) fn check_exposition(text: &str) {
    promtool(&["check", "metrics"], text);
}

fn promtool(args: &[&str], input: &str) {
    let child = Command::new("promtool")
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        eprintln!("skipped: no promtool on this machine");
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}
