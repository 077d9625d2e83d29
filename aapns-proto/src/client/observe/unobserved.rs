//! Nothing is told: without the features `tracing` and `metrics` all of this is empty.
//!
//! The twin of `observed`, with the same names.

use std::sync::Arc;
use std::time::Duration;

use crate::connection::Connection;
use crate::delivery::{Cause, DialError, Done};
use crate::job::{Job, Tag};
use crate::pool::hand::Back;
use crate::pool::{MintError, Pool};
use crate::time::Time;

use super::endpoint::Endpoint;
use super::reply::Reply;

pub(super) struct Observer;

#[derive(Debug, Default)]
pub(super) struct Told(());

impl Observer {
    pub(super) fn new(_: &Endpoint) -> Self {
        Self
    }

    #[inline]
    pub(super) fn request(&self, _: Time) -> Told {
        Told(())
    }

    #[inline]
    pub(super) fn began(&self) {}

    #[inline]
    pub(super) fn attempt(&self, _: &Told) {}

    #[inline]
    pub(super) fn load<T: Tag>(&self, _: &Pool<T>) {}

    #[inline]
    pub(super) fn settled(&self, _: Time, _: &Done<Arc<Reply>>) {}

    #[inline]
    pub(super) fn taken_back(&self, _: impl FnOnce() -> Time, _: &Told) {}

    pub(super) fn dial_failed(&self, _: u64, _: Duration, _: &DialError) {}

    pub(super) fn breaker_turned(&self, turned: Turned) {
        match turned {}
    }

    pub(super) fn link(&self, _: u64, _: Time) -> LinkWatch {
        LinkWatch
    }
}

pub(super) enum Turned {}

#[derive(Debug, Default)]
pub(super) struct BreakerWatch(());

impl BreakerWatch {
    #[inline]
    pub(super) fn look<T: Tag>(&mut self, _: &Pool<T>) -> Option<Turned> {
        None
    }
}

pub(super) struct LinkWatch;

pub(super) enum Sight {}

impl LinkWatch {
    #[inline]
    pub(super) fn look<T>(&self, _: &Connection<T>) -> Option<Sight> {
        None
    }

    #[inline]
    pub(super) fn tell(&mut self, _: &Observer, _: Time, _: Option<Sight>) {}

    #[inline]
    pub(super) fn taken(&self, _: &Observer, _: &[Job<Arc<Reply>>]) {}

    #[inline]
    pub(super) fn given_back(&self, _: &Observer, _: &[Back<Arc<Reply>>]) {}

    pub(super) fn closed(&self, _: &Observer, _: Time, _: Option<&Cause>) {}
}

pub(super) fn minted<T>(_: &Result<T, MintError>, _: bool) {}
