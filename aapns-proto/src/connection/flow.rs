//! Flow-control windows, both ways (RFC 9113 §5.2, §6.9).

use super::Connection;
use crate::frame::{CONNECTION, MAX_31, WindowUpdate};

/// How much DATA the peer lets us send. Negative after SETTINGS_INITIAL_WINDOW_SIZE fell.
#[derive(Clone, Copy, Debug)]
pub(super) struct SendWindow(i64);

/// A window would be over 2^31 − 1.
#[derive(Debug)]
pub(super) struct Overflow;

/// DATA was sent that the window didn't allow.
#[derive(Debug)]
pub(super) struct Overrun;

impl SendWindow {
    pub(super) const fn new(octets: u32) -> Self {
        Self(octets as i64)
    }

    #[inline]
    pub(super) fn octets(self) -> usize {
        usize::try_from(self.0).unwrap_or(0)
    }

    #[inline]
    pub(super) fn spend(&mut self, octets: usize) {
        self.0 -= octets as i64;
    }

    /// WINDOW_UPDATE, or a change of the initial window.
    pub(super) fn add(&mut self, octets: i64) -> Result<(), Overflow> {
        self.0 += octets;
        if self.0 > i64::from(MAX_31) {
            return Err(Overflow);
        }
        Ok(())
    }
}

/// How much DATA we let the peer send. What arrives is consumed at once, and given back at half:
/// with the next octets that are lent, for the peer can't know before.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReceiveWindow {
    size: u32,
    used: u32,
}

impl ReceiveWindow {
    pub(super) const fn new(size: u32) -> Self {
        Self { size, used: 0 }
    }

    #[inline]
    pub(super) fn receive(&mut self, octets: u32) -> Result<(), Overrun> {
        let used = self.used.checked_add(octets).ok_or(Overrun)?;
        if used > self.size {
            return Err(Overrun);
        }
        self.used = used;
        Ok(())
    }

    #[inline]
    pub(super) const fn is_half_used(&self) -> bool {
        self.used > self.size / 2
    }

    /// The increment of a WINDOW_UPDATE that goes out now, if one is due.
    #[inline]
    pub(super) fn give_back(&mut self) -> Option<u32> {
        self.is_half_used().then(|| std::mem::take(&mut self.used))
    }
}

impl<T> Connection<T> {
    /// WINDOW_UPDATE for the connection and the streams that have used half of their windows.
    #[inline]
    pub(super) fn give_credit(&mut self) {
        if let Some(increment) = self.receive_window.give_back() {
            self.update_window(CONNECTION, increment);
        }
        while let Some(id) = self.creditors.pop() {
            let stream = self.streams.get_mut(id);
            if let Some(increment) = stream.and_then(|s| s.receive_window.give_back()) {
                self.update_window(id, increment);
            }
        }
    }

    fn update_window(&mut self, stream_id: u32, increment: u32) {
        let frame = WindowUpdate {
            stream_id,
            increment,
        };
        frame.encode(self.output.frames());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_negative_window_has_no_octets_until_it_is_positive_again() {
        let mut window = SendWindow::new(10);
        window.spend(10);
        window.add(-20).unwrap();
        assert_eq!(window.octets(), 0);
        window.add(20).unwrap();
        assert_eq!(window.octets(), 0);
        window.add(1).unwrap();
        assert_eq!(window.octets(), 1);
    }

    #[test]
    fn a_window_is_at_most_2_to_the_31_minus_1() {
        let mut window = SendWindow::new(MAX_31 - 1);
        assert!(window.add(1).is_ok());
        assert!(window.add(1).is_err());
    }

    #[test]
    fn received_octets_are_given_back_in_batches_and_never_exceed_the_window() {
        let mut window = ReceiveWindow::new(100);
        window.receive(50).unwrap();
        assert_eq!(window.give_back(), None);
        window.receive(1).unwrap();
        assert_eq!(window.give_back(), Some(51));
        window.receive(100).unwrap();
        assert!(window.receive(1).is_err());
        assert!(window.receive(u32::MAX).is_err());
    }
}
