//! A run: requests from lines, lines from answers.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use aapns_async_std::models::ApnsId;
use aapns_async_std::models::ndjson::{Defaults, InputLine, Line, Lines, Outcome};
use aapns_async_std::proto::client::ndjson::{Requests, Settlement, device_token};
use aapns_async_std::{Pool, Post, PostOptions, Request, Unordered};
use async_signal::Signals;
use async_std::channel::{Sender, TrySendError};
use futures::{FutureExt, Stream};

use super::files::Input;
use super::flags::Flags;

/// Lines taken up before answers get their turn.
const BATCH: usize = 256;
/// Result lines that go out at once; fewer wait for the next tick.
const FULL: usize = 64 * 1024;
/// Result lines that nobody takes pile up to this; then no more input is read.
const STALLED: usize = 1024 * 1024;
/// How often the output is flushed.
const TICK: Duration = Duration::from_millis(250);
/// How long lines that were taken up get after a signal.
const DRAIN: Duration = Duration::from_secs(5);
/// A signal so soon after another is the same wish: a terminal and `timeout` signal the process, and then its group.
const ECHO: Duration = Duration::from_millis(100);

/// A run: lines in, requests on their way, results out.
pub(crate) struct Bulk {
    pool: Pool,
    /// Until its end.
    input: Option<Input>,
    lines: Lines,
    defaults: Defaults,
    requests: Requests,
    options: PostOptions,
    concurrency: usize,
    flights: Unordered<Flight, Post>,
    out: Vec<u8>,
    output: Sender<Vec<u8>>,
    tick: Pin<Box<dyn Future<Output = ()>>>,
    delivered: u64,
    total: u64,
    is_at_end: bool,
    signals: Signals,
    interrupted_at: Option<Instant>,
    draining: Option<Pin<Box<dyn Future<Output = ()>>>>,
    broken: Option<io::Error>,
}

/// What a run came to.
pub(crate) struct Summary {
    pub(crate) delivered: u64,
    pub(crate) total: u64,
    /// A signal cut it short.
    pub(crate) is_interrupted: bool,
    /// Why the input couldn't be read to its end.
    pub(crate) broken: Option<io::Error>,
}

/// A line on its way.
struct Flight {
    number: u64,
    /// Its path ends in the device token.
    request: Request,
    apns_id: ApnsId,
}

impl Bulk {
    pub(crate) fn new(
        flags: &Flags,
        pool: Pool,
        input: Input,
        output: Sender<Vec<u8>>,
        signals: Signals,
    ) -> Self {
        let mut defaults = Defaults::default();
        defaults.topic.clone_from(&flags.topic);
        Self {
            pool,
            input: Some(input),
            lines: Lines::new(),
            defaults,
            requests: Requests::default(),
            options: match flags.timeout.0 {
                Some(timeout) => PostOptions::new().timeout(timeout),
                None => PostOptions::new().no_timeout(),
            },
            concurrency: flags.concurrency.max(1),
            flights: Unordered::new(),
            out: Vec::new(),
            output,
            tick: Box::pin(async_std::task::sleep(TICK)),
            delivered: 0,
            total: 0,
            is_at_end: false,
            signals,
            interrupted_at: None,
            draining: None,
            broken: None,
        }
    }

    /// Runs to the end of the input, or until a signal; every line that was taken up has its result.
    pub(crate) async fn run(mut self) -> Summary {
        std::future::poll_fn(|cx| self.poll(cx)).await;
        self.pool.close().await;
        // An output that broke says so when its thread is joined.
        let _ = self.output.send(self.out).await;
        Summary {
            delivered: self.delivered,
            total: self.total,
            is_interrupted: self.interrupted_at.is_some(),
            broken: self.broken,
        }
    }

