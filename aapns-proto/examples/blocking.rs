//! A complete client without an async runtime: threads, std's sockets, and rustls' `StreamOwned`.
//!
//! ```sh
//! cargo run -p aapns-proto --features client,aws-lc-rs --example blocking -- https://localhost:8443 ca.pem 1000
//! ```
//!
//! It is an adapter like any other: [`Threads`] says what a task, a timer and a connection are, and the handles
//! of `aapns_proto::client` do the rest. A task is a thread that parks until it is woken or a time has come.

use std::cell::Cell;
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, UNIX_EPOCH};

use aapns_proto::client::runtime::{Runtime, Target, Timer, Transport, interleave};
use aapns_proto::client::{Builder, Endpoint, Proxy, dial_error, tls_error};
use aapns_proto::tls::rustls::{ClientConnection, StreamOwned, pki_types::TrustAnchor};
use aapns_proto::{Time, delivery::DialError};

/// How long a server may take to connect, to answer a handshake, or to take octets.
const PATIENCE: Duration = Duration::from_secs(10);

thread_local! {
    /// When this thread's task wants to be polled, if nothing wakes it before.
    static ALARM: Cell<Time> = const { Cell::new(Time::NEVER) };
}

/// Threads as a runtime, whose clock began at this moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads(pub(crate) Instant);

impl Threads {
    /// Runs a future on this thread, to its end.
    pub(crate) fn block_on<F: Future>(self, future: F) -> F::Output {
        let mut future = std::pin::pin!(future);
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
                return output;
            }
            // A wake since the poll makes parking return at once.
            thread::park_timeout(ALARM.get().saturating_since(self.now()));
            if ALARM.get() <= self.now() {
                ALARM.set(Time::NEVER);
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl Runtime for Threads {
    type Transport = Socket;
    type Timer = Self;

    fn now(&self) -> Time {
        Time::ZERO + self.0.elapsed()
    }

    fn unix(&self) -> Duration {
        UNIX_EPOCH.elapsed().unwrap_or_default()
    }

    fn random(&self) -> u64 {
        // Keyed by the operating system, and no two are alike.
        RandomState::new().build_hasher().finish()
    }

    fn timer(&self) -> Self {
        *self
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let threads = *self;
        thread::spawn(move || threads.block_on(task));
    }

    // It may block: a dial, and the connection after it, have a thread of their own.
    async fn dial(&self, target: Target) -> Result<Socket, DialError> {
        let tcp = reach(&target).map_err(|error| dial_error(&error))?;
        target.enter_tls();
        handshake(&target, tcp).map_err(|error| tls_error(&error))
    }

    fn roots(&self) -> &'static [TrustAnchor<'static>] {
        webpki_roots::TLS_SERVER_ROOTS
    }
}

impl Timer for Threads {
    fn poll_until(&mut self, _: &mut Context<'_>, deadline: Time) -> Poll<()> {
        if self.now() >= deadline {
            return Poll::Ready(());
        }
        ALARM.set(ALARM.get().min(deadline));
        Poll::Pending
    }
}

/// Name resolution, TCP, and the tunnel through a proxy if there is one.
fn reach(target: &Target) -> io::Result<TcpStream> {
    let mut tcp = Err(ErrorKind::NotFound.into());
    let found = target.address().to_socket_addrs();
    for address in interleave(found.map_err(|error| target.unresolved(&error))?) {
        tcp = tcp.or_else(|_: io::Error| TcpStream::connect_timeout(&address, PATIENCE));
    }
    let mut tcp = tcp?;
    tcp.set_nodelay(true)?;
    tcp.set_read_timeout(Some(PATIENCE))?;
    tcp.set_write_timeout(Some(PATIENCE))?;
    if let Some(proxy) = &target.proxy {
        tcp.write_all(&proxy.request(&target.host, target.port))?;
        let (mut answer, mut octet) = (Vec::new(), [0]);
        while !Proxy::response(&answer).map_err(io::Error::other)? {
            tcp.read_exact(&mut octet).map_err(Proxy::lost)?;
            answer.extend(octet);
        }
    }
    Ok(tcp)
}

fn handshake(target: &Target, mut tcp: TcpStream) -> io::Result<Socket> {
    let config = target.tls.clone().ok_or(ErrorKind::Unsupported)?;
    let tls = ClientConnection::new(config, target.server_name()?);
    let mut tls = tls.map_err(io::Error::other)?;
    tls.complete_io(&mut tcp)?;
    tcp.set_read_timeout(None)?;
    let (sender, chunks) = sync_channel(4);
    let (reader, owner) = (tcp.try_clone()?, Arc::new(OnceLock::new()));
    let tcp = Tcp {
        tcp,
        chunks,
        ahead: VecDeque::new(),
        owner: Arc::clone(&owner),
    };
    thread::spawn(move || read(reader, sender, &owner));
    Ok(Socket(StreamOwned::new(tls, tcp)))
}

/// Reads ahead on a thread of its own, a few chunks at most, so that the connection's thread never has to wait.
fn read(mut tcp: TcpStream, sender: SyncSender<Vec<u8>>, owner: &OnceLock<Thread>) {
    let (mut sender, mut buf) = (Some(sender), [0; 16 * 1024]);
    while let Some(chunks) = &sender {
        let read = tcp.read(&mut buf).unwrap_or(0);
        if read == 0 || chunks.send(buf[..read].to_vec()).is_err() {
            sender = None;
        }
        owner.get().map(Thread::unpark);
    }
}

/// A connection under TLS.
pub(crate) struct Socket(StreamOwned<ClientConnection, Tcp>);

/// A socket that is read without blocking, and written with.
pub(crate) struct Tcp {
    tcp: TcpStream,
    chunks: Receiver<Vec<u8>>,
    ahead: VecDeque<u8>,
    /// The thread to wake: a task never leaves its own. Elsewhere one keeps the last waker.
    owner: Arc<OnceLock<Thread>>,
}

impl Read for Tcp {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            match self.chunks.try_recv() {
                Ok(chunk) => self.ahead = chunk.into(),
                Err(TryRecvError::Empty) => return Err(ErrorKind::WouldBlock.into()),
                Err(TryRecvError::Disconnected) => {}
            }
        }
        self.ahead.read(buf)
    }
}

