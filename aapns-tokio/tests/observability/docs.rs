//! The tables of docs/OBSERVABILITY.md are those of the code.

use aapns_tokio::proto::client::observability::{EVENTS, Event, Kind, METRICS, SPANS};

const DOCS: &str = include_str!("../../../docs/OBSERVABILITY.md");

fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn events(events: &[Event]) -> String {
    let row = |event: &Event| {
        let fields = quoted(event.fields);
        format!(
            "| `{}` | {} | {fields} | {} |\n",
            event.name, event.level, event.help
        )
    };
    events.iter().map(row).collect()
}

#[test]
fn the_documented_tables_are_those_of_the_code() {
    let metrics: String = METRICS
        .iter()
        .map(|metric| {
            let kind = match metric.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels = quoted(metric.labels);
            format!(
                "| `{}` | {kind} | {labels} | {} |\n",
                metric.name, metric.help
            )
        })
        .collect();
    for table in [events(&SPANS), events(&EVENTS), metrics] {
        assert!(
            DOCS.contains(&table),
            "docs/OBSERVABILITY.md should have:\n{table}"
        );
    }
    let rows = DOCS.lines().filter(|line| line.starts_with("| `aapns"));
    assert_eq!(rows.count(), SPANS.len() + EVENTS.len() + METRICS.len());
}
