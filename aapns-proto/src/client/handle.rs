//! The typed handle: notifications to device tokens.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

#[cfg(feature = "rustls")]
use aapns_models::PushType;
use aapns_models::notification::kind::Kind;
use aapns_models::{ApnsId, DeviceToken, Encoded, Expiration, Notification, Topic};
use bytes::Bytes;

use crate::pool::Stats;
use crate::request::{Head, Request};

use super::builder::{BuildError, Builder};
use super::credential::Credential;
use super::dead::{DeadTokens, Hub, Watched};
use super::endpoint::Endpoint;
use super::error::{PostError, ResponseError, SendError};
use super::heads::{Heads, Key};
use super::options::PostOptions;
use super::pool::{Drained, Pool};
use super::post::{Answer, Post};
use super::runtime::Runtime;

/// Sends typed notifications. Cheap to clone; clones share one [`Pool`].
pub struct Client<R: Runtime> {
    pool: Pool<R>,
    inner: Arc<Inner>,
    topic: Option<Topic>,
}

struct Inner {
    heads: Heads,
    dead: Arc<Hub>,
}

/// A notification that APNs accepted (status 200): accepted, which isn't yet shown on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The notification's id.
    pub apns_id: ApnsId,
    /// `apns-unique-id`, from the development service only: the key to the Push Notifications Console.
    pub unique_id: Option<ApnsId>,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed: the device may get it twice.
    pub possible_duplicate: bool,
}

/// A notification on its way: resolves to what became of it.
///
/// It is queued by the call that made this future; polling only waits. Dropping it is safe at any
/// time: see [`Post`].
#[derive(Debug)]
#[must_use = "dropping it takes the notification back"]
pub struct Sending<R: Runtime> {
    stage: Result<(ApnsId, Post<R>), Option<Box<SendError>>>,
    /// What to tell of its device token, if anybody listens.
    watched: Option<Box<Watched>>,
}

/// A notification that was checked and written once, for any number of devices.
#[derive(Clone)]
pub struct Prepared {
    head: Head,
    expiration: Expiration,
    collapse_id: Option<Arc<str>>,
    payload: Bytes,
}

/// Without the payload, which is the user's secret.
impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("payload", &format_args!("{} octets", self.payload.len()))
            .finish_non_exhaustive()
    }
}

impl<R: Runtime + Default> Client<R> {
    /// Sets up a client for this server: [`Endpoint::production`], [`Endpoint::sandbox`] or another.
    pub fn builder(endpoint: Endpoint) -> Builder<R> {
        Builder::new(R::default(), endpoint)
    }
}

impl<R: Runtime> Client<R> {
    pub(super) fn new(pool: Pool<R>, topic: Option<Topic>) -> Self {
        let inner = Arc::new(Inner {
            heads: Heads::default(),
            dead: Arc::default(),
        });
        Self { pool, inner, topic }
    }

    /// The same client, with another topic for notifications that name none; they share everything else.
    #[must_use]
    pub fn with_topic(&self, topic: impl Into<Option<Topic>>) -> Self {
        Self {
            topic: topic.into(),
            ..self.clone()
        }
    }

    /// Sends a notification to a device, with the client's timeout and policy.
    ///
    /// The notification is checked and queued by the call itself, in the order of calls.
    ///
    /// Under [`Policy::AtLeastOnce`](crate::Policy::AtLeastOnce) a device can get a notification twice
    /// when a connection breaks; a collapse id makes that harmless, [`Sent::possible_duplicate`] tells.
    ///
    /// # Cancel safety
    /// Safe, as [`Pool::post`]: dropping the future takes the notification back if it is still queued;
    /// one in flight is left to its answer, and never sent again.
    ///
    /// # Errors
    /// By the future: [`SendError`].
    pub fn send<K: Kind>(
        &self,
        device_token: &DeviceToken,
        notification: &Notification<K>,
    ) -> Sending<R> {
        self.send_with(device_token, notification, PostOptions::new())
    }

