//! What a caller can say about one request.

use std::time::Duration;

use crate::job::Policy;
use crate::time::Time;

/// A deadline and a policy for one request; by default the pool's own.
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "options do nothing before they are given to a request"]
pub struct PostOptions {
    limit: Limit,
    policy: Option<Policy>,
}

#[derive(Clone, Copy, Debug, Default)]
enum Limit {
    #[default]
    Inherit,
    Never,
    In(Duration),
    At(Time),
}

impl PostOptions {
    /// The pool's own.
    pub const fn new() -> Self {
        Self {
            limit: Limit::Inherit,
            policy: None,
        }
    }

    /// Gives up after this long, counted from the call; waiting, queueing and retries count.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.limit = Limit::In(timeout);
        self
    }

    /// Gives up at this moment of [`Pool::now`](super::Pool::now)'s clock.
    pub const fn deadline(mut self, deadline: Time) -> Self {
        self.limit = Limit::At(deadline);
        self
    }

    /// Never gives up.
    pub const fn no_timeout(mut self) -> Self {
        self.limit = Limit::Never;
        self
    }

    /// When the request may be sent again.
    pub const fn policy(mut self, policy: Policy) -> Self {
        self.policy = Some(policy);
        self
    }

    pub(super) fn resolve(self, now: Time, defaults: Defaults) -> (Option<Time>, Policy) {
        let deadline = match self.limit {
            Limit::Inherit => defaults.timeout.map(|timeout| now + timeout),
            Limit::Never => None,
            Limit::In(timeout) => Some(now + timeout),
            Limit::At(deadline) => Some(deadline),
        };
        (deadline, self.policy.unwrap_or(defaults.policy))
    }
}

/// What holds for requests that say nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Defaults {
    pub(super) timeout: Option<Duration>,
    pub(super) policy: Policy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_says_nothing_has_the_defaults() {
        let defaults = Defaults {
            timeout: Some(Duration::from_secs(1)),
            policy: Policy::AtMostOnce,
        };
        let now = Time::from_millis(500);
        let resolve = |options: PostOptions| options.resolve(now, defaults);
        assert_eq!(
            resolve(PostOptions::new()),
            (Some(Time::from_millis(1500)), Policy::AtMostOnce)
        );
        assert_eq!(resolve(PostOptions::new().no_timeout()).0, None);
        let own = PostOptions::new()
            .deadline(Time::from_millis(7))
            .policy(Policy::AtLeastOnce);
        assert_eq!(
            resolve(own),
            (Some(Time::from_millis(7)), Policy::AtLeastOnce)
        );
    }
}
