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
        match result {
            Ok(token) if self.is_refused && self.current.as_ref() == Some(&token) => {
                self.error = Some("the token that the server refused was given again".into());
            }
            Ok(token) => {
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
        // The next one is being made, or is due and waits for its pace.
        if self.pending.is_some() || self.renew_at <= now {
            self.is_refused = true;
            return Refusal::Retry;
        }
        let is_too_early = |at: Time| now.saturating_since(at) < TOKEN_GUARD;
        if self.early_at.is_some_and(is_too_early) {
            return Refusal::Settle;
        }
        self.early_at = Some(now);
        self.is_refused = true;
        self.not_before = now;
        Refusal::Renew
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60;

    fn secs(secs: u64) -> Time {
        Time::from_millis(secs * 1_000)
    }

    fn token(issued_at: u64) -> ProviderToken {
        ProviderToken {
            value: Bytes::from(format!("bearer {issued_at}")),
            issued_at: Duration::from_secs(issued_at),
        }
    }

    /// The monotonic clock starts at 0 when UNIX time is `EPOCH`.
    const EPOCH: u64 = 1_800_000_000;

    struct World {
        tokens: Tokens,
        rng: Rng,
    }

    impl World {
        fn new() -> Self {
            let mut world = Self {
                tokens: Tokens::new(Auth::Token),
                rng: Rng::new(1),
            };
            assert!(!world.tokens.is_usable(secs(0)));
            assert!(world.mint(0));
            world
        }

        /// Answers a mint that is due with a fresh token.
        fn mint(&mut self, now: u64) -> bool {
            let Some(mint) = self.tokens.poll_mint(secs(now)) else {
                return false;
            };
            let unix = Duration::from_secs(EPOCH + now);
            let token = Ok(token(EPOCH + now));
            self.tokens
                .minted(secs(now), unix, &mint, token, &mut self.rng)
        }
    }

    #[test]
    fn a_token_is_renewed_at_50_minutes_and_serves_until_59() {
        let mut world = World::new();
        assert!(world.tokens.poll_mint(secs(50 * MINUTE - 1)).is_none());
        let mint = world.tokens.poll_mint(secs(50 * MINUTE)).unwrap();
        assert_eq!(mint.refused, None);
        assert!(world.tokens.is_usable(secs(59 * MINUTE - 1)));
        assert!(!world.tokens.is_usable(secs(59 * MINUTE)));
    }

    #[test]
    fn a_refused_token_is_renewed_at_once_but_not_twice_in_20_minutes() {
        let mut world = World::new();
        assert_eq!(world.tokens.refused(secs(10), 1), Refusal::Renew);
        assert!(!world.tokens.is_usable(secs(10)));
        assert_eq!(world.tokens.refused(secs(10), 1), Refusal::Retry);
        let mint = world.tokens.poll_mint(secs(10)).unwrap();
        assert_eq!(mint.refused, Some(token(EPOCH)));
        assert_eq!(world.tokens.refused(secs(11), 1), Refusal::Retry);
        let unix = Duration::from_secs(EPOCH + 12);
        let fresh = Ok(token(EPOCH + 12));
        assert!(
            world
                .tokens
                .minted(secs(12), unix, &mint, fresh, &mut world.rng)
        );
        assert!(world.tokens.is_usable(secs(12)));
        assert_eq!(world.tokens.refused(secs(13), 1), Refusal::Retry);
        assert_eq!(world.tokens.refused(secs(14), 2), Refusal::Settle);
        assert_eq!(
            world.tokens.refused(secs(10 + 20 * MINUTE), 2),
            Refusal::Renew
        );
    }

    #[test]
    fn the_refused_token_given_again_is_a_failed_mint() {
        let mut world = World::new();
        world.tokens.refused(secs(10), 1);
        let mint = world.tokens.poll_mint(secs(10)).unwrap();
        let unix = Duration::from_secs(EPOCH + 12);
        let same = Ok(token(EPOCH));
        assert!(
            !world
                .tokens
                .minted(secs(12), unix, &mint, same, &mut world.rng)
        );
        assert!(!world.tokens.is_usable(secs(12)));
        assert!(world.tokens.next().unwrap() > secs(12));
    }

    #[test]
    fn failed_mints_are_paced_and_a_late_one_is_ignored() {
        let mut tokens = Tokens::new(Auth::Token);
        let mut rng = Rng::new(1);
        let unix = Duration::from_secs(EPOCH);
        let mut now = secs(0);
        for _ in 0..20 {
            let mint = tokens.poll_mint(now).unwrap();
            assert_eq!(tokens.poll_mint(Time::NEVER), None);
            let error = Err(MintError("no key".into()));
            assert!(!tokens.minted(now, unix, &mint, error, &mut rng));
            let late = Ok(token(EPOCH));
            assert!(!tokens.minted(now, unix, &mint, late, &mut rng));
            assert!(tokens.next().unwrap() >= now + Duration::from_millis(250));
            now = tokens.next().unwrap();
        }
        assert_eq!(tokens.error().map(|text| &**text), Some("no key"));
    }

    #[test]
    fn a_mint_that_never_answers_fails_and_the_next_one_is_paced() {
        let mut tokens = Tokens::new(Auth::Token);
        let mut rng = Rng::new(1);
        let lost = tokens.poll_mint(secs(0)).unwrap();
        assert_eq!(tokens.next(), Some(lost.deadline));
        tokens.handle_timeout(secs(29), &mut rng);
        assert_eq!(tokens.poll_mint(lost.deadline), None, "under way still");
        tokens.handle_timeout(lost.deadline, &mut rng);
        assert!(tokens.error().is_some());
        assert!(tokens.next().unwrap() > lost.deadline);
        let answer = |tokens: &mut Tokens, rng: &mut Rng, mint: &Mint| {
            let unix = Duration::from_secs(EPOCH);
            tokens.minted(secs(33), unix, mint, Ok(token(EPOCH)), rng);
            tokens.is_usable(secs(33))
        };
        assert!(!answer(&mut tokens, &mut rng, &lost), "too late");
        let second = tokens.poll_mint(secs(33)).unwrap();
        assert!(
            !answer(&mut tokens, &mut rng, &lost),
            "another is under way"
        );
        assert!(answer(&mut tokens, &mut rng, &second));
    }

    #[test]
    fn a_clock_that_jumps_re_judges_the_age() {
        let mut world = World::new();
        let jump =
            |tokens: &mut Tokens, unix: u64| tokens.judge_age(secs(1), Duration::from_secs(unix));
        jump(&mut world.tokens, EPOCH + 59 * MINUTE);
        assert!(!world.tokens.is_usable(secs(1)));
        jump(&mut world.tokens, EPOCH - 3_600);
        assert!(world.tokens.is_usable(secs(1)));
        assert_eq!(world.tokens.next(), Some(secs(1)));
    }

    #[test]
    fn a_failed_mint_re_judges_the_age_too() {
        let mut world = World::new();
        let tokens = &mut world.tokens;
        tokens.judge_age(secs(1), Duration::from_secs(EPOCH + 70 * MINUTE));
        let mint = tokens.poll_mint(secs(1)).unwrap();
        let unix = Duration::from_secs(EPOCH + 2);
        let error = Err(MintError("no key".into()));
        assert!(!tokens.minted(secs(2), unix, &mint, error, &mut world.rng));
        assert!(tokens.is_usable(secs(2)));
    }

    #[test]
    fn a_refused_token_whose_renewal_is_due_anyway_is_no_early_renewal() {
        let mut world = World::new();
        assert_eq!(world.tokens.refused(secs(1), 1), Refusal::Renew);
        assert!(world.mint(1));
        // The clock was wrong, and is set back by a day.
        let unix = Duration::from_secs(EPOCH - 86_400);
        world.tokens.judge_age(secs(2), unix);
        let mint = world.tokens.poll_mint(secs(2)).unwrap();
        let failed = Err(MintError("no".into()));
        world
            .tokens
            .minted(secs(2), unix, &mint, failed, &mut world.rng);
        assert_eq!(world.tokens.refused(secs(2), 2), Refusal::Retry);
        assert!(!world.tokens.is_usable(secs(2)));
        assert!(world.tokens.next().unwrap() > secs(2));
    }

    #[test]
    fn a_token_that_is_old_already_does_not_loop() {
        let mut tokens = Tokens::new(Auth::Token);
        let mut rng = Rng::new(1);
        let unix = Duration::from_secs(EPOCH);
        let mint = tokens.poll_mint(secs(0)).unwrap();
        let old = Ok(token(EPOCH - 55 * MINUTE));
        assert!(tokens.minted(secs(0), unix, &mint, old, &mut rng));
        assert!(tokens.is_usable(secs(0)));
        assert!(tokens.next().unwrap() > secs(0));
    }

    #[test]
    fn without_tokens_nothing_is_minted_and_a_refusal_is_the_result() {
        let mut tokens = Tokens::new(Auth::None);
        assert!(tokens.is_usable(secs(0)));
        assert_eq!(tokens.next(), None);
        assert_eq!(tokens.refused(secs(0), 0), Refusal::Settle);
    }
}
