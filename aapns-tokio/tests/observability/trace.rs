//! Spans and events, caught by a subscriber that wants everything.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use aapns_tokio::proto::client::observability::{EVENTS, Event, SPANS, TARGET};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};

use super::run::{alone, run};

#[derive(Clone, Debug)]
struct Told {
    target: String,
    name: String,
    level: String,
    fields: BTreeMap<String, String>,
    parent: Option<u64>,
    id: Option<u64>,
}

#[derive(Clone, Default)]
struct Catcher {
    told: Arc<Mutex<Vec<Told>>>,
    ids: Arc<AtomicU64>,
}

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = self.0.entry(field.name().to_owned()).or_default();
        write!(text, "{value:?}").unwrap();
    }
}

impl Catcher {
    fn note(
        &self,
        metadata: &Metadata<'_>,
        parent: Option<u64>,
        id: Option<u64>,
        record: impl FnOnce(&mut dyn Visit),
    ) {
        let mut fields = BTreeMap::new();
        record(&mut Fields(&mut fields));
        self.told.lock().unwrap().push(Told {
            target: metadata.target().to_owned(),
            name: metadata.name().to_owned(),
            level: metadata.level().to_string(),
            fields,
            parent,
            id,
        });
    }
}

impl Subscriber for Catcher {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.ids.fetch_add(1, Ordering::Relaxed) + 1;
        let parent = span.parent().map(Id::into_u64);
        self.note(span.metadata(), parent, Some(id), |visit| {
            span.record(visit)
        });
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let parent = event.parent().map(Id::into_u64);
        self.note(event.metadata(), parent, None, |visit| event.record(visit));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

fn check(told: &Told, known: &[Event]) {
    let event = known.iter().find(|event| event.name == told.name);
    let event = event.unwrap_or_else(|| panic!("not in the table: {told:?}"));
    assert_eq!(told.level, event.level, "{told:?}");
    for field in told.fields.keys() {
        let is_known = field == "message" || event.fields.contains(&field.as_str());
        assert!(is_known, "{field} isn't in the table: {told:?}");
    }
}

#[test]
fn everything_is_told_by_its_stable_name_and_nothing_secret_is() {
    let _alone = alone();
    let catcher = Catcher::default();
    let guard = tracing::subscriber::set_default(catcher.clone());
    let run = run();
    drop(guard);
    let all = catcher.told.lock().unwrap().clone();

    // Also what others tell at TRACE: the sockets, the TLS.
    let text = format!("{all:?}");
    assert!(run.secrets.len() > 100, "there is something to look for");
    for secret in &run.secrets {
        assert!(!text.contains(secret.as_str()), "told: {secret}");
    }

    let ours: Vec<&Told> = all.iter().filter(|told| told.target == TARGET).collect();
    for told in &ours {
        match told.id {
            Some(_) => check(told, &SPANS),
            None => check(told, &EVENTS),
        }
    }
    for event in EVENTS.iter().chain(&SPANS) {
        let told: Vec<_> = ours.iter().filter(|told| told.name == event.name).collect();
        assert!(!told.is_empty(), "{} is never told", event.name);
        for field in event.fields {
            let has = told.iter().any(|told| told.fields.contains_key(*field));
            assert!(has, "{} never has {field}", event.name);
        }
    }
    in_their_spans(&ours);
    values(&ours);
}

fn in_their_spans(ours: &[&Told]) {
    let span = |id: u64| ours.iter().find(|told| told.id == Some(id)).unwrap();
    for told in ours {
        let expected = match told.name.as_str() {
            "aapns.attempt" | "aapns.retry" | "aapns.outcome" => Some("aapns.request"),
            "aapns.link_opened" | "aapns.link_closed" | "aapns.goaway_received" => {
                Some("aapns.link")
            }
            _ => None,
        };
        let parent = told.parent.map(|id| span(id).name.as_str());
        assert_eq!(parent, expected, "{told:?}");
    }
    let spans = ours.iter().filter(|told| told.name == "aapns.request");
    for request in spans {
        let outcomes = ours
            .iter()
            .filter(|told| told.parent == request.id && told.name == "aapns.outcome");
        assert_eq!(outcomes.count(), 1, "one outcome a request");
    }
}

fn values(ours: &[&Told]) {
    let has = |name: &str, field: &str, value: &str| {
        let is =
            |told: &&&Told| told.name == name && told.fields.get(field).is_some_and(|v| v == value);
        assert!(
            ours.iter().any(|told| is(&told)),
            "{name}: {field} = {value}"
        );
    };
    has("aapns.goaway_received", "reason", "Shutdown");
    has("aapns.goaway_received", "code", "NO_ERROR");
    has("aapns.outcome", "reason", "Unregistered");
    has("aapns.outcome", "status", "410");
    has("aapns.outcome", "possible_duplicate", "true");
    for outcome in [
        "delivered",
        "rejected",
        "not_processed",
        "unknown",
        "abandoned",
    ] {
        has("aapns.outcome", "outcome", outcome);
    }
    has("aapns.retry", "reason", "TooManyRequests");
    has("aapns.retry", "cause", "refused");
    has("aapns.retry", "delivery", "Refused");
    has("aapns.token_minted", "early", "true");
    has("aapns.mint_failed", "error", "the vault is locked");
    has("aapns.dial_failed", "step", "connect");
    has(
        "aapns.breaker_opened",
        "cause",
        "fatal: InvalidProviderToken",
    );
}
