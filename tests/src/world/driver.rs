//! A link's task: the loop of an adapter (read, exchange, write, park) under virtual time.

use std::io::ErrorKind;
use std::time::Duration;

use aapns_proto::delivery::{Disconnect, Done};
use aapns_proto::pool::LinkId;
use aapns_proto::{Link, Outcome, Time};

use super::{Ended, Event, World};
use crate::callers::{self, SimTag};
use crate::oracle::Rule;
use crate::pipe::{End, Wrote};
use crate::swarm::Kind;

/// Reads in one turn.
const READS: usize = 4;

/// After a failed write, how long to read on (DESIGN §3).
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Octets of output that a link may hold: its bound is 256 KiB and one request.
const OUTPUT: usize = 512 * 1024;

/// Turns of one link in the same moment, after which it spins.
const TURNS_AT_ONCE: u32 = 1_000;

/// Turns in a row that may leave a timer that is due: what was read can make it so.
const OVERDUE: u32 = 3;

/// A link and its task.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) link: Link<SimTag>,
    pub(super) conn: usize,
    /// The next planned turn.
    turn_at: Option<Time>,
    /// A write failed: when reading ends too.
    writes_until: Option<Time>,
    is_pending: bool,
    needs_flush: bool,
    has_read_end: bool,
    /// For spinning: the last turn's time, and how many there were.
    turns: (Time, u32),
    /// How many turns in a row left a timer that was due.
    overdue: u32,
}

impl Driver {
    pub(super) fn new(link: Link<SimTag>, conn: usize) -> Self {
        Self {
            link,
            conn,
            turn_at: None,
            writes_until: None,
            is_pending: false,
            needs_flush: false,
            has_read_end: false,
            turns: (Time::ZERO, 0),
            overdue: 0,
        }
    }

    /// The turn that was to be now will be later.
    pub(super) fn put_off(&mut self, now: Time, later: Time) {
        if self.turn_at == Some(now) {
            self.turn_at = Some(later);
        }
    }

    fn may_take(&self) -> bool {
        self.writes_until.is_none() && !self.is_pending && !self.needs_flush
    }
}

impl World {
    /// The link's task will run then, unless it runs before.
    pub(super) fn run_at(&mut self, slot: usize, conn: usize, at: Time) {
        let Some(Some(driver)) = self.links.get_mut(slot) else {
            return;
        };
        if driver.conn == conn && driver.turn_at.is_none_or(|planned| at < planned) {
            driver.turn_at = Some(at);
            self.heap.plan(at, Event::Turn { slot, conn });
        }
    }

    pub(super) fn run_soon(&mut self, slot: usize, conn: usize) {
        self.run_at(slot, conn, self.now);
    }

    pub(super) fn on_turn(&mut self, slot: usize, conn: usize) {
        let now = self.now;
        let driver = self.links.get_mut(slot).and_then(|place| {
            place.take_if(|driver| driver.conn == conn && driver.turn_at == Some(now))
        });
        if let Some(driver) = driver {
            self.turn(slot, driver);
        }
    }

    pub(super) fn on_wake(&mut self, slot: usize) {
        let driver = self.links.get_mut(slot).and_then(Option::take);
        if let Some(mut driver) = driver {
            driver.link.handle_wake();
            self.turn(slot, driver);
        }
    }

    /// One turn of a link's task.
    fn turn(&mut self, slot: usize, mut driver: Box<Driver>) {
        let now = self.now;
        driver.turn_at = None;
        if driver.link.poll_timeout().is_some_and(|(at, _)| at <= now) {
            driver.link.handle_timeout(now);
        }
        let is_readable = self.read(&mut driver);
        let may_take = driver.may_take();
        if driver.link.wants_exchange(may_take) {
            self.exchange(&mut driver, may_take);
        }
        self.take_done(&mut driver);
        self.write(slot, &mut driver);
        if driver.link.is_closed() {
            self.retire(slot, driver, true);
            return;
        }
        let again = is_readable || driver.link.wants_exchange(driver.may_take());
        self.check_spin(slot, &mut driver, again);
        self.park(slot, driver, again);
    }

