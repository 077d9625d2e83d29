//! The budget for frames without effect (RFC 9113 §10.5).

use crate::frame::{ErrorCode, FrameError};
use crate::limits::{FLOOD_BURST, FLOOD_PROGRESS, FLOOD_REFILL};
use crate::time::Time;

/// Points that frames without effect cost. They come back with progress and, slowly, with time: a
/// server that sends 1-octet windows is slow, not hostile, and one that keeps an idle connection
/// alive by PING is neither.
#[derive(Debug)]
pub(super) struct FloodBudget {
    left: u32,
    refilled: Time,
}

impl FloodBudget {
    pub(super) const fn new(now: Time) -> Self {
        Self {
            left: FLOOD_BURST,
            refilled: now,
        }
    }

    /// A frame without effect arrived.
    ///
    /// # Errors
    /// ENHANCE_YOUR_CALM of the connection, once the budget is spent.
    pub(super) fn charge(&mut self, now: Time, points: u32) -> Result<(), FrameError> {
        let seconds = now.saturating_since(self.refilled).as_secs();
        if seconds > 0 {
            let refill = u32::try_from(seconds)
                .unwrap_or(u32::MAX)
                .saturating_mul(FLOOD_REFILL);
            self.left = self
                .left
                .max(self.left.saturating_add(refill).min(FLOOD_BURST));
            self.refilled = now;
        }
        self.left = self.left.checked_sub(points).ok_or(FrameError::connection(
            ErrorCode::ENHANCE_YOUR_CALM,
            "too many frames without effect (§10.5)",
        ))?;
        Ok(())
    }

    /// DATA moved, or a request was answered, while this many streams are open.
    #[inline]
    pub(super) fn progress(&mut self, streams: usize) {
        let streams = u32::try_from(streams).unwrap_or(u32::MAX);
        let most = FLOOD_BURST.saturating_add(streams.saturating_mul(FLOOD_PROGRESS));
        if self.left < most {
            self.left += FLOOD_PROGRESS;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_burst_is_allowed_and_one_more_is_not() {
        let mut budget = FloodBudget::new(Time::ZERO);
        for _ in 0..FLOOD_BURST {
            budget.charge(Time::ZERO, 1).unwrap();
        }
        let error = budget.charge(Time::ZERO, 1).unwrap_err();
        assert_eq!(error.code, ErrorCode::ENHANCE_YOUR_CALM);
    }

    #[test]
    fn progress_and_time_bring_points_back() {
        let mut budget = FloodBudget::new(Time::ZERO);
        budget.charge(Time::ZERO, FLOOD_BURST).unwrap();
        budget.progress(0);
        budget.charge(Time::ZERO, FLOOD_PROGRESS).unwrap();
        let later = Time::ZERO + Duration::from_secs(1);
        budget.charge(later, FLOOD_REFILL).unwrap();
        assert!(budget.charge(later, 1).is_err());
    }

    #[test]
    fn every_open_stream_widens_the_budget() {
        let mut budget = FloodBudget::new(Time::ZERO);
        for streams in 1..=1_000 {
            budget.progress(streams);
        }
        budget
            .charge(Time::ZERO, FLOOD_BURST + 1_000 * FLOOD_PROGRESS)
            .unwrap();
        assert!(budget.charge(Time::ZERO, 1).is_err());
    }

    #[test]
    fn progress_stops_at_the_bound() {
        let mut budget = FloodBudget::new(Time::ZERO);
        for _ in 0..3 {
            budget.progress(1);
        }
        let most = FLOOD_BURST + FLOOD_PROGRESS;
        budget.charge(Time::ZERO, most).unwrap();
        assert!(budget.charge(Time::ZERO, 1).is_err());
    }
}
