//! The loop of a bulk run: lines in, requests on their way, results out.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use aapns_models::ApnsId;
use aapns_models::ndjson::{self, Defaults, InputLine, InvalidLine, Outcome};
use aapns_proto::Request;
use aapns_proto::client::ndjson::{INTERRUPTED, Requests, Settlement, device_token};
use aapns_proto::client::{PostOptions, Unordered};
use futures::StreamExt;
use tokio::time::{Interval, MissedTickBehavior};

use super::journal::Journal;
use super::ledger::Ledger;
use super::lines::{Lines, Next};
use super::output::{FULL, Output, STALLED};
use super::tally::Tally;
use crate::cli::exit::{Fault, io_text};
use crate::cli::progress::Progress;
use crate::cli::signals::{DRAIN, Signals};
use crate::{Pool, Post};

/// Lines taken up before the others get their turn: the pool's links share this thread.
const BATCH: usize = 256;

/// How often the output is flushed and the bar is moved.
const TICK: Duration = Duration::from_millis(250);

/// What a run is made of.
pub(super) struct Setup {
    pub(super) pool: Pool,
    pub(super) lines: Lines,
    pub(super) output: Output,
    pub(super) journal: Option<Journal>,
    pub(super) ledger: Ledger,
    pub(super) defaults: Defaults,
    pub(super) concurrency: usize,
    /// From a line's reading to its end.
    pub(super) timeout: Option<Duration>,
    pub(super) progress: Progress,
}

/// What a run came to.
#[derive(Debug)]
pub(super) struct Summary {
    pub(super) tally: Tally,
    /// Lines that an earlier run had settled.
    pub(super) skipped: u64,
    /// Why it ended before its input did.
    pub(super) stopped: Option<Stop>,
}

/// What a run leaves behind.
pub(super) struct Ended {
    pub(super) summary: Summary,
    pub(super) output: Output,
    /// What is still to be written.
    pub(super) rest: Vec<u8>,
    pub(super) signals: Signals,
}

/// Why a run stops before the end of its input.
#[derive(Debug)]
pub(super) enum Stop {
    Signal,
    Input(std::io::Error),
    Output(std::io::Error),
    Journal(Fault),
}

/// What the output needs of a line on its way.
#[derive(Debug)]
struct Flight {
    number: u64,
    /// Its path ends in the device token.
    request: Request,
    apns_id: ApnsId,
    /// An earlier run may have delivered it.
    may_be_processed: bool,
}

pub(super) struct Engine {
    setup: Setup,
    requests: Requests,
    flights: Unordered<Flight, Post>,
    /// Requests whose intents are not written yet.
    batch: Vec<Flight>,
    out: Vec<u8>,
    tally: Tally,
    skipped: u64,
    is_at_end: bool,
    stopped: Option<Stop>,
    /// Whether what was taken up is given its last chance, or was.
    is_draining: bool,
    draining: Option<Pin<Box<dyn Future<Output = ()>>>>,
    signals: Signals,
    tick: Interval,
    start: Instant,
}

