//! One notification to many devices, in bounded memory.

use std::pin::Pin;
use std::task::{Context, Poll};

use aapns_models::notification::kind::Kind;
use aapns_models::{DeviceToken, Notification};
use futures_core::Stream;

use crate::limits::FAN_OUT;

use super::error::SendError;
use super::handle::{Client, Prepared, Sending, Sent};
use super::options::PostOptions;
use super::runtime::Runtime;
use super::unordered::Unordered;

/// The results of [`Client::send_to_many`], as they come; a `Stream`.
///
/// At most 4096 notifications are under way at a time: tokens are drawn from their iterator as results are
/// taken. Dropping it takes back what is queued; what is in flight is never sent again.
#[must_use = "nothing is sent unless the results are taken"]
pub struct Many<R: Runtime, I> {
    client: Client<R>,
    prepared: Prepared,
    options: PostOptions,
    device_tokens: I,
    is_exhausted: bool,
    under_way: Unordered<DeviceToken, Sending<R>>,
}

impl<R: Runtime> Client<R> {
    /// Sends one notification to many devices: checked and written once, results as they are done.
    ///
    /// # Cancel safety
    /// Safe: a `next()` that is dropped loses no result. Dropping the stream takes back what is queued; what
    /// is in flight is left to its answer.
    ///
    /// # Errors
    /// [`SendError::Invalid`] if the notification can't be sent; each device's own by the stream.
    pub fn send_to_many<K: Kind, I>(
        &self,
        notification: &Notification<K>,
        device_tokens: I,
        options: PostOptions,
    ) -> Result<Many<R, I::IntoIter>, SendError>
    where
        I: IntoIterator<Item = DeviceToken>,
    {
        Ok(Many {
            client: self.clone(),
            prepared: self.prepare(notification)?,
            options,
            device_tokens: device_tokens.into_iter(),
            is_exhausted: false,
            under_way: Unordered::new(),
        })
    }
}

impl<R: Runtime, I: Iterator<Item = DeviceToken>> Many<R, I> {
    /// Sends until enough is under way.
    fn fill(&mut self) {
        while !self.is_exhausted && self.under_way.len() < FAN_OUT {
            let Some(device_token) = self.device_tokens.next() else {
                self.is_exhausted = true;
                return;
            };
            let (prepared, options) = (&self.prepared, self.options);
            let sending = self
                .client
                .send_prepared(&device_token, prepared, None, options);
            self.under_way.push(device_token, sending);
        }
    }
}

impl<R: Runtime, I: Iterator<Item = DeviceToken> + Unpin> Stream for Many<R, I> {
    type Item = (DeviceToken, Result<Sent, SendError>);

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        this.fill();
        Pin::new(&mut this.under_way).poll_next(cx)
    }
}

impl<R: Runtime, I> std::fmt::Debug for Many<R, I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Many").finish_non_exhaustive()
    }
}
