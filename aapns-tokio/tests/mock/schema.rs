//! Scenarios as data: the schema and the reader agree.

use std::sync::LazyLock;

use aapns_tokio::mock::{Builder, Scenario, ScenarioError, Server, StartError};
use jsonschema::Validator;
use serde_json::{Value, json};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let schema: Value = serde_json::from_str(Scenario::SCHEMA).expect("the schema is JSON");
    jsonschema::validator_for(&schema).expect("the schema is a schema")
});

fn complaints(json: &Value) -> Vec<String> {
    SCHEMA
        .iter_errors(json)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// The JSON of a Markdown text's code blocks.
fn examples(markdown: &str) -> Vec<&str> {
    let blocks = markdown.split("```json\n").skip(1);
    blocks
        .map(|block| block.split("```").next().unwrap())
        .collect()
}

#[test]
fn every_named_scenario_holds_by_the_schema() {
    for name in Scenario::NAMES {
        let scenario = Scenario::named(name).unwrap();
        let json = serde_json::to_value(&scenario).unwrap();
        assert_eq!(complaints(&json), [""; 0], "{name}");
        assert!(name == "ok" || scenario != Scenario::default(), "{name}");
    }
}

#[test]
fn the_examples_of_the_docs_hold_by_schema_and_reader() {
    let docs = include_str!("../../../docs/MOCK.md");
    let source = include_str!("../../src/mock/scenario.rs");
    let quoted = source.split("from_json(r#\"").nth(1).unwrap();
    let quoted = quoted.split("\"#)").next().unwrap().replace("///", "");
    let mut scenarios = 0;
    for text in examples(docs).into_iter().chain([&*quoted]) {
        let json: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
        if json.is_array() || json.get("requests").is_some() {
            continue;
        }
        scenarios += 1;
        assert_eq!(complaints(&json), [""; 0], "{text}");
        Scenario::from_json(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    }
    assert!(scenarios > 3, "{scenarios}");
}

#[test]
fn what_the_reader_refuses_the_schema_refuses_too() {
    for json in [
        json!({"latency": 1}),
        json!({"latency_ms": -1}),
        json!({"latency_ms": "1"}),
        json!({"max_concurrent_streams": 4_294_967_296_u64}),
        json!({"device_tokens": {"AB": {"status": 200}}}),
        json!({"device_tokens": {"": {"status": 200}}}),
        json!({"device_tokens": {"ab": {}}}),
        json!({"device_tokens": {"ab": {"status": 99}}}),
        json!({"rules": [{}]}),
        json!({"rules": [{"do": "vanish"}]}),
        json!({"rules": [{"do": {"limit": 1, "delay": 1}}]}),
        json!({"rules": [{"do": {"limit": -1}}]}),
        json!({"rules": [{"do": {"answer": {"status": 600}}}]}),
        json!({"rules": [{"do": {"answer": {"status": 200, "why": 1}}}]}),
        json!({"rules": [{"do": {"answer_in_turn": []}}]}),
        json!({"rules": [{"do": {"goaway": {"last": 3}}}]}),
        json!({"rules": [{"do": "cut", "at": 0}]}),
        json!({"rules": [{"do": "cut", "every": 0}]}),
        json!({"rules": [{"do": "cut", "connection": 0}]}),
        json!({"rules": [{"do": "cut", "probability": 1.5}]}),
        json!({"rules": [{"do": "cut", "when": 1}]}),
        json!({"rules": [{"do": "cut", "device_token": ""}]}),
        json!({"rules": [{"do": "cut", "device_token": "device"}]}),
        json!({"rules": [{"do": {"cut": null}}]}),
        json!({"rules": [[1, null, null, null, null, null, null, "cut"]]}),
        json!([]),
        json!({"rules": [{"do": "cut", "after_ms": 1, "at": 1}]}),
        json!({"rules": [{"do": "refuse", "after_ms": 1}]}),
        json!({"rules": [{"do": {"delay": 5}, "after_ms": 1}]}),
    ] {
        assert!(Scenario::from_json(&json.to_string()).is_err(), "{json}");
        assert!(!complaints(&json).is_empty(), "{json}");
    }
}

/// A scenario with everything in it.
fn full() -> Value {
    let answer = json!({
        "status": 410, "reason": "Unregistered", "timestamp": 7, "retry_after": 1, "body": "{}",
    });
    json!({
        "$schema": "s", "description": "d", "latency_ms": 1, "jitter_ms": 1, "max_concurrent_streams": 1,
        "device_tokens": {"ab": answer},
        "rules": [
            {"at": 1, "every": 1, "probability": 0.5, "device_token": "ab", "connection": 1, "times": 1, "do": "cut"},
            {"after_ms": 1, "connection": 1, "do": "blackhole"},
            {"do": {"answer": answer}},
            {"do": {"answer_in_turn": [answer, answer]}},
            {"do": {"delay": 1}},
            {"do": {"reset": 1}},
            {"do": {"limit": 1}},
            {"do": {"goaway": {
                "unprocessed": 1, "code": 1, "reason": "r", "debug": "d", "two_step_ms": 1, "linger": true,
            }}},
        ],
    })
}

/// The places of a JSON value, as JSON pointers.
fn places(json: &Value, here: &str, found: &mut Vec<String>) {
    found.push(here.to_owned());
    match json {
        Value::Object(fields) => {
            for (name, value) in fields {
                places(value, &format!("{here}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{here}/{index}"), found);
            }
        }
        _ => {}
    }
}

#[test]
fn whatever_stands_in_any_place_the_schema_and_the_reader_judge_it_alike() {
    let agree = |json: &Value, what: &str| {
        let read = Scenario::from_json(&json.to_string()).map(|_| ());
        let complaints = complaints(json);
        assert_eq!(
            read.is_err(),
            !complaints.is_empty(),
            "{what}: {read:?} {complaints:?}"
        );
        read.is_ok()
    };
    assert!(agree(&full(), "all"));
    let mut all = Vec::new();
    places(&full(), "", &mut all);
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(0.5),
        json!(2),
        json!(199),
        json!(600),
        json!(1_u64 << 32),
        json!(""),
        json!("x"),
        json!("AB"),
        json!("cut"),
        json!("refuse"),
        json!({}),
        json!({"x": 1}),
        json!([]),
        json!([1]),
    ];
    let mut taken = 0;
    for place in &all {
        for value in &odd {
            let mut json = full();
            *json.pointer_mut(place).unwrap() = value.clone();
            taken += u32::from(agree(&json, &format!("{place} = {value}")));
        }
    }
    assert!(taken > 100, "{taken}");
    for token in ["", "x", "AB", "0g", "abc"] {
        agree(&json!({"device_tokens": {token: {"status": 410}}}), token);
        agree(
            &json!({"rules": [{"device_token": token, "do": "cut"}]}),
            token,
        );
    }
}

#[test]
fn what_the_reader_takes_the_schema_takes_too() {
    for json in [
        json!({}),
        json!({"$schema": "scenario.schema.json", "description": null}),
        json!({"rules": [{"do": "cut", "after_ms": 1, "connection": 2, "times": 0}]}),
        json!({"rules": [{"do": {"goaway": {}}, "after_ms": 0}]}),
        json!({"rules": [{"do": {"limit": 0}, "at": null, "every": 3}]}),
        json!({"rules": [{"do": {"reset": 8}, "device_token": "ABcd", "probability": 1}]}),
        json!({"rules": [{"do": {"goaway": {"code": 11, "debug": "x", "two_step_ms": 5}}}]}),
    ] {
        let read = Scenario::from_json(&json.to_string());
        assert!(read.is_ok(), "{json}: {read:?}");
        assert_eq!(complaints(&json), [""; 0], "{json}");
    }
}

#[tokio::test]
async fn a_scenario_made_in_rust_is_checked_like_one_that_was_read() {
    let mut scenario = Scenario::named("throttle").unwrap();
    scenario.rules[1].every = Some(0);
    let start = |builder: Builder| builder.start();
    let error = start(Server::builder().scenario(scenario))
        .await
        .unwrap_err();
    assert!(
        matches!(&error, StartError::Scenario(ScenarioError::Value { path, .. }) if path == "rules[1].every"),
        "{error}"
    );
}
