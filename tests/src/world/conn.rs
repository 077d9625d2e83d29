//! A connection between a link and a server: the pipes, and when octets arrive where.

use aapns_proto::Time;
use aapns_proto::pool::Auth;

use super::{Accident, Event, Mishap, World};
use crate::fake::{Act, Server};
use crate::pipe::{End, Layer, Pipe};
use crate::rng::Rng;
use crate::swarm::Kind;

/// A connection.
#[derive(Debug)]
pub(super) struct Conn {
    /// From the client to the server.
    pub(super) up: Pipe,
    /// From the server to the client.
    pub(super) down: Pipe,
    /// The client's TLS.
    pub(super) layer: Layer,
    pub(super) server: Server,
    /// The link at the client's end.
    pub(super) slot: usize,
    /// When the server is planned to read next.
    reads_at: Option<Time>,
    /// The server has given its first answer.
    pub(super) was_of_use: bool,
}

impl World {
    /// A new connection for the link in this slot, with the faults that will befall it.
    pub(super) fn connect(&mut self, slot: usize, credential: u64) -> usize {
        let conn = self.conns.len();
        let id = u32::try_from(conn).unwrap_or(u32::MAX);
        let rng = Rng::new(self.rng.next_u64(), 5);
        let mut habits = self.habits.clone();
        let credential = usize::try_from(credential).unwrap_or(usize::MAX);
        if let Some((auth, team)) = self.credentials.get(credential) {
            (habits.wants_token, habits.team) = (*auth == Auth::Token, *team);
        }
        self.conns.push(Conn {
            up: Pipe::default(),
            down: Pipe::default(),
            layer: Layer::new(self.net.holds),
            server: Server::new(id, habits, rng),
            slot,
            reads_at: None,
            was_of_use: false,
        });
        self.plan_accidents(conn, slot);
        self.with_server(conn, |conn, cx| conn.server.start(cx));
        self.ship(conn);
        conn
    }

    fn plan_accidents(&mut self, conn: usize, slot: usize) {
        let swarm = &mut self.swarm;
        let Some(the) = self.conns.get_mut(conn) else {
            return;
        };
        if swarm.strikes(Kind::Cut, 150) {
            let largest = swarm.rng.pick(&[100, 2_000, 20_000]).unwrap_or(100);
            let at = swarm.rng.below(largest);
            if swarm.rng.chance(500) {
                the.up.cut_after(at);
            } else {
                the.down.cut_after(at);
            }
        }
        if swarm.strikes(Kind::WriteFails, 150) {
            let largest = swarm.rng.pick(&[100, 2_000, 20_000]).unwrap_or(100);
            the.layer.fails_at = Some(swarm.rng.below(largest));
        }
        if swarm.strikes(Kind::Stall, 200) {
            let at = self.now + swarm.rng.millis(0, 5_000);
            let length = swarm.rng.millis(1, 15_000);
            let until = if swarm.rng.chance(200) {
                Time::NEVER
            } else {
                at + length
            };
            let ways = swarm.rng.range(1, 3);
            self.heap.plan(at, Event::Stall { conn, ways, until });
        }
        if swarm.strikes(Kind::DriverDropped, 100) {
            let at = self.now + swarm.rng.millis(0, 5_000);
            self.heap.plan(at, Event::DropDriver { slot, conn });
        }
    }

    pub(super) fn on_accident(&mut self, accident: Accident) {
        match accident.mishap {
            Mishap::BlackHole => self.on_stall(accident.conn, 3, Time::NEVER),
            Mishap::DriverDropped => {
                if let Some(slot) = self.conns.get(accident.conn).map(|the| the.slot) {
                    self.swarm.count(Kind::DriverDropped);
                    self.on_drop_driver(slot, accident.conn);
                }
            }
        }
    }

    pub(super) fn on_stall(&mut self, conn: usize, ways: u64, until: Time) {
        self.trace
            .add(self.now, "connection {} stalls: {}", &[conn as u64, ways]);
        if let Some(the) = self.conns.get_mut(conn) {
            if ways & 1 == 1 {
                the.up.stall(until);
            }
            if ways & 2 == 2 {
                the.down.stall(until);
            }
        }
    }