    /// Ready once every line has its result.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while let Poll::Ready(Some(Ok(_))) = Pin::new(&mut self.signals).poll_next(cx) {
            self.handle_signal();
        }
        if let Some(draining) = &mut self.draining
            && draining.poll_unpin(cx).is_ready()
        {
            // What the drain ends with comes out of the flights.
            self.draining = None;
        }
        while let Poll::Ready(Some((flight, result))) = Pin::new(&mut self.flights).poll_next(cx) {
            let settlement = Settlement::of(&result, self.interrupted_at.is_some());
            let token = Some(device_token(&flight.request));
            self.settle(flight.number, token, Some(flight.apns_id), &settlement);
        }
        let in_flight = self.flights.len();
        self.poll_input(cx);
        if self.flights.len() > in_flight {
            // What was posted is to be polled once, or its answer would wake nobody.
            cx.waker().wake_by_ref();
        }
        while self.tick.poll_unpin(cx).is_ready() {
            self.tick = Box::pin(async_std::task::sleep(TICK));
            self.offer();
        }
        if self.is_at_end && self.flights.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Takes up lines while there is room, at most a batch; an answer or the next tick comes back here.
    fn poll_input(&mut self, cx: &mut Context<'_>) {
        for _ in 0..BATCH {
            let has_room = self.flights.len() < self.concurrency && self.out.len() < STALLED;
            if self.is_at_end || !has_room {
                return;
            }
            if !self.lines.has_line() {
                let Some(input) = &mut self.input else {
                    self.is_at_end = true;
                    return;
                };
                match Pin::new(input).poll_next(cx) {
                    Poll::Pending => return,
                    Poll::Ready(Some(Ok(octets))) if octets.is_empty() => {
                        self.input = None;
                        self.lines.end();
                    }
                    Poll::Ready(Some(Ok(octets))) => self.lines.push(octets),
                    Poll::Ready(Some(Err(error))) => self.break_off(error),
                    Poll::Ready(None) => self.break_off(io::Error::other("reading ended early")),
                }
                continue;
            }
            self.take_up();
        }
        cx.waker().wake_by_ref();
    }

    /// Reads no more: the input failed.
    fn break_off(&mut self, error: io::Error) {
        self.broken = Some(error);
        self.is_at_end = true;
    }

    /// The first one asks for an orderly end: no more is read, what was taken up gets a last chance. The second
    /// asks for a quick one, unless it is but the first one's echo.
    fn handle_signal(&mut self) {
        self.is_at_end = true;
        let first = self.interrupted_at;
        let is_second = first.is_some();
        if first.is_some_and(|first| first.elapsed() < ECHO) {
            return;
        }
        self.interrupted_at = Some(Instant::now());
        let pool = self.pool.clone();
        self.draining = Some(Box::pin(async move {
            if is_second {
                pool.close().await;
            } else {
                pool.drain(DRAIN).await;
            }
        }));
    }

    /// Posts the next line, or settles it if it can't be a notification.
    fn take_up(&mut self) {
        let (number, line) = match self.lines.next_line() {
            Some(Line::Whole(number, line)) => (number, line),
            Some(Line::TooLong(number)) => {
                let reason = format!("the line is longer than {} octets", Lines::LIMIT);
                return self.settle(number, None, None, &Settlement::invalid(reason));
            }
            None => return,
        };
        let (token, apns_id, settlement) = match InputLine::parse(line, number, &self.defaults) {
            Ok(line) => {
                let apns_id = line.apns_id.unwrap_or_else(ApnsId::random);
                match self.requests.make_for(&self.pool, &line, apns_id) {
                    Ok(request) => {
                        let post = self.pool.post_with(request.clone(), self.options);
                        let flight = Flight {
                            number,
                            request,
                            apns_id,
                        };
                        return self.flights.push(flight, post);
                    }
                    Err(settlement) => {
                        let token = Some(line.device_token.into_owned());
                        (token, Some(apns_id), settlement)
                    }
                }
            }
            Err(invalid) => {
                let settlement = Settlement::invalid(invalid.reason);
                (invalid.device_token, invalid.apns_id, settlement)
            }
        };
        self.settle(number, token.as_deref(), apns_id, &settlement);
    }

    fn settle(
        &mut self,
        number: u64,
        device_token: Option<&str>,
        apns_id: Option<ApnsId>,
        settlement: &Settlement,
    ) {
        let line = settlement.line(number, device_token, apns_id);
        line.write(&mut self.out);
        self.total += 1;
        self.delivered += u64::from(settlement.outcome == Outcome::Delivered);
        if self.out.len() >= FULL {
            self.offer();
        }
    }

    /// Hands what is to be written over, unless writing is behind.
    fn offer(&mut self) {
        if self.out.is_empty() {
            return;
        }
        match self.output.try_send(std::mem::take(&mut self.out)) {
            Ok(()) => {}
            Err(TrySendError::Full(lines)) => self.out = lines,
            // Nobody will read any of it: what is in flight is given up.
            Err(TrySendError::Closed(_)) => {
                self.is_at_end = true;
                self.flights = Unordered::new();
            }
        }
    }
}
