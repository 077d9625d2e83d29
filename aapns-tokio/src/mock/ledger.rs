//! The mock's own count of what it did, independent of any client's.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::request::Parts;
use serde::Serialize;

use super::check::{device_token, text};

/// Notification ids that are told apart; beyond, duplicates of new ones go unseen.
const IDS: usize = 4_000_000;

/// What the mock did so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Counts {
    /// Connections whose TLS stood, with HTTP/2 agreed on.
    pub connections: u64,
    /// Requests decided upon: accepted or rejected, whether or not the answer reached the client.
    pub processed: u64,
    /// Of these: accepted for delivery, or done, as by status 200.
    pub accepted: u64,
    /// Of these: answered by another status.
    pub rejected: u64,
    /// Accepted notifications whose answer was withheld or cut off by a scenario.
    pub unanswered: u64,
    /// Notifications accepted more than once: how many times too many.
    pub duplicates: u64,
    /// Requests refused by RST_STREAM(REFUSED_STREAM), thus not processed.
    pub refused: u64,
    /// Of these: opened beyond the limit that the client had acknowledged.
    pub over_limit: u64,
    /// Requests above a GOAWAY's last-stream-id, thus not processed.
    pub after_goaway: u64,
    /// GOAWAY frames sent.
    pub goaways: u64,
}

/// A request that the mock received and decided upon.
#[derive(Clone)]
#[non_exhaustive]
pub struct Received {
    /// Its number among all that the mock decided upon, from 1.
    pub number: u64,
    /// When it was decided upon, in milliseconds since 1970.
    pub at_ms: u64,
    /// Which connection it came by, from 1.
    pub connection: u64,
    /// The status that it was given.
    pub status: u16,
    /// The reason that it was given, with other statuses than 200.
    pub reason: Option<Cow<'static, str>>,
    /// The id that it was answered with: the client's, or one made here.
    pub apns_id: String,
    /// The request's line and fields.
    pub parts: Parts,
    /// The payload.
    pub body: Bytes,
}

impl Received {
    /// The device token of its path.
    pub fn device_token(&self) -> Option<&str> {
        device_token(self.parts.uri.path())
    }

    /// A field's value: `apns-id`, `apns-topic`, …
    pub fn field(&self, name: &str) -> Option<&str> {
        text(&self.parts.headers, name)
    }
}

/// Neither token nor payload: a test that prints it by chance gives nothing away.
impl std::fmt::Debug for Received {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Received")
            .field("number", &self.number)
            .field("connection", &self.connection)
            .field("status", &self.status)
            .field("reason", &self.reason)
            .field("apns_id", &self.apns_id)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) counts: Counts,
    accepted: HashMap<Box<[u8]>, u32>,
    last: VecDeque<Received>,
    pub(super) keep: usize,
}

impl Ledger {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            counts: Counts::default(),
            accepted: HashMap::new(),
            last: VecDeque::new(),
            keep,
        }
    }

    /// Notes a decision. Only an id of the client's tells duplicates.
    pub(super) fn processed(&mut self, mut received: Received, apns_id: Option<&[u8]>) {
        self.counts.processed += 1;
        received.number = self.counts.processed;
        if (200..300).contains(&received.status) {
            self.counts.accepted += 1;
            if let Some(id) = apns_id {
                self.note_accepted(id);
            }
        } else {
            self.counts.rejected += 1;
        }
        if self.keep > 0 {
            if self.last.len() == self.keep {
                self.last.pop_front();
            }
            self.last.push_back(received);
        }
    }

    fn note_accepted(&mut self, id: &[u8]) {
        if let Some(times) = self.accepted.get_mut(id) {
            *times += 1;
            self.counts.duplicates += 1;
        } else if self.accepted.len() < IDS {
            self.accepted.insert(id.into(), 1);
        }
    }

    pub(super) fn times_accepted(&self, apns_id: &str) -> u32 {
        self.accepted.get(apns_id.as_bytes()).copied().unwrap_or(0)
    }

    pub(super) fn duplicates(&self) -> Vec<(String, u32)> {
        let twice = self.accepted.iter().filter(|(_, times)| **times > 1);
        let mut duplicates: Vec<_> = twice
            .map(|(id, &times)| (String::from_utf8_lossy(id).into_owned(), times))
            .collect();
        duplicates.sort();
        duplicates
    }

    /// The requests that are kept, oldest first.
    pub(super) fn last(&self) -> impl DoubleEndedIterator<Item = &Received> {
        self.last.iter()
    }

    /// Keeps none of the requests so far; what was counted stays counted.
    pub(super) fn forget(&mut self) {
        self.last.clear();
    }
}
