//! The whole client in memory: a runtime of one thread whose server sits at the other end of a pipe.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use aapns_proto::client::{
    Builder, Credential, Endpoint, Pool, Post, Runtime, Target, Timer, Transport,
};
use aapns_proto::delivery::DialError;
use aapns_proto::{Request, Time};

use crate::blind::Blind;
use crate::support::{TOKEN, UNIX};

/// A pool whose one connection is up, and what runs it.
pub(crate) struct Handle {
    runtime: Memory,
    pool: Pool<Memory>,
    posts: Vec<Post<Memory>>,
    caller: Arc<Flag>,
}

impl Handle {
    pub(crate) fn new() -> Self {
        let runtime = Memory::default();
        let endpoint = Endpoint::parse("http://api.example").expect("an endpoint");
        // As long as the other cases' `authorization`.
        let token = std::str::from_utf8(&TOKEN[..TOKEN.len() - "bearer ".len()]).expect("ASCII");
        let builder = Builder::new(runtime.clone(), endpoint)
            .proxy(None)
            .connections(1, 1)
            .credential(Credential::bearer(token).expect("a token"));
        let pool = builder.pool().expect("a pool");
        runtime.run();
        assert_eq!(pool.stats().links, 1);
        Self {
            runtime,
            pool,
            posts: Vec::new(),
            caller: Arc::default(),
        }
    }

    /// Posts a batch, has the client send it, and takes the answers, as callers do: each asks once in
    /// vain, and is woken.
    pub(crate) fn round(&mut self, requests: &[Request]) {
        self.runtime.0.nanos.fetch_add(1_000_000, Ordering::Relaxed);
        let waker = Waker::from(Arc::clone(&self.caller));
        let cx = &mut Context::from_waker(&waker);
        let posts = requests
            .iter()
            .map(|request| self.pool.post(request.clone()));
        self.posts.extend(posts);
        for post in &mut self.posts {
            assert!(Pin::new(post).poll(cx).is_pending(), "nothing ran yet");
        }
        self.runtime.run();
        for mut post in self.posts.drain(..) {
            match Pin::new(&mut post).poll(cx) {
                Poll::Ready(Ok(answer)) => assert_eq!(answer.status(), 200),
                other => panic!("{other:?}"),
            }
        }
    }
}

/// See the module.
#[derive(Clone, Default)]
struct Memory(Arc<Inner>);

#[derive(Default)]
struct Inner {
    nanos: AtomicU64,
    random: AtomicU64,
    spawned: Mutex<Vec<Task>>,
    tasks: Mutex<Vec<Task>>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()> + Send>>,
    flag: Arc<Flag>,
    waker: Waker,
}

/// Set by a wake.
#[derive(Debug, Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Memory {
    /// Polls whoever was woken, until nobody is.
    fn run(&self) {
        let mut tasks = self.0.tasks.lock().expect("no panic");
        loop {
            tasks.append(&mut self.0.spawned.lock().expect("no panic"));
            let mut has_run = false;
            tasks.retain_mut(|task| {
                if !task.flag.0.swap(false, Ordering::Relaxed) {
                    return true;
                }
                has_run = true;
                let cx = &mut Context::from_waker(&task.waker);
                task.future.as_mut().poll(cx).is_pending()
            });
            if !has_run {
                return;
            }
        }
    }
}

impl Runtime for Memory {
    type Transport = Pipe;
    type Timer = Alarm;

    fn now(&self) -> Time {
        Time::from_nanos(self.0.nanos.load(Ordering::Relaxed))
    }

    fn unix(&self) -> Duration {
        UNIX
    }

    fn random(&self) -> u64 {
        self.0.random.fetch_add(1, Ordering::Relaxed)
    }

    fn timer(&self) -> Alarm {
        Alarm(self.clone())
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let flag = Arc::new(Flag(true.into()));
        let task = Task {
            future: Box::pin(task),
            waker: Waker::from(Arc::clone(&flag)),
            flag,
        };
        self.0.spawned.lock().expect("no panic").push(task);
    }

    async fn dial(&self, _: Target) -> Result<Pipe, DialError> {
        let mut octets = Vec::new();
        let server = Blind::new(&mut octets);
        Ok(Pipe {
            server,
            octets,
            read: 0,
            reader: None,
        })
    }
}

/// Goes off when its task is polled for another reason: time passes between rounds alone.
struct Alarm(Memory);

impl Timer for Alarm {
    fn poll_until(&mut self, _: &mut Context<'_>, deadline: Time) -> Poll<()> {
        match deadline <= self.0.now() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// A transport to a server that is called by what is written to it.
struct Pipe {
    server: Blind,
    octets: Vec<u8>,
    read: usize,
    reader: Option<Waker>,
}

impl Transport for Pipe {
    fn alpn(&self) -> Option<&[u8]> {
        Some(b"h2")
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut [u8]) -> Poll<io::Result<usize>> {
        let rest = &self.octets[self.read..];
        let n = rest.len().min(buf.len());
        if n == 0 {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buf[..n].copy_from_slice(&rest[..n]);
        self.read += n;
        if self.read == self.octets.len() {
            self.octets.clear();
            self.read = 0;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_write(&mut self, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.server.feed(buf, &mut self.octets);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
