//! A pool's handle without a server: the line before a full queue, and who waits for what.

use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;
use std::task::{Context, Waker};

use super::*;
use crate::client::runtime::{Target, Transport};
use crate::delivery::{DialError, DialStep};
use crate::request::{Fields, Head, Method};

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A runtime whose clock and tasks move when told to, and whose dials never come to anything.
#[derive(Clone, Default)]
struct Fake {
    nanos: Arc<AtomicU64>,
    tasks: Arc<Mutex<Vec<Task>>>,
    refusal: Option<DialError>,
}

impl Fake {
    fn refusing(is_fatal: bool) -> Self {
        let refusal = DialError {
            step: DialStep::Connect,
            is_fatal,
            message: "no route".into(),
        };
        Self {
            refusal: Some(refusal),
            ..Self::default()
        }
    }

    fn pool(&self, queue: usize) -> Pool<Self> {
        let endpoint = Endpoint::parse("http://127.0.0.1:1").expect("an endpoint");
        let builder = Builder::new(self.clone(), endpoint).queue(queue, 1_000);
        builder.pool().expect("a pool")
    }

    /// Lets time pass, and the tasks do what there is to do.
    fn wait(&self, time: Duration) {
        let nanos = u64::try_from(time.as_nanos()).expect("a short time");
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        for _ in 0..10 {
            let mut tasks = std::mem::take(&mut *self.tasks.lock().expect("no panic"));
            tasks.retain_mut(|task| poll(task.as_mut()).is_pending());
            self.tasks.lock().expect("no panic").append(&mut tasks);
        }
    }
}

impl Runtime for Fake {
    type Transport = Nothing;
    type Timer = Alarm;

    fn now(&self) -> Time {
        Time::from_nanos(self.nanos.load(Ordering::Relaxed))
    }
    fn unix(&self) -> Duration {
        Duration::from_secs(1_800_000_000)
    }
    fn random(&self) -> u64 {
        4
    }
    fn timer(&self) -> Alarm {
        Alarm(self.clone())
    }
    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().expect("no panic").push(Box::pin(task));
    }
    async fn dial(&self, _: Target) -> Result<Nothing, DialError> {
        match &self.refusal {
            Some(refusal) => Err(refusal.clone()),
            None => std::future::pending().await,
        }
    }
}

struct Alarm(Fake);

