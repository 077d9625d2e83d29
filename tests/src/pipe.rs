//! The octets between a client and the fake server, and what can happen to them on the way.

use std::collections::VecDeque;
use std::time::Duration;

use aapns_proto::Time;

/// How a direction of a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The writer closed: the reader gets what is on the way, then EOF.
    Eof,
    /// The connection was reset: what hasn't arrived is lost.
    Reset,
}

/// One direction of a connection: octets arrive some time after they were written.
#[derive(Debug, Default)]
pub struct Pipe {
    /// Octets written and not read; the first `arrived` of them can be read.
    octets: VecDeque<u8>,
    arrived: usize,
    /// When which of the others arrive: (time, how many).
    on_the_way: VecDeque<(Time, usize)>,
    /// Octets that were ever written.
    written: u64,
    /// Octets that ever arrived.
    delivered: u64,
    /// Nothing arrives before.
    stalled_until: Time,
    /// Reset once so many octets arrived.
    cut_at: Option<u64>,
    end: Option<End>,
}

/// Octets that a direction holds before its writer must wait.
pub const CAPACITY: usize = 64 * 1024;

impl Pipe {
    /// How many octets the writer can write.
    pub fn room(&self, capacity: usize) -> usize {
        capacity.saturating_sub(self.octets.len())
    }

    /// Writes; they arrive after `latency`, never ahead of earlier ones. Nothing if the pipe has ended.
    pub fn write(&mut self, now: Time, octets: &[u8], latency: Duration) {
        if self.end.is_some() || octets.is_empty() {
            return;
        }
        let last = self.on_the_way.back().map_or(Time::ZERO, |(at, _)| *at);
        self.octets.extend(octets);
        self.on_the_way.push_back((
            (now + latency).max(last).max(self.stalled_until),
            octets.len(),
        ));
        self.written += octets.len() as u64;
    }

    /// Octets ever written.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Nothing arrives before then; [`Time::NEVER`] is a black hole.
    pub fn stall(&mut self, until: Time) {
        self.stalled_until = self.stalled_until.max(until);
    }

    /// Resets the pipe once `more` further octets arrived.
    pub fn cut_after(&mut self, more: u64) {
        self.cut_at.get_or_insert(self.delivered + more);
    }

    /// Takes back a cut that is still to come.
    pub fn spare(&mut self) {
        self.cut_at = None;
    }

    /// Ends the pipe.
    pub fn end(&mut self, end: End) {
        if end == End::Reset {
            let lost = self.octets.len() - self.arrived;
            self.octets.truncate(self.octets.len() - lost);
            self.on_the_way.clear();
            self.end = Some(end);
        }
        self.end.get_or_insert(end);
    }

    /// When the next octets arrive.
    pub fn next_arrival(&self) -> Option<Time> {
        self.on_the_way
            .front()
            .map(|(at, _)| (*at).max(self.stalled_until))
            .filter(|at| *at < Time::NEVER)
    }

    /// Lets arrive what is due.
    pub fn advance(&mut self, now: Time) {
        while let Some((at, count)) = self.on_the_way.front().copied() {
            if at.max(self.stalled_until) > now {
                break;
            }
            self.on_the_way.pop_front();
            let left = self.cut_at.map(|cut| cut.saturating_sub(self.delivered));
            match left {
                Some(left) if left <= count as u64 => {
                    self.arrived += usize::try_from(left).unwrap_or(count);
                    self.delivered += left;
                    self.end(End::Reset);
                }
                _ => {
                    self.arrived += count;
                    self.delivered += count as u64;
                }
            }
        }
    }

    /// Reads what has arrived, at most `most` octets.
    pub fn read(&mut self, into: &mut [u8], most: usize) -> usize {
        let count = self.arrived.min(into.len()).min(most);
        let (first, second) = self.octets.as_slices();
        let (first, second) = match first.get(..count) {
            Some(all) => (all, &[][..]),
            None => (first, second.get(..count - first.len()).unwrap_or(second)),
        };
        if let Some((head, tail)) = into
            .get_mut(..count)
            .and_then(|into| into.split_at_mut_checked(first.len()))
        {
            head.copy_from_slice(first);
            tail.copy_from_slice(second);
        }
        self.octets.drain(..count);
        self.arrived -= count;
        count
    }

    /// Appends everything that has arrived.
    pub fn read_all(&mut self, into: &mut Vec<u8>) {
        let at = into.len();
        into.resize(at + self.arrived, 0);
        let most = self.arrived;
        self.read(into.get_mut(at..).unwrap_or_default(), most);
    }

    /// Whether octets wait to be read.
    pub fn is_readable(&self) -> bool {
        self.arrived > 0
    }

    /// The end, once the reader has reached it.
    pub fn reached_end(&self) -> Option<End> {
        self.end
            .filter(|_| self.arrived == 0 && self.on_the_way.is_empty())
    }

    /// Whether it was reset.
    pub fn is_reset(&self) -> bool {
        self.end == Some(End::Reset)
    }

    /// Whether the writer would be told that the connection is gone.
    pub fn is_ended(&self) -> bool {
        self.end.is_some()
    }
}

/// What became of a write or flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// So many octets were taken.
    Took(usize),
    /// Nothing can be taken now.
    Pending,
    /// It failed; how many octets went out, nobody knows.
    Failed,
}