    /// The same, with a timeout and a policy of its own.
    ///
    /// # Cancel safety
    /// Safe, as [`send`](Self::send).
    ///
    /// # Errors
    /// By the future: [`SendError`].
    pub fn send_with<K: Kind>(
        &self,
        device_token: &DeviceToken,
        notification: &Notification<K>,
        options: PostOptions,
    ) -> Sending<R> {
        match self.prepare(notification) {
            Ok(mut prepared) => {
                let payload = std::mem::take(&mut prepared.payload);
                self.begin(device_token, &prepared, payload, None, options)
            }
            Err(error) => Sending::failed(error),
        }
    }

    /// Checks a notification and writes its payload, to send it to many devices with
    /// [`send_prepared`](Self::send_prepared).
    ///
    /// # Errors
    /// [`SendError::Invalid`], which names the field and the rule; `SendError::Certificate` for a topic that
    /// the client certificate doesn't list.
    pub fn prepare<K: Kind>(&self, notification: &Notification<K>) -> Result<Prepared, SendError> {
        self.prepare_encoded(notification.encode()?)
    }

    /// The same for fields and a payload that were made elsewhere.
    ///
    /// # Errors
    /// [`SendError::Field`] if a value can't be a field of a request; [`SendError::NeedsToken`] if Apple takes
    /// the push type with provider tokens alone and the credential is a certificate.
    pub fn prepare_encoded(&self, encoded: Encoded) -> Result<Prepared, SendError> {
        let topic = encoded.topic.or_else(|| {
            let topic = self.topic.as_ref()?;
            Some(match &encoded.push_type {
                Some(push_type) => topic.for_push_type(push_type),
                None => topic.clone(),
            })
        });
        #[cfg(feature = "rustls")]
        if let Some(push_type @ (PushType::Location | PushType::FileProvider)) = &encoded.push_type
            && self.pool.has_apples_certificate()
        {
            return Err(SendError::NeedsToken(push_type.clone()));
        }
        #[cfg(feature = "rustls")]
        self.pool.judge_topic(topic.as_ref().map(Topic::as_str))?;
        let key = Key {
            topic,
            push_type: encoded.push_type,
            priority: encoded.priority,
        };
        Ok(Prepared {
            head: self.head(key)?,
            expiration: encoded.expiration,
            collapse_id: encoded.collapse_id.map(|id| id.as_str().into()),
            // Without spare capacity: it may wait for long, and needs no block beside it to be shared.
            payload: encoded.payload.into_boxed_slice().into(),
        })
    }

    /// Sends what was prepared, with an id, a timeout and a policy of its own. Without an id a random one is made.
    ///
    /// # Cancel safety
    /// Safe, as [`send`](Self::send).
    ///
    /// # Errors
    /// By the future: [`SendError`].
    pub fn send_prepared(
        &self,
        device_token: &DeviceToken,
        prepared: &Prepared,
        apns_id: Option<ApnsId>,
        options: PostOptions,
    ) -> Sending<R> {
        #[cfg(feature = "rustls")]
        if let Err(fault) = self.pool.judge_head(&prepared.head) {
            return Sending::failed(fault.into());
        }
        let payload = prepared.payload.clone();
        self.begin(device_token, prepared, payload, apns_id, options)
    }

    /// The device tokens that answers call dead, of all that this client and its clones send from now on:
    /// a `Stream`, which never holds up sending.
    ///
    /// Sends whose future was dropped report nothing. Each call makes a stream of its own.
    pub fn dead_tokens(&self) -> DeadTokens {
        self.inner.dead.listen()
    }

    /// The pool beneath, for requests of other kinds, counters and [`ready`](Pool::ready).
    pub fn pool(&self) -> &Pool<R> {
        &self.pool
    }

    /// As [`Pool::ready`].
    ///
    /// # Cancel safety
    /// As [`Pool::ready`].
    ///
    /// # Errors
    /// As [`Pool::ready`].
    pub async fn ready(&self, limit: Duration) -> Result<(), PostError> {
        self.pool.ready(limit).await
    }

