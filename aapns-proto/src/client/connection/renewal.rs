//! The low-level connection's provider token: made anew before it gets too old.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::{State, Wired};
use crate::client::error::PostError;
use crate::client::pool_task::until;
use crate::client::reply::Reply;
use crate::client::runtime::Runtime;
use crate::client::token::TokenSource;
use crate::connection::Credit;
use crate::delivery::{Cause, Delivery};
use crate::job::Job;
use crate::limits::{MINT_CAP, MINT_FIRST, MINT_TIMEOUT, TOKEN_RENEWAL, TOKEN_STALE};
use crate::pool::{MintError, ProviderToken};
use crate::time::Time;

/// The present token, and when to ask for the next one.
pub(super) struct Renewal {
    token: Option<ProviderToken>,
    is_minting: bool,
    /// Why the last mint brought nothing fresh.
    error: Option<MintError>,
    /// After such a mint: when the next one may be, and how long after the next such.
    after: Time,
    pause: Duration,
}

impl Renewal {
    /// With the first token, if tokens are needed.
    ///
    /// # Errors
    /// [`MintError`] if the server would refuse it.
    pub(super) fn new(token: Option<ProviderToken>, unix: Duration) -> Result<Self, MintError> {
        let this = Self {
            token,
            is_minting: false,
            error: None,
            after: Time::ZERO,
            pause: MINT_FIRST,
        };
        match this.is_stale(unix) {
            true => Err(outdated()),
            false => Ok(this),
        }
    }

    /// The value of `authorization`.
    pub(super) fn value(&self) -> Option<Bytes> {
        self.token.as_ref().map(|token| token.value.clone())
    }

    /// Whether to ask now: the token is 50 minutes old, and nobody asks already.
    fn is_due(&self, now: Time, unix: Duration) -> bool {
        !self.is_minting && now >= self.after && self.is_aged(unix, TOKEN_RENEWAL)
    }

    fn begin(&mut self, now: Time, unix: Duration) -> bool {
        let is_due = self.is_due(now, unix);
        self.is_minting |= is_due;
        is_due
    }

    /// Whether the server would refuse it, or will any minute.
    fn is_stale(&self, unix: Duration) -> bool {
        self.is_aged(unix, TOKEN_STALE)
    }

    fn is_aged(&self, unix: Duration, age: Duration) -> bool {
        let is_aged = |token: &ProviderToken| unix.abs_diff(token.issued_at) >= age;
        self.token.as_ref().is_some_and(is_aged)
    }

    /// Why nothing can be sent now, if the token is too old.
    fn refusal(&self, unix: Duration) -> Option<PostError> {
        if !self.is_stale(unix) {
            return None;
        }
        let Some(error) = &self.error else {
            return Some(PostError::Blocked); // the next one is on its way
        };
        let cause = Cause::Credential(Arc::clone(&error.0));
        Some(PostError::settled(cause, Delivery::NotSent, (0, false)))
    }

    /// A mint came to an end: whether the value to send from now on is another. One that brought nothing fresh is
    /// repeated at growing intervals.
    fn end(&mut self, now: Time, unix: Duration, minted: Result<ProviderToken, MintError>) -> bool {
        let is_fresh = |token: &ProviderToken| unix.abs_diff(token.issued_at) < TOKEN_RENEWAL;
        let before = self.value();
        self.is_minting = false;
        self.error = match minted {
            Ok(token) => {
                let is_fresh = is_fresh(&token);
                self.token = Some(token);
                (!is_fresh).then(outdated)
            }
            Err(error) => Some(error),
        };
        if self.error.is_none() {
            self.pause = MINT_FIRST;
        } else {
            self.after = now + self.pause;
            self.pause = (self.pause * 2).min(MINT_CAP);
        }
        self.value() != before
    }
}

fn outdated() -> MintError {
    MintError("the source gave a provider token that is too old".into())
}

impl<R: Runtime> Wired<R> {
    /// Has the driver's next turn renew the token, if it is time to: an idle connection has no turn by itself, and
    /// who calls this may be outside of the runtime.
    pub(super) fn ask_for_renewal(&self, now: Time, unix: Duration) {
        if self.tokens.is_some() && self.lock().renewal.is_due(now, unix) {
            self.bell.ring();
        }
    }

