//! A user's own test: does a campaign keep its books right, whatever the network does?
//!
//! ```sh
//! cargo run -p aapns-proto --example simulation
//! ```
//!
//! The core has no clock, no sockets and no randomness of its own, so a test can be all three: time jumps from
//! event to event, the server is a few lines, and each seed is another run of bad luck, to be had again at will.

use std::collections::BTreeMap;
use std::time::Duration;

use aapns_proto::frame::{FrameHeader, Kind, PREFACE};
use aapns_proto::{Action, Fields, Head, Job, Link, Method, Outcome, Policy};
use aapns_proto::{Pool, PoolConfig, Request, Time};

/// What is tested: it tells who got a message, and to whom it may be sent again.
pub(crate) type Campaign = BTreeMap<u32, &'static str>;

fn settle(campaign: &mut Campaign, device: u32, outcome: Outcome) {
    let fate = match outcome {
        Outcome::Answered(response) if response.status == 200 => "reached",
        Outcome::Failed(_, delivery) if delivery.is_unprocessed() => "again",
        _ => "uncertain",
    };
    assert_eq!(campaign.insert(device, fate), None, "settled twice");
}

/// How many devices a campaign has.
const DEVICES: u32 = 50;

/// How often the server processed the message to each device: what no client can know.
type Processed = BTreeMap<u32, u32>;

/// The server's end of one connection.
#[derive(Default)]
struct Server {
    /// The state of chance, a linear congruential generator.
    luck: u64,
    output: Vec<u8>,
    /// Answers that take their time.
    later: BTreeMap<(Time, u32), Vec<u8>>,
    is_cut: bool,
    /// It said GOAWAY, and takes no more.
    is_leaving: bool,
}

/// A frame (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let head = [0, 0, payload.len() as u8, kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

impl Server {
    fn roll(&mut self, sides: u64) -> u64 {
        self.luck = self.luck.wrapping_mul(0x5851_f42d_4c95_7f2d) | 1;
        (self.luck >> 33) % sides
    }

    /// Whole frames, since all that is written is taken at once.
    fn receive(&mut self, processed: &mut Processed, now: Time, octets: &[u8]) {
        let mut octets = octets.strip_prefix(PREFACE).unwrap_or(octets);
        while let Some((head, rest)) = octets.split_first_chunk() {
            let head = FrameHeader::parse(head);
            let (payload, rest) = rest.split_at(head.length as usize);
            match (head.kind, head.flags & 1) {
                (Kind::Settings, 0) => self.output.extend(frame(4, 1, 0, &[])), // acknowledged
                (Kind::Data, 1) => self.decide(processed, now, head.stream_id, payload),
                _ => {}
            }
            octets = rest;
        }
    }

    /// A message is complete; its body is its device's number.
    fn decide(&mut self, processed: &mut Processed, now: Time, stream: u32, body: &[u8]) {
        let at = now + Duration::from_millis(self.roll(400));
        match (self.roll(12), body.try_into().map(u32::from_be_bytes)) {
            _ if self.is_leaving => {}
            (0, _) => self.output.extend(frame(3, 0, stream, &[0, 0, 0, 7])), // REFUSED_STREAM
            (1, _) => {
                let last = stream.saturating_sub(2).to_be_bytes();
                self.output.extend(frame(7, 0, 0, &[last, [0; 4]].concat())); // GOAWAY
                self.is_leaving = true;
            }
            (luck, device) => {
                *processed.entry(device.expect("a number")).or_default() += 1;
                self.is_cut |= luck == 2; // and the answer is lost
                let answer = frame(1, 5, stream, &[0x88]); // HEADERS: status 200
                self.later.insert((at, stream), answer);
            }
        }
    }
}

/// One connection: both its ends.
type Peer = (Link<u32>, Server);

