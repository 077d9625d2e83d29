//! Lines out of what the reading thread hands over, one by one.

use std::task::{Context, Poll, ready};

use aapns_models::ndjson::{self, Line};
use tokio::sync::mpsc;

use super::input::Chunk;

/// The input, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    chunks: mpsc::Receiver<Chunk>,
    lines: ndjson::Lines,
}

/// What came.
#[derive(Debug)]
pub(super) enum Next<'a> {
    Line(Line<'a>),
    /// No more lines; an error if the input broke: what was read of the last line then is none.
    End(Option<std::io::Error>),
}

impl Lines {
    pub(super) fn new(chunks: mpsc::Receiver<Chunk>) -> Self {
        Self {
            chunks,
            lines: ndjson::Lines::new(),
        }
    }

    /// The next line; pending until there is one.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<'_>> {
        while !self.lines.has_line() {
            match ready!(self.chunks.poll_recv(cx)) {
                Some(Ok(octets)) => self.lines.push(octets),
                Some(Err(error)) => return Poll::Ready(Next::End(Some(error))),
                None => {
                    self.lines.end();
                    break;
                }
            }
        }
        match self.lines.next_line() {
            Some(line) => Poll::Ready(Next::Line(line)),
            None => Poll::Ready(Next::End(None)),
        }
    }

    /// Octets of all lines that came.
    pub(super) fn octets(&self) -> u64 {
        self.lines.consumed()
    }
}
