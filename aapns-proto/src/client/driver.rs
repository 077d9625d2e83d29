//! The loop that moves bytes between a transport and a machine.
//!
//! ```text
//! heed a wake → read, at most k times → timers due → turn (take work, hand out results)
//!      → write until pending → flush → park until readable, writable, woken or due
//! ```
//! Reading before timeouts lets what has arrived in time count, however late this task is polled.
//! While answers come slowly and by the few, reading rests for a moment at a time ([`Pace`]).
//! Reading before writing puts window updates, acknowledgements and new requests into one write;
//! one flush a turn puts the frames of many requests into one TLS record.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::delivery::Disconnect;
use crate::machine::{Machine, Wakeup, Wire};
use crate::time::Time;

use super::bell::Bell;
use super::farewell::Farewell;
use super::pace::Pace;
use super::runtime::{Runtime, Timer, Transport};

/// Reads in a turn: enough for a full socket buffer, few enough that writing isn't held up.
const READS: usize = 8;

/// After a write failed: how long to read on for the GOAWAY and the answers that settle everything.
const READ_ON: Duration = Duration::from_secs(1);

/// Drives one connection to its end, and takes leave of the server. Lives in a task of its own.
pub(super) async fn drive<R: Runtime, M: Machine + Unpin>(
    runtime: R,
    mut transport: R::Transport,
    machine: M,
    bell: Arc<Bell>,
) {
    let until = Driver::new(runtime.clone(), &mut transport, machine, bell).await;
    if let Some(until) = until {
        Farewell::new(&runtime, &mut transport, until).await;
    }
}

/// The loop itself. Ready once the machine is closed: until when to take leave of the server, if it may still listen.
struct Driver<'t, R: Runtime, M> {
    runtime: R,
    transport: &'t mut R::Transport,
    timer: R::Timer,
    machine: M,
    bell: Arc<Bell>,
    /// A wake was heard, and the task let the others go first.
    has_yielded: bool,
    needs_flush: bool,
    /// The transport took no more in the last turn.
    is_stalled: bool,
    /// Writing is over; reading until then.
    failure: Option<(Time, Disconnect)>,
    is_disconnected: bool,
    /// The last turn left something to do.
    is_due: bool,
    pace: Pace,
}

/// How long a server may take to hear the last of us, and to end its side.
const LEAVE: Duration = Duration::from_secs(1);

/// Whether the loop may rest after a step, or there is more to do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Rest,
    Again,
}

impl<'t, R: Runtime, M: Machine> Driver<'t, R, M> {
    fn new(runtime: R, transport: &'t mut R::Transport, machine: M, bell: Arc<Bell>) -> Self {
        Self {
            timer: runtime.timer(),
            runtime,
            transport,
            machine,
            bell,
            has_yielded: false,
            needs_flush: false,
            is_stalled: false,
            failure: None,
            is_disconnected: false,
            is_due: false,
            pace: Pace::default(),
        }
    }

    /// One turn of the loop.
    fn turn(&mut self, cx: &mut Context<'_>) -> Step {
        let now = self.runtime.now();
        let read = self.read(cx, now);
        self.handle_timeout(now);
        let may_take = self.is_clear();
        let turn = self.machine.turn(now, self.runtime.unix(), may_take);
        self.write(cx, now);
        let has_cleared = !may_take && self.is_clear();
        if turn.again || read == Step::Again || has_cleared {
            Step::Again
        } else {
            self.park(cx, now)
        }
    }

    /// Whether what was handed to the transport has left: else it gets no more work.
    fn is_clear(&self) -> bool {
        !self.is_stalled && !self.needs_flush && self.failure.is_none() && !self.is_disconnected
    }

    /// Whether there is nothing to do until answers have gathered.
    fn is_resting(&mut self, cx: &mut Context<'_>) -> bool {
        let now = self.runtime.now();
        !self.is_due
            && self.is_clear()
            && self.pace.is_resting(now)
            && self.park(cx, now) == Step::Rest
    }

    fn handle_timeout(&mut self, now: Time) {
        self.machine.with(|wire| {
            if wire.poll_timeout().is_some_and(|(at, _)| at <= now) {
                wire.handle_timeout(now);
            }
        });
        if let Some((until, why)) = self.failure
            && until <= now
        {
            self.disconnect(now, why);
        }
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Time) -> Step {
        if self.pace.is_resting(now) || self.is_disconnected {
            return Step::Rest;
        }
        let before = self.machine.with(|wire| wire.in_flight());
        let step = self.read_socket(cx, now);
        let (in_flight, has_waiting_bodies) = self
            .machine
            .with(|wire| (wire.in_flight(), wire.has_waiting_bodies()));
        let answered = before.saturating_sub(in_flight);
        self.pace.read(now, answered, in_flight);
        if step == Step::Rest && !has_waiting_bodies {
            self.pace.rest(now, answered, in_flight);
        }
        step
    }

