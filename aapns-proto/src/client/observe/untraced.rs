//! Without the feature `tracing`: nothing.

use std::sync::Arc;
use std::time::Duration;

use super::super::reply::Reply;
use super::Ending;
use crate::delivery::{Cause, DialError, Done, GoAway};
use crate::job::Job;
use crate::pool::MintError;
use crate::request::Response;

pub(super) struct Tracer;

#[derive(Debug)]
pub(super) struct RequestSpan;

pub(super) struct LinkSpan;

impl RequestSpan {
    pub(super) fn none() -> Self {
        Self
    }
}

impl Tracer {
    pub(super) fn new(_: &Arc<str>) -> Self {
        Self
    }

    pub(super) fn request(&self) -> RequestSpan {
        RequestSpan
    }

    pub(super) fn link(&self, _: u64) -> LinkSpan {
        LinkSpan
    }

    pub(super) fn outcome(&self, _: &RequestSpan, _: Ending, _: Duration, _: &Done<Arc<Reply>>) {}

    pub(super) fn taken_back(&self, _: &RequestSpan, _: Duration) {}

    pub(super) fn dial_failed(&self, _: u64, _: Duration, _: &DialError) {}

    pub(super) fn breaker_opened(&self, _: &Cause) {}
}

impl LinkSpan {
    pub(super) fn opened(&self, _: u64, _: Duration) {}

    pub(super) fn goaway(&self, _: u64, _: &GoAway) {}

    pub(super) fn closed(&self, _: u64, _: Duration, _: Option<&Cause>) {}
}

pub(super) fn attempt(_: u64, _: &RequestSpan, _: u32) {}

pub(super) fn attempts(_: u64, _: &[Job<Arc<Reply>>]) {}

pub(super) fn failed(_: u64, _: &Job<Arc<Reply>>, _: &Cause) {}

pub(super) fn put_off(_: u64, _: &Job<Arc<Reply>>, _: &Response) {}

pub(super) fn minted(_: Option<&MintError>, _: bool) {}
