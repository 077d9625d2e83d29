//! Device tokens that answers call dead, as a stream: for users to clean their tables.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use aapns_models::{DeviceToken, Reason, Topic};
use futures_core::Stream;

use crate::limits::DEAD_TOKENS;
use crate::request::Head;

use super::error::ResponseError;

/// A device token that the server would not deliver to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeadToken {
    /// The token; `Debug` shows its beginning.
    pub device_token: DeviceToken,
    /// `apns-topic` of the notification; `None` if it had none.
    pub topic: Option<Topic>,
    /// With 410: since when APNs knows it, in milliseconds since 1970. A token that the app registered
    /// again after that moment is alive.
    pub since: Option<u64>,
    /// What the server said of it.
    pub hint: DeadTokenHint,
}

/// What is wrong with a device token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeadTokenHint {
    /// 410: the app was removed, or the token was replaced. Forget it.
    Unregistered,
    /// 410: the token expired. Forget it.
    Expired,
    /// 400 `BadDeviceToken`: it is malformed, or of the other environment. Forget it once you are sure
    /// that the environment is right: a table of the wrong one looks like this, all of it.
    MaybeWrongEnvironment,
    /// 400 `DeviceTokenNotForTopic`: it is another app's.
    WrongTopic,
}

impl DeadToken {
    /// Whether the server says for certain that the token is dead (410).
    pub fn is_certain(&self) -> bool {
        matches!(
            self.hint,
            DeadTokenHint::Unregistered | DeadTokenHint::Expired
        )
    }
}

impl DeadTokenHint {
    fn of(response: &ResponseError) -> Option<Self> {
        match (response.status, &response.reason) {
            (_, Some(Reason::ExpiredToken)) => Some(Self::Expired),
            (410, _) | (_, Some(Reason::Unregistered)) => Some(Self::Unregistered),
            (_, Some(Reason::BadDeviceToken)) => Some(Self::MaybeWrongEnvironment),
            (_, Some(Reason::DeviceTokenNotForTopic)) => Some(Self::WrongTopic),
            _ => None,
        }
    }
}

/// The device tokens that a client finds dead, from [`Client::dead_tokens`](super::Client::dead_tokens)
/// on; a `Stream`, which ends with the client's last clone and what it has under way.
///
/// It never holds up sending: when 4096 tokens wait to be taken, the oldest goes, and is
/// [counted](Self::missed).
#[must_use = "a stream does nothing unless it is polled"]
pub struct DeadTokens {
    hub: Weak<Hub>,
    queue: Arc<Queue>,
}

impl DeadTokens {
    /// How many tokens went because nobody took them in time.
    pub fn missed(&self) -> u64 {
        self.queue.lock().missed
    }
}

