//! The end of a transport, so that the server hears why.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::runtime::{Runtime, Timer, Transport};
use crate::limits::{FAREWELL_OCTETS, FAREWELL_READS};
use crate::time::Time;

/// Flushes, ends our side, and reads on until the server has ended its own.
///
/// A socket that is closed while octets wait in it to be read is reset by the operating system, and
/// a reset can overtake the GOAWAY that was written last (RFC 9113 §5.4.1, RFC 9112 §9.6). What is
/// read is dropped; time and octets are bounded. The machine is gone by now: nobody waits for this.
pub(super) struct Farewell<'t, R: Runtime> {
    transport: &'t mut R::Transport,
    timer: R::Timer,
    until: Time,
    is_closed: bool,
    left: usize,
}

impl<'t, R: Runtime> Farewell<'t, R> {
    pub(super) fn new(runtime: &R, transport: &'t mut R::Transport, until: Time) -> Self {
        Self {
            transport,
            timer: runtime.timer(),
            until,
            is_closed: false,
            left: FAREWELL_OCTETS,
        }
    }
}

impl<R: Runtime> Future for Farewell<'_, R> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.timer.poll_until(cx, this.until).is_ready() {
            return Poll::Ready(());
        }
        if !this.is_closed {
            match this.transport.poll_close(cx) {
                Poll::Ready(Ok(())) => this.is_closed = true,
                Poll::Ready(Err(_)) => return Poll::Ready(()),
                // It may be the server that waits for us to read.
                Poll::Pending => {}
            }
        }
        let mut scrap = [0; 4096];
        for _ in 0..FAREWELL_READS {
            match this.transport.poll_read(cx, &mut scrap) {
                Poll::Ready(Ok(n @ 1..)) => this.left = this.left.saturating_sub(n),
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
            if this.left == 0 {
                return Poll::Ready(());
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
