//! The low-level connection's provider token: made anew before it gets too old.

use std::sync::Arc;
use std::time::Duration;

use super::{State, Wired};
use crate::client::pool_task::until;
use crate::client::reply::Reply;
use crate::client::runtime::Runtime;
use crate::client::token::TokenSource;
use crate::connection::Credit;
use crate::job::{Job, RejectReason, Rejected};
use crate::limits::{MINT_CAP, MINT_FIRST, MINT_TIMEOUT, TOKEN_RENEWAL, TOKEN_STALE};
use crate::pool::{MintError, ProviderToken};
use crate::time::Time;

/// The present token, and when to ask for the next one.
pub(super) struct Renewal {
    token: Option<ProviderToken>,
    is_minting: bool,
    /// After a mint that brought nothing fresh: when the next one may be, and how long after the next such.
    after: Time,
    pause: Duration,
}

impl Renewal {
    pub(super) fn new(token: Option<ProviderToken>) -> Self {
        Self {
            token,
            is_minting: false,
            after: Time::ZERO,
            pause: MINT_FIRST,
        }
    }

    /// Whether to ask now, which only one does at a time: the token is 50 minutes old.
    fn begin(&mut self, now: Time, unix: Duration) -> bool {
        let is_due = now >= self.after && self.is_aged(unix, TOKEN_RENEWAL);
        is_due && !std::mem::replace(&mut self.is_minting, true)
    }

    /// Whether the server would refuse it, before long.
    fn is_stale(&self, unix: Duration) -> bool {
        self.is_aged(unix, TOKEN_STALE)
    }

    fn is_aged(&self, unix: Duration, age: Duration) -> bool {
        let is_aged = |token: &ProviderToken| unix.abs_diff(token.issued_at) >= age;
        self.token.as_ref().is_some_and(is_aged)
    }

    /// A mint came to an end; the value to send from now on, if that is another. Tokens that aren't fresh are
    /// asked for at growing intervals, like those that failed.
    fn end(&mut self, now: Time, unix: Duration, minted: Option<ProviderToken>) -> bool {
        let is_fresh = |token: &ProviderToken| unix.abs_diff(token.issued_at) < TOKEN_RENEWAL;
        if minted.as_ref().is_some_and(is_fresh) {
            self.pause = MINT_FIRST;
        } else {
            self.after = now + self.pause;
            self.pause = (self.pause * 2).min(MINT_CAP);
        }
        let value = |token: &Option<ProviderToken>| token.as_ref().map(|token| token.value.clone());
        let is_other = minted.is_some() && value(&minted) != value(&self.token);
        self.token = minted.or(self.token.take());
        is_other
    }
}

impl<R: Runtime> Wired<R> {
    /// Asks for the next provider token, if it is time to.
    pub(super) fn renew_token(self: &Arc<Self>, now: Time, unix: Duration) {
        let Some(source) = self.tokens.clone() else {
            return;
        };
        if !self.lock().renewal.begin(now, unix) {
            return;
        }
        let turn = Turn(Arc::clone(self));
        self.runtime.spawn(async move {
            let wired = &turn.0;
            if let Ok(token) = mint(&wired.runtime, &source, Time::NEVER).await {
                wired.renewed(Some(token));
            }
        });
    }

    fn renewed(&self, token: Option<ProviderToken>) {
        let (now, unix) = (self.runtime.now(), self.runtime.unix());
        let mut state = self.lock();
        if !std::mem::take(&mut state.renewal.is_minting) {
            return;
        }
        if state.renewal.end(now, unix, token) {
            let value = state
                .renewal
                .token
                .as_ref()
                .map(|token| token.value.clone());
            let generation = state.wire.authorization_generation() + 1;
            state.wire.set_authorization(generation, value);
        }
    }
}

/// One that mints: however it ends, by a failure or a panic of the user's callback too, another can follow.
struct Turn<R: Runtime>(Arc<Wired<R>>);

impl<R: Runtime> Drop for Turn<R> {
    fn drop(&mut self) {
        self.0.renewed(None);
    }
}

impl State {
    pub(super) fn credit(&self, unix: Duration) -> Credit {
        let credit = self.wire.credit();
        match self.renewal.is_stale(unix) {
            true => Credit {
                streams: 0,
                ..credit
            },
            false => credit,
        }
    }

    #[allow(clippy::result_large_err, reason = "the job comes back whole")]
    pub(super) fn start(
        &mut self,
        now: Time,
        unix: Duration,
        job: Job<Arc<Reply>>,
    ) -> Result<(), Rejected<Arc<Reply>>> {
        if self.renewal.is_stale(unix) && !self.wire.is_draining() {
            let reason = RejectReason::Blocked;
            return Err(Rejected { job, reason });
        }
        self.wire.start(now, job)
    }
}

/// A token from the source, at most until the deadline: a callback that hangs would keep all from it that share the source.
pub(super) async fn mint<R: Runtime>(
    runtime: &R,
    source: &TokenSource,
    deadline: Time,
) -> Result<ProviderToken, MintError> {
    let deadline = deadline.min(runtime.now() + MINT_TIMEOUT);
    let minting = source.token(runtime.unix(), None);
    let minted = until(runtime, deadline, minting).await;
    minted.unwrap_or_else(|| Err(MintError("timed out: no provider token came".into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;

    const MINUTE: Duration = Duration::from_secs(60);

    fn token(value: &'static str, minutes: u32) -> ProviderToken {
        ProviderToken {
            value: Bytes::from_static(value.as_bytes()),
            issued_at: MINUTE * minutes,
        }
    }

    #[test]
    fn one_at_a_time_asks_for_a_token_from_minute_50_on() {
        let mut renewal = Renewal::new(Some(token("a", 0)));
        assert!(!renewal.begin(Time::ZERO, MINUTE * 49));
        assert!(renewal.begin(Time::ZERO, MINUTE * 50));
        assert!(!renewal.begin(Time::ZERO, MINUTE * 50));
        assert!(!renewal.is_stale(MINUTE * 58));
        assert!(renewal.is_stale(MINUTE * 59));
        assert!(!Renewal::new(None).is_stale(MINUTE * 59));
    }

    #[test]
    fn a_source_that_keeps_its_token_longer_is_asked_at_growing_intervals() {
        let mut renewal = Renewal::new(Some(token("a", 0)));
        let unix = MINUTE * 51;
        let mut now = Time::ZERO;
        let mut asked = 0;
        for _ in 0..2_000 {
            now += Duration::from_millis(10);
            if renewal.begin(now, unix) {
                asked += 1;
                renewal.is_minting = false;
                assert!(!renewal.end(now, unix, Some(token("a", 0))), "the same");
            }
        }
        assert!(asked <= 7, "{asked} times in 20 seconds");
        renewal.after = Time::ZERO;
        assert!(renewal.begin(now, unix));
        assert!(renewal.end(now, unix, Some(token("b", 51))));
        assert!(!renewal.is_stale(unix));
    }
}