    fn exchange(&mut self, driver: &mut Driver, may_take: bool) {
        let (now, unix) = (self.now, self.local_unix());
        let wake = driver.link.exchange(now, unix, may_take, &mut self.pool);
        self.wake(wake);
        self.drain_actions();
        driver.link.handle_taken(now);
    }

    fn take_done(&mut self, driver: &mut Driver) {
        while let Some(done) = driver.link.poll_done() {
            self.settle(done, Some(driver.conn));
        }
    }

    /// Parks a link's task until octets, its timer, or the end of its last words.
    fn park(&mut self, slot: usize, driver: Box<Driver>, again: bool) {
        let conn = driver.conn;
        let timer = driver.link.poll_timeout().map(|(at, _)| at);
        let last_words = driver.writes_until.filter(|_| !driver.has_read_end);
        if let Some(place) = self.links.get_mut(slot) {
            *place = Some(driver);
        }
        if again {
            self.run_soon(slot, conn);
        }
        for at in [timer, last_words].into_iter().flatten() {
            self.run_at(slot, conn, at.max(self.now));
        }
        self.expect_at_link(conn);
    }

    /// Reads what has arrived; true if there is more.
    fn read(&mut self, driver: &mut Driver) -> bool {
        let now = self.now;
        let Some(conn) = self.conns.get_mut(driver.conn) else {
            return false;
        };
        conn.down.advance(now);
        conn.share_reset();
        for _ in 0..READS {
            let count = conn.down.read(driver.link.read_buf(), self.net.read);
            if count == 0 {
                break;
            }
            driver.link.handle_read(now, count);
            self.trace.add(
                now,
                "link on {} reads {} octets",
                &[driver.conn as u64, count as u64],
            );
        }
        let end = conn.down.reached_end().map(|end| match end {
            End::Eof => Disconnect::Eof,
            End::Reset => Disconnect::Reset,
        });
        let is_mute = driver.writes_until.is_some_and(|until| until <= now);
        let end = end.or(is_mute.then_some(Disconnect::Io(ErrorKind::BrokenPipe)));
        if let Some(why) = end.filter(|_| !driver.has_read_end) {
            self.trace
                .add(now, "link on {} is cut off", &[driver.conn as u64]);
            driver.has_read_end = true;
            driver.link.handle_disconnect(now, why);
        }
        conn.down.is_readable()
    }

    fn write(&mut self, slot: usize, driver: &mut Driver) {
        if driver.writes_until.is_some() || driver.has_read_end {
            return;
        }
        let (now, capacity) = (self.now, self.net.capacity);
        let latency = self.latency();
        let leak = self.rng.below(1001);
        driver.is_pending = false;
        let mut wrote = 0;
        let Some(conn) = self.conns.get_mut(driver.conn) else {
            return;
        };
        let end = loop {
            let out = driver.link.transmit();
            if out.len() > OUTPUT {
                let length = out.len();
                self.oracle.fail(now, Rule::Memory, || {
                    format!("link {slot} holds {length} octets of output")
                });
            }
            if out.is_empty() {
                break conn.layer.flush(&mut conn.up, now, latency, capacity);
            }
            match conn
                .layer
                .write(&mut conn.up, (now, latency), out, capacity, leak)
            {
                Wrote::Took(count) => {
                    driver.link.handle_written(now, count);
                    wrote += count;
                }
                other => {
                    driver.is_pending = other == Wrote::Pending;
                    let flushed = conn.layer.flush(&mut conn.up, now, latency, capacity);
                    break if other == Wrote::Failed {
                        other
                    } else {
                        flushed
                    };
                }
            }
        };
        driver.needs_flush = end == Wrote::Pending;
        if wrote > 0 {
            self.trace.add(
                now,
                "link on {} writes {} octets",
                &[driver.conn as u64, wrote as u64],
            );
        }
        if end == Wrote::Failed {
            self.trace
                .add(now, "link on {} can't write", &[driver.conn as u64]);
            driver.writes_until = Some(now + LAST_WORDS);
            if conn.layer.fails_at.is_some() {
                self.swarm.count(Kind::WriteFails);
            }
        }
        self.expect_at_server(driver.conn);
    }