impl Engine {
    pub(super) fn new(setup: Setup, signals: Signals) -> Self {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            setup,
            requests: Requests::default(),
            flights: Unordered::new(),
            batch: Vec::with_capacity(BATCH),
            out: Vec::with_capacity(FULL),
            tally: Tally::default(),
            skipped: 0,
            is_at_end: false,
            stopped: None,
            is_draining: false,
            draining: None,
            signals,
            tick,
            start: Instant::now(),
        }
    }

    /// Runs to the end of the input, or until something stops it; every line that was taken up has its result.
    pub(super) async fn run(mut self) -> Ended {
        std::future::poll_fn(|cx| self.poll(cx)).await;
        self.setup.progress.clear();
        Ended {
            summary: Summary {
                tally: self.tally,
                skipped: self.skipped,
                stopped: self.stopped,
            },
            output: self.setup.output,
            rest: self.out,
            signals: self.signals,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.signals.poll(cx).is_ready() {
            self.handle_signal();
        }
        if let Some(draining) = &mut self.draining {
            // What the drain ends with comes out of the flights.
            if draining.as_mut().poll(cx).is_ready() {
                self.draining = None;
            }
        }
        self.poll_flights(cx);
        self.poll_lines(cx);
        while self.tick.poll_tick(cx).is_ready() {
            self.offer_output();
            self.show_progress();
        }
        if self.is_at_end && self.flights.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    fn poll_flights(&mut self, cx: &mut Context<'_>) {
        while let Poll::Ready(Some((flight, result))) = self.flights.poll_next_unpin(cx) {
            let mut settlement = Settlement::of(&result, self.stopped.is_some());
            settlement.possible_duplicate |= flight.may_be_processed && settlement.attempts > 0;
            let token = device_token(&flight.request);
            settlement
                .line(flight.number, Some(token), Some(flight.apns_id))
                .write(&mut self.out);
            self.tally.count(settlement.outcome);
            if self.out.len() >= FULL {
                self.offer_output();
            }
        }
    }

    /// Takes up lines while there is room, at most a batch.
    fn poll_lines(&mut self, cx: &mut Context<'_>) {
        let mut taken = 0;
        // Without room an answer or the next tick brings the loop back here.
        while taken < BATCH && self.has_room() && self.poll_line(cx).is_ready() {
            taken += 1;
        }
        let has_launched = self.launch();
        if has_launched || taken == BATCH {
            // What was launched is to be polled once, or its answer would wake nobody.
            cx.waker().wake_by_ref();
        }
    }

    fn has_room(&self) -> bool {
        let unsettled = self.flights.len() + self.batch.len();
        !self.is_at_end && unsettled < self.setup.concurrency && self.out.len() < STALLED
    }

    fn poll_line(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Setup {
            pool,
            lines,
            ledger,
            defaults,
            ..
        } = &mut self.setup;
        let (number, line) = match ready!(lines.poll_next(cx)) {
            Next::Line(ndjson::Line::Whole(number, line)) => (number, Some(line)),
            Next::Line(ndjson::Line::TooLong(number)) => (number, None),
            Next::End(error) => {
                self.is_at_end = true;
                if let Some(error) = error {
                    self.stopped.get_or_insert(Stop::Input(error));
                }
                return Poll::Ready(());
            }
        };
        if ledger.is_settled(number) {
            self.skipped += 1;
            return Poll::Ready(());
        }
        let Some(line) = line else {
            let limit = ndjson::Lines::LIMIT;
            let reason = format!("the line is longer than {limit} octets");
            self.settle(number, None, None, &Settlement::invalid(reason));
            return Poll::Ready(());
        };
        let open = ledger.open(number);
        let parsed = InputLine::parse(line, number, defaults);
        let (line, apns_id) = match parsed {
            Ok(line) => {
                let apns_id = line.apns_id.or(open.apns_id).unwrap_or_else(ApnsId::random);
                (line, apns_id)
            }
            Err(InvalidLine {
                device_token,
                apns_id,
                reason,
                ..
            }) => {
                let settlement = Settlement::invalid(reason);
                self.settle(number, device_token.as_deref(), apns_id, &settlement);
                return Poll::Ready(());
            }
        };
        if open.is_in_limbo() && ledger.never_resends() {
            let token = line.device_token.into_owned();
            let settlement = Settlement::unsent(Outcome::Unknown, INTERRUPTED);
            self.settle(number, Some(&token), Some(apns_id), &settlement);
            return Poll::Ready(());
        }
        match self.requests.make_for(pool, &line, apns_id) {
            Ok(request) => {
                self.batch.push(Flight {
                    number,
                    request,
                    apns_id,
                    may_be_processed: open.may_be_processed(),
                });
            }
            Err(settlement) => {
                let token = line.device_token.into_owned();
                self.settle(number, Some(&token), Some(apns_id), &settlement);
            }
        }
        Poll::Ready(())
    }

    /// Posts the batch, its intents first.
    fn launch(&mut self) -> bool {
        if self.batch.is_empty() {
            return false;
        }
        if let Some(journal) = &mut self.setup.journal {
            for flight in &self.batch {
                journal.intend(flight.number, flight.apns_id);
            }
            if let Err(fault) = journal.write() {
                for flight in std::mem::take(&mut self.batch) {
                    let settlement = Settlement::unsent(Outcome::NotProcessed, INTERRUPTED);
                    let token = device_token(&flight.request);
                    self.settle(
                        flight.number,
                        Some(token),
                        Some(flight.apns_id),
                        &settlement,
                    );
                }
                self.stop(Stop::Journal(fault));
                return false;
            }
        }
        let options = match self.setup.timeout {
            Some(timeout) => PostOptions::new().timeout(timeout),
            None => PostOptions::new().no_timeout(),
        };
        for flight in self.batch.drain(..) {
            let post = self.setup.pool.post_with(flight.request.clone(), options);
            self.flights.push(flight, post);
        }
        true
    }

    /// Writes the result of a line that didn't fly.
    fn settle(
        &mut self,
        number: u64,
        device_token: Option<&str>,
        apns_id: Option<ApnsId>,
        settlement: &Settlement,
    ) {
        settlement
            .line(number, device_token, apns_id)
            .write(&mut self.out);
        self.tally.count(settlement.outcome);
        if self.out.len() >= FULL {
            self.offer_output();
        }
    }

    fn offer_output(&mut self) {
        if matches!(self.stopped, Some(Stop::Output(_))) {
            // Nobody will read it.
            return self.out.clear();
        }
        if let Err(error) = self.setup.output.offer(&mut self.out) {
            self.out.clear();
            self.stop(Stop::Output(error));
        }
    }

    /// The first one asks for an orderly end, the second for a quick one.
    fn handle_signal(&mut self) {
        if !self.is_draining {
            return self.stop(Stop::Signal);
        }
        let pool = self.setup.pool.clone();
        self.draining = Some(Box::pin(async move {
            pool.close().await;
        }));
    }

    /// Reads no more, and gives what was taken up a last chance.
    fn stop(&mut self, why: Stop) {
        self.is_at_end = true;
        let is_first = self.stopped.is_none();
        // Of a broken output results are missing: that is to be told, whatever stopped the run.
        if is_first || matches!(why, Stop::Output(_)) {
            self.stopped = Some(why);
        }
        // What a broken input left is not drained yet: it has its usual time.
        if !std::mem::replace(&mut self.is_draining, true) {
            let pool = self.setup.pool.clone();
            self.draining = Some(Box::pin(async move {
                pool.drain(DRAIN).await;
            }));
        }
    }

    fn show_progress(&self) {
        if self.setup.progress.is_shown() {
            let seconds = self.start.elapsed().as_secs_f64().max(0.001);
            let rate = self.tally.total() as f64 / seconds;
            let message = format!(
                "{}, {} in flight, {rate:.0}/s",
                self.tally,
                self.flights.len()
            );
            self.setup
                .progress
                .update(self.setup.lines.octets(), message);
        }
    }
}

/// Why a run stopped, for people.
impl std::fmt::Display for Stop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Signal => f.write_str("interrupted"),
            Self::Input(error) => write!(f, "the input broke: {}", io_text(error)),
            Self::Output(error) => write!(f, "the output broke: {}", io_text(error)),
            Self::Journal(fault) => fault.fmt(f),
        }
    }
}
