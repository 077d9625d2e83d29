//! The driver's fine points, over a transport and a machine that do as they are told.

mod rests;

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use super::*;
use crate::client::runtime::Target;
use crate::delivery::DialError;
use crate::machine::Turn;

/// What happened, in order: the tests' only witness.
type Log = Arc<Mutex<Vec<String>>>;

#[derive(Clone, Default)]
struct Fake {
    nanos: Arc<AtomicU64>,
}

impl Runtime for Fake {
    type Transport = Script;
    type Timer = Alarm;

    fn now(&self) -> Time {
        Time::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
    fn unix(&self) -> Duration {
        Duration::ZERO
    }
    fn random(&self) -> u64 {
        4
    }
    fn timer(&self) -> Alarm {
        Alarm(self.clone())
    }
    fn spawn(&self, _: impl Future<Output = ()> + Send + 'static) {}
    async fn dial(&self, _: Target) -> Result<Script, DialError> {
        std::future::pending().await
    }
}

struct Alarm(Fake);

impl Timer for Alarm {
    fn poll_until(&mut self, _: &mut Context<'_>, deadline: Time) -> Poll<()> {
        if self.0.now() >= deadline {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// Answers each call with the next of its list; an empty list is `Pending` for reads, success for the rest.
#[derive(Default)]
struct Script {
    log: Log,
    reads: VecDeque<io::Result<Vec<u8>>>,
    writes: VecDeque<Poll<io::Result<usize>>>,
    flushes: VecDeque<Poll<io::Result<()>>>,
}

impl Transport for Script {
    fn alpn(&self) -> Option<&[u8]> {
        Some(b"h2")
    }
    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        match self.reads.pop_front() {
            None => Poll::Pending,
            Some(read) => Poll::Ready(read.map(|octets| {
                buf[..octets.len()].copy_from_slice(&octets);
                octets.len()
            })),
        }
    }
    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = self.writes.pop_front();
        let result = result.unwrap_or(Poll::Ready(Ok(buf.len())));
        if let Poll::Ready(Ok(n)) = result {
            note(&self.log, format!("write {n}"));
        }
        result
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        note(&self.log, "flush".into());
        self.flushes.pop_front().unwrap_or(Poll::Ready(Ok(())))
    }
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        note(&self.log, "close".into());
        Poll::Ready(Ok(()))
    }
}

/// A machine that writes `work` octets in each turn that may take.
struct Puppet {
    log: Log,
    wire: Puppeteer,
    work: usize,
}

struct Puppeteer {
    log: Log,
    input: [u8; 16],
    output: Vec<u8>,
    is_closed: bool,
    /// Each octet that is read answers one.
    in_flight: usize,
    has_waiting_bodies: bool,
    due: Option<(Time, Wakeup)>,
}

impl Wire for Puppeteer {
    fn read_buf(&mut self) -> &mut [u8] {
        &mut self.input
    }
    fn handle_read(&mut self, _: Time, n: usize) {
        note(&self.log, format!("read {n}"));
        self.in_flight = self.in_flight.saturating_sub(n);
    }
    fn transmit(&mut self) -> &[u8] {
        &self.output
    }
    fn handle_written(&mut self, _: Time, n: usize) {
        self.output.drain(..n);
    }
    fn handle_disconnect(&mut self, _: Time, why: Disconnect) {
        note(&self.log, format!("disconnect: {why}"));
        self.is_closed = true;
    }
    fn poll_timeout(&self) -> Option<(Time, Wakeup)> {
        self.due
    }
    fn handle_timeout(&mut self, _: Time) {
        note(&self.log, "timeout".into());
        self.due = None;
    }
    fn in_flight(&self) -> usize {
        self.in_flight
    }
    fn has_waiting_bodies(&self) -> bool {
        self.has_waiting_bodies
    }
}

impl Machine for Puppet {
    type Wire = Puppeteer;

    fn with<O>(&mut self, f: impl FnOnce(&mut Puppeteer) -> O) -> O {
        f(&mut self.wire)
    }
    fn handle_wake(&mut self) {
        note(&self.log, "wake".into());
    }
    fn turn(&mut self, _: Time, _: Duration, may_take: bool) -> Turn {
        note(
            &self.log,
            if may_take { "take" } else { "may not take" }.into(),
        );
        if may_take {
            self.wire
                .output
                .resize(self.wire.output.len() + self.work, 0);
        }
        Turn { again: false }
    }
    fn is_closed(&self) -> bool {
        self.wire.is_closed
    }
}

struct World {
    runtime: Fake,
    log: Log,
    driver: Driver<'static, Fake, Puppet>,
    wakes: Arc<Count>,
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl World {
    fn new(work: usize, script: impl FnOnce(&mut Script)) -> Self {
        let (runtime, log) = (Fake::default(), Log::default());
        let mut transport = Script {
            log: Arc::clone(&log),
            ..Script::default()
        };
        script(&mut transport);
        let wire = Puppeteer {
            log: Arc::clone(&log),
            input: [0; 16],
            output: Vec::new(),
            is_closed: false,
            in_flight: 0,
            has_waiting_bodies: false,
            due: None,
        };
        let machine = Puppet {
            log: Arc::clone(&log),
            wire,
            work,
        };
        Self {
            driver: Driver::new(
                runtime.clone(),
                Box::leak(Box::new(transport)),
                machine,
                Arc::default(),
            ),
            runtime,
            log,
            wakes: Arc::default(),
        }
    }

    fn pass(&self, nanos: u64) {
        self.runtime.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// Polls once; what happened, whether it woke itself, and whether it is over.
    fn poll(&mut self) -> (Vec<String>, bool, bool) {
        let before = self.wakes.0.load(Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.wakes));
        let poll = Pin::new(&mut self.driver).poll(&mut Context::from_waker(&waker));
        let log = std::mem::take(&mut *self.log.lock().expect("unpoisoned"));
        let woke = self.wakes.0.load(Ordering::Relaxed) > before;
        (log, woke, poll.is_ready())
    }
}

fn note(log: &Log, line: String) {
    log.lock().expect("unpoisoned").push(line);
}

#[test]
fn a_turn_reads_before_it_writes_and_flushes_once() {
    let mut world = World::new(10, |script| {
        script.reads.push_back(Ok(vec![1; 3]));
        script.reads.push_back(Ok(vec![1; 5]));
        script.writes.push_back(Poll::Ready(Ok(4)));
    });
    let (log, woke, _) = world.poll();
    let expected = ["read 3", "read 5", "take", "write 4", "write 6", "flush"];
    assert_eq!(log, expected);
    assert!(!woke);
}

#[test]
fn a_wake_yields_once_and_takes_in_the_next_turn() {
    let mut world = World::new(1, |_| {});
    world.driver.bell.ring();
    assert_eq!(world.poll(), (vec!["wake".into()], true, false));
    world.driver.bell.ring();
    let (log, woke, _) = world.poll();
    assert_eq!(log, ["wake", "take", "write 1", "flush"]);
    assert!(!woke, "it parks with the bell silent");
}

#[test]
fn a_transport_that_takes_no_more_gets_no_more_work() {
    let mut world = World::new(2, |script| {
        script.writes.push_back(Poll::Pending);
        script.writes.push_back(Poll::Pending);
    });
    assert_eq!(world.poll().0, ["take"]);
    assert_eq!(world.poll().0, ["may not take"]);
    let (log, woke, _) = world.poll();
    assert_eq!(log, ["may not take", "write 2", "flush"]);
    assert!(woke, "it may take again, so it comes again");
    assert_eq!(world.poll().0, ["take", "write 2", "flush"]);
}

#[test]
fn a_pending_flush_is_kept_until_it_is_done() {
    let mut world = World::new(2, |script| {
        script.flushes.push_back(Poll::Pending);
    });
    assert_eq!(world.poll().0, ["take", "write 2", "flush"]);
    assert_eq!(world.poll().0, ["may not take", "flush"]);
}

#[test]
fn after_a_failed_write_it_reads_on_for_a_second() {
    let mut world = World::new(2, |script| {
        let broken = io::ErrorKind::BrokenPipe;
        script.writes.push_back(Poll::Ready(Err(broken.into())));
    });
    assert_eq!(world.poll().0, ["take"]);
    let answer = Ok(vec![7; 9]);
    world.driver.transport.reads.push_back(answer);
    assert_eq!(world.poll().0, ["read 9", "may not take"]);
    world.runtime.nanos.store(1_000_000_000, Ordering::Relaxed);
    let (log, _, is_over) = world.poll();
    let expected = ["disconnect: reset by the server", "may not take"];
    assert_eq!(log, expected);
    assert!(is_over);
}

#[test]
fn the_end_of_the_stream_hands_out_results_and_ends_the_task() {
    let mut world = World::new(0, |script| script.reads.push_back(Ok(Vec::new())));
    let (log, _, is_over) = world.poll();
    assert_eq!(log[0], "disconnect: closed by the server");
    assert!(is_over);
}

#[test]
fn a_flood_of_input_does_not_hold_up_output() {
    let mut world = World::new(1, |script| {
        script.reads.extend((0..READS + 1).map(|_| Ok(vec![0; 16])));
    });
    let (log, woke, _) = world.poll();
    assert_eq!(log.iter().filter(|line| *line == "read 16").count(), READS);
    assert_eq!(log[READS..], ["take", "write 1", "flush"]);
    assert!(woke);
}

#[test]
fn the_server_hears_the_last_octets_before_the_socket_goes() {
    let (runtime, log) = (Fake::default(), Log::default());
    let mut transport = Script {
        log: Arc::clone(&log),
        reads: VecDeque::from([Ok(vec![0; 16]), Ok(vec![0; 16])]),
        ..Script::default()
    };
    let until = Time::from_millis(1_000);
    let mut farewell = Farewell::new(&runtime, &mut transport, until);
    let mut idle = Context::from_waker(Waker::noop());
    let poll = Pin::new(&mut farewell).poll(&mut idle);
    assert!(poll.is_pending(), "the server has not ended its side");
    assert_eq!(*log.lock().expect("unpoisoned"), ["close"]);
    runtime.nanos.store(until.as_nanos(), Ordering::Relaxed);
    assert!(Pin::new(&mut farewell).poll(&mut idle).is_ready());
}

#[test]
fn leave_is_taken_only_of_a_server_that_may_listen() {
    let mut world = World::new(0, |_| {});
    world.driver.machine.wire.is_closed = true;
    let mut idle = Context::from_waker(Waker::noop());
    let until = Pin::new(&mut world.driver).poll(&mut idle);
    assert_eq!(until, Poll::Ready(Some(Time::ZERO + LEAVE)));
    let mut world = World::new(0, |script| script.reads.push_back(Ok(Vec::new())));
    let until = Pin::new(&mut world.driver).poll(&mut idle);
    assert_eq!(until, Poll::Ready(None));
}
