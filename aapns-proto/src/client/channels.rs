//! Broadcast channels of apps: made, read, listed and deleted.

use aapns_models::{
    ApnsId, BundleId, ChannelConfig, ChannelId, ChannelList, InvalidAnswer, Reason,
};

use crate::delivery::Delivery;
use crate::job::Policy;
use crate::limits::CHANNEL_ANSWER;
use crate::request::{Fields, Head, InvalidField, Method, Request};

use super::builder::Builder;
use super::endpoint::Endpoint;
use super::error::{Failure, PostError, ResponseError};
use super::options::PostOptions;
use super::pool::{Drained, Pool};
use super::post::Answer;
use super::runtime::Runtime;

/// Manages the broadcast channels of apps ("Sending channel management requests to APNs").
///
/// It has connections of its own, to the host and port that Apple keeps for this: the endpoint of
/// [`Endpoint::for_channels`]. The credential is that of pushes. Cheap to clone; clones share one
/// [`Pool`].
///
/// Reading, listing and deleting are sent again where a connection broke. Creating isn't, once the
/// server may have processed it: sent twice, it would make two channels, and one of them nobody
/// would know.
///
/// Channels of the production and the development service have nothing to do with each other. An app
/// may have 10,000 of them in each.
pub struct Channels<R: Runtime> {
    pool: Pool<R>,
}

/// Why a channel could not be made, read, listed or deleted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChannelError {
    /// The channel's id can't be a field of a request: it is too long. Nothing was sent.
    #[error("the channel's id can't be sent: {0}")]
    Invalid(InvalidField),
    /// The client certificate says itself that it can't be used. Nothing was sent.
    #[cfg(feature = "rustls")]
    #[error(transparent)]
    Certificate(#[from] super::certificate::CertificateFault),
    /// The server answered, and did not do it.
    #[error(transparent)]
    Response(ResponseError),
    /// The server did it, and its answer can't be read.
    #[error(transparent)]
    Unreadable(#[from] InvalidAnswer),
    /// The server did it, and its answer came in part only, twice: it is over 1 MiB, or the connection broke.
    #[error("the answer was cut short")]
    Truncated,
    /// There is no answer; the error says whether the server can have done it.
    #[error(transparent)]
    Post(#[from] PostError),
}

impl From<InvalidField> for ChannelError {
    fn from(error: InvalidField) -> Self {
        Self::Invalid(error)
    }
}

impl ChannelError {
    /// Whether the server can have processed the request; `None` if it answered.
    pub fn delivery(&self) -> Option<Delivery> {
        match self {
            Self::Invalid(_) => Some(Delivery::NotSent),
            #[cfg(feature = "rustls")]
            Self::Certificate(_) => Some(Delivery::NotSent),
            Self::Post(error) => Some(error.delivery()),
            Self::Response(_) | Self::Unreadable(_) | Self::Truncated => None,
        }
    }

    /// The details of a request that ended without an answer.
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Post(error) => error.failure(),
            _ => None,
        }
    }

    /// The server's answer, if it turned the request down.
    pub fn response(&self) -> Option<&ResponseError> {
        match self {
            Self::Response(response) => Some(response),
            _ => None,
        }
    }

    /// The status code of that answer.
    pub fn status(&self) -> Option<u16> {
        self.response().map(|r| r.status)
    }

    /// APNs' reason, if the server gave one.
    pub fn reason(&self) -> Option<&Reason> {
        self.response()?.reason.as_ref()
    }

    /// Whether the same request can do better later, without the risk of a second channel.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Post(error) => error.is_retryable(),
            Self::Response(response) => response.is_retryable(),
            Self::Truncated => true,
            Self::Invalid(_) | Self::Unreadable(_) => false,
            #[cfg(feature = "rustls")]
            Self::Certificate(_) => false,
        }
    }

    /// Whether the server knows no such channel in this environment: it can be forgotten.
    pub fn is_channel_gone(&self) -> bool {
        self.reason() == Some(&Reason::ChannelNotRegistered)
    }
}

impl<R: Runtime + Default> Channels<R> {
    /// Sets up the management of channels beside this server of pushes, by
    /// [`Builder::channels`].
    pub fn builder(endpoint: Endpoint) -> Builder<R> {
        Builder::new(R::default(), endpoint)
    }
}

impl<R: Runtime> Channels<R> {
    pub(super) fn new(pool: Pool<R>) -> Self {
        Self { pool }
    }

    /// Makes a channel for an app, and returns its id. What it stores can't be changed later.
    ///
    /// # Cancel safety
    /// Before it is sent, it is taken back. In flight it is left to its answer, which nobody hears then: there
    /// may be a new channel.
    ///
    /// # Errors
    /// [`ChannelError`]; with [`Reason::CannotCreateChannelConfig`] the app has 10,000 channels already.
    /// After an error whose delivery is [`Delivery::Unknown`] there may be a new channel:
    /// [`list`](Self::list) tells.
    pub async fn create(
        &self,
        bundle_id: &BundleId,
        config: ChannelConfig,
    ) -> Result<ChannelId, ChannelError> {
        let path = ChannelConfig::path(bundle_id);
        let request = self.request(Method::POST, path, None, config.encode())?;
        let answer = self.ask(request, Policy::AtMostOnce).await?;
        let id = answer.response.fields.get("apns-channel-id");
        id.and_then(|id| ChannelId::new(std::str::from_utf8(id).ok()?).ok())
            .ok_or(ChannelError::Unreadable(InvalidAnswer::ChannelId))
    }