    pub(super) fn on_server_reads(&mut self, conn: usize) {
        let mut octets = Vec::new();
        let now = self.now;
        let Some(the) = self.conns.get_mut(conn) else {
            return;
        };
        if the.reads_at.is_some_and(|at| at <= now) {
            the.reads_at = None;
        }
        if the.up.next_arrival().is_some_and(|at| at > now) {
            // A stall came in between.
            return self.expect_at_server(conn);
        }
        the.up.advance(now);
        the.share_reset();
        if the.server.is_reading() {
            the.up.read_all(&mut octets);
        }
        let slot = the.slot;
        if !octets.is_empty() {
            self.trace.add(
                now,
                "server {} reads {} octets",
                &[conn as u64, octets.len() as u64],
            );
            self.with_server(conn, |conn, cx| conn.server.receive(&octets, cx));
            // There is room again for a writer that waits.
            self.run_soon(slot, conn);
        }
        self.ship(conn);
        self.expect_at_server(conn);
        if self
            .conns
            .get(conn)
            .is_some_and(|the| the.up.reached_end().is_some())
        {
            self.hang_up(conn);
        }
    }

    /// The client is gone: so is the server.
    fn hang_up(&mut self, conn: usize) {
        if let Some(the) = self.conns.get_mut(conn) {
            the.server.has_left = true;
            the.down.end(End::Eof);
        }
        self.expect_at_link(conn);
    }

    pub(super) fn on_server_acts(&mut self, conn: usize, act: Act) {
        self.with_server(conn, |conn, cx| conn.server.act(act, cx));
        self.ship(conn);
    }

    /// What the server wrote goes on its way.
    fn ship(&mut self, conn: usize) {
        let latency = self.latency();
        // A reset throws away what is on its way: a fault of its own, not part of a polite leave.
        let ends_hard = self.rng.chance(300) && self.swarm.has(Kind::Cut) && self.swarm.is_on();
        let now = self.now;
        let Some(the) = self.conns.get_mut(conn) else {
            return;
        };
        let length = the.server.sendable();
        if let Some(octets) = the.server.out.get(..length).filter(|out| !out.is_empty()) {
            the.down.write(now, octets, latency);
            self.trace.add(
                now,
                "server {} writes {} octets",
                &[conn as u64, length as u64],
            );
            the.server.sent(length);
        }
        if (the.server.has_left || the.server.is_shut) && !the.down.is_ended() {
            self.trace.add(now, "server {} leaves", &[conn as u64]);
            let ends_hard = ends_hard && the.server.has_left;
            the.down.end(if ends_hard { End::Reset } else { End::Eof });
            the.share_reset();
        }
        self.expect_at_link(conn);
    }

    /// The link will run when octets, or the end, arrive.
    pub(super) fn expect_at_link(&mut self, conn: usize) {
        let Some(the) = self.conns.get(conn) else {
            return;
        };
        let at = match the.down.next_arrival() {
            Some(at) => at,
            None if the.down.reached_end().is_some() => self.now,
            None => return,
        };
        let slot = the.slot;
        self.run_at(slot, conn, at.max(self.now));
    }

    /// The client closed: the server will notice once all has arrived, or at once if all is lost.
    pub(super) fn expect_end_at_server(&mut self, conn: usize) {
        let next = self.conns.get(conn).and_then(|the| the.up.next_arrival());
        self.heap
            .plan(next.unwrap_or(self.now), Event::ServerReads(conn));
    }

    /// The server will read when octets arrive.
    pub(super) fn expect_at_server(&mut self, conn: usize) {
        let now = self.now;
        let Some(the) = self.conns.get_mut(conn) else {
            return;
        };
        let Some(at) = the.up.next_arrival().map(|at| at.max(now)) else {
            return;
        };
        if the.reads_at.is_none_or(|planned| at < planned) {
            the.reads_at = Some(at);
            self.heap.plan(at, Event::ServerReads(conn));
        }
    }
}

impl Conn {
    /// A reset of one way is a reset of both.
    pub(super) fn share_reset(&mut self) {
        if self.up.is_reset() {
            self.down.end(End::Reset);
        } else if self.down.is_reset() {
            self.up.end(End::Reset);
        }
    }
}
