//! A machine that sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use aapns_proto::Time;
use aapns_proto::client::{Runtime, Target};
use aapns_proto::delivery::DialError;
use aapns_tokio::Tokio;

/// tokio with a wall clock that can be moved: the monotonic one stands still while a machine sleeps.
#[derive(Clone, Default)]
pub(crate) struct Sleeper {
    pub(crate) tokio: Tokio,
    pub(crate) slept: Arc<AtomicU64>,
}

impl Runtime for Sleeper {
    type Transport = <Tokio as Runtime>::Transport;
    type Timer = <Tokio as Runtime>::Timer;

    fn now(&self) -> Time {
        self.tokio.now()
    }

    fn unix(&self) -> Duration {
        self.tokio.unix() + Duration::from_secs(self.slept.load(Ordering::Relaxed))
    }

    fn random(&self) -> u64 {
        self.tokio.random()
    }

    fn timer(&self) -> Self::Timer {
        self.tokio.timer()
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tokio.spawn(task);
    }

    fn dial(
        &self,
        target: Target,
    ) -> impl Future<Output = Result<Self::Transport, DialError>> + Send {
        self.tokio.dial(target)
    }
}
