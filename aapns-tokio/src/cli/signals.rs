//! SIGINT and SIGTERM as something to wait for.

use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::exit::Fault;

/// How long an interrupted command waits for answers.
pub(crate) const DRAIN: Duration = Duration::from_secs(5);

/// A signal so soon after another is the same wish: a terminal and `timeout` signal the process, and then its group.
const ECHO: Duration = Duration::from_millis(100);

/// Ready once the user or the system asks the program to stop.
pub(crate) struct Signals {
    sources: [Signal; 2],
    /// The last one that counted.
    last: Option<Instant>,
}

impl Signals {
    /// Takes the signals over: from now on they don't end the process by themselves.
    pub(crate) fn new() -> Result<Self, Fault> {
        let take = |kind| {
            signal(kind)
                .map_err(|error| Fault::bug(format_args!("can't listen for signals: {error}")))
        };
        Ok(Self {
            sources: [
                take(SignalKind::interrupt())?,
                take(SignalKind::terminate())?,
            ],
            last: None,
        })
    }

    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        for source in &mut self.sources {
            while source.poll_recv(cx).is_ready() {
                let now = Instant::now();
                if !is_echo(self.last, now) {
                    self.last = Some(now);
                    return Poll::Ready(());
                }
            }
        }
        Poll::Pending
    }

    /// Waits for a signal.
    pub(crate) async fn wait(&mut self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

fn is_echo(last: Option<Instant>, now: Instant) -> bool {
    last.is_some_and(|last| now - last < ECHO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_row_of_signals_one_counts_each_tenth_of_a_second() {
        let (start, mut last, mut counted) = (Instant::now(), None, Vec::new());
        for at in [0, 1, 60, 120, 180, 240] {
            let now = start + Duration::from_millis(at);
            if !is_echo(last, now) {
                last = Some(now);
                counted.push(at);
            }
        }
        assert_eq!(counted, [0, 120, 240]);
    }
}
