//! A line on its way.

use std::pin::Pin;
use std::task::{Context, Poll};

use aapns_models::ApnsId;
use aapns_proto::Request;
use aapns_proto::client::{Answer, Post, PostError};

use crate::Tokio;

/// A posted line: resolves to itself and its result.
pub(super) struct Flight {
    /// Taken when it resolves.
    line: Option<Line>,
    post: Post<Tokio>,
}

/// What the output needs of a line.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) number: u64,
    /// Its path ends in the device token.
    pub(super) request: Request,
    pub(super) apns_id: ApnsId,
    /// An earlier run may have delivered it.
    pub(super) may_be_processed: bool,
}

impl Flight {
    pub(super) fn new(line: Line, post: Post<Tokio>) -> Self {
        Self {
            line: Some(line),
            post,
        }
    }
}

impl Future for Flight {
    type Output = Option<(Line, Result<Answer, PostError>)>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(Pin::new(&mut self.post).poll(cx));
        Poll::Ready(self.line.take().map(|line| (line, result)))
    }
}
