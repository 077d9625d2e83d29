//! Live Activity updates to all who follow a channel.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use aapns_models::{ApnsId, Broadcast, EncodedBroadcast};

use crate::request::{InvalidField, Request};

use super::channels::request_id;
use super::error::{PostError, ResponseError, SendError};
use super::handle::Client;
use super::heads::Key;
use super::options::PostOptions;
use super::post::{Answer, Post};
use super::runtime::Runtime;

/// A broadcast that APNs accepted (status 200).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BroadcastSent {
    /// The request's id: the server's `apns-request-id`, or the one that was sent.
    pub request_id: ApnsId,
    /// How many attempts were begun on a connection.
    pub attempts: u32,
    /// It was sent again after an attempt that may have been processed. Devices keep the state with the
    /// newest timestamp, so that a second one changes nothing.
    pub possible_duplicate: bool,
}

/// A broadcast on its way; as [`Sending`](super::Sending).
#[derive(Debug)]
#[must_use = "dropping it takes the broadcast back"]
pub struct Broadcasting<R: Runtime>(Result<(ApnsId, Post<R>), Option<Box<SendError>>>);

impl<R: Runtime> Client<R> {
    /// Sends an update or end of a Live Activity to all who follow a channel, with the client's timeout
    /// and policy ("Sending broadcast push notification requests to APNs").
    ///
    /// It goes over the connections of pushes to devices. As with [`send`](Self::send), it is checked and
    /// queued by the call itself.
    ///
    /// # Cancel safety
    /// Safe, as [`send`](Self::send).
    ///
    /// # Errors
    /// By the future: [`SendError`]. With [`Reason::ChannelNotRegistered`](aapns_models::Reason) the
    /// channel is gone.
    pub fn broadcast(&self, broadcast: &Broadcast) -> Broadcasting<R> {
        self.broadcast_with(broadcast, PostOptions::new())
    }

    /// The same, with a timeout and policy of its own.
    ///
    /// # Cancel safety
    /// Safe, as [`send`](Self::send).
    ///
    /// # Errors
    /// As [`broadcast`](Self::broadcast).
    pub fn broadcast_with(&self, broadcast: &Broadcast, options: PostOptions) -> Broadcasting<R> {
        Broadcasting(
            self.begin_broadcast(broadcast, options)
                .map_err(|error| Some(Box::new(error))),
        )
    }

    fn begin_broadcast(
        &self,
        broadcast: &Broadcast,
        options: PostOptions,
    ) -> Result<(ApnsId, Post<R>), SendError> {
        #[cfg(feature = "rustls")]
        self.pool().judge_use()?;
        let encoded = broadcast.encode()?;
        let id = self.pool().random_id();
        let request = self.broadcast_request(encoded, id)?;
        Ok((id, self.pool().post_with(request, options)))
    }

    fn broadcast_request(
        &self,
        encoded: EncodedBroadcast,
        id: ApnsId,
    ) -> Result<Request, InvalidField> {
        let head = self.head(Key {
            topic: None,
            push_type: Some(encoded.push_type),
            priority: Some(encoded.priority),
        })?;
        let request = Request::new(head, encoded.path, encoded.payload)?
            .field("apns-channel-id", encoded.channel_id.as_str())?
            .field("apns-request-id", id.encode())?;
        // Required (BCAST): 0 where nothing else was said.
        let expiration = encoded.expiration.as_unix().unwrap_or(0);
        request.field("apns-expiration", expiration.to_string())
    }
}

impl<R: Runtime> Future for Broadcasting<R> {
    type Output = Result<BroadcastSent, SendError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok((id, post)) => Pin::new(post).poll(cx).map(|end| finish(*id, end)),
            Err(error) => match error.take() {
                Some(error) => Poll::Ready(Err(*error)),
                None => Poll::Pending,
            },
        }
    }
}

fn finish(id: ApnsId, result: Result<Answer, PostError>) -> Result<BroadcastSent, SendError> {
    let answer = result?;
    if answer.status() != 200 {
        return Err(SendError::Response(ResponseError::new(&answer)));
    }
    Ok(BroadcastSent {
        request_id: request_id(&answer).unwrap_or(id),
        attempts: answer.attempts,
        possible_duplicate: answer.possible_duplicate,
    })
}