impl Stream for DeadTokens {
    type Item = DeadToken;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<DeadToken>> {
        let mut state = self.queue.lock();
        if let Some(token) = state.tokens.pop_front() {
            return Poll::Ready(Some(token));
        }
        if state.is_over {
            return Poll::Ready(None);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl fmt::Debug for DeadTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.queue.lock();
        f.debug_struct("DeadTokens")
            .field("waiting", &state.tokens.len())
            .field("missed", &state.missed)
            .finish_non_exhaustive()
    }
}

impl Drop for DeadTokens {
    fn drop(&mut self) {
        if let Some(hub) = self.hub.upgrade() {
            hub.lock().retain(|q| !Arc::ptr_eq(q, &self.queue));
            hub.listeners.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Where a client's sends report to.
#[derive(Default)]
pub(super) struct Hub {
    /// How many queues there are: sends look at nothing else while it is 0.
    listeners: AtomicUsize,
    queues: Mutex<Vec<Arc<Queue>>>,
}

#[derive(Default)]
struct Queue(Mutex<State>);

#[derive(Default)]
struct State {
    tokens: VecDeque<DeadToken>,
    missed: u64,
    waker: Option<Waker>,
    is_over: bool,
}

/// What a send under way remembers, if anybody listens.
pub(super) struct Watched {
    hub: Arc<Hub>,
    device_token: DeviceToken,
    head: Head,
}

impl Hub {
    pub(super) fn listen(self: &Arc<Self>) -> DeadTokens {
        let queue = Arc::new(Queue::default());
        self.lock().push(Arc::clone(&queue));
        self.listeners.fetch_add(1, Ordering::Relaxed);
        DeadTokens {
            hub: Arc::downgrade(self),
            queue,
        }
    }

    pub(super) fn watch(
        self: &Arc<Self>,
        device_token: &DeviceToken,
        head: &Head,
    ) -> Option<Box<Watched>> {
        if self.listeners.load(Ordering::Relaxed) == 0 {
            return None;
        }
        Some(Box::new(Watched {
            hub: Arc::clone(self),
            device_token: device_token.clone(),
            head: head.clone(),
        }))
    }

    fn report(&self, token: &DeadToken) {
        for queue in self.lock().iter() {
            queue.put(token.clone());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        for queue in self.lock().drain(..) {
            queue.end();
        }
    }
}

impl Watched {
    /// Tells those who listen, if the answer says that the token is dead.
    pub(super) fn report(&self, response: &ResponseError) {
        let Some(hint) = DeadTokenHint::of(response) else {
            return;
        };
        let topic = self.head.fields().get("apns-topic");
        self.hub.report(&DeadToken {
            device_token: self.device_token.clone(),
            topic: topic.and_then(|t| Topic::new(std::str::from_utf8(t).ok()?).ok()),
            since: response.timestamp,
            hint,
        });
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Watched")
    }
}

impl Queue {
    fn put(&self, token: DeadToken) {
        let waker = {
            let mut state = self.lock();
            if state.tokens.len() >= DEAD_TOKENS {
                state.tokens.pop_front();
                state.missed += 1;
            }
            state.tokens.push_back(token);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn end(&self) {
        let waker = {
            let mut state = self.lock();
            state.is_over = true;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Fields, Method};

    fn response(status: u16, reason: Option<Reason>) -> ResponseError {
        ResponseError {
            status,
            reason,
            timestamp: Some(7),
            apns_id: None,
            request_id: None,
            attempts: 1,
            possible_duplicate: false,
        }
    }

    fn head() -> Head {
        let fields = Fields::new().with("apns-topic", "com.example.app");
        Head::new(Method::POST, fields.expect("a field"))
    }

    fn token(n: usize) -> DeviceToken {
        DeviceToken::new(format!("{n:064x}")).expect("hexadecimal")
    }

    fn next(stream: &mut DeadTokens) -> Poll<Option<DeadToken>> {
        Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn each_reason_has_its_hint_and_others_have_none() {
        use DeadTokenHint::{Expired, MaybeWrongEnvironment, Unregistered, WrongTopic};
        for (status, reason, hint) in [
            (410, None, Some(Unregistered)),
            (410, Some(Reason::Unregistered), Some(Unregistered)),
            (410, Some(Reason::ExpiredToken), Some(Expired)),
            (
                400,
                Some(Reason::BadDeviceToken),
                Some(MaybeWrongEnvironment),
            ),
            (400, Some(Reason::DeviceTokenNotForTopic), Some(WrongTopic)),
            (400, Some(Reason::BadTopic), None),
            (403, Some(Reason::ExpiredProviderToken), None),
            (500, None, None),
        ] {
            let found = DeadTokenHint::of(&response(status, reason.clone()));
            assert_eq!(found, hint, "{status} {reason:?}");
        }
    }

    #[test]
    fn a_send_remembers_nothing_while_nobody_listens() {
        let hub = Arc::new(Hub::default());
        assert!(hub.watch(&token(1), &head()).is_none());
        let stream = hub.listen();
        assert!(hub.watch(&token(1), &head()).is_some());
        drop(stream);
        assert!(hub.watch(&token(1), &head()).is_none());
        assert!(hub.lock().is_empty());
    }

    #[test]
    fn the_oldest_goes_and_is_counted_when_nobody_takes_them() {
        let hub = Arc::new(Hub::default());
        let mut stream = hub.listen();
        for n in 0..DEAD_TOKENS + 3 {
            let watched = hub.watch(&token(n), &head()).expect("somebody listens");
            watched.report(&response(410, None));
        }
        assert_eq!(stream.missed(), 3);
        let Poll::Ready(Some(first)) = next(&mut stream) else {
            panic!("it has some");
        };
        assert_eq!(first.device_token, token(3));
        assert_eq!(
            (first.topic, first.since),
            (Topic::new("com.example.app").ok(), Some(7))
        );
    }

    #[test]
    fn the_stream_ends_with_the_last_that_could_report() {
        let hub = Arc::new(Hub::default());
        let mut stream = hub.listen();
        let watched = hub.watch(&token(1), &head()).expect("somebody listens");
        drop(hub);
        assert!(next(&mut stream).is_pending());
        watched.report(&response(410, None));
        drop(watched);
        assert!(matches!(next(&mut stream), Poll::Ready(Some(_))));
        assert_eq!(next(&mut stream), Poll::Ready(None));
    }

    #[test]
    fn debug_shows_no_token() {
        let hub = Arc::new(Hub::default());
        let mut stream = hub.listen();
        let watched = hub.watch(&token(usize::MAX), &head()).expect("a listener");
        watched.report(&response(410, None));
        let shown = format!("{stream:?} {watched:?} {:?}", next(&mut stream));
        assert!(!shown.contains(token(usize::MAX).as_str()), "{shown}");
    }
}
