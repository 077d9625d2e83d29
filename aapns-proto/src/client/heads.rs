//! The constant parts of typed requests, made once for each mix of topic, push type and priority.

use std::sync::{Mutex, PoisonError};

use aapns_models::{Priority, PushType, Topic};

use crate::limits::CLIENT_HEADS;
use crate::request::{Fields, Head, InvalidField, Method};

/// A small cache, the last used first: a connection codes a [`Head`] that it knows by copying it.
#[derive(Debug, Default)]
pub(super) struct Heads {
    known: Mutex<Vec<(Key, Head)>>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Key {
    pub(super) topic: Option<Topic>,
    pub(super) push_type: Option<PushType>,
    pub(super) priority: Option<Priority>,
}

impl Heads {
    pub(super) fn get(&self, key: Key) -> Result<Head, InvalidField> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = known.iter().position(|(k, _)| *k == key) {
            if place > 0 {
                known[..=place].rotate_right(1);
            }
            if let Some((_, head)) = known.first() {
                return Ok(head.clone());
            }
        }
        let head = key.head()?;
        known.truncate(CLIENT_HEADS - 1);
        known.insert(0, (key, head.clone()));
        Ok(head)
    }
}

impl Key {
    fn head(&self) -> Result<Head, InvalidField> {
        let mut fields = Fields::new();
        if let Some(topic) = &self.topic {
            fields.push("apns-topic", topic.as_str())?;
        }
        if let Some(push_type) = &self.push_type {
            fields.push("apns-push-type", push_type.as_str())?;
        }
        if let Some(priority) = self.priority {
            fields.push("apns-priority", priority.as_str())?;
        }
        Ok(Head::new(Method::POST, fields))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(topic: &str) -> Key {
        Key {
            topic: Some(Topic::new(topic).expect("a topic")),
            push_type: Some(PushType::Alert),
            priority: None,
        }
    }

    #[test]
    fn the_same_mix_has_the_same_head_in_memory() {
        let heads = Heads::default();
        let first = heads.get(key("a.b")).expect("a head");
        let other = heads.get(key("a.c")).expect("a head");
        assert!(!first.is_same(&other));
        assert!(heads.get(key("a.b")).expect("a head").is_same(&first));
        assert_eq!(first.fields().get("apns-topic"), Some(&b"a.b"[..]));
    }

    #[test]
    fn the_cache_is_bounded() {
        let heads = Heads::default();
        for n in 0..3 * CLIENT_HEADS {
            let _ = heads.get(key(&format!("app{n}"))).expect("a head");
        }
        assert_eq!(heads.known.lock().expect("unpoisoned").len(), CLIENT_HEADS);
    }
}
