//! The small task beside each pool: dials, mints, settles what ended in the queue, and keeps the pool's timer.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::delivery::{DialError, DialStep};
use crate::pool::{Action, Close, Dial, Mint, MintError, NotAdmitted};
use crate::time::Time;

use super::connection::not_http2;
use super::driver::drive;
use super::link::{LinkMachine, bell};
use super::reply::Reply;
use super::runtime::{Runtime, Target, Timer, Transport};
use super::shared::Shared;

/// Orders carried out before other tasks get a turn.
const ORDERS: usize = 1024;

/// Runs until the pool is closed and everything in it is settled.
pub(super) struct PoolTask<R: Runtime> {
    shared: Arc<Shared<R>>,
    timer: R::Timer,
}

impl<R: Runtime> PoolTask<R> {
    pub(super) fn spawn(shared: Arc<Shared<R>>) {
        let runtime = shared.runtime.clone();
        let timer = runtime.timer();
        runtime.spawn(Self { shared, timer });
    }

    fn run(&self, now: Time, order: Action<Arc<Reply>>) {
        let shared = Arc::clone(&self.shared);
        match order {
            Action::Dial(dial) => self.shared.runtime.spawn(run_link(shared, dial)),
            Action::Mint(mint) => self.shared.runtime.spawn(run_mint(shared, mint)),
            Action::Done(done) => {
                shared.observer.settled(now, &done);
                Reply::settle(done);
            }
            // Dealt with under the lock.
            Action::Wake(_) | Action::Room(_) | Action::Timer | Action::Closed => {}
        }
    }
}

