//! Letting answers gather.
//!
//! A server under load writes a few answers at a time, and many are awaited. Each read of a few is a turn of
//! the loop, a write of as many new requests, and a wake-up of the tasks that wait: it costs more than the
//! requests themselves. So the loop leaves the socket unread for a moment, that is short beside what an answer
//! takes anyway, and takes what has gathered in one turn. A request that has a stream is written at once all the
//! same; while a body waits for a window there is no rest, and a timeout that falls due ends it.

use std::time::Duration;

use crate::time::Time;

/// How many answers an estimate is made from.
const SAMPLE: usize = 32;

/// A rest takes this part of the time that an answer takes.
const PART: u32 = 16;

/// No rest is longer, but for what the runtime's timer adds: tokio's counts whole milliseconds.
const LONGEST: Duration = Duration::from_millis(1);

/// Answers faster than this are never made to wait: timers aren't fine enough.
const FAST: Duration = Duration::from_millis(2);

/// A rest is worth it if so many turns' answers gather meanwhile.
const GAIN: u128 = 4;

/// When to rest, by how fast answers come.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Since when answers are counted; `None` while nothing is in flight.
    since: Option<Time>,
    answered: usize,
    /// How long an answer takes: requests in flight by answers a second (Little's law); 0 until known.
    response_time: Duration,
    rest_until: Option<Time>,
}

impl Pace {
    /// Until when to leave the socket unread.
    pub(super) fn rest_until(&self) -> Option<Time> {
        self.rest_until
    }

    /// Whether to leave the socket unread; ends a rest that is over.
    pub(super) fn is_resting(&mut self, now: Time) -> bool {
        self.rest_until = self.rest_until.filter(|until| *until > now);
        self.rest_until.is_some()
    }

    /// No rest outlasts what is due at this time: what has come by then is read before.
    pub(super) fn end_by(&mut self, at: Time) {
        self.rest_until = self.rest_until.map(|until| until.min(at));
    }

    /// `answered` requests ended by what was read, `in_flight` are left.
    pub(super) fn read(&mut self, now: Time, answered: usize, in_flight: usize) {
        if in_flight == 0 {
            *self = Self::default();
            return;
        }
        let since = *self.since.get_or_insert(now);
        self.answered += answered;
        if self.answered >= SAMPLE {
            let nanos = now.saturating_since(since).as_nanos() * in_flight as u128;
            let response_time = nanos / self.answered as u128;
            self.response_time =
                Duration::from_nanos(u64::try_from(response_time).unwrap_or(u64::MAX));
            self.since = Some(now);
            self.answered = 0;
        }
    }

    /// The socket has no more than these, and nothing waits for more: a rest, if it is worth it.
    pub(super) fn rest(&mut self, now: Time, answered: usize, in_flight: usize) {
        let rest = (self.response_time / PART).min(LONGEST);
        let gathering = in_flight as u128 * rest.as_nanos();
        let is_worth_it = gathering >= GAIN * answered as u128 * self.response_time.as_nanos();
        if answered > 0 && self.response_time >= FAST && is_worth_it {
            self.rest_until = Some(now + rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `reads` reads, `every` apart, of `answered` each, with `in_flight` left.
    fn pace(reads: u32, every: Duration, answered: usize, in_flight: usize) -> (Pace, Time) {
        let (mut pace, mut now) = (Pace::default(), Time::ZERO);
        for _ in 0..reads {
            now += every;
            pace.is_resting(now);
            pace.read(now, answered, in_flight);
            pace.rest(now, answered, in_flight);
        }
        (pace, now)
    }

    const TWELVE_MICROS: Duration = Duration::from_micros(12);

    #[test]
    fn few_answers_of_many_are_left_to_gather_for_a_sixteenth_of_what_one_takes() {
        // 3 of 1,000 each 12 µs: an answer takes 4 ms.
        let (mut pace, now) = pace(100, TWELVE_MICROS, 3, 1_000);
        let until = pace.rest_until().expect("rests");
        let rest = until.saturating_since(now);
        assert!(rest <= Duration::from_micros(250), "{rest:?}");
        assert!(rest > Duration::from_micros(200), "{rest:?}");
        assert!(pace.is_resting(now));
        assert!(!pace.is_resting(until));
        assert_eq!(pace.rest_until(), None);
    }

    #[test]
    fn no_rest_is_longer_than_a_millisecond() {
        let (pace, now) = pace(100, Duration::from_micros(200), 1, 1_000);
        assert_eq!(pace.rest_until(), Some(now + LONGEST));
    }

    #[test]
    fn answers_that_come_fast_or_in_batches_are_read_at_once() {
        let rests = |every, answered, in_flight| {
            pace(100, every, answered, in_flight)
                .0
                .rest_until()
                .is_some()
        };
        let micros = Duration::from_micros;
        assert!(!rests(micros(3), 3, 1_000), "an answer takes 1 ms");
        assert!(rests(micros(7), 3, 1_000), "an answer takes 2.3 ms");
        assert!(!rests(Duration::from_millis(1), 20, 1_000), "batches");
        assert!(!rests(Duration::from_millis(50), 1, 1), "one at a time");
    }

    #[test]
    fn a_read_without_an_answer_begins_no_rest() {
        let (mut pace, now) = pace(100, TWELVE_MICROS, 3, 1_000);
        let until = pace.rest_until().expect("rests");
        assert!(!pace.is_resting(until));
        pace.read(now, 0, 1_000);
        pace.rest(now, 0, 1_000);
        assert_eq!(pace.rest_until(), None);
        pace.rest(now, 3, 1_000);
        pace.end_by(now + Duration::from_micros(1));
        assert_eq!(pace.rest_until(), Some(now + Duration::from_micros(1)));
    }

    #[test]
    fn idle_time_does_not_count_as_slowness() {
        let (mut pace, now) = pace(100, TWELVE_MICROS, 3, 1_000);
        pace.read(now, 3, 0);
        let later = now + Duration::from_secs(3_600);
        pace.read(later, 0, 1_000);
        for n in 1..40 {
            let now = later + Duration::from_micros(n);
            pace.read(now, 3, 1_000);
            pace.rest(now, 3, 1_000);
            assert_eq!(pace.rest_until(), None);
        }
    }

    #[test]
    fn no_input_overflows() {
        let mut pace = Pace::default();
        for (now, answered, in_flight) in [
            (Time::ZERO, 0, usize::MAX),
            (Time::NEVER, 32, usize::MAX),
            (Time::NEVER, usize::MAX, usize::MAX),
            (Time::ZERO, usize::MAX / 2, 1),
        ] {
            pace.read(now, answered, in_flight);
            pace.rest(now, answered, in_flight);
        }
    }
}
