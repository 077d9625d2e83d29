//! Random histories of requests, frames, time and disconnects, held against the contracts.

use std::collections::BTreeMap;
use std::time::Duration;

use aapns_proto::frame::{ErrorCode, Kind};
use aapns_proto::{ConnectionConfig, Delivery, Event};

use crate::peer::*;

/// What the server saw and said, and what became of each request.
struct History {
    peer: Peer,
    seed: u64,
    /// Octets lent and not parsed yet.
    heard: Vec<u8>,
    is_preface_over: bool,
    /// By stream: HEADERS, END_STREAM, RST_STREAM were lent.
    lent: BTreeMap<u32, Lent>,
    started: u32,
    settled: BTreeMap<u32, (Option<Delivery>, u32)>,
    refused: Vec<u32>,
    lowest_goaway: u32,
    closed: u32,
}

#[derive(Default)]
struct Lent {
    tag: u32,
    end: bool,
    reset: bool,
}

impl History {
    fn new(seed: u64) -> Self {
        let mut config = ConnectionConfig::default();
        config.max_streams = 40;
        Self {
            peer: Peer::configured(&config),
            seed: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
            heard: Vec::new(),
            is_preface_over: false,
            lent: BTreeMap::new(),
            started: 0,
            settled: BTreeMap::new(),
            refused: Vec::new(),
            lowest_goaway: u32::MAX,
            closed: 0,
        }
    }

