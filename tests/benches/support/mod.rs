//! The requests of the benches, servers that only answer, and rounds with them.

use std::time::Duration;

use aapns_proto::pool::{Auth, ProviderToken};
use aapns_proto::{
    Action, Connection, ConnectionConfig, Event, Fields, Head, Job, Link, Method, Outcome, Pool,
    PoolConfig, Request, Time,
};
use bytes::Bytes;

/// Requests in flight at a time.
pub(crate) const BATCH: usize = 64;

/// Shaped like `authorization` with APNs' provider token.
pub(crate) const TOKEN: &[u8] = &[b'a'; 200];

/// The wall clock of all benches.
pub(crate) const UNIX: Duration = Duration::from_secs(1_800_000_000);

/// Requests as a push sender makes them: one head, device tokens that differ, 200 octets of payload.
pub(crate) fn requests() -> Vec<Request> {
    let fields = [
        ("apns-topic", "com.example.bench"),
        ("apns-push-type", "alert"),
        ("apns-priority", "10"),
        ("apns-expiration", "0"),
    ];
    let fields = fields
        .into_iter()
        .fold(Fields::new(), |fields, (name, value)| {
            fields.with(name, value).expect("a field")
        });
    let head = Head::new(Method::POST, fields);
    let body = Bytes::from(vec![b'x'; 200]);
    (0..BATCH)
        .map(|n| Request::new(head.clone(), format!("/3/device/{n:064x}"), body.clone()))
        .map(|request| request.expect("a path"))
        .collect()
}

/// `:status: 200`, and ids as literals that aren't indexed, Huffman-coded as APNs does.
pub(crate) fn block(ids: &[&str]) -> Vec<u8> {
    let mut block = vec![0x88];
    for name in ids {
        let value = huffman(b"eabeae54-14a8-11e5-b60b-1697f925ec7b");
        block.extend_from_slice(&[0, name.len() as u8]);
        block.extend_from_slice(name.as_bytes());
        block.push(0x80 | value.len() as u8);
        block.extend_from_slice(&value);
    }
    block
}

/// Hexadecimal digits and hyphens in the code of RFC 7541 appendix B.
fn huffman(text: &[u8]) -> Vec<u8> {
    let code = |octet: u8| match octet {
        b'0' => (0x0, 5),
        b'1' => (0x1, 5),
        b'2' => (0x2, 5),
        b'a' => (0x3, 5),
        b'c' => (0x4, 5),
        b'e' => (0x5, 5),
        b'-' => (0x16, 6),
        b'b' => (0x23, 6),
        b'd' => (0x24, 6),
        b'f' => (0x25, 6),
        digit => (0x19 + u32::from(digit - b'3'), 6),
    };
    let mut coded = Vec::new();
    let (mut queue, mut bits) = (0_u32, 0);
    for (symbol, length) in text.iter().map(|octet| code(*octet)) {
        queue = queue << length | symbol;
        bits += length;
        while bits >= 8 {
            bits -= 8;
            coded.push((queue >> bits) as u8);
        }
    }
    if bits > 0 {
        coded.push((queue << (8 - bits)) as u8 | 0xff >> bits);
    }
    coded
}

/// The answers to a batch, with room for the ids of their streams.
pub(crate) fn answers(block: &[u8]) -> Answers {
    let mut frame = vec![0, 0, block.len() as u8, 1, 0x5, 0, 0, 0, 0];
    frame.extend_from_slice(block);
    Answers {
        octets: frame.repeat(BATCH),
        frame: frame.len(),
    }
}

/// See [`answers`].
#[derive(Debug)]
pub(crate) struct Answers {
    octets: Vec<u8>,
    frame: usize,
}

impl Answers {
    /// Writes the answers to a batch of streams into `to`; how many octets they have.
    fn write(&self, batch: usize, to: &mut [u8]) -> usize {
        let to = &mut to[..self.octets.len()];
        to.copy_from_slice(&self.octets);
        for (n, frame) in to.chunks_mut(self.frame).enumerate() {
            let id = (2 * (batch * BATCH + n) + 1) as u32;
            frame[5..9].copy_from_slice(&id.to_be_bytes());
        }
        self.octets.len()
    }
}

/// SETTINGS without a limit, the ACK of ours, and a connection window that no bench uses up.
const HELLO: &[u8] = &[
    0, 0, 0, 4, 0, 0, 0, 0, 0, //
    0, 0, 0, 4, 1, 0, 0, 0, 0, //
    0, 0, 4, 8, 0, 0, 0, 0, 0, 0x7f, 0, 0, 0,
];

