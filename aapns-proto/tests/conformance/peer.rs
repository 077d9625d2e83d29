//! A server played by hand.

use std::time::Duration;

use aapns_proto::delivery::Disconnect;
use aapns_proto::frame::{ErrorCode, FrameHeader, Kind};
use aapns_proto::{
    Cause, Connection, ConnectionConfig, Delivery, Event, Fields, Head, Job, Method, RejectReason,
    Request, Time,
};

pub(crate) const END_STREAM: u8 = 0x1;
pub(crate) const ACK: u8 = 0x1;
pub(crate) const END_HEADERS: u8 = 0x4;
pub(crate) const PADDED: u8 = 0x8;
pub(crate) const PRIORITY: u8 = 0x20;

/// `:status: 200`, from the static table.
pub(crate) const OK: &[u8] = &[0x88];

/// A frame that we sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) id: u32,
    pub(crate) payload: Vec<u8>,
}

/// An event, so short that it can be compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Answered(u32, u16),
    /// Answered, but not all of it came.
    Cut(u32, u16),
    Returned(u32, Delivery, Cause),
    Draining,
    GoingAway(u32, Option<String>),
    Closed(Option<Cause>),
}

/// Our connection, and the server's side of it.
pub(crate) struct Peer {
    pub(crate) connection: Connection<u32>,
    pub(crate) now: Time,
}

impl Peer {
    /// A connection on which nothing was said yet.
    pub(crate) fn silent() -> Self {
        Self::configured(&ConnectionConfig::default())
    }

    pub(crate) fn configured(config: &ConnectionConfig) -> Self {
        Self {
            connection: Connection::new(config, Time::from_millis(1_000)),
            now: Time::from_millis(1_000),
        }
    }

    /// A connection on which both sides have said and acknowledged SETTINGS.
    pub(crate) fn ready() -> Self {
        Self::ready_with(&ConnectionConfig::default(), &[])
    }

    pub(crate) fn ready_with(config: &ConnectionConfig, entries: &[(u16, u32)]) -> Self {
        let mut peer = Self::configured(config);
        peer.hears();
        peer.says(settings(entries));
        peer.says(frame(Kind::Settings, ACK, 0, &[]));
        assert_eq!(peer.hears().len(), 1, "the acknowledgement");
        assert!(peer.connection.is_ready());
        peer
    }

    /// A ready connection with requests 1, 2 … in flight on streams 1, 3 …
    pub(crate) fn busy(requests: u32) -> Self {
        let mut peer = Self::ready();
        for tag in 1..=requests {
            peer.starts(tag);
            peer.hears();
        }
        peer
    }

    pub(crate) fn says(&mut self, octets: impl AsRef<[u8]>) -> &mut Self {
        let mut rest = octets.as_ref();
        while !rest.is_empty() {
            let room = self.connection.read_buf();
            let n = room.len().min(rest.len());
            room[..n].copy_from_slice(&rest[..n]);
            self.connection.handle_read(self.now, n);
            rest = &rest[n..];
        }
        self
    }

    /// The octets that the server hears.
    pub(crate) fn octets(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        loop {
            let lent = self.connection.transmit();
            if lent.is_empty() {
                return octets;
            }
            octets.extend_from_slice(lent);
            let n = lent.len();
            self.connection.handle_written(self.now, n);
        }
    }

    /// The frames that the server hears; the preface's magic octets are left out.
    pub(crate) fn hears(&mut self) -> Vec<Seen> {
        let octets = self.octets();
        let magic = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        frames_of(octets.strip_prefix(magic).unwrap_or(&octets))
    }

    pub(crate) fn starts(&mut self, tag: u32) {
        self.starts_job(job(tag, b"{}"));
    }

    pub(crate) fn starts_job(&mut self, job: Job<u32>) {
        self.connection.start(self.now, job).unwrap();
    }

    pub(crate) fn refused(&mut self, tag: u32) -> RejectReason {
        let rejected = self.connection.start(self.now, job(tag, b"{}"));
        rejected.unwrap_err().reason
    }

    pub(crate) fn waits(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.connection.handle_timeout(self.now);
        self
    }

