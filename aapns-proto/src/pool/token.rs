//! The provider token's schedule: when to ask for one, when to use it, what to do when it is refused.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::limits::{MINT_TIMEOUT, TOKEN_FUTURE, TOKEN_GUARD, TOKEN_RENEWAL, TOKEN_STALE};
use crate::pool::action::{Mint, MintError, ProviderToken};
use crate::pool::backoff::MINT;
use crate::pool::config::Auth;
use crate::pool::rng::Rng;
use crate::time::Time;

/// The present token, and when to have the next.
#[derive(Debug)]
pub(crate) struct Tokens {
    auth: Auth,
    current: Option<ProviderToken>,
    /// Of the present token; never falls, whatever credential is set.
    generation: u64,
    /// When the present token reaches the ages of renewal and of uselessness, by the pool's clock.
    renew_at: Time,
    stale_at: Time,
    /// The server said that the present token has expired: it isn't used any more.
    is_refused: bool,
    /// Whoever makes tokens gave the refused one again: it is used, and refusals of it are results.
    is_last_resort: bool,
    /// The last renewal that a refusal caused.
    early_at: Option<Time>,
    /// The mint under way.
    pending: Option<Pending>,
    mints: u64,
    failures: u8,
    not_before: Time,
    error: Option<Arc<str>>,
}

/// A mint that was asked for.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: u64,
    deadline: Time,
}

/// What follows from 403 `ExpiredProviderToken`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is a newer token, or will be: send again with that.
    Retry,
    /// The present token was refused: it is renewed early, and the links that used it drain.
    Renew,
    /// Nothing can be done about it: the answer is the result.
    Settle,
}

impl Tokens {
    pub(crate) fn new(auth: Auth) -> Self {
        Self {
            auth,
            current: None,
            generation: 0,
            renew_at: Time::ZERO,
            stale_at: Time::ZERO,
            is_refused: false,
            is_last_resort: false,
            early_at: None,
            pending: None,
            mints: 0,
            failures: 0,
            not_before: Time::ZERO,
            error: None,
        }
    }

    /// Starts over with another credential; a mint under way is for the old one.
    pub(crate) fn reset(&mut self, auth: Auth) {
        *self = Self {
            generation: self.generation + 1,
            mints: self.mints,
            ..Self::new(auth)
        };
    }

    /// Whether requests may be sent now.
    pub(crate) fn is_usable(&self, now: Time) -> bool {
        match self.auth {
            Auth::None => true,
            Auth::Token => self.current.is_some() && !self.is_refused && now < self.stale_at,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// The value of `authorization` for links.
    pub(crate) fn authorization(&self) -> Option<Bytes> {
        self.current.as_ref().map(|token| token.value.clone())
    }

    /// Why there is no token.
    pub(crate) fn error(&self) -> Option<&Arc<str>> {
        let is_without = self.current.is_none() || self.is_refused;
        self.error.as_ref().filter(|_| is_without)
    }

    /// Judges the token's age anew: the monotonic clock stands still while a machine sleeps, and the
    /// wall clock jumps.
    pub(crate) fn judge_age(&mut self, now: Time, unix: Duration) {
        let Some(token) = &self.current else {
            return;
        };
        let age = unix.saturating_sub(token.issued_at);
        self.stale_at = now + TOKEN_STALE.saturating_sub(age);
        self.renew_at = if token.issued_at > unix.saturating_add(TOKEN_FUTURE) {
            now
        } else {
            now + TOKEN_RENEWAL.saturating_sub(age)
        };
    }

    /// The order to get a token, if one is due.
    pub(crate) fn poll_mint(&mut self, now: Time) -> Option<Mint> {
        if self.pending.is_some() || self.next().is_none_or(|at| at > now) {
            return None;
        }
        self.mints += 1;
        let (id, deadline) = (self.mints, now + MINT_TIMEOUT);
        self.pending = Some(Pending { id, deadline });
        Some(Mint {
            id,
            deadline,
            refused: self.current.clone().filter(|_| self.is_refused),
        })
    }

    /// When the next mint is due, or the one under way has taken too long.
    pub(crate) fn next(&self) -> Option<Time> {
        if self.auth == Auth::None {
            return None;
        }
        if let Some(pending) = self.pending {
            return Some(pending.deadline);
        }
        if self.current.is_none() || self.is_refused {
            return Some(self.not_before);
        }
        Some(self.renew_at.max(self.not_before))
    }

    /// A mint that takes too long has failed; a late answer is ignored.
    pub(crate) fn handle_timeout(&mut self, now: Time, rng: &mut Rng) {
        if self.pending.is_some_and(|mint| mint.deadline <= now) {
            self.pending = None;
            self.error = Some("no provider token in time".into());
            self.pace(now, rng);
        }
    }

    /// Sets when the next mint may begin: later with each one in a row that brought no fresh token.
    fn pace(&mut self, now: Time, rng: &mut Rng) {
        let is_good = self.is_usable(now) && now < self.renew_at;
        self.failures = if is_good {
            0
        } else {
            self.failures.saturating_add(1)
        };
        self.not_before = now + MINT.delay(self.failures, rng);
    }

    /// A mint ended; whether there is a new token.
    pub(crate) fn minted(
        &mut self,
        now: Time,
        unix: Duration,
        mint: &Mint,
        result: Result<ProviderToken, MintError>,
        rng: &mut Rng,
    ) -> bool {
        if self.pending.is_none_or(|pending| pending.id != mint.id) {
            return false;
        }
        self.pending = None;
        let is_value_of = |token: &ProviderToken, other: Option<&ProviderToken>| {
            other.is_some_and(|other| other.value == token.value)
        };
        match result {
            Ok(token) if is_value_of(&token, mint.refused.as_ref()) => {
                self.current = Some(token);
                self.is_refused = false;
                self.is_last_resort = true;
                self.early_at = Some(now);
                self.error = None;
            }
            // It was refused after it was asked for: whoever makes tokens doesn't know yet.
            Ok(token) if self.is_refused && is_value_of(&token, self.current.as_ref()) => {
                self.error = Some("the token that the server refused was given again".into());
            }
            Ok(token) => {
                self.is_last_resort &= is_value_of(&token, self.current.as_ref());
                self.current = Some(token);
                self.generation += 1;
                self.is_refused = false;
                self.error = None;
            }
            Err(error) => self.error = Some(error.0),
        }
        self.judge_age(now, unix);
        self.pace(now, rng);
        self.error.is_none()
    }

    /// The server answered 403 `ExpiredProviderToken` to the token of this generation.
    pub(crate) fn refused(&mut self, now: Time, generation: u64) -> Refusal {
        if self.auth == Auth::None {
            return Refusal::Settle;
        }
        if generation < self.generation || self.is_refused || self.current.is_none() {
            return Refusal::Retry;
        }
        let is_too_early = |at: Time| now.saturating_since(at) < TOKEN_GUARD;
        let is_too_early = self.early_at.is_some_and(is_too_early);
        if self.is_last_resort && is_too_early {
            return Refusal::Settle;
        }
        // The next one is being made, or is due and waits for its pace.
        if self.pending.is_some() || self.renew_at <= now {
            self.is_refused = true;
            return Refusal::Retry;
        }
        if is_too_early {
            return Refusal::Settle;
        }
        self.early_at = Some(now);
        self.is_refused = true;
        self.not_before = now;
        Refusal::Renew
    }
}

#[cfg(test)]
mod tests;
