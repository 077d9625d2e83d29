//! The check of provider tokens, by public key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderValue;
use serde::Deserialize;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{SignatureVerificationAlgorithm, alg_id};

use super::Answer;

/// A token serves so long ("Establishing a token-based connection to APNs").
const LIFETIME: Duration = Duration::from_secs(60 * 60);

/// What a token must be.
pub(super) struct TokenCheck {
    pub(super) key_id: String,
    pub(super) team_id: String,
    /// An uncompressed point on P-256.
    pub(super) public_key: Vec<u8>,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    iat: u64,
}

impl TokenCheck {
    /// Verifies `authorization`, and returns when it was issued.
    pub(super) fn verify(&self, authorization: Option<&HeaderValue>) -> Result<Duration, Answer> {
        let value = authorization.ok_or(Answer::rejection(403, "MissingProviderToken"))?;
        let issued = self
            .issue_time(value)
            .ok_or(Answer::rejection(403, "InvalidProviderToken"))?;
        check_age(issued)?;
        Ok(issued)
    }

    fn issue_time(&self, value: &HeaderValue) -> Option<Duration> {
        let jwt = value.to_str().ok()?.strip_prefix("bearer ")?;
        let (message, signature) = jwt.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
        let signature = der_signature(&decode(signature)?)?;
        p256()?
            .verify_signature(&self.public_key, message.as_bytes(), &signature)
            .ok()?;
        let ours = header.alg == "ES256" && header.kid == self.key_id && claims.iss == self.team_id;
        ours.then(|| Duration::from_secs(claims.iat))
    }
}

/// Whether a token issued then, time since 1970, still serves.
pub(super) fn check_age(issued: Duration) -> Result<(), Answer> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    if issued > now + LIFETIME {
        return Err(Answer::rejection(403, "InvalidProviderToken"));
    }
    if now.saturating_sub(issued) > LIFETIME {
        return Err(Answer::rejection(403, "ExpiredProviderToken"));
    }
    Ok(())
}

fn p256() -> Option<&'static dyn SignatureVerificationAlgorithm> {
    let provider = aws_lc_rs::default_provider();
    let algorithms = provider.signature_verification_algorithms.all;
    algorithms.iter().copied().find(|algorithm| {
        algorithm.public_key_alg_id() == alg_id::ECDSA_P256
            && algorithm.signature_alg_id() == alg_id::ECDSA_SHA256
    })
}

/// R‖S as the DER that certificates use.
fn der_signature(raw: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at_checked(32).filter(|(_, s)| s.len() == 32)?;
    let mut body = Vec::with_capacity(72);
    for half in [r, s] {
        let zeros = half.iter().take_while(|&&octet| octet == 0).count().min(31);
        let digits = half.get(zeros..)?;
        let sign = digits.first().is_some_and(|&octet| octet >= 0x80);
        body.extend([0x02, u8::try_from(digits.len()).ok()? + u8::from(sign)]);
        if sign {
            body.push(0);
        }
        body.extend_from_slice(digits);
    }
    let mut der = vec![0x30, u8::try_from(body.len()).ok()?];
    der.extend(body);
    Some(der)
}

/// Base64url without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut word, mut bits) = (0u32, 0);
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    for letter in text.bytes() {
        let sextet = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            _ => return None,
        };
        word = word << 6 | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 0xff) as u8);
        }
    }
    Some(out)
}