impl<R: Runtime> Future for PoolTask<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.task_bell.listen(cx);
        self.shared.task_bell.hear();
        let now = self.shared.runtime.now();
        self.shared.with(|core| core.handle_timeout(now));
        let (orders, due, is_over) = self.shared.with(|core| {
            let n = core.orders.len().min(ORDERS);
            let orders: Vec<_> = core.orders.drain(..n).collect();
            self.shared.count_orders(&orders);
            self.shared.observer.load(&core.pool);
            (orders, core.next_timeout(), core.is_settled())
        });
        let is_full = orders.len() == ORDERS;
        for order in orders {
            self.run(now, order);
        }
        if is_over {
            return Poll::Ready(());
        }
        let is_due = match due {
            Some(at) if at <= now => true,
            Some(at) => self.timer.poll_until(cx, at).is_ready(),
            None => false,
        };
        if is_full || is_due {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<R: Runtime> Drop for PoolTask<R> {
    /// Before its time, the runtime is gone: nothing moves any more, and nobody is to wait for that.
    fn drop(&mut self) {
        let now = self.shared.runtime.now();
        self.shared.with(|core| {
            core.is_orphaned = true;
            core.close(now, Close::Abort);
        });
        wind_up(&self.shared, now);
    }
}

/// Settles all that is queued or in line in a closed pool without a task.
pub(super) fn wind_up<R: Runtime>(shared: &Shared<R>, now: Time) {
    loop {
        let orders = shared.with(|core| {
            core.handle_timeout(now);
            shared.observer.load(&core.pool);
            let orders = std::mem::take(&mut core.orders);
            shared.count_orders(&orders);
            orders
        });
        if orders.is_empty() {
            return;
        }
        for order in orders {
            if let Action::Done(done) = order {
                shared.observer.settled(now, &done);
                Reply::settle(done);
            }
        }
    }
}

/// Dials, and then drives the link to its end.
async fn run_link<R: Runtime>(shared: Arc<Shared<R>>, dial: Dial) {
    let target = shared.with(|core| core.access.target(&shared.endpoint));
    let since = shared.runtime.now();
    let progress = |step| shared.with(|core| core.pool.dial_progress(dial, step));
    let result = dial_until(&shared.runtime, target, dial.deadline, progress).await;
    let now = shared.runtime.now();
    let transport = match result {
        Ok(transport) => transport,
        Err(error) => {
            let took = now.saturating_since(since);
            shared.observer.dial_failed(dial.id, took, &error);
            return shared.with(|core| core.pool.dial_failed(now, dial, error));
        }
    };
    let link = match shared.with(|core| core.pool.dialed(now, dial, transport.alpn())) {
        Ok(link) => link,
        Err(why) => {
            if why == NotAdmitted::NotHttp2 {
                let took = now.saturating_since(since);
                shared.observer.dial_failed(dial.id, took, &not_http2());
            }
            return;
        }
    };
    let watch = shared.observer.link(dial.id, since);
    let bell = bell(&shared, &link);
    let runtime = shared.runtime.clone();
    let _transport = CountedTransport::new(&shared);
    let machine = LinkMachine::new(shared, link, watch);
    drive(runtime, transport, machine, bell).await;
}

/// A transport that whoever closes the pool waits for; it counts until it is dropped.
struct CountedTransport<R: Runtime>(Arc<Shared<R>>);

impl<R: Runtime> CountedTransport<R> {
    fn new(shared: &Arc<Shared<R>>) -> Self {
        shared.with(|core| core.transports += 1);
        Self(Arc::clone(shared))
    }
}

impl<R: Runtime> Drop for CountedTransport<R> {
    fn drop(&mut self) {
        self.0.with(|core| core.transports -= 1);
    }
}

/// Dials, at most until the deadline; tells of each new step.
pub(super) async fn dial_until<R: Runtime>(
    runtime: &R,
    target: Target,
    deadline: Time,
    mut progress: impl FnMut(DialStep),
) -> Result<R::Transport, DialError> {
    let mut timer = runtime.timer();
    let mut step = target.step();
    let mut dialing = pin!(runtime.dial(target.clone()));
    std::future::poll_fn(|cx| {
        if let Poll::Ready(result) = dialing.as_mut().poll(cx) {
            return Poll::Ready(result);
        }
        if step != target.step() {
            step = target.step();
            progress(step);
        }
        timer
            .poll_until(cx, deadline)
            .map(|()| Err(timed_out(&target)))
    })
    .await
}

fn timed_out(target: &Target) -> DialError {
    let step = target.step();
    let message = match step {
        DialStep::Connect if target.proxy.is_some() => {
            "timed out: no answer from the proxy, or from the server behind it"
        }
        DialStep::Connect => "timed out: no answer from the server",
        DialStep::Tls => {
            "timed out: the server accepted the connection, but its TLS handshake hangs"
        }
        DialStep::Http2 => "timed out: no SETTINGS from the server",
    };
    DialError {
        step,
        is_fatal: false,
        message: message.into(),
    }
}

/// What the future answers, if it does before the deadline.
pub(super) async fn until<R: Runtime, F: Future>(
    runtime: &R,
    deadline: Time,
    future: F,
) -> Option<F::Output> {
    let mut timer = runtime.timer();
    let mut future = pin!(future);
    std::future::poll_fn(|cx| match future.as_mut().poll(cx) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => timer.poll_until(cx, deadline).map(|()| None),
    })
    .await
}

async fn run_mint<R: Runtime>(shared: Arc<Shared<R>>, mint: Mint) {
    let source = shared.with(|core| core.access.tokens.clone());
    let unix = shared.runtime.unix();
    let result = match source {
        Some(source) => {
            let minting = source.token(unix, mint.refused.as_ref());
            match until(&shared.runtime, mint.deadline, minting).await {
                Some(result) => result,
                // The pool gave it up by itself; dropped, it is in nobody's way.
                None => return,
            }
        }
        None => Err(MintError("there is no provider token to be had".into())),
    };
    let (now, unix) = (shared.runtime.now(), shared.runtime.unix());
    shared.with(|core| core.pool.minted(now, unix, mint, result));
}
