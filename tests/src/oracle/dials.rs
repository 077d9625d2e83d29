//! How often a pool may dial.

use aapns_proto::Time;

/// Dials allowed: some at once, more as time passes, and one for each link that was of use.
#[derive(Debug)]
pub(super) struct DialBudget {
    tokens: f64,
    most: f64,
    last: Time,
    per_second: f64,
}

impl DialBudget {
    pub(super) fn new(max_links: u16) -> Self {
        let most = 16.0 + 6.0 * f64::from(max_links);
        Self {
            tokens: most,
            most,
            last: Time::ZERO,
            per_second: 0.5 + 0.5 * f64::from(max_links),
        }
    }

    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + 1.0).min(self.most);
    }

    pub(super) fn spend(&mut self, now: Time) -> Option<String> {
        let passed = now.saturating_since(self.last).as_secs_f64();
        self.last = now;
        self.tokens = (self.tokens + passed * self.per_second).min(self.most) - 1.0;
        (self.tokens < 0.0).then(|| "more dials than the budget allows".to_owned())
    }
}
