//! Reading lines on a thread of its own, so that a slow or silent input never holds up answers.

use std::io::{ErrorKind, Read};

use tokio::sync::mpsc;

/// Octets asked of the input at once. Several hundred lines; small enough that lines read ahead are few.
const CHUNK: usize = 64 * 1024;

/// A line above this can't be a notification: the largest payload is 5 KiB, escaped six-fold 30 KiB.
pub(super) const LINE_LIMIT: usize = 256 * 1024;

/// Chunks that wait between the reading thread and the sender.
const AHEAD: usize = 2;

/// What the reading thread hands over.
#[derive(Debug)]
pub(super) enum Piece {
    /// Whole lines, the last possibly without its line feed.
    Lines(Vec<u8>),
    /// One line that was too long to keep; it was skipped.
    LongLine,
    /// The input broke: no more pieces follow.
    Broken(std::io::Error),
}

/// Starts the thread. It ends by itself at the end of the input, or when the receiver goes away.
pub(super) fn read(input: impl Read + Send + 'static) -> std::io::Result<mpsc::Receiver<Piece>> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    std::thread::Builder::new()
        .name("input".to_owned())
        .spawn(move || {
            let mut splitter = Splitter::new(input);
            while let Some(piece) = splitter.next_piece() {
                let is_last = matches!(piece, Piece::Broken(_));
                if sender.blocking_send(piece).is_err() || is_last {
                    break;
                }
            }
        })?;
    Ok(receiver)
}

/// Cuts a stream of octets into pieces of whole lines.
struct Splitter<R> {
    input: R,
    /// The beginning of a line whose end isn't here yet.
    rest: Vec<u8>,
    /// The rest of a line above the limit is being skipped.
    is_skipping: bool,
    is_at_end: bool,
}

impl<R: Read> Splitter<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            rest: Vec::new(),
            is_skipping: false,
            is_at_end: false,
        }
    }

    fn next_piece(&mut self) -> Option<Piece> {
        while !self.is_at_end {
            let mut piece = std::mem::take(&mut self.rest);
            let old = piece.len();
            match self.fill(&mut piece) {
                Ok(0) => self.is_at_end = true,
                Ok(_) => {}
                Err(error) => {
                    self.is_at_end = true;
                    return Some(Piece::Broken(error));
                }
            }
            if self.is_skipping {
                // `old` is 0 here: nothing of a skipped line is kept.
                match memchr(&piece) {
                    Some(end) => {
                        self.is_skipping = false;
                        self.rest = piece.split_off(end + 1);
                        return Some(Piece::LongLine);
                    }
                    None if self.is_at_end => return Some(Piece::LongLine),
                    None => continue,
                }
            }
            if self.is_at_end {
                return (!piece.is_empty()).then_some(Piece::Lines(piece));
            }
            match piece[old..].iter().rposition(|b| *b == b'\n') {
                Some(end) => {
                    self.rest = piece.split_off(old + end + 1);
                    return Some(Piece::Lines(piece));
                }
                None if piece.len() > LINE_LIMIT => self.is_skipping = true,
                None => self.rest = piece,
            }
        }
        None
    }

    /// One successful read: what is there now, without waiting for more.
    fn fill(&mut self, piece: &mut Vec<u8>) -> std::io::Result<usize> {
        let old = piece.len();
        piece.resize(old + CHUNK, 0);
        let read = loop {
            match self.input.read(&mut piece[old..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        piece.truncate(old + read.as_ref().copied().unwrap_or(0));
        read
    }
}

fn memchr(octets: &[u8]) -> Option<usize> {
    octets.iter().position(|b| *b == b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives `step` octets at a time.
    struct Drip<'a>(&'a [u8], usize);

    impl Read for Drip<'_> {
        fn read(&mut self, to: &mut [u8]) -> std::io::Result<usize> {
            let n = self.1.min(self.0.len()).min(to.len());
            to[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    fn lines(input: &[u8], step: usize) -> Vec<String> {
        let mut splitter = Splitter::new(Drip(input, step));
        let mut lines = Vec::new();
        while let Some(piece) = splitter.next_piece() {
            match piece {
                Piece::Lines(octets) => {
                    let text = String::from_utf8(octets).unwrap();
                    lines.extend(text.lines().map(str::to_owned));
                }
                Piece::LongLine => lines.push("LONG".to_owned()),
                Piece::Broken(error) => panic!("{error}"),
            }
        }
        lines
    }

    #[test]
    fn lines_are_whole_however_the_octets_arrive() {
        for step in 1..20 {
            assert_eq!(
                lines(b"one\n\ntwo\nthree", step),
                ["one", "", "two", "three"]
            );
            assert_eq!(lines(b"one\n", step), ["one"]);
            assert_eq!(lines(b"", step), [""; 0]);
        }
    }

    #[test]
    fn a_line_above_the_limit_is_skipped_and_the_others_go_on() {
        let mut input = b"before\n".to_vec();
        input.resize(input.len() + 2 * LINE_LIMIT, b'x');
        input.extend_from_slice(b"\nafter\nend");
        for step in [1000, CHUNK, usize::MAX] {
            assert_eq!(lines(&input, step), ["before", "LONG", "after", "end"]);
        }
        input.truncate(input.len() - 10);
        assert_eq!(lines(&input, CHUNK), ["before", "LONG"]);
    }

    #[test]
    fn what_is_there_is_handed_over_without_waiting_for_more() {
        let mut splitter = Splitter::new(Drip(b"a\nb\nc", 3));
        assert!(matches!(splitter.next_piece(), Some(Piece::Lines(piece)) if piece == b"a\n"));
    }
}
