//! tokio's timers, tasks and clock for the handles.

use std::future::Future;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aapns_proto::Time;
use aapns_proto::client::{Runtime, Target};
use aapns_proto::delivery::DialError;
use tokio::time::{Instant, Sleep};

use crate::connect::{self, Connect};
use crate::transport::Transport;

/// tokio as a [`Runtime`].
#[derive(Clone)]
pub struct Tokio {
    origin: Instant,
    connect: Option<Arc<dyn Connect>>,
}

impl Tokio {
    /// With TCP connections made by a hook of the user's: SOCKS, another resolver, a Unix socket. TLS is still ours.
    pub fn with_connector(connector: impl Connect) -> Self {
        Self {
            connect: Some(Arc::new(connector)),
            ..Self::default()
        }
    }
}

impl Default for Tokio {
    fn default() -> Self {
        Self {
            origin: Instant::now(),
            connect: None,
        }
    }
}

impl std::fmt::Debug for Tokio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokio")
    }
}

impl Runtime for Tokio {
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
            armed: Time::ZERO,
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        drop(tokio::spawn(task));
    }

    fn dial(&self, target: Target) -> impl Future<Output = Result<Transport, DialError>> + Send {
        connect::dial(self.clone(), self.connect.clone(), target)
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn roots(&self) -> &'static [tokio_rustls::rustls::pki_types::TrustAnchor<'static>] {
        webpki_roots::TLS_SERVER_ROOTS
    }
}

/// A `Sleep` that is moved only when it has to: a deadline that moves later, as a connection's does with each
/// request, leaves it alone until it fires.
#[derive(Debug)]
pub struct Timer {
    origin: Instant,
    sleep: Option<Pin<Box<Sleep>>>,
    armed: Time,
}

/// A deadline further off than tokio can say is as good as this.
const FAR: Duration = Duration::from_secs(365 * 86_400);

impl Timer {
    fn instant(&self, at: Time) -> Instant {
        let since = at.saturating_since(Time::ZERO);
        self.origin
            .checked_add(since)
            .unwrap_or_else(|| self.origin + FAR)
    }
}

impl aapns_proto::client::Timer for Timer {
    fn poll_until(&mut self, cx: &mut Context<'_>, deadline: Time) -> Poll<()> {
        loop {
            let at = self.instant(deadline);
            let sleep = match &mut self.sleep {
                Some(sleep) if self.armed <= deadline => sleep,
                Some(sleep) => {
                    self.armed = deadline;
                    sleep.as_mut().reset(at);
                    sleep
                }
                none => {
                    self.armed = deadline;
                    none.insert(Box::pin(tokio::time::sleep_until(at)))
                }
            };
            if sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let fired = std::mem::replace(&mut self.armed, Time::NEVER);
            if fired >= deadline {
                return Poll::Ready(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aapns_proto::client::Timer as _;

    #[tokio::test]
    async fn a_timer_can_be_moved_both_ways_and_fires_on_time() {
        let runtime = Tokio::default();
        let mut timer = runtime.timer();
        let start = runtime.now();
        let wait = |timer: &mut Timer, at: Time| {
            let _ = timer.poll_until(&mut Context::from_waker(std::task::Waker::noop()), at);
        };
        wait(&mut timer, start + Duration::from_secs(3600));
        wait(&mut timer, start + Duration::from_millis(5));
        let late = start + Duration::from_millis(40);
        std::future::poll_fn(|cx| timer.poll_until(cx, late)).await;
        assert!(runtime.now() >= late);
        assert!(runtime.now() < late + Duration::from_secs(2));
        wait(&mut timer, Time::NEVER);
    }

    #[test]
    fn random_numbers_differ() {
        let runtime = || RandomState::new().build_hasher().finish();
        assert_ne!(runtime(), runtime());
    }
}
