//! How streams end: each job goes out by exactly one event.

use super::stream::Stream;
use super::{Connection, Event};
use crate::delivery::{Cause, Delivery};
use crate::mutants::Mutant;
use crate::request::Response;

impl<T> Connection<T> {
    /// A final response is all there.
    #[inline]
    pub(super) fn answer(&mut self, id: u32, response: Response) {
        let held = response.fields.octets() + response.body.len();
        let Some(stream) = self.release(id) else {
            return;
        };
        self.liveness.answered(self.now);
        self.budget.progress(self.streams.len());
        self.held += held;
        self.events.push_back(Event::Answered(stream.job, response));
    }

    /// No more of a response will come: what is there is the answer.
    pub(super) fn cut(&mut self, id: u32) {
        self.finish(id, true);
    }

    /// Completes a response whose HEADERS arrived before.
    pub(super) fn finish(&mut self, id: u32, is_truncated: bool) {
        let stream = self.streams.get_mut(id);
        if let Some(incomplete) = stream.and_then(|stream| stream.response.take()) {
            self.held = self.held.saturating_sub(incomplete.held());
            self.answer(id, incomplete.finish(is_truncated));
        }
    }

    /// No response will come: what was lent out decides the delivery.
    pub(super) fn lose(&mut self, id: u32, cause: Cause) {
        let Some(stream) = self.streams.get(id) else {
            return;
        };
        if stream.response.is_some() {
            self.cut(id);
        } else {
            let delivery = match self.config.is(Mutant::LentIsNotSent) {
                true => Delivery::NotSent,
                false => stream.delivery(&self.output),
            };
            self.give_back(id, delivery, cause);
        }
    }

    /// The attempt ends without a response, with this delivery.
    pub(super) fn give_back(&mut self, id: u32, delivery: Delivery, cause: Cause) {
        if let Some(stream) = self.release(id) {
            self.events
                .push_back(Event::Returned(stream.job, delivery, cause));
        }
    }

    /// Every request in flight ends.
    pub(super) fn lose_all(&mut self, cause: &Cause) {
        for id in self.streams.ids_above(0) {
            self.lose(id, cause.clone());
        }
    }

    /// Frees the stream's slot. If the end of its request wasn't lent, it never will be.
    #[inline]
    fn release(&mut self, id: u32) -> Option<Stream<T>> {
        let mut stream = self.streams.remove(id)?;
        if self.output.is_lent(stream.headers_at) {
            stream.job.history.attempts += 1;
        }
        self.output.take_end_back(stream.end_at);
        if self.config.is(Mutant::LeakStream) {
            let limit = self.config.max_streams.min(self.peer.max_streams);
            self.config.max_streams = limit.saturating_sub(1);
        }
        Some(stream)
    }
}