impl Write for Tcp {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.tcp.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        // Ends the reading thread; a socket that is gone already needs no end.
        let _ = self.tcp.shutdown(Shutdown::Both);
    }
}

impl Transport for Socket {
    fn alpn(&self) -> Option<&[u8]> {
        self.0.conn.alpn_protocol()
    }

    fn poll_read(&mut self, _: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        // Before the look, so that what comes right after it wakes.
        self.0.sock.owner.get_or_init(thread::current);
        match self.0.read(buf) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
            read => Poll::Ready(read),
        }
    }

    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.0.write(buf))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(self.0.flush())
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.conn.send_close_notify();
        self.poll_flush(cx)
            .map(|_| self.0.sock.tcp.shutdown(Shutdown::Write))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [origin, ca, count] = args.try_into().map_err(|_| "usage: ORIGIN CA.pem COUNT")?;
    let threads = Threads(Instant::now());
    let client = Builder::new(threads, Endpoint::parse(&origin)?)
        .ca_pem(std::fs::read(ca)?)
        .topic("com.example.app".parse()?)
        .build()?;
    let (hello, mut sending) = (aapns_models::Notification::alert("hello"), Vec::new());
    for n in 0..count.parse::<u64>()? {
        sending.push(client.send(&format!("{n:064x}").parse()?, &hello));
    }
    let ends = sending.into_iter().map(|sending| threads.block_on(sending));
    let ends = ends.inspect(|end| println!("{end:?}"));
    let delivered = ends.filter(Result::is_ok).count();
    println!("{delivered} of {count} delivered");
    threads.block_on(client.close());
    Ok(())
}
