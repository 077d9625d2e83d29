//! A connection and its half of the pull protocol.

use std::marker::PhantomData;
use std::time::Duration;

use crate::delivery::{Disconnect, Done};
use crate::job::Tag;
use crate::machine::Wakeup;
use crate::pool::{LinkId, Pool};
use crate::time::Time;

/// A [`Connection`](crate::Connection) with its half of the pull protocol; owned by one driver task.
#[derive(Debug)]
pub struct Link<T> {
    _tag: PhantomData<T>,
}

#[allow(unused_variables, missing_docs, reason = "skeleton")]
impl<T: Tag> Link<T> {
    pub fn id(&self) -> LinkId {
        todo!()
    }
    pub fn read_buf(&mut self) -> &mut [u8] {
        todo!()
    }
    pub fn handle_read(&mut self, now: Time, n: usize) {
        todo!()
    }
    pub fn transmit(&mut self) -> &[u8] {
        todo!()
    }
    pub fn handle_written(&mut self, now: Time, n: usize) {
        todo!()
    }
    pub fn handle_disconnect(&mut self, now: Time, why: Disconnect) {
        todo!()
    }
    pub fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        todo!()
    }
    pub fn handle_timeout(&mut self, now: Time) {
        todo!()
    }
    /// Somebody has work or an order for this link.
    pub fn handle_wake(&mut self) {
        todo!()
    }
    pub fn wants_exchange(&self, may_take: bool) -> bool {
        todo!()
    }
    /// The only call under the pool's lock: moves jobs, news, orders and the token; returns whom to wake.
    pub fn exchange(
        &mut self,
        now: Time,
        unix: Duration,
        may_take: bool,
        pool: &mut Pool<T>,
    ) -> Option<LinkId> {
        todo!()
    }
    /// After the lock is released: encodes what was taken.
    pub fn handle_taken(&mut self, now: Time) {
        todo!()
    }
    pub fn poll_done(&mut self) -> Option<Done<T>> {
        todo!()
    }
    pub fn is_closed(&self) -> bool {
        todo!()
    }
}
