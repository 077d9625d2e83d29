//! A request whose body is still coming in.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use h2::RecvStream;
use h2::server::SendResponse;
use http::Request;
use http::request::Parts;

/// Octets of body that are kept: more than any limit of Apple's.
const BODY: usize = 16 * 1024;

pub(super) struct Incoming {
    pub(super) parts: Parts,
    body: RecvStream,
    pub(super) respond: SendResponse<Bytes>,
    octets: BytesMut,
    pub(super) length: usize,
}

impl Incoming {
    pub(super) fn new(request: Request<RecvStream>, respond: SendResponse<Bytes>) -> Self {
        let (parts, body) = request.into_parts();
        Self {
            parts,
            body,
            respond,
            octets: BytesMut::new(),
            length: 0,
        }
    }

    /// The whole body, once it is there; octets beyond [`BODY`] are counted and not kept.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, h2::Error>> {
        while let Some(chunk) = ready!(self.body.poll_data(cx)) {
            let chunk = chunk?;
            self.length += chunk.len();
            // Fails only for more than was received.
            let _ = self.body.flow_control().release_capacity(chunk.len());
            if self.length == chunk.len() && self.body.is_end_stream() {
                return Poll::Ready(Ok(chunk));
            }
            let room = BODY.saturating_sub(self.octets.len());
            self.octets
                .extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        Poll::Ready(Ok(self.octets.split().freeze()))
    }
}
