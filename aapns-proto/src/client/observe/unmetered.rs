//! Without the feature `metrics`: nothing.

use std::sync::Arc;
use std::time::Duration;

use super::Ending;

pub(super) struct Meter;

impl Meter {
    pub(super) fn new(_: &Arc<str>) -> Self {
        Self
    }

    pub(super) fn began(&self) {}

    pub(super) fn load(&self, _: u64, _: u64) {}

    pub(super) fn attempts(&self, _: usize) {}

    pub(super) fn ended(&self, _: Ending, _: Duration, _: bool) {}

    pub(super) fn rejected(&self, _: u16, _: String) {}

    pub(super) fn retry(&self, _: &'static str) {}

    pub(super) fn dial_failed(&self, _: &'static str) {}

    pub(super) fn link_opened(&self, _: Duration) {}

    pub(super) fn link_closed(&self, _: &'static str) {}

    pub(super) fn goaway(&self, _: String) {}

    pub(super) fn breaker_turned(&self, _: bool) {}
}

pub(super) fn minted(_: bool) {}
