//! async-std's timers and clock for the handles, and tasks on any executor.

use std::fmt;
use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use aapns_proto::Time;
use aapns_proto::client::{Runtime, Target};
use aapns_proto::delivery::DialError;
use futures_rustls::rustls::pki_types::TrustAnchor;

use crate::connect::{self, Connect};
use crate::transport::Transport;

/// A task to run to its end.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// async-std, or another runtime of `futures::io`, as a [`Runtime`].
#[derive(Clone)]
pub struct AsyncStd {
    origin: Instant,
    spawn: Arc<dyn Fn(Task) + Send + Sync>,
    connect: Option<Arc<dyn Connect>>,
}

impl AsyncStd {
    /// On another executor: `|task| smol::spawn(task).detach()` for smol.
    pub fn spawning(spawn: impl Fn(Task) + Send + Sync + 'static) -> Self {
        Self {
            origin: Instant::now(),
            spawn: Arc::new(spawn),
            connect: None,
        }
    }

    /// With connections made by a hook of the user's: SOCKS, another resolver, another runtime's sockets. TLS is still ours.
    pub fn with_connector(self, connector: impl Connect) -> Self {
        Self {
            connect: Some(Arc::new(connector)),
            ..self
        }
    }
}

impl Default for AsyncStd {
    fn default() -> Self {
        Self::spawning(|task| drop(async_std::task::spawn(task)))
    }
}

impl fmt::Debug for AsyncStd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AsyncStd")
    }
}

impl Runtime for AsyncStd {
    type Transport = Transport;
    type Timer = Timer;

    fn now(&self) -> Time {
        Time::ZERO + self.origin.elapsed()
    }

    fn unix(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn random(&self) -> u64 {
        // Keyed by the operating system, and no two are alike.
        RandomState::new().build_hasher().finish()
    }

    fn timer(&self) -> Timer {
        Timer {
            origin: self.origin,
            sleep: None,
            armed: Time::NEVER,
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        (self.spawn)(Box::pin(task));
    }

    fn dial(&self, target: Target) -> impl Future<Output = Result<Transport, DialError>> + Send {
        connect::dial(self.clone(), self.connect.clone(), target)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn roots(&self) -> &'static [TrustAnchor<'static>] {
        webpki_roots::TLS_SERVER_ROOTS
    }
}

/// A sleep that is made anew only when a deadline moves earlier, or has passed.
pub struct Timer {
    origin: Instant,
    sleep: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    /// When `sleep` ends.
    armed: Time,
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Timer").field(&self.armed).finish()
    }
}

impl aapns_proto::client::Timer for Timer {
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Time) -> Poll<()> {
        loop {
            let now = Time::ZERO + self.origin.elapsed();
            if now >= deadline {
                return Poll::Ready(());
            }
            if self.sleep.is_none() || deadline < self.armed {
                self.armed = deadline;
                let left = deadline.saturating_since(now);
                self.sleep = Some(Box::pin(async_std::task::sleep(left)));
            }
            let Some(sleep) = &mut self.sleep else {
                return Poll::Pending;
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            self.sleep = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aapns_proto::client::Timer as _;

    #[async_std::test]
    async fn a_timer_can_be_moved_both_ways_and_fires_on_time() {
        let runtime = AsyncStd::default();
        let mut timer = runtime.timer();
        let start = runtime.now();
        let mut idle = Context::from_waker(std::task::Waker::noop());
        for far in [Duration::from_secs(3600), Duration::from_millis(5)] {
            assert!(timer.poll_until(&mut idle, start + far).is_pending());
        }
        let late = start + Duration::from_millis(40);
        std::future::poll_fn(|cx| timer.poll_until(cx, late)).await;
        assert!(runtime.now() >= late);
        assert!(timer.poll_until(&mut idle, Time::NEVER).is_pending());
    }
}