    /// As [`Pool::stats`].
    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }

    /// As [`Pool::set_credential`].
    ///
    /// # Errors
    /// As [`Pool::set_credential`].
    pub fn set_credential(&self, credential: impl Into<Credential>) -> Result<(), BuildError> {
        self.pool.set_credential(credential)
    }

    /// Takes no more notifications, sends what is queued, waits for the answers, and closes: as [`Pool::drain`].
    ///
    /// # Cancel safety
    /// As [`Pool::drain`].
    pub async fn drain(&self, limit: Duration) -> Drained {
        self.pool.drain(limit).await
    }

    /// Closes at once, as [`Pool::close`]: what is in flight comes back as unknown. After a run of sends take
    /// [`drain`](Self::drain).
    ///
    /// # Cancel safety
    /// As [`Pool::close`].
    pub async fn close(&self) -> Drained {
        self.pool.close().await
    }

    fn begin(
        &self,
        device_token: &DeviceToken,
        prepared: &Prepared,
        payload: Bytes,
        apns_id: Option<ApnsId>,
        options: PostOptions,
    ) -> Sending<R> {
        let apns_id = apns_id.unwrap_or_else(|| self.pool.random_id());
        match prepared.request(device_token, payload, apns_id) {
            Ok(request) => Sending {
                stage: Ok((apns_id, self.pool.post_with(request, options))),
                watched: self.inner.dead.watch(device_token, &prepared.head),
            },
            Err(error) => Sending::failed(error.into()),
        }
    }

    /// The shared part of requests, made once for each mix of topic, push type and priority.
    pub(super) fn head(&self, key: Key) -> Result<Head, crate::InvalidField> {
        self.inner.heads.get(key)
    }
}

impl Prepared {
    fn request(
        &self,
        device_token: &DeviceToken,
        payload: Bytes,
        apns_id: ApnsId,
    ) -> Result<Request, crate::InvalidField> {
        let id = apns_id.encode();
        let seconds;
        let mut own: [(&str, &[u8]); 3] = [("apns-id", &id), ("", b""), ("", b"")];
        let mut count = 1;
        let mut add = |name, value| {
            own[count] = (name, value);
            count += 1;
        };
        match self.expiration {
            Expiration::Absent => {}
            Expiration::Immediately => add("apns-expiration", b"0"),
            Expiration::At(at) => {
                seconds = at.to_string();
                add("apns-expiration", seconds.as_bytes());
            }
        }
        if let Some(collapse_id) = &self.collapse_id {
            add("apns-collapse-id", collapse_id.as_bytes());
        }
        let path = [b"/3/device/", device_token.as_str().as_bytes()];
        Request::assemble(self.head.clone(), path, &own[..count], payload)
    }
}

impl<R: Runtime> Sending<R> {
    fn failed(error: SendError) -> Self {
        Self {
            stage: Err(Some(Box::new(error))),
            watched: None,
        }
    }
}

impl<R: Runtime> Future for Sending<R> {
    type Output = Result<Sent, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (apns_id, post) = match &mut self.stage {
            Ok(sent) => sent,
            Err(error) => {
                return match error.take() {
                    Some(error) => Poll::Ready(Err(*error)),
                    None => Poll::Pending,
                };
            }
        };
        let end = ready!(Pin::new(post).poll(cx));
        let result = finish(*apns_id, end);
        if let (Some(watched), Err(SendError::Response(response))) = (self.watched.take(), &result)
        {
            watched.report(response);
        }
        Poll::Ready(result)
    }
}

/// From an answer to what it says of the notification.
fn finish(apns_id: ApnsId, result: Result<Answer, PostError>) -> Result<Sent, SendError> {
    let answer = result?;
    if answer.status() != 200 {
        return Err(SendError::Response(ResponseError::new(&answer)));
    }
    Ok(Sent {
        apns_id: answer.apns_id().unwrap_or(apns_id),
        unique_id: answer.response.unique_id,
        attempts: answer.attempts,
        possible_duplicate: answer.possible_duplicate,
    })
}

impl<R: Runtime> Clone for Client<R> {
    fn clone(&self) -> Self {
        Self {
            pool: self.pool.clone(),
            inner: Arc::clone(&self.inner),
            topic: self.topic.clone(),
        }
    }
}

impl<R: Runtime> std::fmt::Debug for Client<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", self.pool.endpoint())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
