//! Several addresses of one name: RFC 8305's race.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::runtime::{Runtime, Timer, interleave};
use crate::limits::{ATTEMPT_DELAY, DIAL_ADDRESSES};
use crate::time::Time;

/// Tries the addresses of a name, families in turn, each 250 ms after the one before or as soon as
/// that failed; the first to connect wins, and the others are dropped (RFC 8305 §5).
///
/// # Cancel safety
/// Safe: attempts that were begun are dropped with it.
///
/// # Errors
/// The last failure, if every address failed; [`io::ErrorKind::NotFound`] if there is none.
pub async fn race<R, F, S>(
    runtime: &R,
    addresses: impl IntoIterator<Item = SocketAddr>,
    connect: impl Fn(SocketAddr) -> F,
) -> io::Result<S>
where
    R: Runtime,
    F: Future<Output = io::Result<S>>,
{
    let mut race = Race {
        waiting: interleave(addresses).into_iter().take(DIAL_ADDRESSES),
        connect,
        running: Vec::new(),
        timer: runtime.timer(),
        next: Time::ZERO,
        failure: io::Error::new(io::ErrorKind::NotFound, "the name has no address"),
    };
    poll_fn(|cx| race.poll(cx, runtime.now())).await
}

struct Race<I, C, F, T> {
    waiting: I,
    connect: C,
    running: Vec<Pin<Box<F>>>,
    timer: T,
    /// When the next address is due.
    next: Time,
    failure: io::Error,
}

impl<I, C, F, S, T> Race<I, C, F, T>
where
    I: Iterator<Item = SocketAddr>,
    C: Fn(SocketAddr) -> F,
    F: Future<Output = io::Result<S>>,
    T: Timer,
{
    fn poll(&mut self, cx: &mut Context<'_>, now: Time) -> Poll<io::Result<S>> {
        let mut is_over = false;
        loop {
            let mut at = 0;
            while let Some(attempt) = self.running.get_mut(at) {
                match attempt.as_mut().poll(cx) {
                    Poll::Ready(Ok(stream)) => return Poll::Ready(Ok(stream)),
                    Poll::Ready(Err(error)) => {
                        self.failure = error;
                        drop(self.running.remove(at));
                        self.next = now;
                    }
                    Poll::Pending => at += 1,
                }
            }
            if !is_over && (self.running.is_empty() || now >= self.next) {
                match self.waiting.next() {
                    Some(address) => {
                        self.running.push(Box::pin((self.connect)(address)));
                        self.next = now + ATTEMPT_DELAY;
                    }
                    None => (is_over, self.next) = (true, Time::NEVER),
                }
                continue;
            }
            if self.running.is_empty() {
                let nothing = io::ErrorKind::NotFound.into();
                return Poll::Ready(Err(std::mem::replace(&mut self.failure, nothing)));
            }
            if self.next == Time::NEVER || self.timer.poll_until(cx, self.next).is_pending() {
                return Poll::Pending;
            }
            self.next = now;
        }
    }
}
