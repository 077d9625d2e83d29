//! Begins requests at a pace, and measures them.

use std::time::{Duration, Instant};

use aapns_proto::client::Unordered;
use futures::stream::StreamExt;
use rustix::time::{ClockId, clock_gettime};

use crate::cli::histogram::Histogram;

/// When requests begin.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pace {
    /// As many in flight at any time (closed loop).
    InFlight(usize),
    /// So many a second, whether or not answers come (open loop).
    Rate(u64),
}

/// Why a request doesn't count as ok.
#[derive(Debug)]
pub(super) struct Failure(pub(super) String);

/// What was measured.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) ok: u64,
    pub(super) failed: u64,
    pub(super) first_failure: Option<String>,
    /// It was stopped before its end.
    pub(super) is_interrupted: bool,
    seconds: f64,
    cpu: Duration,
    latencies: Histogram,
}

impl Report {
    pub(super) fn json(&self) -> String {
        let requests = (self.ok + self.failed).max(1) as f64;
        format!(
            r#"{{"ok": {}, "failed": {}, "seconds": {:.6}, "cpu_us_per_request": {:.4}, "p50_us": {}, "p99_us": {}}}"#,
            self.ok,
            self.failed,
            self.seconds,
            self.cpu.as_secs_f64() * 1e6 / requests,
            self.latencies.percentile(50.0),
            self.latencies.percentile(99.0),
        )
    }
}

/// Runs `requests` requests, each begun by a call of `begin` with its number; `judge` says which are ok. Once `stop`
/// is ready, those without an answer have failed.
pub(super) async fn drive<F: Future + Unpin>(
    requests: u64,
    pace: Pace,
    begin: impl FnMut(u64) -> F,
    judge: impl Fn(F::Output) -> Result<(), Failure>,
    stop: impl Future<Output = ()>,
) -> Report {
    let mut run = Run {
        flights: Unordered::new(),
        begin,
        judge,
        begun: 0,
        report: Report {
            ok: 0,
            failed: 0,
            first_failure: None,
            is_interrupted: false,
            seconds: 0.0,
            cpu: Duration::ZERO,
            latencies: Histogram::new(),
        },
    };
    let (start, cpu) = (Instant::now(), cpu_time());
    let is_interrupted = tokio::select! {
        biased;
        () = async {
            match pace {
                Pace::InFlight(count) => run.closed_loop(requests, count).await,
                Pace::Rate(rate) => run.open_loop(requests, rate, start).await,
            }
        } => false,
        () = stop => true,
    };
    let begun = run.begun;
    let mut report = run.report;
    report.seconds = start.elapsed().as_secs_f64();
    report.cpu = cpu_time().saturating_sub(cpu);
    if is_interrupted {
        report.is_interrupted = true;
        report.failed = begun - report.ok;
    }
    report
}

struct Run<F, B, J> {
    /// With the moment that each one's latency counts from.
    flights: Unordered<Instant, F>,
    begin: B,
    judge: J,
    begun: u64,
    report: Report,
}

impl<F, B, J> Run<F, B, J>
where
    F: Future + Unpin,
    B: FnMut(u64) -> F,
    J: Fn(F::Output) -> Result<(), Failure>,
{
    async fn closed_loop(&mut self, requests: u64, in_flight: usize) {
        while self.begun < requests && self.flights.len() < in_flight {
            self.launch(Instant::now());
        }
        let mut clock = Clock::default();
        while let Some(landed) = self.land(&mut clock).await {
            // What ends one request begins the next.
            let end = clock.now();
            self.count(landed, end);
            if self.begun < requests {
                self.launch(end);
            }
        }
    }

    /// The next one that is done.
    async fn land(&mut self, clock: &mut Clock) -> Option<(Instant, F::Output)> {
        std::future::poll_fn(|cx| {
            let landed = self.flights.poll_next_unpin(cx);
            if landed.is_pending() {
                clock.stop();
            }
            landed
        })
        .await
    }

    /// Latencies count from when a request was due: a stalled server is seen by all that it kept waiting.
    async fn open_loop(&mut self, requests: u64, rate: u64, start: Instant) {
        let interval = Duration::from_secs_f64(1.0 / rate as f64);
        let due = |n: u64| start + Duration::from_secs_f64(n as f64 / rate as f64);
        let mut step = tokio::time::interval(interval.max(Duration::from_millis(1)));
        while self.begun < requests || !self.flights.is_empty() {
            tokio::select! {
                _ = step.tick(), if self.begun < requests => {
                    let now = Instant::now();
                    while self.begun < requests && due(self.begun) <= now {
                        self.launch(due(self.begun));
                    }
                }
                Some(landed) = self.flights.next() => self.count(landed, Instant::now()),
            }
        }
    }

    fn launch(&mut self, start: Instant) {
        self.flights.push(start, (self.begin)(self.begun));
        self.begun += 1;
    }

    fn count(&mut self, (start, result): (Instant, F::Output), end: Instant) {
        let latency = end.saturating_duration_since(start);
        self.report.latencies.record(latency);
        match (self.judge)(result) {
            Ok(()) => self.report.ok += 1,
            Err(Failure(text)) => {
                self.report.failed += 1;
                self.report.first_failure.get_or_insert(text);
            }
        }
    }
}

/// Looked at anew after each pause, and every few results without one: a look costs a twentieth of a request.
#[derive(Default)]
struct Clock {
    last: Option<Instant>,
    looks: u32,
}

/// Results at a time with the same moment, a microsecond's work or a few.
const RESULTS_A_LOOK: u32 = 8;

impl Clock {
    fn now(&mut self) -> Instant {
        if self.looks == 0 {
            self.last = None;
            self.looks = RESULTS_A_LOOK;
        }
        self.looks -= 1;
        *self.last.get_or_insert_with(Instant::now)
    }

    /// Time passes.
    fn stop(&mut self) {
        self.looks = 0;
    }
}

/// User and system time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}