    fn random(&mut self, below: u32) -> u32 {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 33) as u32 % below
    }

    fn run(mut self, steps: u32) {
        self.peer.says(settings(&[(3, 10), (4, 20)]));
        for _ in 0..steps {
            self.step();
            self.check();
        }
        self.peer.hangs_up();
        self.check();
        assert_eq!(self.closed, 1, "Closed comes once");
        assert_eq!(self.settled.len() as u32, self.started);
        for lent in self.lent.values() {
            let (delivery, attempts) = self.settled[&lent.tag];
            // A request that was settled while it waited in the output goes out without its end.
            let is_shell = match delivery {
                Some(Delivery::NotSent) => lent.reset && !lent.end,
                Some(Delivery::Refused) => !lent.end,
                _ => false,
            };
            assert!(attempts == 1 || is_shell);
            if delivery == Some(Delivery::NotSent) {
                assert!(!lent.end, "a request called NotSent went out to its end");
            }
        }
        for (tag, (delivery, attempts)) in &self.settled {
            if !self.lent.values().any(|lent| lent.tag == *tag) {
                assert!(delivery.is_some_and(Delivery::is_unprocessed));
                assert_eq!(*attempts, 0);
            }
        }
    }

    fn step(&mut self) {
        match self.random(12) {
            0..=2 => self.start(),
            3..=5 => self.transmit(),
            6 => {
                let millis = [1, 10, 700, 2_000, 6_000, 70_000][self.random(6) as usize];
                self.peer.now += Duration::from_millis(millis);
                self.peer.connection.handle_timeout(self.peer.now);
            }
            7 if self.random(40) == 0 => self.peer.connection.close(self.peer.now),
            8 if self.random(40) == 0 => drop(self.peer.hangs_up()),
            _ => {
                let said = self.frame();
                let cut = self.random(said.len() as u32 + 1) as usize;
                self.peer.says(&said[..cut]);
                self.peer.says(&said[cut..]);
            }
        }
    }

    fn start(&mut self) {
        let tag = self.started + 1;
        let size = [0, 1, 15, 30, 20_000][self.random(5) as usize];
        let mut job = job(tag, &vec![b'x'; size]);
        if self.random(2) == 0 {
            let time = Duration::from_millis(u64::from(self.random(3_000)));
            job.deadline = Some(self.peer.now + time);
        }
        // The tag goes along, so that the server's side can tell requests from each other.
        job.request = job.request.field("x-tag", format!("<{tag}>")).unwrap();
        let credit = self.peer.connection.credit().streams;
        let is_taken = self.peer.connection.start(self.peer.now, job).is_ok();
        assert_eq!(is_taken, credit > 0, "credit is exact");
        self.started += u32::from(is_taken);
    }

    /// A frame of a server that is mostly right.
    fn frame(&mut self) -> Vec<u8> {
        let ids: Vec<u32> = self.lent.keys().copied().collect();
        let id = match self.random(ids.len() as u32 + 1) as usize {
            n if n < ids.len() => ids[ids.len() - 1 - n.min(ids.len() - 1) % 12.min(ids.len())],
            _ => return ping(0, &[1; 8]),
        };
        match self.random(16) {
            0 | 1 => headers(id, END_HEADERS | END_STREAM, OK),
            2 => headers(id, END_HEADERS, &block(&[(":status", "400"), ("a", "b")])),
            3 => data(id, END_STREAM, b"{\"reason\":\"BadTopic\"}"),
            4 => data(id, 0, b"{"),
            5 => {
                if !self.settled.contains_key(&self.lent[&id].tag) {
                    self.refused.push(id);
                }
                rst_stream(id, ErrorCode::REFUSED_STREAM)
            }
            6 => rst_stream(id, ErrorCode::CANCEL),
            7 | 8 => window_update(id, 1 + self.random(30)),
            9 => window_update(0, 1_000),
            10 => settings(&[(4, self.random(60)), (3, self.random(20))]),
            11 => settings(&[(1, self.random(5_000))]),
            12 => frame(Kind::Settings, ACK, 0, &[]),
            13 if self.random(30) == 0 => {
                self.lowest_goaway = self.lowest_goaway.min(id);
                goaway(id, ErrorCode::NO_ERROR, b"{\"reason\":\"Shutdown\"}")
            }
            14 if self.random(60) == 0 => headers(id, END_HEADERS, &[0x80]),
            15 if self.random(30) == 0 => headers(id, END_HEADERS, &block(&[("a", "b")])),
            _ => ping(0, &[2; 8]),
        }
    }

    fn transmit(&mut self) {
        let lent = self.peer.connection.transmit().to_vec();
        let written = self.random(lent.len() as u32 + 1) as usize;
        self.peer.connection.handle_written(self.peer.now, written);
        // Lent is sent: what wasn't written is lent once more.
        let rest = self.peer.connection.transmit().to_vec();
        assert_eq!(rest, lent[written..]);
        self.peer
            .connection
            .handle_written(self.peer.now, rest.len());
        self.heard.extend_from_slice(&lent);
        let mut octets = std::mem::take(&mut self.heard);
        if !self.is_preface_over && !octets.is_empty() {
            octets.drain(..24);
            self.is_preface_over = true;
        }
        for frame in frames_of(&octets) {
            self.hear(&frame);
        }
    }

    fn hear(&mut self, frame: &Seen) {
        let end = frame.flags & END_STREAM != 0;
        match frame.kind {
            Kind::Headers => {
                let text = String::from_utf8_lossy(&frame.payload);
                let (_, tag) = text.rsplit_once('<').expect("raw, as varying values are");
                let tag = tag.trim_end_matches('>').parse().unwrap();
                let lent = Lent {
                    tag,
                    end,
                    reset: false,
                };
                assert!(self.lent.keys().all(|id| *id < frame.id), "ids rise");
                assert!(self.lent.insert(frame.id, lent).is_none());
            }
            Kind::Data => {
                let lent = self.lent.get_mut(&frame.id).unwrap();
                assert!(!lent.end && !lent.reset, "DATA after the end");
                lent.end = end;
            }
            Kind::RstStream => {
                let lent = self.lent.get_mut(&frame.id).unwrap();
                assert!(!lent.reset, "one RST_STREAM for a stream");
                lent.reset = true;
            }
            Kind::Ping if frame.flags == 0 && self.random(3) > 0 => {
                self.peer.says(ping(ACK, &frame.payload));
            }
            _ => {}
        }
    }

    fn check(&mut self) {
        while let Some(event) = self.peer.connection.poll_event() {
            assert_eq!(self.closed, 0, "nothing comes after Closed");
            let (job, delivery) = match event {
                Event::Answered(job, _) => (job, None),
                Event::Returned(job, delivery, _) => (job, Some(delivery)),
                Event::Draining(_) => continue,
                Event::Closed(_) => {
                    self.closed += 1;
                    continue;
                }
            };
            if delivery == Some(Delivery::Refused) {
                let id = self.lent.iter().find(|(_, lent)| lent.tag == job.tag);
                let id = id.map_or(u32::MAX, |(id, _)| *id);
                assert!(self.refused.contains(&id) || id > self.lowest_goaway);
            }
            let ending = (delivery, job.attempts());
            assert_eq!(self.settled.insert(job.tag, ending), None, "exactly once");
        }
        let connection = &mut self.peer.connection;
        assert_eq!(
            connection.in_flight(),
            self.started as usize - self.settled.len()
        );
        let now = self.peer.now;
        if connection.poll_timeout().is_some_and(|(at, _)| at <= now) {
            connection.handle_timeout(now);
            if let Some((_, why)) = connection.poll_timeout().filter(|(at, _)| *at <= now) {
                assert_eq!(why, aapns_proto::Wakeup::Now, "a timer spins");
                return self.check();
            }
        }
        if self.closed > 0 {
            assert_eq!(self.peer.connection.in_flight(), 0);
        }
    }
}

/// DESIGN §2, §3: random histories → every job once, NotSent never went out to its end, no spin
#[test]
fn random_histories_keep_the_contracts() {
    let seeds = std::env::var("AAPNS_HISTORIES").map_or(1_500, |n| n.parse().unwrap());
    for seed in 1..=seeds {
        let steps = 20 + (seed % 300) as u32;
        let result = std::panic::catch_unwind(|| History::new(seed).run(steps));
        assert!(result.is_ok(), "seed {seed}");
    }
}
