//! A connection against any server: octets in any split, and every input interleaved.

use std::collections::BTreeSet;
use std::time::Duration;

use aapns_proto::connection::{Connection, ConnectionConfig, Event};
use aapns_proto::delivery::Disconnect;
use aapns_proto::job::{Job, RejectReason};
use aapns_proto::request::{Fields, Head, Method, Request};
use aapns_proto::time::Time;
use arbitrary::{Arbitrary, Result, Unstructured};

/// SETTINGS without entries, and the ACK of ours: a server that has said hello.
const HELLO: [u8; 18] = [0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 0, 0, 0, 0];

/// Any octets of a server, whole and in pieces: the same events and output, and every job comes back once.
///
/// # Panics
/// On a finding.
pub fn connection_bytes(data: &[u8]) {
    let Some((&mode, octets)) = data.split_first() else {
        return;
    };
    let whole = converse(octets, mode & 1 == 1, usize::MAX);
    let piece = usize::from(mode >> 1 & 0x1f) + 1;
    let pieces = converse(octets, mode & 1 == 1, piece);
    assert_eq!(whole, pieces, "the split changes what happens");
}

/// One conversation: what came out, as text and octets.
fn converse(octets: &[u8], has_met: bool, piece: usize) -> (Vec<String>, Vec<u8>) {
    let mut connection = Connection::new(&config(), Time::ZERO);
    feed(
        &mut connection,
        if has_met { &HELLO } else { &[] },
        usize::MAX,
    );
    let now = Time::from_millis(1);
    let started = (0..3_u32)
        .filter(|&n| connection.start(now, job(n, 100)).is_ok())
        .count();
    let mut output = connection.transmit().to_vec();
    connection.handle_written(now, output.len());
    feed(&mut connection, octets, piece);
    output.extend_from_slice(connection.transmit());
    connection.handle_disconnect(Time::from_millis(2), Disconnect::Eof);
    let mut tags = BTreeSet::new();
    let mut log = Vec::new();
    while let Some(event) = connection.poll_event() {
        if let Event::Answered(job, _) | Event::Returned(job, _, _) = &event {
            assert!(tags.insert(job.tag), "a job came back twice");
        }
        log.push(format!("{event:?}"));
    }
    assert_eq!(tags.len(), started, "a job was lost");
    assert!(connection.is_closed() && connection.poll_timeout().is_none());
    (log, output)
}

fn feed(connection: &mut Connection<u32>, mut octets: &[u8], piece: usize) {
    while !octets.is_empty() {
        let room = connection.read_buf();
        let n = room.len().min(octets.len()).min(piece);
        let (now, later) = octets.split_at(n);
        room[..n].copy_from_slice(now);
        connection.handle_read(Time::from_millis(1), n);
        octets = later;
    }
}

/// Server frames, requests, time, writes and the end, interleaved; the contracts of the API hold after each.
///
/// # Panics
/// On a finding.
pub fn connection_ops(data: &[u8]) {
    let mut input = Unstructured::new(data);
    let mut world = World::new();
    while !input.is_empty() && world.step(&mut input).is_ok() {
        world.check();
    }
    world.end();
}

struct World {
    connection: Connection<u32>,
    now: Time,
    /// Tags in flight, and the number of tags used.
    out: BTreeSet<u32>,
    used: u32,
    is_over: bool,
}

impl World {
    fn new() -> Self {
        let mut connection = Connection::new(&config(), Time::ZERO);
        feed(&mut connection, &HELLO, usize::MAX);
        Self {
            connection,
            now: Time::from_millis(1),
            out: BTreeSet::new(),
            used: 0,
            is_over: false,
        }
    }

    fn step(&mut self, input: &mut Unstructured<'_>) -> Result<()> {
        match input.int_in_range(0..=15)? {
            0 => feed(&mut self.connection, input.arbitrary()?, 7),
            1..=5 => feed(
                &mut self.connection,
                &frame(input)?,
                usize::from(u8::arbitrary(input)?) + 1,
            ),
            6..=9 => self.start(usize::from(u16::arbitrary(input)?)),
            10 => self.now += Duration::from_millis(u64::from(u16::arbitrary(input)?)),
            11 => self.write(usize::from(u16::arbitrary(input)?)),
            12 => self.write(usize::MAX),
            13 => self
                .connection
                .set_authorization(u64::from(self.used), Some("bearer abc".into())),
            14 if input.ratio(1, 8)? => self.connection.close(self.now),
            15 if input.ratio(1, 8)? => self
                .connection
                .handle_disconnect(self.now, Disconnect::Reset),
            _ => {
                let due = self.connection.poll_timeout().map(|(at, _)| at);
                self.now = self.now.max(due.unwrap_or(self.now));
                self.connection.handle_timeout(self.now);
            }
        }
        Ok(())
    }

