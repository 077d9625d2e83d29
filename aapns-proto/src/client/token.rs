//! Where provider tokens come from: one source for each team and key, shared by all pools that use it.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::limits::{TOKEN_GUARD, TOKEN_RENEWAL};
use crate::pool::{MintError, ProviderToken};

use super::observe;
use super::watchers::{Watched, Watchers, Watching};

type Minting = Pin<Box<dyn Future<Output = Result<ProviderToken, MintError>> + Send>>;
type Mint = Box<dyn Fn(Duration) -> Minting + Send + Sync>;

/// Makes provider tokens (JWTs), and remembers the present one.
///
/// Clones share it. Apple wants a token to be used for 20 to 60 minutes, and the same one on all
/// connections: give clones of one source to all pools of a team and key.
#[derive(Clone)]
pub struct TokenSource(Arc<Source>);

struct Source {
    mint: Mint,
    /// What it signs with, if that is known here.
    #[cfg(feature = "rustls")]
    signer: Option<Arc<crate::tls::Signer>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    present: Option<ProviderToken>,
    /// When a token was last renewed before its time.
    renewed_early: Option<Duration>,
    is_minting: bool,
    /// Those who wait for the one that mints.
    waiting: Watchers,
}

impl TokenSource {
    /// Tokens from a callback, for those who sign elsewhere. It is given the time since 1970, and
    /// answers with the JWT and the time of its `iat` claim.
    pub fn new<F, Fut>(mint: F) -> Self
    where
        F: Fn(Duration) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(String, Duration), MintError>> + Send + 'static,
    {
        Self::from_mint(Box::new(move |unix| {
            let minting = mint(unix);
            Box::pin(async move {
                let (jwt, issued_at) = minting.await?;
                ProviderToken::new(&jwt, issued_at)
            })
        }))
    }

    /// One ready JWT, used as long as the server takes it.
    ///
    /// Apple takes it for an hour from its `iat`; from then on everything is answered by 403
    /// `ExpiredProviderToken`, until [`set_credential`](super::Pool::set_credential) brings another. What runs for
    /// longer takes a signing key, or [`new`](Self::new).
    ///
    /// # Errors
    /// [`MintError`] if the text can't be a JWT.
    pub fn fixed(jwt: &str) -> Result<Self, MintError> {
        let value = ProviderToken::new(jwt.trim(), Duration::ZERO)?.value;
        Ok(Self::from_mint(Box::new(move |unix| {
            let value = value.clone();
            // Its age isn't ours to judge.
            Box::pin(async move {
                Ok(ProviderToken {
                    value,
                    issued_at: unix,
                })
            })
        })))
    }

    /// Signs each with this key.
    #[cfg(feature = "rustls")]
    pub fn from_signer(signer: crate::tls::Signer) -> Self {
        let signer = Arc::new(signer);
        let own = Arc::clone(&signer);
        let mint: Mint = Box::new(move |unix| {
            let token = signer.sign(unix);
            Box::pin(async move { token })
        });
        Self(Arc::new(Source {
            mint,
            signer: Some(own),
            state: Mutex::default(),
        }))
    }

    /// Whether both are known to sign with one key of one team, or are one source.
    pub(super) fn has_key_of(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.0, &other.0) {
            return true;
        }
        #[cfg(feature = "rustls")]
        if let (Some(ours), Some(theirs)) = (&self.0.signer, &other.0.signer) {
            return ours.has_key_of(theirs);
        }
        false
    }

    /// The present token; a new one if that was refused or is 50 minutes old.
    ///
    /// Gives the refused one again if nothing better is to be had: it is a ready JWT, or the last early
    /// renewal was less than 20 minutes ago.
    ///
    /// # Cancel safety
    /// Safe: a callback that was begun is dropped with it, and the next call begins anew.
    ///
    /// # Errors
    /// [`MintError`]: the signer's or callback's.
    pub async fn token(
        &self,
        unix: Duration,
        refused: Option<&ProviderToken>,
    ) -> Result<ProviderToken, MintError> {
        let Some(_turn) = self.begin(unix, refused).await else {
            let present = self.0.lock().present.clone();
            return present.ok_or_else(|| MintError("no token".into()));
        };
        let minted = (self.0.mint)(unix).await;
        let is_again = |token: &ProviderToken| refused.is_some_and(|r| r.value == token.value);
        let is_again = minted.as_ref().is_ok_and(is_again);
        if is_again {
            observe::minted::<()>(&Err(refused_again()), true);
        } else {
            observe::minted(&minted, refused.is_some());
        }
        let token = minted?;
        let mut state = self.0.lock();
        if refused.is_some() && !is_again {
            state.renewed_early = Some(unix);
        }
        state.present = Some(token.clone());
        Ok(token)
    }

    fn from_mint(mint: Mint) -> Self {
        Self(Arc::new(Source {
            mint,
            #[cfg(feature = "rustls")]
            signer: None,
            state: Mutex::default(),
        }))
    }

    /// `None`: the present token serves. `Some`: it is this caller's turn to mint.
    async fn begin(&self, unix: Duration, refused: Option<&ProviderToken>) -> Option<Turn> {
        let watching = Watching::new(&*self.0);
        std::future::poll_fn(|cx: &mut Context<'_>| {
            let mut state = self.0.lock();
            if state.serves(unix, refused) {
                return Poll::Ready(None);
            }
            if state.is_minting {
                state.waiting.listen(watching.seat, cx.waker());
                return Poll::Pending;
            }
            if refused.is_some() && is_recent(state.renewed_early, unix) {
                return Poll::Ready(None);
            }
            state.is_minting = true;
            Poll::Ready(Some(Turn(Arc::clone(&self.0))))
        })
        .await
    }
}