    fn read_socket(&mut self, cx: &mut Context<'_>, now: Time) -> Step {
        for _ in 0..READS {
            let transport = &mut *self.transport;
            let read = self.machine.with(|wire| {
                let read = transport.poll_read(cx, wire.read_buf());
                if let Poll::Ready(Ok(n @ 1..)) = read {
                    wire.handle_read(now, n);
                }
                read
            });
            match read {
                Poll::Ready(Ok(0)) => self.disconnect(now, Disconnect::Eof),
                Poll::Ready(Ok(_)) => continue,
                Poll::Ready(Err(error)) => self.disconnect(now, disconnect(&error)),
                Poll::Pending => {}
            }
            return Step::Rest;
        }
        Step::Again
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Time) {
        if self.is_disconnected || self.failure.is_some() {
            return;
        }
        self.is_stalled = false;
        loop {
            let transport = &mut *self.transport;
            let written = self.machine.with(|wire| {
                let output = wire.transmit();
                if output.is_empty() {
                    return None;
                }
                let written = transport.poll_write(cx, output);
                if let Poll::Ready(Ok(n)) = written {
                    wire.handle_written(now, n);
                }
                Some(written)
            });
            match written {
                None => break,
                Some(Poll::Ready(Ok(0))) => {
                    return self.fail(now, &io::ErrorKind::WriteZero.into());
                }
                Some(Poll::Ready(Ok(_))) => self.needs_flush = true,
                Some(Poll::Ready(Err(error))) => return self.fail(now, &error),
                Some(Poll::Pending) => {
                    self.is_stalled = true;
                    break;
                }
            }
        }
        if self.needs_flush {
            match self.transport.poll_flush(cx) {
                Poll::Ready(Ok(())) => self.needs_flush = false,
                Poll::Ready(Err(error)) => self.fail(now, &error),
                Poll::Pending => {}
            }
        }
    }

    /// Sets the timer to what comes first.
    fn park(&mut self, cx: &mut Context<'_>, now: Time) -> Step {
        let due = self.machine.with(|wire| wire.poll_timeout());
        if let Some((at, why)) = due
            && why != Wakeup::Now
        {
            self.pace.end_by(at);
        }
        let due = due.map(|(at, _)| at);
        let failure = self.failure.map(|(until, _)| until);
        let rest = self.pace.rest_until();
        match due.into_iter().chain(failure).chain(rest).min() {
            Some(at) if at <= now => Step::Again,
            Some(at) if self.timer.poll_until(cx, at).is_ready() => Step::Again,
            _ => Step::Rest,
        }
    }

    /// Writing failed, but what the server sent before may still settle what is in flight.
    fn fail(&mut self, now: Time, error: &io::Error) {
        self.needs_flush = false;
        self.failure = Some((now + READ_ON, disconnect(error)));
    }

    fn disconnect(&mut self, now: Time, why: Disconnect) {
        if !self.is_disconnected {
            self.is_disconnected = true;
            self.failure = None;
            self.needs_flush = false;
            self.is_stalled = false;
            self.machine.with(|wire| wire.handle_disconnect(now, why));
        }
    }
}

impl<R: Runtime, M: Machine + Unpin> Future for Driver<'_, R, M> {
    type Output = Option<Time>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Time>> {
        let this = self.get_mut();
        this.bell.listen(cx);
        if this.bell.hear() {
            this.machine.handle_wake();
            if !this.has_yielded {
                // Whoever rang has more to submit, as a rule: let them, and take it all in one batch.
                this.has_yielded = true;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
        } else if !this.has_yielded && this.is_resting(cx) {
            return Poll::Pending; // it was only the socket that woke us
        }
        this.has_yielded = false;
        let step = this.turn(cx);
        if this.machine.is_closed() {
            let may_listen = !this.is_disconnected && this.failure.is_none();
            let until = this.runtime.now() + LEAVE;
            return Poll::Ready(may_listen.then_some(until));
        }
        this.is_due = step == Step::Again;
        if this.is_due {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

fn disconnect(error: &io::Error) -> Disconnect {
    #[cfg(feature = "rustls")]
    if let Some(alert) = super::fault::alert(error) {
        return Disconnect::Alert(alert);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Disconnect::Eof,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::ConnectionAborted => Disconnect::Reset,
        kind => Disconnect::Io(kind),
    }
}

#[cfg(test)]
mod tests;