    /// Ends a link: orderly, or by dropping its task.
    fn retire(&mut self, slot: usize, driver: Box<Driver>, is_orderly: bool) {
        self.trace.add(
            self.now,
            "link {} on {} is closed",
            &[slot as u64, driver.conn as u64],
        );
        if let Some(conn) = self.conns.get_mut(driver.conn) {
            let end = if is_orderly || self.rng.chance(500) {
                End::Eof
            } else {
                End::Reset
            };
            conn.up.end(end);
            conn.share_reset();
        }
        self.expect_end_at_server(driver.conn);
        let wake = self.pool.link_closed(self.now, driver.link);
        self.wake(wake);
        self.drain_actions();
    }

    pub(super) fn on_drop_driver(&mut self, slot: usize, conn: usize) {
        let driver = self
            .links
            .get_mut(slot)
            .and_then(|place| place.take_if(|driver| driver.conn == conn));
        if let Some(driver) = driver {
            self.oracle.link_may_be_replaced();
            self.retire(slot, driver, false);
        }
    }

    fn check_spin(&mut self, slot: usize, driver: &mut Driver, again: bool) {
        let now = self.now;
        if driver.turns.0 == now {
            driver.turns.1 += 1;
        } else {
            driver.turns = (now, 1);
        }
        if driver.turns.1 > TURNS_AT_ONCE {
            self.oracle.fail(now, Rule::BusyLoop, || {
                format!("link {slot} runs without end")
            });
        }
        let due = driver.link.poll_timeout().filter(|(at, _)| *at <= now);
        driver.overdue = if due.is_some() && !again {
            driver.overdue + 1
        } else {
            0
        };
        if let Some((at, why)) = due.filter(|_| driver.overdue > OVERDUE) {
            self.oracle.fail(now, Rule::BusyLoop, || {
                format!("link {slot} wants its timer at {at:?} ({why:?}) after it was served")
            });
        }
    }

    /// Wakes a link, sooner or later.
    pub(super) fn wake(&mut self, link: Option<LinkId>) {
        let Some(LinkId(id)) = link else {
            return;
        };
        self.trace.add(self.now, "link {} is woken", &[id.into()]);
        let delay = if self.swarm.strikes(Kind::LateWake, 50) {
            self.swarm.rng.micros(50, 20_000)
        } else {
            self.rng.micros(0, 30)
        };
        self.heap.plan(self.now + delay, Event::Wake(id.into()));
    }

    /// A request is over.
    pub(super) fn settle(&mut self, done: Done<SimTag>, conn: Option<usize>) {
        let tag = done.tag.id;
        self.trace.add(
            self.now,
            "tag {} is done after {} attempts",
            &[tag.into(), done.attempts.into()],
        );
        self.trace.say(self.now, || format!("  {:?}", done.outcome));
        if let Outcome::Answered(response) = &done.outcome {
            let is_own = response.apns_id.map(|id| id.to_string()) == Some(callers::apns_id(tag));
            if !is_own {
                self.oracle.fail(self.now, Rule::WrongAnswer, || {
                    format!("tag {tag} got another's answer")
                });
            }
            if let Some(conn) = conn
                .and_then(|conn| self.conns.get_mut(conn))
                .filter(|conn| !conn.was_of_use)
            {
                conn.was_of_use = true;
                self.oracle.link_may_be_replaced();
            }
        }
        self.oracle.done(self.now, tag, &done);
        if self.probe == Some(tag) {
            self.judge_probe(&done);
        }
        self.ends.push(Ended {
            tag,
            at: self.now,
            outcome: done.outcome,
            attempts: done.attempts,
        });
    }
}
