//! SIGINT and SIGTERM (Ctrl-C elsewhere) as something to wait for.

use std::task::{Context, Poll};
use std::time::Duration;

use super::exit::Fault;

/// How long an interrupted command waits for answers.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// Ready once the user or the system asks the program to stop.
pub(crate) struct Signals {
    #[cfg(unix)]
    sources: [tokio::signal::unix::Signal; 2],
    #[cfg(not(unix))]
    source: std::pin::Pin<Box<dyn Future<Output = std::io::Result<()>> + Send>>,
}

impl Signals {
    /// Takes the signals over: from now on they don't end the process by themselves.
    #[cfg(unix)]
    pub(crate) fn new() -> Result<Self, Fault> {
        use tokio::signal::unix::{SignalKind, signal};
        let take = |kind| {
            signal(kind)
                .map_err(|error| Fault::bug(format_args!("can't listen for signals: {error}")))
        };
        Ok(Self {
            sources: [
                take(SignalKind::interrupt())?,
                take(SignalKind::terminate())?,
            ],
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> Result<Self, Fault> {
        Ok(Self {
            source: Box::pin(tokio::signal::ctrl_c()),
        })
    }

    #[cfg(unix)]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for source in &mut self.sources {
            if source.poll_recv(cx).is_ready() {
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }

    #[cfg(not(unix))]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.source.as_mut().poll(cx).map(|_| ())
    }

    /// Waits for a signal.
    pub(crate) async fn wait(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}
