//! Provider tokens: a JWT by ES256 from a `.p8` key.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::SignatureScheme;
use rustls::crypto::CryptoProvider;
use rustls::sign::SigningKey;

use super::{CredentialError, default_provider, pem};
use crate::base64;
use crate::pool::{MintError, ProviderToken};

const WHAT: &str = "the token's signing key";
const ES256: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];

/// Signs provider tokens for one team and key ("Establishing a token-based connection to APNs").
///
/// Cheap to clone. `Debug` shows the two ids, which are no secrets, and no key.
#[derive(Clone)]
pub struct Signer {
    key: Arc<dyn SigningKey>,
    /// `bearer ` and the JWT's encoded header: the same in every token.
    prefix: Arc<str>,
    key_id: Arc<str>,
    team_id: Arc<str>,
}

impl Signer {
    /// A signer from the `.p8` file of Apple's developer site (PEM, PKCS#8, P-256), its 10-character key ID,
    /// and the 10-character team ID.
    ///
    /// # Errors
    /// [`CredentialError`] if the PEM can't be read, the key isn't on P-256, or an id isn't 10 letters and digits.
    pub fn from_p8(pem: &[u8], key_id: &str, team_id: &str) -> Result<Self, CredentialError> {
        Self::from_p8_with(&*default_provider()?, pem, key_id, team_id)
    }

    /// [`from_p8`](Self::from_p8) with a crypto provider of the caller's.
    ///
    /// # Errors
    /// As [`from_p8`](Self::from_p8).
    pub fn from_p8_with(
        provider: &CryptoProvider,
        pem: &[u8],
        key_id: &str,
        team_id: &str,
    ) -> Result<Self, CredentialError> {
        if !is_id(key_id) {
            return Err(CredentialError::KeyId(key_id.chars().count()));
        }
        if !is_id(team_id) {
            return Err(CredentialError::TeamId(team_id.chars().count()));
        }
        let der = pem::private_key(pem, WHAT)?;
        let key = provider
            .key_provider
            .load_private_key(der.clone_key())
            .map_err(|_| CredentialError::KeyRefused(WHAT))?;
        if key.choose_scheme(ES256).is_none() {
            return Err(CredentialError::NotP256);
        }
        let mut prefix = String::from("bearer ");
        let header = format!(r#"{{"alg":"ES256","kid":"{key_id}"}}"#);
        base64::encode_url_into(&mut prefix, header.as_bytes());
        Ok(Self {
            key,
            prefix: prefix.into(),
            key_id: key_id.into(),
            team_id: team_id.into(),
        })
    }

    /// A token issued at `unix`, time since 1970; `iat` is in whole seconds.
    ///
    /// # Errors
    /// [`MintError`] if the crypto provider fails to sign, which a loaded key gives no cause for.
    pub fn sign(&self, unix: Duration) -> Result<ProviderToken, MintError> {
        let iat = unix.as_secs();
        let mut token = String::with_capacity(256);
        token.push_str(&self.prefix);
        token.push('.');
        let claims = format!(r#"{{"iss":"{}","iat":{iat}}}"#, self.team_id);
        base64::encode_url_into(&mut token, claims.as_bytes());
        // What is signed is the JWT's first two parts, without the scheme.
        let message = token.strip_prefix("bearer ").unwrap_or(&token);
        let der = self
            .key
            .choose_scheme(ES256)
            .ok_or_else(mint_error)?
            .sign(message.as_bytes())
            .map_err(|_| mint_error())?;
        let raw = raw_signature(&der).ok_or_else(mint_error)?;
        token.push('.');
        base64::encode_url_into(&mut token, &raw);
        Ok(ProviderToken {
            value: Bytes::from(token),
            issued_at: Duration::from_secs(iat),
        })
    }

    /// Whether both sign with the same key for the same team; false if a key doesn't tell its public part.
    pub fn has_key_of(&self, other: &Self) -> bool {
        let public = self.key.public_key();
        self.key_id == other.key_id
            && self.team_id == other.team_id
            && public.is_some()
            && public == other.key.public_key()
    }

    /// The key's ID, the JWT's `kid`.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The team's ID, the JWT's `iss`.
    pub fn team_id(&self) -> &str {
        &self.team_id
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("key_id", &self.key_id)
            .field("team_id", &self.team_id)
            .finish_non_exhaustive()
    }
}

fn is_id(id: &str) -> bool {
    id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn mint_error() -> MintError {
    MintError("the crypto provider could not sign the provider token".into())
}

/// DER's `SEQUENCE { INTEGER r, INTEGER s }` as JOSE wants it: R‖S, 32 octets each (RFC 7518 §3.4).
fn raw_signature(der: &[u8]) -> Option<[u8; 64]> {
    let (sequence, rest) = element(der, 0x30)?;
    let (r, sequence) = element(sequence, 0x02)?;
    let (s, end) = element(sequence, 0x02)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut raw = [0; 64];
    let (left, right) = raw.split_at_mut(32);
    place(left, r)?;
    place(right, s)?;
    Some(raw)
}

/// The contents of the element of this tag that `der` begins with, and what follows; short lengths only,
/// as a P-256 signature has no others.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, der) = der.split_first()?;
    let (&length, der) = der.split_first()?;
    if first != tag || length >= 0x80 {
        return None;
    }
    der.split_at_checked(usize::from(length))
}

/// Puts a DER integer, which may have a leading zero or be short, at the end of `field`.
fn place(field: &mut [u8], integer: &[u8]) -> Option<()> {
    let digits = match integer {
        [0, rest @ ..] => rest,
        all => all,
    };
    let start = field.len().checked_sub(digits.len())?;
    field.get_mut(start..)?.copy_from_slice(digits);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_der_signature_becomes_two_padded_halves() {
        // r has a sign octet, s is short.
        let mut der = vec![0x30, 2 + 33 + 2 + 31, 0x02, 33, 0];
        der.extend([0xff; 32]);
        der.extend([0x02, 31]);
        der.extend([0x11; 31]);
        let raw = raw_signature(&der).unwrap();
        assert_eq!(raw[..32], [0xff; 32]);
        assert_eq!(raw[32], 0);
        assert_eq!(raw[33..], [0x11; 31]);
    }

    #[test]
    fn a_cut_or_padded_signature_is_refused() {
        let mut der = vec![0x30, 6, 0x02, 1, 5, 0x02, 1, 7];
        assert!(raw_signature(&der).is_some());
        for length in 0..der.len() {
            assert_eq!(raw_signature(&der[..length]), None);
        }
        der.push(0);
        assert_eq!(raw_signature(&der), None);
    }

    #[test]
    fn an_id_is_ten_letters_and_digits() {
        assert!(is_id("ABC123DEFG"));
        for id in [
            "",
            "ABC123DEF",
            "ABC123DEFGH",
            "ABC123DEF\"",
            "ABC123DEF\n",
            "ÄBC123DEF",
        ] {
            assert!(!is_id(id), "{id}");
        }
    }
}