/// What gives the connection's window back, every so many batches.
const CREDIT: &[u8] = &[0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0x32, 0];

/// A connection after its handshake.
pub(crate) fn connected() -> Peer {
    let mut connection = Connection::new(&ConnectionConfig::default(), Time::ZERO);
    connection.set_authorization(1, Some(Bytes::from_static(TOKEN)));
    let n = connection.transmit().len();
    connection.handle_written(Time::ZERO, n);
    connection.read_buf()[..HELLO.len()].copy_from_slice(HELLO);
    connection.handle_read(Time::ZERO, HELLO.len());
    let n = connection.transmit().len();
    connection.handle_written(Time::ZERO, n);
    Peer { connection }
}

/// See [`connected`].
#[derive(Debug)]
pub(crate) struct Peer {
    connection: Connection<u32>,
}

impl Peer {
    /// Starts a batch, takes its octets, answers it, and takes the events.
    pub(crate) fn round(&mut self, requests: &[Request], answers: &Answers, batch: usize) {
        let connection = &mut self.connection;
        let now = Time::from_millis(batch as u64);
        for (tag, request) in (0_u32..).zip(requests) {
            let job = Job::new(request.clone(), tag);
            let started = connection.start(now, job);
            assert!(started.is_ok(), "there is credit");
        }
        let n = std::hint::black_box(connection.transmit()).len();
        connection.handle_written(now, n);
        let to = connection.read_buf();
        let n = answers.write(batch, to);
        to[n..n + CREDIT.len()].copy_from_slice(CREDIT);
        connection.handle_read(now, n + CREDIT.len());
        for _ in requests {
            match connection.poll_event() {
                Some(Event::Answered(_, response)) => assert_eq!(response.status, 200),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// A pool, and its one link before its handshake.
pub(crate) fn dialed() -> (Pool<u32>, Link<u32>) {
    let now = Time::ZERO;
    let mut config = PoolConfig::default();
    config.min_links = 1;
    config.max_links = 1;
    config.auth = Auth::Token;
    let mut pool = Pool::new(config, 1, now);
    let mut link = None;
    while let Some(action) = pool.poll_action() {
        match action {
            Action::Dial(dial) => link = pool.dialed(now, dial, Some(b"h2")).ok(),
            Action::Mint(mint) => {
                let token = ProviderToken::new(&"a".repeat(193), UNIX);
                pool.minted(now, UNIX, mint, token);
            }
            _ => {}
        }
    }
    (pool, link.expect("the pool dials"))
}

/// A pool whose one link is up.
pub(crate) fn linked() -> Linked {
    let now = Time::ZERO;
    let (pool, mut link) = dialed();
    let n = link.transmit().len();
    link.handle_written(now, n);
    link.read_buf()[..HELLO.len()].copy_from_slice(HELLO);
    link.handle_read(now, HELLO.len());
    let mut linked = Linked { pool, link };
    linked.turn(now);
    linked
}

/// See [`linked`].
#[derive(Debug)]
pub(crate) struct Linked {
    pool: Pool<u32>,
    link: Link<u32>,
}

impl Linked {
    /// Submits a batch, has the link take and send it, answers it, and takes the outcomes.
    pub(crate) fn round(&mut self, requests: &[Request], answers: &Answers, batch: usize) {
        let now = Time::from_millis(batch as u64);
        let deadline = Some(now + Duration::from_secs(10));
        for (tag, request) in (0_u32..).zip(requests) {
            let job = Job::new(request.clone(), tag).deadline(deadline);
            let submitted = self.pool.submit(now, job);
            if submitted.expect("the queue has room").wake.is_some() {
                self.link.handle_wake();
            }
        }
        self.turn(now);
        let to = self.link.read_buf();
        let n = answers.write(batch, to);
        to[n..n + CREDIT.len()].copy_from_slice(CREDIT);
        self.link.handle_read(now, n + CREDIT.len());
        for _ in requests {
            match self.link.poll_done().map(|done| done.outcome) {
                Some(Outcome::Answered(response)) => assert_eq!(response.status, 200),
                other => panic!("{other:?}"),
            }
        }
    }

    fn turn(&mut self, now: Time) {
        while self.link.wants_exchange(true) {
            let _ = self.link.exchange(now, UNIX, true, &mut self.pool);
            while self.pool.poll_action().is_some() {}
            self.link.handle_taken(now);
        }
        let n = std::hint::black_box(self.link.transmit()).len();
        self.link.handle_written(now, n);
    }
}