    /// Lets the timers run, each at its moment, for this long; nothing else happens.
    pub(crate) fn idles(&mut self, time: Duration) -> &mut Self {
        let end = self.now + time;
        while let Some((at, _)) = self.connection.poll_timeout()
            && at <= end
        {
            self.now = self.now.max(at);
            self.connection.handle_timeout(self.now);
            assert!(
                self.connection
                    .poll_timeout()
                    .is_none_or(|(at, why)| at > self.now || why == aapns_proto::Wakeup::Now),
                "a timer spins"
            );
            if self
                .connection
                .poll_timeout()
                .is_some_and(|(at, _)| at <= self.now)
            {
                break;
            }
        }
        self.now = end;
        self
    }

    pub(crate) fn hangs_up(&mut self) -> &mut Self {
        self.connection.handle_disconnect(self.now, Disconnect::Eof);
        self
    }

    pub(crate) fn tells(&mut self) -> Vec<Told> {
        std::iter::from_fn(|| self.connection.poll_event())
            .map(Told::from)
            .collect()
    }

    /// The connection failed with this code, and request 1 was in flight.
    pub(crate) fn assert_connection_error(&mut self, code: ErrorCode) {
        let told = self.tells();
        let [
            ..,
            Told::Returned(1, Delivery::Unknown, lost),
            Told::Closed(Some(closed)),
        ] = &told[..]
        else {
            panic!("not a connection error with request 1 in flight: {told:?}");
        };
        assert_eq!(lost, closed);
        assert!(
            matches!(closed, Cause::Protocol(c, _) if *c == code),
            "{closed}"
        );
        let heard = self.hears();
        let goaway = heard.last().unwrap();
        assert_eq!(goaway.kind, Kind::GoAway);
        assert_eq!(goaway.payload, [[0; 4], code.0.to_be_bytes()].concat());
        assert!(self.connection.is_closed(), "closed as soon as it is said");
    }

    /// Stream 1 failed with this code, and the connection goes on: request 2 is answered.
    pub(crate) fn assert_stream_error(&mut self, code: ErrorCode) -> Told {
        let told = self.tells();
        let [end] = &told[..] else {
            panic!("not the end of one stream: {told:?}");
        };
        let resets: Vec<Seen> = self.hears();
        let resets: Vec<&Seen> = resets
            .iter()
            .filter(|f| f.kind == Kind::RstStream)
            .collect();
        assert_eq!(resets.len(), 1);
        assert_eq!(resets[0].id, 1);
        assert_eq!(resets[0].payload, code.0.to_be_bytes());
        self.assert_answers(3, 2);
        end.clone()
    }

    /// Stream `id` with request `tag` is answered as if nothing had happened.
    pub(crate) fn assert_answers(&mut self, id: u32, tag: u32) {
        self.says(headers(id, END_HEADERS | END_STREAM, OK));
        assert_eq!(self.tells(), [Told::Answered(tag, 200)]);
    }
}

impl From<Event<u32>> for Told {
    fn from(event: Event<u32>) -> Self {
        match event {
            Event::Answered(job, response) if response.is_truncated => {
                Self::Cut(job.tag, response.status)
            }
            Event::Answered(job, response) => Self::Answered(job.tag, response.status),
            Event::Returned(job, delivery, cause) => Self::Returned(job.tag, delivery, cause),
            Event::Draining(None) => Self::Draining,
            Event::Draining(Some(goaway)) => Self::GoingAway(
                goaway.last_stream_id,
                goaway.reason.map(|reason| reason.to_string()),
            ),
            Event::Closed(cause) => Self::Closed(cause),
        }
    }
}

pub(crate) fn job(tag: u32, body: &[u8]) -> Job<u32> {
    Job::new(request("/3/device/00", body), tag)
}

pub(crate) fn request(path: &'static str, body: &[u8]) -> Request {
    let head = Head::new(Method::POST, Fields::new());
    Request::new(head, path, body.to_vec()).unwrap()
}

