//! Whether a request is in order: its form, its provider token, its device token.

use std::sync::atomic::Ordering;
use std::time::Duration;

use http::HeaderValue;
use http::request::Parts;

use crate::mock::Answer;
use crate::mock::server::Shared;
use crate::mock::tap::lock;
use crate::mock::{channels, check, token};
use aapns_proto::client::Environment;

/// The provider token that was verified last, and when it was issued.
pub(super) type Verified = Option<(HeaderValue, Duration)>;

impl Shared {
    /// Judges a request with so many octets of body.
    pub(super) fn judge(
        &self,
        parts: &Parts,
        length: usize,
        verified: &mut Verified,
    ) -> Result<(), Answer> {
        let token = parts.headers.get("authorization");
        if channels::is_path(parts.uri.path()) {
            return self.judge_token(token, verified);
        }
        // A certificate names a topic; a token doesn't.
        check::check(parts, length, token.is_some())?;
        self.judge_token(token, verified)?;
        let path = parts.uri.path();
        let environment = match self.production {
            true => Environment::Production,
            false => Environment::Sandbox,
        };
        let device_token = check::device_token(path).unwrap_or("");
        let topic = check::text(&parts.headers, "apns-topic");
        self.devices.judge(device_token, topic, environment)?;
        self.judge_device(path)
    }

    /// Does what a request in order asks for.
    pub(super) fn accept(&self, parts: &Parts, body: &[u8], length: usize) -> Answer {
        if channels::is_path(parts.uri.path()) {
            self.channels.answer(parts, body, length)
        } else {
            Answer::ok()
        }
    }

    /// Answers this token by `ExpiredProviderToken` from now on.
    pub(super) fn expire(&self, token: HeaderValue) {
        lock(&self.expired).insert(token);
        self.any_expired.store(true, Ordering::Relaxed);
    }

    fn judge_token(
        &self,
        token: Option<&HeaderValue>,
        verified: &mut Verified,
    ) -> Result<(), Answer> {
        if self.any_expired.load(Ordering::Relaxed)
            && let Some(token) = token
            && lock(&self.expired).contains(token)
        {
            return Err(Answer::rejection(403, "ExpiredProviderToken"));
        }
        let Some(check) = &self.token_check else {
            return Ok(());
        };
        match verified {
            Some((value, issued)) if Some(&*value) == token => token::check_age(*issued),
            _ => {
                let issued = check.verify(token)?;
                *verified = token.cloned().map(|token| (token, issued));
                Ok(())
            }
        }
    }

    fn judge_device(&self, path: &str) -> Result<(), Answer> {
        if self.scenario.device_tokens.is_empty() {
            return Ok(());
        }
        let token = check::device_token(path).unwrap_or("").to_ascii_lowercase();
        match self.scenario.device_tokens.get(&token) {
            // A plain 200 leaves it to the rules.
            Some(answer) if *answer != Answer::ok() => Err(answer.clone()),
            _ => Ok(()),
        }
    }
}
