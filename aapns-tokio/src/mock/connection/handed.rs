//! Answers that were handed to h2, and may not have left yet.

use std::borrow::Cow;

use http::HeaderValue;

use crate::mock::log::{Event, Log};
use crate::mock::tap::Streams;

#[derive(Default)]
pub(super) struct Handed {
    /// This turn's: they are noted once it is certain that the turn's octets will be written.
    answers: Vec<Handing>,
    /// Accepted notifications among the answers since all was last written.
    accepted: u64,
    /// Streams whose answer has a body, as long as h2 holds some of it for the client's window.
    bodies: Vec<u32>,
}

pub(super) struct Handing {
    pub(super) stream: u32,
    pub(super) apns_id: HeaderValue,
    pub(super) status: u16,
    pub(super) reason: Option<Cow<'static, str>>,
    /// Whether it says that a notification was accepted.
    pub(super) is_accepted: bool,
}

impl Handed {
    pub(super) fn push(&mut self, answer: Handing) {
        self.accepted += u64::from(answer.is_accepted);
        self.answers.push(answer);
    }

    pub(super) fn push_body(&mut self, stream: u32) {
        self.bodies.push(stream);
    }

    /// Notes this turn's answers.
    pub(super) fn note(&mut self, log: &Log, connection: u64) {
        for answer in self.answers.drain(..) {
            log.note(&Event::Answered {
                connection,
                stream: answer.stream,
                apns_id: answer.apns_id.to_str().unwrap_or(""),
                status: answer.status,
                reason: answer.reason.as_deref(),
            });
        }
    }

    /// All that was ready is written.
    pub(super) fn written(&mut self, streams: &Streams) {
        self.accepted = 0;
        self.bodies.retain(|&stream| streams.is_open(stream));
    }

    /// Nothing is written any more: says how many accepted notifications get no answer by that.
    pub(super) fn lose(&mut self) -> u64 {
        self.answers.clear();
        std::mem::take(&mut self.accepted)
    }

    pub(super) fn has_bodies(&self) -> bool {
        !self.bodies.is_empty()
    }
}
