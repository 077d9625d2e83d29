//! Paths that the server wants left alone for a while: 429 `TooManyRequests` is about one device.

use std::collections::BTreeMap;

use crate::limits::THROTTLED_PATHS;
use crate::time::Time;

/// Until when each path waits; bounded.
#[derive(Default)]
pub(crate) struct Throttle {
    until: BTreeMap<Box<[u8]>, Time>,
}

/// Without the paths: they end in device tokens.
impl std::fmt::Debug for Throttle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Throttle({} paths)", self.until.len())
    }
}

impl Throttle {
    /// Leaves this path alone until then. With too many paths, only those refused themselves wait.
    pub(crate) fn insert(&mut self, now: Time, path: &[u8], until: Time) {
        if self.until.len() >= THROTTLED_PATHS {
            self.until.retain(|_, until| *until > now);
        }
        if self.until.len() < THROTTLED_PATHS || self.until.contains_key(path) {
            let entry = self.until.entry(path.into()).or_insert(until);
            *entry = until.max(*entry);
        }
    }

    /// Until when a request for this path has to wait.
    pub(crate) fn until(&mut self, now: Time, path: &[u8]) -> Option<Time> {
        if self.until.is_empty() {
            return None;
        }
        let until = *self.until.get(path)?;
        if until <= now {
            self.until.remove(path);
            return None;
        }
        Some(until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_waits_until_its_time_and_others_do_not() {
        let at = Time::from_millis;
        let (one, other) = (b"/1", b"/2");
        let mut throttle = Throttle::default();
        throttle.insert(at(0), one, at(10));
        throttle.insert(at(0), one, at(5));
        assert_eq!(throttle.until(at(9), one), Some(at(10)));
        assert_eq!(throttle.until(at(9), other), None);
        assert_eq!(throttle.until(at(10), one), None);
        assert!(throttle.until.is_empty());
    }

    #[test]
    fn the_number_of_paths_is_bounded() {
        let mut throttle = Throttle::default();
        for n in 0..2 * THROTTLED_PATHS {
            throttle.insert(Time::ZERO, n.to_string().as_bytes(), Time::from_millis(1));
        }
        assert_eq!(throttle.until.len(), THROTTLED_PATHS);
        throttle.insert(Time::from_millis(1), b"new", Time::from_millis(2));
        assert_eq!(throttle.until.len(), 1);
    }
}