/// A TLS-like layer on the client's side: it takes octets before they are on their way, and when it
/// fails it has lost count of what went out.
#[derive(Debug, Default)]
pub struct Layer {
    held: Vec<u8>,
    taken: u64,
    /// It fails at this octet, after letting out some of the write that failed.
    pub fails_at: Option<u64>,
    holds: bool,
}

impl Layer {
    /// `holds`: it takes octets ahead of what the pipe holds, and must be flushed.
    pub fn new(holds: bool) -> Self {
        Self {
            holds,
            ..Self::default()
        }
    }

    /// Writes through to `pipe`, which holds `capacity` octets; `leak` of a thousand of a failing write's octets go out.
    pub fn write(
        &mut self,
        pipe: &mut Pipe,
        (now, latency): (Time, Duration),
        octets: &[u8],
        capacity: usize,
        leak: u64,
    ) -> Wrote {
        if pipe.is_ended() {
            return Wrote::Failed;
        }
        if self
            .fails_at
            .is_some_and(|at| self.taken + octets.len() as u64 >= at)
        {
            let out = octets.len() as u64 * leak / 1000;
            let out = usize::try_from(out).unwrap_or(0).min(pipe.room(capacity));
            self.settle(pipe, now, latency, capacity);
            if self.held.is_empty() {
                pipe.write(now, octets.get(..out).unwrap_or(octets), latency);
            }
            return Wrote::Failed;
        }
        let room = if self.holds {
            capacity.saturating_sub(self.held.len())
        } else {
            pipe.room(capacity)
        };
        let Some(part) = octets
            .get(..room.min(octets.len()))
            .filter(|part| !part.is_empty())
        else {
            return Wrote::Pending;
        };
        if self.holds {
            self.held.extend_from_slice(part);
        } else {
            pipe.write(now, part, latency);
        }
        self.taken += part.len() as u64;
        Wrote::Took(part.len())
    }

    /// Pushes held octets on.
    pub fn flush(
        &mut self,
        pipe: &mut Pipe,
        now: Time,
        latency: Duration,
        capacity: usize,
    ) -> Wrote {
        if pipe.is_ended() {
            return Wrote::Failed;
        }
        self.settle(pipe, now, latency, capacity);
        if self.held.is_empty() {
            Wrote::Took(0)
        } else {
            Wrote::Pending
        }
    }

    fn settle(&mut self, pipe: &mut Pipe, now: Time, latency: Duration, capacity: usize) {
        let count = self.held.len().min(pipe.room(capacity));
        if let Some(part) = self.held.get(..count) {
            pipe.write(now, part, latency);
        }
        self.held.drain(..count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn octets_arrive_in_order_and_after_their_latency() {
        let mut pipe = Pipe::default();
        pipe.write(Time::ZERO, b"abc", MS * 5);
        pipe.write(Time::ZERO, b"def", MS);
        assert_eq!(pipe.next_arrival(), Some(Time::from_millis(5)));
        pipe.advance(Time::from_millis(4));
        assert!(!pipe.is_readable());
        pipe.advance(Time::from_millis(5));
        let mut into = [0; 8];
        assert_eq!(pipe.read(&mut into, 8), 6);
        assert_eq!(&into[..6], b"abcdef");
    }

    #[test]
    fn a_cut_delivers_up_to_its_octet_and_then_resets() {
        let mut pipe = Pipe::default();
        pipe.cut_after(2);
        pipe.spare();
        pipe.cut_after(4);
        pipe.write(Time::ZERO, b"abc", MS);
        pipe.write(Time::ZERO, b"def", MS);
        pipe.advance(Time::from_millis(1));
        let mut got = Vec::new();
        assert_eq!(pipe.reached_end(), None);
        pipe.read_all(&mut got);
        assert_eq!(got, b"abcd");
        assert_eq!(pipe.reached_end(), Some(End::Reset));
    }

    #[test]
    fn a_failing_layer_lets_octets_out_and_says_nothing_of_them() {
        let (mut pipe, mut layer) = (Pipe::default(), Layer::default());
        layer.fails_at = Some(6);
        let at = (Time::ZERO, MS);
        assert_eq!(
            layer.write(&mut pipe, at, b"abcd", 100, 500),
            Wrote::Took(4)
        );
        assert_eq!(layer.write(&mut pipe, at, b"efgh", 100, 500), Wrote::Failed);
        pipe.advance(Time::from_millis(1));
        let mut got = Vec::new();
        pipe.read_all(&mut got);
        assert_eq!(got, b"abcdef");
    }

    #[test]
    fn a_holding_layer_is_pending_until_the_pipe_has_room() {
        let (mut pipe, mut layer) = (Pipe::default(), Layer::new(true));
        let at = (Time::ZERO, MS);
        assert_eq!(layer.write(&mut pipe, at, b"abcdef", 4, 0), Wrote::Took(4));
        assert_eq!(layer.flush(&mut pipe, Time::ZERO, MS, 3), Wrote::Pending);
        pipe.advance(Time::from_millis(1));
        pipe.read_all(&mut Vec::new());
        assert_eq!(layer.flush(&mut pipe, Time::ZERO, MS, 3), Wrote::Took(0));
    }
}
