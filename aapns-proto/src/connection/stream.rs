//! One request and its response.

use super::flow::{ReceiveWindow, SendWindow};
use super::output::{NOWHERE, Output};
use crate::delivery::Delivery;
use crate::job::Job;
use crate::limits::STREAM_WINDOW;
use crate::request::Response;

/// A stream from its start to its end: open, or half-closed on our side (RFC 9113 §5.1).
///
/// ```text
///             start            last of the body          END_STREAM, RST_STREAM,
///   idle ──────────────▶ open ────────────────▶ half-closed ────────────────▶ closed
///                          │                      (local)                       ▲
///                          └── END_STREAM, RST_STREAM, deadline, GOAWAY ────────┘
/// ```
///
/// A closed stream has no `Stream`: ids below the next one that aren't found are closed.
pub(super) struct Stream<T> {
    pub(super) id: u32,
    pub(super) job: Job<T>,
    /// The position of the HEADERS frame.
    pub(super) headers_at: u64,
    /// The position of the frame with END_STREAM.
    pub(super) end_at: u64,
    /// Octets of the body that are in DATA frames.
    pub(super) body_coded: usize,
    pub(super) send_window: SendWindow,
    pub(super) receive_window: ReceiveWindow,
    /// Interim responses so far.
    pub(super) interim: u8,
    /// The final response, from its HEADERS on.
    pub(super) response: Option<Box<Incomplete>>,
}

/// A final response whose body or trailers are still to come.
#[derive(Debug)]
pub(super) struct Incomplete {
    /// Without its body.
    pub(super) response: Response,
    pub(super) body: Vec<u8>,
    /// Octets still to come by `content-length`, if there was one and it counts.
    pub(super) expected: Option<u64>,
}

impl<T> Stream<T> {
    pub(super) fn new(id: u32, job: Job<T>, window: u32) -> Self {
        Self {
            id,
            job,
            headers_at: NOWHERE,
            end_at: NOWHERE,
            body_coded: 0,
            send_window: SendWindow::new(window),
            receive_window: ReceiveWindow::new(STREAM_WINDOW),
            interim: 0,
            response: None,
        }
    }

    /// What is known of an attempt that ends now without a response.
    pub(super) fn delivery(&self, output: &Output) -> Delivery {
        if output.is_lent(self.end_at) {
            Delivery::Unknown
        } else {
            Delivery::NotSent
        }
    }

    /// Whether the request is in the output to its end.
    pub(super) fn is_coded(&self) -> bool {
        self.end_at != NOWHERE
    }
}

impl Incomplete {
    /// Octets that it holds in memory.
    pub(super) fn held(&self) -> usize {
        self.response.fields.octets() + self.body.len()
    }

    pub(super) fn finish(self, is_truncated: bool) -> Response {
        Response {
            body: self.body.into(),
            is_truncated,
            ..self.response
        }
    }
}
