//! How often a pool may dial.

use aapns_proto::Time;

/// Dials allowed: some at once, more as time passes, and one for each link that was of use.
#[derive(Debug)]
pub(super) struct DialBudget {
    tokens: f64,
    max_links: f64,
    last: Time,
}

impl DialBudget {
    pub(super) fn new(max_links: u16) -> Self {
        let mut budget = Self {
            tokens: 0.0,
            max_links: f64::from(max_links),
            last: Time::ZERO,
        };
        budget.tokens = budget.most();
        budget
    }

    /// A first dial for each link, a replacement for each, and the quick first steps of a backoff.
    fn most(&self) -> f64 {
        16.0 + 5.0 * self.max_links
    }

    pub(super) fn resized(&mut self, max_links: u16) {
        self.max_links = self.max_links.max(f64::from(max_links));
        self.tokens = self.most();
    }

    /// A link was of use: one for its replacement, and the backoff's first steps anew.
    pub(super) fn earn(&mut self) {
        self.tokens = (self.tokens + 5.0).min(self.most());
    }

    /// Spends one; says so if there is none left.
    pub(super) fn spend(&mut self, now: Time) -> Option<String> {
        let passed = now.saturating_since(self.last).as_secs_f64();
        let per_second = 0.5 + 0.5 * self.max_links;
        self.last = now;
        self.tokens = (self.tokens + passed * per_second).min(self.most()) - 1.0;
        (self.tokens < 0.0).then(|| "more dials than the budget allows".to_owned())
    }
}