/// A turn of one connection; whether anything moved.
fn turn(now: Time, pool: &mut Pool<u32>, peer: &mut Peer, processed: &mut Processed) -> bool {
    let (link, server) = peer;
    while let Some(answer) = server.later.first_entry().filter(|e| e.key().0 <= now) {
        server.output.extend(answer.remove());
    }
    let read = server.output.len().min(link.read_buf().len());
    link.read_buf()[..read].copy_from_slice(&server.output[..read]);
    server.output.drain(..read);
    link.handle_read(now, read);
    link.handle_timeout(now);
    // Whom it would wake has its turn anyway; and the wall clock matters to provider tokens only.
    let _ = link.exchange(now, Duration::ZERO, true, pool);
    link.handle_taken(now);
    let written = link.transmit().len();
    server.receive(processed, now, link.transmit());
    link.handle_written(now, written);
    if server.is_cut {
        link.handle_disconnect(now, aapns_proto::delivery::Disconnect::Reset);
    }
    read + written > 0
}

/// Runs a campaign to its end in virtual time: how it ended, and what the server knows.
fn simulate(seed: u64) -> Result<(Campaign, Processed), Box<dyn std::error::Error>> {
    let (mut now, mut processed, mut campaign) = (Time::ZERO, BTreeMap::new(), BTreeMap::new());
    let mut pool = Pool::new(PoolConfig::default(), seed, now);
    let deadline = Some(now + Duration::from_millis(800));
    for device in 0..DEVICES {
        let (head, body) = (Head::new(Method::POST, Fields::new()), device.to_be_bytes());
        let request = Request::new(head, format!("/3/device/{device:08x}"), body.to_vec())?;
        let job = Job::new(request, device).policy(Policy::AtMostOnce);
        assert!(pool.submit(now, job.deadline(deadline)).is_ok());
    }
    let mut peers: Vec<Peer> = Vec::new();
    while campaign.len() < DEVICES as usize {
        pool.handle_timeout(now);
        let mut has_moved = false;
        for peer in &mut peers {
            has_moved |= turn(now, &mut pool, peer, &mut processed);
            while let Some(done) = peer.0.poll_done() {
                settle(&mut campaign, done.tag, done.outcome);
            }
        }
        for (link, _) in peers.extract_if(.., |peer| peer.0.is_closed()) {
            let _ = pool.link_closed(now, link);
        }
        while let Some(action) = pool.poll_action() {
            has_moved = true;
            match action {
                Action::Done(done) => settle(&mut campaign, done.tag, done.outcome),
                Action::Dial(dial) => {
                    let mut server = Server::default();
                    server.output.extend(frame(4, 0, 0, &[0, 3, 0, 0, 0, 2])); // SETTINGS: 2 streams
                    server.luck = seed ^ dial.id;
                    peers.push((pool.dialed(now, dial, Some(b"h2"))?, server));
                }
                _ => {}
            }
        }
        // Nothing is left to do now: on to the next event.
        let mut due = pool.poll_timeout().map_or(Time::NEVER, |(at, _)| at);
        for (link, server) in &peers {
            due = due.min(link.poll_timeout().map_or(due, |(at, _)| at));
            due = due.min(server.later.keys().next().map_or(due, |(at, _)| *at));
        }
        now = if has_moved { now } else { due.max(now) };
    }
    Ok((campaign, processed))
}

/// What must hold for every seed, and the campaign that it makes.
pub(crate) fn check(seed: u64) -> Result<Campaign, Box<dyn std::error::Error>> {
    let (campaign, processed) = simulate(seed)?;
    for (device, fate) in &campaign {
        match (*fate, processed.get(device).unwrap_or(&0)) {
            ("reached", 1) | ("again", 0) | ("uncertain", 0 | 1) => {}
            wrong => panic!("seed {seed}, device {device}: {wrong:?}"),
        }
    }
    assert_eq!(simulate(seed)?.0, campaign, "seed {seed}");
    Ok(campaign)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for seed in 0..100 {
        let campaign = check(seed)?;
        let reached = campaign.values().filter(|fate| **fate == "reached");
        println!("seed {seed}: {} of {DEVICES} reached", reached.count());
    }
    Ok(())
}
