//! What a server thinks of provider tokens (FACTS §4): `bearer t<team>i<iat>s<serial>`.

use std::time::Duration;

use super::fate::No;

/// Apple takes a token for an hour.
const LIFETIME: u64 = 3600;
/// And no new one on a connection within twenty minutes.
const UPDATE: u64 = 20 * 60;

/// What all servers know: which tokens were called expired before their time.
#[derive(Debug, Default)]
pub struct Revoked(pub u32);

/// A provider token as the simulated signer writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose it is.
    pub team: u32,
    /// `iat`, seconds since 1970.
    pub issued_at: u64,
    /// Counts the tokens of a world.
    pub serial: u32,
}

impl Token {
    /// The value of `authorization`.
    pub fn value(self) -> String {
        format!("bearer {}", self.jwt())
    }

    /// The same without the word `bearer`.
    pub fn jwt(self) -> String {
        format!("t{}i{}s{}", self.team, self.issued_at, self.serial)
    }

    /// Reads [`value`](Self::value) back.
    pub fn parse(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?.strip_prefix("bearer t")?;
        let (team, text) = text.split_once('i')?;
        let (issued_at, serial) = text.split_once('s')?;
        Some(Self {
            team: team.parse().ok()?,
            issued_at: issued_at.parse().ok()?,
            serial: serial.parse().ok()?,
        })
    }
}

/// What one connection saw of tokens.
#[derive(Debug, Default)]
pub struct Guard {
    last: Option<Token>,
    is_spoilt: bool,
}

impl Guard {
    /// The connection answers `TooManyProviderTokenUpdates` from now on.
    pub fn spoil(&mut self) {
        self.is_spoilt = true;
    }

    /// Judges a request's token at wall-clock time `unix`.
    pub fn check(
        &mut self,
        value: Option<&[u8]>,
        unix: Duration,
        revoked: &Revoked,
        team: u32,
    ) -> Option<No> {
        if self.is_spoilt {
            return Some(No::new(429, "TooManyProviderTokenUpdates"));
        }
        let Some(value) = value else {
            return Some(No::new(403, "MissingProviderToken"));
        };
        let Some(token) = Token::parse(value) else {
            return Some(No::new(403, "InvalidProviderToken"));
        };
        if token.team != team {
            return Some(No::new(403, "InvalidProviderToken"));
        }
        let age = unix.as_secs().saturating_sub(token.issued_at);
        let ahead = token.issued_at.saturating_sub(unix.as_secs());
        if age > LIFETIME || ahead > LIFETIME || token.serial < revoked.0 {
            return Some(No::new(403, "ExpiredProviderToken"));
        }
        let last = self
            .last
            .replace(token)
            .filter(|last| last.serial >= revoked.0);
        if last
            .is_some_and(|last| last != token && last.issued_at.abs_diff(token.issued_at) < UPDATE)
        {
            self.is_spoilt = true;
            return Some(No::new(429, "TooManyProviderTokenUpdates"));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_as_it_was_written() {
        let token = Token {
            team: 3,
            issued_at: 1_700_000_000,
            serial: 7,
        };
        assert_eq!(Token::parse(token.value().as_bytes()), Some(token));
        assert_eq!(Token::parse(b"bearer xyz"), None);
    }

    #[test]
    fn a_second_token_within_twenty_minutes_spoils_the_connection() {
        let (mut guard, revoked) = (Guard::default(), Revoked::default());
        let unix = Duration::from_secs(1_700_000_000);
        let token = |serial| {
            let issued_at = unix.as_secs();
            Token {
                team: 0,
                issued_at,
                serial,
            }
            .value()
        };
        assert_eq!(
            guard.check(Some(token(1).as_bytes()), unix, &revoked, 0),
            None
        );
        let again = guard.check(Some(token(2).as_bytes()), unix, &revoked, 0);
        assert_eq!(again.map(|no| no.status), Some(429));
    }
}