pub(crate) fn frame(kind: Kind, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let mut octets = Vec::new();
    let header = FrameHeader {
        length: u32::try_from(payload.len()).unwrap(),
        kind,
        flags,
        stream_id: id,
    };
    header.encode(&mut octets);
    octets.extend_from_slice(payload);
    octets
}

pub(crate) fn headers(id: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(Kind::Headers, flags, id, block)
}

pub(crate) fn continuation(id: u32, flags: u8, block: &[u8]) -> Vec<u8> {
    frame(Kind::Continuation, flags, id, block)
}

pub(crate) fn data(id: u32, flags: u8, octets: &[u8]) -> Vec<u8> {
    frame(Kind::Data, flags, id, octets)
}

pub(crate) fn rst_stream(id: u32, code: ErrorCode) -> Vec<u8> {
    frame(Kind::RstStream, 0, id, &code.0.to_be_bytes())
}

pub(crate) fn window_update(id: u32, increment: u32) -> Vec<u8> {
    frame(Kind::WindowUpdate, 0, id, &increment.to_be_bytes())
}

pub(crate) fn settings(entries: &[(u16, u32)]) -> Vec<u8> {
    let mut payload = Vec::new();
    for (id, value) in entries {
        payload.extend_from_slice(&id.to_be_bytes());
        payload.extend_from_slice(&value.to_be_bytes());
    }
    frame(Kind::Settings, 0, 0, &payload)
}

pub(crate) fn ping(flags: u8, opaque: &[u8]) -> Vec<u8> {
    frame(Kind::Ping, flags, 0, opaque)
}

pub(crate) fn goaway(last: u32, code: ErrorCode, debug: &[u8]) -> Vec<u8> {
    let payload = [&last.to_be_bytes()[..], &code.0.to_be_bytes(), debug].concat();
    frame(Kind::GoAway, 0, 0, &payload)
}

/// Literal fields without indexing, raw; lengths under 127.
pub(crate) fn block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut octets = Vec::new();
    for (name, value) in fields {
        octets.push(0);
        for text in [name, value] {
            octets.push(u8::try_from(text.len()).unwrap());
            octets.extend_from_slice(text.as_bytes());
        }
    }
    octets
}

/// A final response's HEADERS on stream 1, then this.
pub(crate) fn response(fields: &[(&str, &str)]) -> Vec<u8> {
    headers(1, END_HEADERS, &block(fields))
}

pub(crate) fn frames_of(mut octets: &[u8]) -> Vec<Seen> {
    let mut frames = Vec::new();
    while !octets.is_empty() {
        let (header, rest) = octets.split_first_chunk().expect("whole frames");
        let header = FrameHeader::parse(header);
        let (payload, rest) = rest.split_at(header.length as usize);
        frames.push(Seen {
            kind: header.kind,
            flags: header.flags,
            id: header.stream_id,
            payload: payload.to_vec(),
        });
        octets = rest;
    }
    frames
}

/// Tests of the form: with request 1 in flight, the server says this, and the connection ends.
macro_rules! connection_errors {
    ($($(#[$doc:meta])* $name:ident: $code:ident after $octets:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            let mut peer = Peer::busy(1);
            peer.says($octets);
            peer.assert_connection_error(ErrorCode::$code);
        }
    )*};
}

/// Tests of the form: with requests 1 and 2 in flight, the server says this, and only stream 1 ends.
macro_rules! stream_errors {
    ($($(#[$doc:meta])* $name:ident: $code:ident after $octets:expr, tells ($told:pat);)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            let mut peer = Peer::busy(2);
            peer.says($octets);
            let told = peer.assert_stream_error(ErrorCode::$code);
            assert!(matches!(told, $told), "{told:?}");
        }
    )*};
}

/// Tests of the form: the server says this, and request 1 is answered as if nothing had happened.
macro_rules! tolerated {
    ($($(#[$doc:meta])* $name:ident: $octets:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            let mut peer = Peer::busy(1);
            peer.says($octets);
            assert_eq!(peer.tells(), []);
            peer.assert_answers(1, 1);
        }
    )*};
}

pub(crate) use {connection_errors, stream_errors, tolerated};