impl std::fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenSource")
    }
}

impl Source {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A wall clock that jumped either way makes a token's age unknown: then it doesn't serve.
    fn serves(&self, unix: Duration, refused: Option<&ProviderToken>) -> bool {
        self.present.as_ref().is_some_and(|present| {
            let is_refused = refused.is_some_and(|r| r.value == present.value);
            !is_refused && is_within(present.issued_at, unix, TOKEN_RENEWAL)
        })
    }
}

/// The turn to mint; over when dropped, also by a caller that went away.
struct Turn(Arc<Source>);

impl Drop for Turn {
    fn drop(&mut self) {
        let waiting = {
            let mut state = self.0.lock();
            state.is_minting = false;
            state.waiting.take()
        };
        for waker in waiting {
            waker.wake();
        }
    }
}

impl Watched for Source {
    fn with_watchers<O>(&self, f: impl FnOnce(&mut Watchers) -> O) -> O {
        f(&mut self.lock().waiting)
    }
}

fn is_recent(moment: Option<Duration>, unix: Duration) -> bool {
    moment.is_some_and(|moment| is_within(moment, unix, TOKEN_GUARD))
}

fn is_within(moment: Duration, unix: Duration, span: Duration) -> bool {
    unix.abs_diff(moment) < span
}

fn refused_again() -> MintError {
    MintError(
        "the server refused a provider token that was just made: check this machine's clock, the key and its ids".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Waker;

    fn now(minutes: u64) -> Duration {
        Duration::from_secs(1_800_000_000 + minutes * 60)
    }

    fn counting() -> TokenSource {
        let count = AtomicU32::new(0);
        TokenSource::new(move |unix| {
            let n = count.fetch_add(1, Ordering::Relaxed);
            async move { Ok((format!("a.b.{n}"), unix)) }
        })
    }

    fn get(
        source: &TokenSource,
        unix: Duration,
        refused: Option<&ProviderToken>,
    ) -> Result<ProviderToken, MintError> {
        let mut token = Box::pin(source.token(unix, refused));
        match token.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("nobody else mints"),
        }
    }

    #[test]
    fn a_token_serves_for_fifty_minutes() {
        let source = counting();
        let first = get(&source, now(0), None).expect("a token");
        assert_eq!(&first.value[..], b"bearer a.b.0");
        assert_eq!(get(&source, now(49), None).expect("the same"), first);
        assert_ne!(get(&source, now(50), None).expect("the next"), first);
    }

    #[test]
    fn a_second_early_renewal_within_twenty_minutes_is_not_made() {
        let source = counting();
        let first = get(&source, now(0), None).expect("a token");
        let second = get(&source, now(1), Some(&first)).expect("renewed early");
        assert_ne!(first, second);
        // Another pool whose token is the old one just gets the present one.
        assert_eq!(get(&source, now(2), Some(&first)).expect("present"), second);
        let again = get(&source, now(20), Some(&second)).expect("present");
        assert_eq!(again, second, "nothing better is to be had");
        let third = get(&source, now(21), Some(&second)).expect("renewed early");
        assert_ne!(third, second);
    }

    #[test]
    fn waiting_for_anothers_mint_holds_one_seat_until_dropped() {
        let source = TokenSource::new(|_| std::future::pending());
        let mut cx = Context::from_waker(Waker::noop());
        let mut minting = Box::pin(source.token(now(0), None));
        let mut waiting = Box::pin(source.token(now(0), None));
        assert!(minting.as_mut().poll(&mut cx).is_pending());
        for _ in 0..1_000 {
            assert!(waiting.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(source.0.lock().waiting.len(), 1);
        drop(waiting);
        assert!(source.0.lock().waiting.is_empty());
    }

    #[test]
    fn a_clock_that_jumped_back_asks_for_a_new_token() {
        let source = counting();
        let first = get(&source, now(600), None).expect("a token");
        assert_ne!(get(&source, now(0), None).expect("another"), first);
    }

    #[test]
    fn a_ready_jwt_that_is_refused_is_given_again() {
        let source = TokenSource::fixed("h.c.s\n").expect("a JWT");
        let token = get(&source, now(0), None).expect("it");
        assert_eq!(&token.value[..], b"bearer h.c.s");
        let again = get(&source, now(1), Some(&token)).expect("it");
        assert_eq!(again.value, token.value);
        assert!(TokenSource::fixed("no jwt").is_err());
    }
}
