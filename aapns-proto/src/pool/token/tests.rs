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
fn the_refused_token_given_again_is_used_and_its_refusals_are_results() {
    let mut world = World::new();
    let tokens = &mut world.tokens;
    let mut give_again = |tokens: &mut Tokens, at: u64, issued_at: u64| {
        assert_eq!(tokens.refused(secs(at), 1), Refusal::Renew);
        assert_eq!(tokens.refused(secs(at), 1), Refusal::Retry);
        let mint = tokens.poll_mint(secs(at)).unwrap();
        let unix = Duration::from_secs(EPOCH + at + 2);
        let same = ProviderToken {
            value: token(EPOCH).value,
            issued_at: Duration::from_secs(issued_at),
        };
        assert!(tokens.minted(secs(at + 2), unix, &mint, Ok(same), &mut world.rng));
        assert!(tokens.is_usable(secs(at + 2)));
        assert_eq!((tokens.generation(), tokens.error()), (1, None));
        assert_eq!(tokens.refused(secs(at + 3), 1), Refusal::Settle);
        let end = at + 2 + 20 * MINUTE;
        assert_eq!(tokens.refused(secs(end - 1), 1), Refusal::Settle);
        end
    };
    let end = give_again(tokens, 10, EPOCH);
    // A ready JWT is as young as one likes.
    let end = give_again(tokens, end, EPOCH + end);
    // This one is due for renewal already, which makes no loop either.
    let end = give_again(tokens, end, EPOCH + end - 55 * MINUTE);
    assert_eq!(tokens.refused(secs(end), 1), Refusal::Retry);
    assert!(!tokens.is_usable(secs(end)));
}

#[test]
fn a_renewal_that_brings_the_refused_token_once_more_changes_nothing() {
    let mut world = World::new();
    let tokens = &mut world.tokens;
    tokens.refused(secs(10), 1);
    let mut now = secs(10);
    for _ in 0..3 {
        let mint = tokens.poll_mint(now).unwrap();
        // It is due for renewal all the time.
        let same = ProviderToken {
            value: token(EPOCH).value,
            issued_at: Duration::from_secs(EPOCH - 55 * MINUTE),
        };
        let unix = Duration::from_secs(EPOCH);
        assert!(tokens.minted(now, unix, &mint, Ok(same), &mut world.rng));
        let generation = tokens.generation();
        assert_eq!(tokens.refused(now, generation), Refusal::Settle);
        now = tokens.next().unwrap();
    }
}

#[test]
fn the_present_token_from_one_who_does_not_know_that_it_was_refused_is_no_answer() {
    let mut world = World::new();
    let at = 50 * MINUTE;
    let mint = world.tokens.poll_mint(secs(at)).unwrap();
    assert_eq!(world.tokens.refused(secs(at), 1), Refusal::Retry);
    let unix = Duration::from_secs(EPOCH + at);
    let same = Ok(token(EPOCH));
    let is_new = world
        .tokens
        .minted(secs(at), unix, &mint, same, &mut world.rng);
    assert!(!is_new && !world.tokens.is_usable(secs(at)));
    let next = world.tokens.next().unwrap();
    assert!(next > secs(at));
    let mint = world.tokens.poll_mint(next).unwrap();
    assert_eq!(mint.refused, Some(token(EPOCH)));
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
