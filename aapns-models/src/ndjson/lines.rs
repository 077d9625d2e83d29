//! From octets as they were read to lines.

/// A line above this can't be a notification: the largest payload is 5 KiB, escaped six-fold 30 KiB.
const LINE_LIMIT: usize = 256 * 1024;

/// Cuts a stream of octets into numbered lines, in memory bounded by the longest line that is kept.
///
/// ```
/// use aapns_models::ndjson::{Line, Lines};
///
/// let mut lines = Lines::new();
/// lines.push(b"one\ntw".to_vec());
/// assert_eq!(lines.next_line(), Some(Line::Whole(1, b"one")));
/// assert_eq!(lines.next_line(), None); // more octets are needed
/// lines.push(b"o".to_vec());
/// lines.end();
/// assert_eq!(lines.next_line(), Some(Line::Whole(2, b"two")));
/// assert_eq!(lines.next_line(), None);
/// ```
#[derive(Default)]
pub struct Lines {
    octets: Vec<u8>,
    /// Where the next line begins.
    at: usize,
    /// Octets from `at` that hold no line feed.
    scanned: usize,
    /// Octets of the next line, once its end is known, and of its line feed.
    next: Option<(usize, usize)>,
    /// Lines so far.
    number: u64,
    /// Octets of all lines so far.
    consumed: u64,
    /// The rest of a line above the limit is being skipped.
    is_skipping: bool,
    is_ended: bool,
}

/// What came: a line is one or the other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A line without its line feed, and its number from 1.
    Whole(u64, &'a [u8]),
    /// The number of a line above [`Lines::LIMIT`], which was skipped.
    TooLong(u64),
}

impl Lines {
    /// The most octets in a line: 256 KiB.
    pub const LIMIT: usize = LINE_LIMIT;

    /// Nothing was read yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds octets, once there is no [next line](Self::has_line).
    pub fn push(&mut self, octets: Vec<u8>) {
        if self.at >= self.octets.len() {
            self.octets = octets;
        } else {
            self.octets.drain(..self.at);
            self.octets.extend_from_slice(&octets);
        }
        self.at = 0;
    }

    /// No more octets come: what has no line feed yet is the last line.
    pub fn end(&mut self) {
        self.is_ended = true;
    }

    /// Whether the next line is there; if not, more octets are needed, or it is the end.
    pub fn has_line(&mut self) -> bool {
        if self.next.is_none() {
            self.next = self.find();
        }
        self.next.is_some()
    }

    /// The next line; `None` until more is pushed, or at the end.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        if !self.has_line() {
            return None;
        }
        let (length, feed) = self.next.take()?;
        let start = self.at;
        self.at += length + feed;
        self.scanned = 0;
        self.consumed += (length + feed) as u64;
        self.number += 1;
        if std::mem::take(&mut self.is_skipping) || length > LINE_LIMIT {
            return Some(Line::TooLong(self.number));
        }
        let line = self.octets.get(start..start + length);
        Some(Line::Whole(self.number, line.unwrap_or_default()))
    }

    /// Octets of all lines so far, line feeds included.
    pub fn consumed(&self) -> u64 {
        self.consumed
    }

    fn find(&mut self) -> Option<(usize, usize)> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        let unseen = rest.get(self.scanned..).unwrap_or_default();
        if let Some(at) = unseen.iter().position(|octet| *octet == b'\n') {
            return Some((self.scanned + at, 1));
        }
        self.scanned = rest.len();
        if self.is_ended {
            return (self.scanned > 0 || self.is_skipping).then_some((self.scanned, 0));
        }
        if self.is_skipping || self.scanned > LINE_LIMIT {
            self.is_skipping = true;
            self.consumed += self.scanned as u64;
            self.octets.clear();
            (self.at, self.scanned) = (0, 0);
        }
        None
    }
}

/// Shows nothing of the lines.
impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lines")
            .field("number", &self.number)
            .field("consumed", &self.consumed)
            .finish_non_exhaustive()
    }
}

/// Shows nothing of the line.
impl std::fmt::Debug for Line<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Whole(number, line) => write!(f, "Whole({number}, {} octets)", line.len()),
            Self::TooLong(number) => write!(f, "TooLong({number})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of an input that comes in pieces of `step` octets.
    fn lines(input: &[u8], step: usize) -> Vec<String> {
        let mut lines = Lines::new();
        let mut found = Vec::new();
        let mut take = |lines: &mut Lines| {
            while let Some(line) = lines.next_line() {
                let (number, text) = match line {
                    Line::Whole(number, line) => (number, String::from_utf8_lossy(line).into()),
                    Line::TooLong(number) => (number, "LONG".to_owned()),
                };
                found.push(text);
                assert_eq!(number, found.len() as u64);
            }
        };
        for piece in input.chunks(step) {
            lines.push(piece.to_vec());
            take(&mut lines);
        }
        lines.end();
        take(&mut lines);
        assert_eq!(lines.consumed(), input.len() as u64);
        found
    }

    #[test]
    fn lines_are_whole_however_the_octets_arrive() {
        for step in 1..20 {
            let text = b"one\n\ntwo\nthree";
            assert_eq!(lines(text, step), ["one", "", "two", "three"]);
            assert_eq!(lines(b"one\n", step), ["one"]);
            assert_eq!(lines(b"", step), [""; 0]);
        }
    }

    #[test]
    fn a_line_above_the_limit_is_skipped_and_the_others_go_on() {
        let mut input = b"before\n".to_vec();
        input.resize(input.len() + LINE_LIMIT + 1, b'x');
        input.extend_from_slice(b"\nafter\nend");
        for step in [1, 1000, 64 * 1024, input.len()] {
            assert_eq!(lines(&input, step), ["before", "LONG", "after", "end"]);
        }
        input.truncate(input.len() - 10);
        assert_eq!(lines(&input, 64 * 1024), ["before", "LONG"]);
    }

    #[test]
    fn a_skipped_line_takes_no_memory() {
        let mut lines = Lines::new();
        for _ in 0..100 {
            lines.push(vec![b'x'; 64 * 1024]);
            assert_eq!(lines.next_line(), None);
            assert!(lines.octets.len() <= LINE_LIMIT + 64 * 1024);
        }
    }
}
