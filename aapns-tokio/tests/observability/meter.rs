//! Counters, gauges and histograms, as an exporter shows them.

use std::collections::{BTreeMap, BTreeSet};

use aapns_tokio::proto::client::observability::{Kind, METRICS, describe};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

use super::run::{COUNT, alone, run};

/// A line of an exposition: name, labels, value.
#[derive(Debug)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

fn samples(text: &str) -> Vec<Sample> {
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let labels = labels.trim_end_matches('}').split("\",");
            let labels = labels.filter_map(|label| {
                let (name, value) = label.split_once("=\"")?;
                Some((name.to_owned(), value.trim_end_matches('"').to_owned()))
            });
            Sample {
                name: name.to_owned(),
                labels: labels.collect(),
                value: value.parse().unwrap(),
            }
        })
        .collect()
}

#[test]
fn what_is_counted_has_its_stable_name_and_agrees_with_the_mock() {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &[0.1, 1.0, 10.0])
        .unwrap()
        .build_recorder();
    let exporter = recorder.handle();
    let _alone = alone();
    let run = metrics::with_local_recorder(&recorder, || {
        describe();
        run()
    });
    let text = exporter.render();
    super::dashboard::check_exposition(&text);
    for secret in &run.secrets {
        assert!(!text.contains(secret.as_str()), "told: {secret}");
    }
    let samples = samples(&text);
    names(&samples, &text);

    let sum = |name: &str, labels: &[(&str, &str)]| -> f64 {
        let is = |sample: &&Sample| {
            let has =
                |&(name, value): &(&str, &str)| sample.labels.get(name).is_some_and(|v| v == value);
            sample.name == name && labels.iter().all(has)
        };
        samples.iter().filter(is).map(|sample| sample.value).sum()
    };
    let server = ("server", &*run.origin);
    // Those of the connection without a pool, and of the client without a token, too.
    assert_eq!(sum("aapns_requests_total", &[server]), (COUNT + 2) as f64);
    let delivered = sum("aapns_outcomes_total", &[server, ("outcome", "delivered")]);
    assert_eq!(delivered, COUNT as f64);
    assert_eq!(delivered, run.counts.accepted as f64);
    assert_eq!(sum("aapns_possible_duplicates_total", &[]), 1.0);
    let dead = [server, ("status", "410"), ("reason", "Unregistered")];
    assert_eq!(sum("aapns_rejections_total", &dead), 1.0);
    let goaways = sum("aapns_goaways_total", &[server, ("reason", "Shutdown")]);
    assert_eq!(goaways, run.counts.goaways as f64);
    let refused = sum("aapns_retries_total", &[server, ("cause", "refused")]);
    assert_eq!(refused, run.counts.refused as f64);
    let opened = sum("aapns_links_opened_total", &[server]);
    // One that was given up before its SETTINGS came was seen by the mock alone.
    assert!(
        (2.0..=run.counts.connections as f64).contains(&opened),
        "{opened}"
    );
    assert_eq!(opened, sum("aapns_links_closed_total", &[server]));
    assert_eq!(sum("aapns_dial_seconds_count", &[server]), opened);
    assert_eq!(sum("aapns_breaker_opened_total", &[]), 1.0);
    assert_eq!(
        sum("aapns_outcomes_total", &[("outcome", "abandoned")]),
        1.0
    );
    let ended = sum("aapns_outcomes_total", &[]);
    assert_eq!(ended, sum("aapns_requests_total", &[]));
    assert_eq!(ended, sum("aapns_request_seconds_count", &[]));
    // All is over: what is now is nothing.
    for metric in METRICS.iter().filter(|metric| metric.kind == Kind::Gauge) {
        assert_eq!(sum(metric.name, &[]), 0.0, "{}", metric.name);
    }
}

/// All of the table is there, and nothing else.
fn names(samples: &[Sample], text: &str) {
    let mut seen = BTreeSet::new();
    for sample in samples {
        let metric = METRICS.iter().find(|metric| {
            let rest = sample.name.strip_prefix(metric.name);
            let suffixes: &[&str] = match metric.kind {
                Kind::Histogram => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            rest.is_some_and(|rest| suffixes.contains(&rest))
        });
        let metric = metric.unwrap_or_else(|| panic!("not in the table: {sample:?}"));
        let labels: BTreeSet<&str> = sample.labels.keys().map(String::as_str).collect();
        let labels: BTreeSet<&str> = labels.into_iter().filter(|name| *name != "le").collect();
        let expected: BTreeSet<&str> = metric.labels.iter().copied().collect();
        assert_eq!(labels, expected, "{sample:?}");
        seen.insert(metric.name);
    }
    for metric in METRICS {
        assert!(seen.contains(metric.name), "{} is never there", metric.name);
        let kind = match metric.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let line = format!("# TYPE {} {kind}\n", metric.name);
        assert!(text.contains(&line), "{line}");
        assert!(text.contains(&format!("# HELP {} {}\n", metric.name, metric.help)));
    }
}