    fn start(&mut self, body: usize) {
        let credit = self.connection.credit();
        let tag = self.used;
        self.used += 1;
        let deadline = tag
            .is_multiple_of(3)
            .then_some(self.now + Duration::from_millis(u64::from(tag % 7) * 500 + 1));
        match self
            .connection
            .start(self.now, job(tag, body).deadline(deadline))
        {
            Ok(()) => {
                assert!(credit.streams > 0, "started without credit");
                self.out.insert(tag);
            }
            Err(rejected) => {
                assert_eq!(rejected.job.tag, tag, "another job came back");
                assert!(
                    credit.streams == 0 || rejected.reason == RejectReason::TooLarge,
                    "credit, and still {:?}",
                    rejected.reason
                );
            }
        }
    }

    fn write(&mut self, most: usize) {
        let lent = self.connection.transmit().len();
        self.connection.handle_written(self.now, lent.min(most));
    }

    /// What holds after every input.
    fn check(&mut self) {
        self.connection.handle_timeout(self.now);
        self.drain();
        if let Some((at, why)) = self.connection.poll_timeout() {
            assert!(
                at > self.now,
                "a spin: {why:?} at {at:?}, now {:?}",
                self.now
            );
        } else {
            assert!(
                self.out.is_empty(),
                "requests in flight without a timeout are a stall"
            );
        }
        assert_eq!(
            self.connection.in_flight(),
            self.out.len(),
            "a stream slot leaks"
        );
        if self.is_over {
            assert_eq!(self.connection.credit().streams, 0);
        }
    }

    fn drain(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            assert!(!self.is_over, "an event after Closed");
            match event {
                Event::Answered(job, _) | Event::Returned(job, _, _) => {
                    assert!(
                        self.out.remove(&job.tag),
                        "{} came back twice, or was never taken",
                        job.tag
                    );
                }
                Event::Draining(_) => assert_eq!(self.connection.credit().streams, 0),
                Event::Closed(_) => self.is_over = true,
            }
        }
    }

    fn end(mut self) {
        self.drain();
        self.connection.handle_disconnect(self.now, Disconnect::Eof);
        self.drain();
        assert!(self.out.is_empty(), "lost: {:?}", self.out);
        assert!(self.is_over && self.connection.is_closed());
        feed(&mut self.connection, &HELLO, usize::MAX);
        self.connection.handle_timeout(Time::NEVER);
        assert!(self.connection.poll_event().is_none() && self.connection.transmit().is_empty());
    }
}

/// A frame as servers send them, on streams that may be open, more or less right.
fn frame(input: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    const BLOCKS: [&[u8]; 5] = [
        b"\x88",
        b"\x8d",
        b"\x48\x03410",
        b"\x88\x00\x07apns-id\x01x",
        b"\x48\x03103",
    ];
    let id = u32::from(u8::arbitrary(input)? & 0x1f) * 2 + 1;
    let word = |value: u32| value.to_be_bytes().to_vec();
    let (kind, flags, id, payload) = match input.int_in_range(0..=11)? {
        0..=3 => (
            1,
            4 | u8::from(input.ratio(2, 3)?),
            id,
            input.choose(&BLOCKS)?.to_vec(),
        ),
        4 => (
            0,
            u8::from(input.ratio(1, 2)?),
            id,
            vec![b'x'; usize::from(u8::arbitrary(input)?)],
        ),
        5 => (3, 0, id, word(u32::from(u8::arbitrary(input)? & 0xf))),
        6 => {
            let entry = [0, input.int_in_range(1..=8)?];
            (
                4,
                0,
                0,
                [&entry[..], &u32::arbitrary(input)?.to_be_bytes()].concat(),
            )
        }
        7 => (
            4,
            0,
            0,
            [&[0, 3][..], &word(u32::from(u8::arbitrary(input)?))].concat(),
        ),
        8 => (
            6,
            u8::from(input.ratio(1, 2)?),
            0,
            u64::from(u8::arbitrary(input)?).to_be_bytes().to_vec(),
        ),
        9 => (
            7,
            0,
            0,
            [word(id), word(u32::from(u8::arbitrary(input)? & 1))].concat(),
        ),
        10 => (8, 0, 0, word(u32::from(u16::arbitrary(input)?))),
        _ => (8, 0, id, word(u32::arbitrary(input)?)),
    };
    let length = u32::try_from(payload.len())
        .unwrap_or_default()
        .to_be_bytes();
    let mut octets = length[1..].to_vec();
    octets.extend_from_slice(&[kind, flags]);
    octets.extend_from_slice(&id.to_be_bytes());
    octets.extend_from_slice(&payload);
    Ok(octets)
}

fn config() -> ConnectionConfig {
    let mut config = ConnectionConfig::default();
    config.authority = "localhost".into();
    config.max_streams = 64;
    config
}

fn job(tag: u32, body: usize) -> Job<u32> {
    let head = Head::new(Method::POST, Fields::new());
    let request = Request::new(head, "/3/device/00", vec![b'{'; body]).expect("a valid path");
    Job::new(request, tag)
}