impl Timer for Alarm {
    fn poll_until(&mut self, _: &mut Context<'_>, deadline: Time) -> Poll<()> {
        if self.0.now() >= deadline {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

/// No dial gets so far.
struct Nothing;

impl Transport for Nothing {
    fn alpn(&self) -> Option<&[u8]> {
        None
    }
    fn poll_read(&mut self, _: &mut Context<'_>, _: &mut [u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_write(&mut self, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Pending
    }
    fn poll_flush(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
    fn poll_close(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Pending
    }
}

fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn request(octets: usize) -> Request {
    let head = Head::new(Method::POST, Fields::new());
    Request::new(head, "/3/device/00", vec![b'x'; octets]).expect("a request")
}

fn secs(secs: u64) -> PostOptions {
    PostOptions::new().timeout(Duration::from_secs(secs))
}

/// How a request ended, which it must have.
fn error(mut post: Post<Fake>) -> PostError {
    match poll(Pin::new(&mut post)) {
        Poll::Ready(result) => result.expect_err("no server"),
        Poll::Pending => panic!("not over yet"),
    }
}

/// How many are in the queue, and how many in line for it.
fn places(pool: &Pool<Fake>) -> (u64, usize) {
    (pool.stats().pending, pool.waiting())
}

#[test]
fn a_caller_that_is_not_polled_holds_up_nobody() {
    let pool = Fake::default().pool(1);
    let mut posts: Vec<_> = (0..4).map(|_| Some(pool.post(request(2)))).collect();
    assert_eq!(places(&pool), (1, 3));
    // The second one is handed to the queue, and nobody polled it.
    posts[0] = None;
    assert_eq!(places(&pool), (1, 2));
    posts[1] = None;
    assert_eq!(places(&pool), (1, 1));
    posts[2] = None;
    assert_eq!(places(&pool), (1, 0));
}

#[test]
fn a_deadline_in_line_runs_from_the_call_and_needs_no_poll() {
    let fake = Fake::default();
    let pool = fake.pool(1);
    let first = pool.post_with(request(2), secs(60));
    let second = pool.post_with(request(2), secs(5));
    let third = pool.post_with(request(2), secs(50));
    fake.wait(Duration::from_secs(4));
    assert_eq!(places(&pool), (1, 2));
    fake.wait(Duration::from_secs(1));
    assert_eq!(places(&pool), (1, 1));
    let error = error(second);
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert!(matches!(
        error.failure().expect("a cause").cause,
        Cause::Dial(_)
    ));
    assert_eq!(pool.stats().errors, 1);
    drop(first);
    assert_eq!(places(&pool), (1, 0));
    fake.wait(Duration::from_secs(45));
    assert_eq!(self::error(third).delivery(), Delivery::NotSent);
}

#[test]
fn one_that_goes_away_leaves_the_line() {
    let pool = Fake::default().pool(1);
    let mut posts: Vec<_> = (0..5).map(|_| Some(pool.post(request(2)))).collect();
    posts[2] = None;
    posts[4] = None;
    assert_eq!((places(&pool), pool.stats().abandoned), ((1, 2), 2));
    posts[0] = None;
    posts[1] = None;
    assert_eq!((places(&pool), pool.stats().abandoned), ((1, 0), 4));
    assert!(posts[3].is_some());
}

#[test]
fn a_small_request_goes_ahead_once_the_large_one_before_it_has_left() {
    let pool = Fake::default().pool(10);
    let first = pool.post(request(600));
    let large = pool.post(request(500));
    let small = pool.post(request(100));
    assert_eq!(places(&pool), (1, 2));
    drop(large);
    assert_eq!(places(&pool), (2, 0));
    let never = pool.post(request(1_001));
    assert_eq!(error(never), PostError::TooLarge);
    drop((first, small));
}

#[test]
fn a_long_line_moves_up_as_one_when_there_is_room_for_all() {
    let fake = Fake::default();
    let pool = fake.pool(10_000);
    let large = pool.post(request(1_000));
    let posts: Vec<_> = (0..2_000).map(|_| pool.post(request(0))).collect();
    // Without octets they fit beside the large one.
    assert_eq!(places(&pool), (2_001, 0));
    drop(posts);
    let posts: Vec<_> = (0..1_000).map(|_| pool.post(request(1))).collect();
    assert_eq!(places(&pool), (1, 1_000));
    drop(large);
    fake.wait(Duration::ZERO);
    assert_eq!(places(&pool), (1_000, 0));
    drop(posts);
}

#[test]
fn what_stands_in_line_comes_back_when_the_pool_closes() {
    let fake = Fake::default();
    let pool = fake.pool(1);
    let posts: Vec<_> = (0..20).map(|_| pool.post(request(2))).collect();
    let mut closing = pin!(pool.close());
    assert!(poll(closing.as_mut()).is_pending());
    fake.wait(Duration::ZERO);
    assert_eq!(poll(closing), Poll::Ready(Drained { unsent: 20 }));
    for post in posts {
        assert!(matches!(error(post), PostError::Closed(_)));
    }
    assert!(matches!(error(pool.post(request(2))), PostError::Closed(_)));
}

#[test]
fn waiting_for_a_pool_takes_one_seat_however_often_it_is_polled() {
    let fake = Fake::default();
    let pool = fake.pool(1);
    let watchers = || pool.0.shared.with(|core| core.watchers.len());
    {
        let mut ready = pin!(pool.ready(Duration::from_secs(1)));
        for _ in 0..100 {
            assert!(poll(ready.as_mut()).is_pending());
        }
        assert_eq!(watchers(), 1);
    }
    assert_eq!(watchers(), 0);
    {
        let mut closing = pin!(pool.drain(Duration::from_secs(1)));
        for _ in 0..100 {
            assert!(poll(closing.as_mut()).is_pending());
        }
        assert_eq!(watchers(), 1);
    }
    assert_eq!(watchers(), 0);
}

#[test]
fn ready_says_how_the_last_dial_failed() {
    let fake = Fake::refusing(false);
    let pool = fake.pool(1);
    let mut ready = pin!(pool.ready(Duration::from_secs(1)));
    assert!(poll(ready.as_mut()).is_pending());
    fake.wait(Duration::from_millis(900));
    assert!(poll(ready.as_mut()).is_pending());
    fake.wait(Duration::from_millis(100));
    let Poll::Ready(Err(error)) = poll(ready) else {
        panic!("its time is over");
    };
    assert!(matches!(error, PostError::Failed(_)));
    assert!(
        error.to_string().starts_with("connect: no route"),
        "{error}"
    );
}

#[test]
fn ready_says_at_once_what_opened_the_breaker() {
    let fake = Fake::refusing(true);
    let pool = fake.pool(1);
    let mut ready = pin!(pool.ready(Duration::from_secs(1)));
    assert!(poll(ready.as_mut()).is_pending());
    fake.wait(Duration::ZERO);
    let Poll::Ready(Err(error)) = poll(ready) else {
        panic!("the breaker is open");
    };
    assert!(
        error.to_string().starts_with("connect: no route"),
        "{error}"
    );
}

#[test]
fn ready_ends_when_the_pool_closes() {
    let fake = Fake::default();
    let pool = fake.pool(1);
    let mut ready = pin!(pool.ready(Duration::from_secs(1)));
    assert!(poll(ready.as_mut()).is_pending());
    let mut closing = pin!(pool.close());
    let _ = poll(closing.as_mut());
    let closed = Err(PostError::settled(
        Cause::Closed,
        Delivery::NotSent,
        (0, false),
    ));
    assert_eq!(poll(ready), Poll::Ready(closed));
}

/// A generator of numbers that look random (Knuth's MMIX).
fn next(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    (*seed >> 33) % below
}

#[test]
fn whatever_callers_do_nobody_stands_in_line_before_a_queue_with_room() {
    const QUEUE: usize = 5;
    for mut seed in 0..50 {
        let fake = Fake::default();
        let pool = fake.pool(QUEUE);
        let mut posts = Vec::new();
        for _ in 0..200 {
            match next(&mut seed, 6) {
                0..=2 => {
                    let time = [2, 5, 1_000][next(&mut seed, 3) as usize];
                    posts.push(pool.post_with(request(2), secs(time)));
                }
                3 => fake.wait(Duration::from_millis(700)),
                _ if posts.is_empty() => {}
                _ => {
                    let at = next(&mut seed, posts.len() as u64) as usize;
                    drop(posts.swap_remove(at));
                }
            }
            let (pending, waiting) = places(&pool);
            assert!(
                waiting == 0 || pending == QUEUE as u64,
                "{pending}, {waiting}"
            );
        }
        posts.retain_mut(|post| poll(Pin::new(post)).is_pending());
        let (pending, waiting) = places(&pool);
        assert_eq!(pending + waiting as u64, posts.len() as u64);
        let mut closing = pin!(pool.close());
        assert!(poll(closing.as_mut()).is_pending());
        fake.wait(Duration::ZERO);
        let unsent = posts.len() as u64;
        assert_eq!(poll(closing), Poll::Ready(Drained { unsent }));
        for post in posts {
            assert!(matches!(error(post), PostError::Closed(_)));
        }
    }
}