    /// Reads what a channel is.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    ///
    /// # Errors
    /// [`ChannelError`]; [`is_channel_gone`](ChannelError::is_channel_gone) if there is no such channel.
    pub async fn read(
        &self,
        bundle_id: &BundleId,
        channel_id: &ChannelId,
    ) -> Result<ChannelConfig, ChannelError> {
        let path = ChannelConfig::path(bundle_id);
        let request = self.request(Method::GET, path, Some(channel_id), Vec::new())?;
        let answer = self.fetch(request).await?;
        Ok(ChannelConfig::parse(&answer.response.body)?)
    }

    /// Deletes a channel, for good; what it stored may still be delivered for a while.
    ///
    /// A deletion that had to be sent again, and finds the channel gone then, is one that was made.
    ///
    /// # Cancel safety
    /// Before it is sent, it is taken back; in flight it is left to its answer. To repeat it is safe.
    ///
    /// # Errors
    /// [`ChannelError`]; [`is_channel_gone`](ChannelError::is_channel_gone) if there is no such channel.
    pub async fn delete(
        &self,
        bundle_id: &BundleId,
        channel_id: &ChannelId,
    ) -> Result<(), ChannelError> {
        let path = ChannelConfig::path(bundle_id);
        let request = self.request(Method::DELETE, path, Some(channel_id), Vec::new())?;
        match self.ask(request, Policy::AtLeastOnce).await {
            Err(error) if was_done_before(&error) => Ok(()),
            done => done.map(|_| ()),
        }
    }

    /// The ids of all channels of an app, 10,000 at most.
    ///
    /// # Cancel safety
    /// Safe: it changes nothing.
    ///
    /// # Errors
    /// [`ChannelError`].
    pub async fn list(&self, bundle_id: &BundleId) -> Result<Vec<ChannelId>, ChannelError> {
        let path = ChannelList::path(bundle_id);
        let request = self.request(Method::GET, path, None, Vec::new())?;
        let answer = self.fetch(request).await?;
        Ok(ChannelList::parse(&answer.response.body)?.channels)
    }

    /// The pool beneath, for counters, [`ready`](Pool::ready) and
    /// [`set_credential`](Pool::set_credential).
    pub fn pool(&self) -> &Pool<R> {
        &self.pool
    }

    /// As [`Pool::close`].
    ///
    /// # Cancel safety
    /// As [`Pool::close`].
    pub async fn close(&self) -> Drained {
        self.pool.close().await
    }

    fn request(
        &self,
        method: Method,
        path: String,
        channel_id: Option<&ChannelId>,
        body: Vec<u8>,
    ) -> Result<Request, InvalidField> {
        let head = Head::new(method, Fields::new());
        let request = Request::new(head, path, body)?
            .field("apns-request-id", self.pool.random_id().encode())?
            .with_response_limit(CHANNEL_ANSWER);
        match channel_id {
            Some(id) => request.field("apns-channel-id", id.as_str()),
            None => Ok(request),
        }
    }

    /// Asks for something whose body matters: once more if that is cut short.
    async fn fetch(&self, request: Request) -> Result<Answer, ChannelError> {
        for _ in 0..2 {
            let answer = self.ask(request.clone(), Policy::AtLeastOnce).await?;
            if !answer.response.is_truncated {
                return Ok(answer);
            }
        }
        Err(ChannelError::Truncated)
    }

    async fn ask(&self, request: Request, policy: Policy) -> Result<Answer, ChannelError> {
        #[cfg(feature = "rustls")]
        self.pool.judge_use()?;
        let options = PostOptions::new().policy(policy);
        let answer = self.pool.post_with(request, options).await?;
        if answer.response.is_success() {
            Ok(answer)
        } else {
            Err(ChannelError::Response(ResponseError::new(&answer)))
        }
    }
}

/// Whether a deletion failed because an earlier attempt of it, whose answer was lost, succeeded.
fn was_done_before(error: &ChannelError) -> bool {
    // Of an unknown channel, `BadPath` was seen too.
    let is_gone = error.is_channel_gone() || error.reason() == Some(&Reason::BadPath);
    is_gone && error.response().is_some_and(|r| r.possible_duplicate)
}

/// `apns-request-id` of an answer.
pub(super) fn request_id(answer: &Answer) -> Option<ApnsId> {
    let id = answer.response.fields.get("apns-request-id")?;
    ApnsId::parse_bytes(id)
}

impl<R: Runtime> Clone for Channels<R> {
    fn clone(&self) -> Self {
        Self::new(self.pool.clone())
    }
}

impl<R: Runtime> std::fmt::Debug for Channels<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channels")
            .field("endpoint", self.pool.endpoint())
            .finish_non_exhaustive()
    }
}
