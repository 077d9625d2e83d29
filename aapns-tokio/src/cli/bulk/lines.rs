//! Lines out of pieces, one by one, numbered.

use std::task::{Context, Poll};

use tokio::sync::mpsc;

use super::input::{LINE_LIMIT, Piece};

/// The input, line by line.
#[derive(Debug)]
pub(super) struct Lines {
    pieces: mpsc::Receiver<Piece>,
    piece: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    number: u64,
    /// Octets of all lines so far, for the progress bar.
    octets: u64,
}

/// What came.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// A line without its line feed, and its number from 1.
    Line(u64, &'a [u8]),
    /// A line above [`LINE_LIMIT`].
    LongLine(u64),
    /// No more lines; an error if the input broke.
    End(Option<std::io::Error>),
}

impl Lines {
    pub(super) fn new(pieces: mpsc::Receiver<Piece>) -> Self {
        Self {
            pieces,
            piece: Vec::new(),
            at: 0,
            number: 0,
            octets: 0,
        }
    }

    /// The next line; pending until there is one.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Next<'_>> {
        while self.at >= self.piece.len() {
            match std::task::ready!(self.pieces.poll_recv(cx)) {
                Some(Piece::Lines(piece)) => {
                    self.piece = piece;
                    self.at = 0;
                }
                Some(Piece::LongLine) => {
                    self.number += 1;
                    self.octets += LINE_LIMIT as u64;
                    return Poll::Ready(Next::LongLine(self.number));
                }
                Some(Piece::Broken(error)) => return Poll::Ready(Next::End(Some(error))),
                None => return Poll::Ready(Next::End(None)),
            }
        }
        let rest = &self.piece[self.at..];
        let line = match rest.iter().position(|octet| *octet == b'\n') {
            Some(end) => {
                self.at += end + 1;
                &rest[..end]
            }
            None => {
                self.at = self.piece.len();
                rest
            }
        };
        self.number += 1;
        self.octets += line.len() as u64 + 1;
        Poll::Ready(Next::Line(self.number, line))
    }

    /// Octets of all lines that came.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }
}