    /// Asks for the next provider token, if it is time to.
    pub(super) fn renew_token(self: &Arc<Self>, now: Time, unix: Duration) {
        let Some(source) = self.tokens.clone() else {
            return;
        };
        if !self.lock().renewal.begin(now, unix) {
            return;
        }
        let mut turn = Turn {
            wired: Arc::clone(self),
            minted: Some(Err(MintError("the callback panicked".into()))),
        };
        self.runtime.spawn(async move {
            let minted = mint(&turn.wired.runtime, &source, Time::NEVER).await;
            turn.set(minted);
        });
    }
}

/// One mint: however it ends, by a panic of the user's callback too, another can follow.
struct Turn<R: Runtime> {
    wired: Arc<Wired<R>>,
    minted: Option<Result<ProviderToken, MintError>>,
}

impl<R: Runtime> Turn<R> {
    fn set(&mut self, minted: Result<ProviderToken, MintError>) {
        self.minted = Some(minted);
    }
}

impl<R: Runtime> Drop for Turn<R> {
    fn drop(&mut self) {
        let Some(minted) = self.minted.take() else {
            return;
        };
        let (now, unix) = (self.wired.runtime.now(), self.wired.runtime.unix());
        let mut state = self.wired.lock();
        if state.renewal.end(now, unix, minted) {
            let generation = state.wire.authorization_generation() + 1;
            let value = state.renewal.value();
            state.wire.set_authorization(generation, value);
        }
    }
}

impl State {
    pub(super) fn credit(&self, unix: Duration) -> Credit {
        let mut credit = self.wire.credit();
        if self.renewal.refusal(unix) == Some(PostError::Blocked) {
            credit.streams = 0;
        }
        credit
    }

    pub(super) fn start(
        &mut self,
        now: Time,
        unix: Duration,
        job: Job<Arc<Reply>>,
    ) -> Result<(), PostError> {
        if !self.wire.is_draining()
            && let Some(error) = self.renewal.refusal(unix)
        {
            return Err(error);
        }
        let started = self.wire.start(now, job);
        started.map_err(|rejected| PostError::rejected(rejected.reason))
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

    const MINUTE: Duration = Duration::from_secs(60);

    fn token(value: &'static str, minutes: u32) -> ProviderToken {
        ProviderToken {
            value: Bytes::from_static(value.as_bytes()),
            issued_at: MINUTE * minutes,
        }
    }

    fn renewal() -> Renewal {
        Renewal::new(Some(token("a", 0)), MINUTE).expect("fresh")
    }

    #[test]
    fn one_at_a_time_asks_for_a_token_from_minute_50_on() {
        let mut renewal = renewal();
        assert!(!renewal.begin(Time::ZERO, MINUTE * 49));
        assert!(renewal.begin(Time::ZERO, MINUTE * 50));
        assert!(!renewal.begin(Time::ZERO, MINUTE * 50));
        assert!(!renewal.is_stale(MINUTE * 58));
        assert!(renewal.is_stale(MINUTE * 59));
        let none = Renewal::new(None, MINUTE * 59).expect("a certificate");
        assert!(!none.is_stale(MINUTE * 59));
    }

    #[test]
    fn a_source_that_keeps_its_token_longer_is_asked_at_growing_intervals() {
        let mut renewal = renewal();
        let unix = MINUTE * 51;
        let mut now = Time::ZERO;
        let mut asked = 0;
        for _ in 0..2_000 {
            now += Duration::from_millis(10);
            if renewal.begin(now, unix) {
                asked += 1;
                assert!(!renewal.end(now, unix, Ok(token("a", 0))), "the same");
            }
        }
        assert!((5..=7).contains(&asked), "{asked} times in 20 seconds");
        renewal.after = Time::ZERO;
        assert!(renewal.begin(now, unix));
        assert!(renewal.end(now, unix, Ok(token("b", 51))));
        assert!(!renewal.is_stale(unix));
    }

    #[test]
    fn who_cannot_send_for_want_of_a_token_is_told_why() {
        let mut renewal = renewal();
        assert_eq!(renewal.refusal(MINUTE * 58), None);
        assert_eq!(renewal.refusal(MINUTE * 59), Some(PostError::Blocked));
        let error = MintError("the vault is sealed".into());
        assert!(!renewal.end(Time::ZERO, MINUTE * 59, Err(error)));
        let refusal = renewal.refusal(MINUTE * 59).expect("no token");
        assert!(matches!(refusal, PostError::Failed(_)), "{refusal}");
        assert!(refusal.to_string().contains("the vault is sealed"));
        assert!(renewal.end(Time::ZERO, MINUTE * 59, Ok(token("b", 59))));
        assert_eq!(renewal.refusal(MINUTE * 59), None);
        assert!(Renewal::new(Some(token("a", 0)), MINUTE * 59).is_err());
    }
}
