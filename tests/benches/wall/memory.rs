//! No socket: the server sits at the other end of a pipe in memory.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use aapns_proto::client::Builder;
use aapns_proto::{Job, Link, Outcome, Pool, Request, Time};
use aapns_tokio::{Connecting, Endpoint, Stream, Tokio};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::IN_FLIGHT;
use crate::blind::Blind;
use crate::clients::{self, pooled, raw};
use crate::rounds::Contender;
use crate::support::{self, BATCH, UNIX};

/// The pool and its link, without a handle: no futures, no wakers, no runtime.
pub(crate) fn core() -> Contender {
    let requests = support::requests();
    let mut server = ServerSide::new();
    let (pool, link) = support::dialed();
    let mut client = Core { pool, link };
    let mut clock = 0;
    let run = move |count: usize| {
        let (mut begun, mut done) = (0, 0);
        while done < count {
            clock += 1;
            let now = Time::from_millis(clock);
            let room = IN_FLIGHT - (begun - done);
            for n in 0..room.min(count - begun) {
                client.submit(now, requests[n % BATCH].clone());
                begun += 1;
            }
            client.send(now, |octets| server.feed(octets));
            server.read(|octets| client.receive(now, octets));
            while let Some(end) = client.poll_done() {
                assert!(matches!(end, Outcome::Answered(answer) if answer.status == 200));
                done += 1;
            }
        }
    };
    Contender {
        name: "aapns-proto: pool and link",
        run: Box::new(run),
    }
}

/// The pool's handle on tokio, a future for each request.
pub(crate) fn pool() -> Contender {
    let runtime = clients::runtime();
    let pool = runtime.block_on(async {
        let tokio = Tokio::with_connector(|_: &str, _: u16| -> Connecting {
            Box::pin(async { Ok(Box::new(Pipe::new()) as Box<dyn Stream>) })
        });
        let endpoint = Endpoint::parse("http://localhost:80").expect("an endpoint");
        let builder = Builder::new(tokio, endpoint).proxy(None).connections(1, 1);
        let pool = builder.pool().expect("a pool");
        pool.ready(Duration::from_secs(10))
            .await
            .expect("a connection");
        pool
    });
    pooled("aapns-tokio: Pool::post", runtime, pool)
}

/// The `h2` crate.
pub(crate) fn h2() -> Contender {
    let runtime = clients::runtime();
    let sender = runtime.block_on(clients::handshake(Pipe::new()));
    raw("h2", "http", runtime, sender)
}

/// See [`core`].
struct Core {
    pool: Pool<u32>,
    link: Link<u32>,
}

impl Core {
    fn submit(&mut self, now: Time, request: Request) {
        let deadline = Some(now + Duration::from_secs(10));
        let submitted = self
            .pool
            .submit(now, Job::new(request, 0).deadline(deadline));
        if submitted.expect("the queue has room").wake.is_some() {
            self.link.handle_wake();
        }
    }

    /// Takes what the connection has credit for, and has `feed` take the octets.
    fn send(&mut self, now: Time, mut feed: impl FnMut(&[u8])) {
        while self.link.wants_exchange(true) {
            let _ = self.link.exchange(now, UNIX, true, &mut self.pool);
            while self.pool.poll_action().is_some() {}
            self.link.handle_taken(now);
        }
        loop {
            let octets = self.link.transmit();
            let n = octets.len();
            if n == 0 {
                return;
            }
            feed(octets);
            self.link.handle_written(now, n);
        }
    }

    fn receive(&mut self, now: Time, octets: &[u8]) -> usize {
        let to = self.link.read_buf();
        let n = octets.len().min(to.len());
        to[..n].copy_from_slice(&octets[..n]);
        self.link.handle_read(now, n);
        n
    }

    fn poll_done(&mut self) -> Option<Outcome> {
        self.link.poll_done().map(|done| done.outcome)
    }
}

/// The server, and its octets that the client hasn't read.
struct ServerSide {
    blind: Blind,
    octets: Vec<u8>,
    read: usize,
}

impl ServerSide {
    fn new() -> Self {
        let mut octets = Vec::new();
        let blind = Blind::new(&mut octets);
        Self {
            blind,
            octets,
            read: 0,
        }
    }

    fn feed(&mut self, octets: &[u8]) {
        self.blind.feed(octets, &mut self.octets);
    }

    /// Has `take` read what there is; it says how much it read.
    fn read(&mut self, mut take: impl FnMut(&[u8]) -> usize) {
        while self.read < self.octets.len() {
            match take(&self.octets[self.read..]) {
                0 => return,
                n => self.read += n,
            }
        }
        self.octets.clear();
        self.read = 0;
    }
}

/// The same as a stream of tokio's.
pub(crate) struct Pipe {
    server: ServerSide,
    reader: Option<Waker>,
}

impl Pipe {
    fn new() -> Self {
        Self {
            server: ServerSide::new(),
            reader: None,
        }
    }
}

impl AsyncRead for Pipe {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.remaining();
        self.server.read(|octets| {
            let n = octets.len().min(buf.remaining());
            buf.put_slice(&octets[..n]);
            n
        });
        if buf.remaining() < before {
            return Poll::Ready(Ok(()));
        }
        self.reader = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl AsyncWrite for Pipe {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.server.feed(octets);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(octets.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
