//! Credentials, from the files that users have.
#![cfg(any(feature = "aws-lc-rs", feature = "ring"))]

use std::time::Duration;

use aapns_proto::tls::{CredentialError, Identity, Roots, Signer, TlsOptions, client_config};
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use p256::pkcs8::DecodePublicKey;

const TOKEN_KEY: &[u8] = include_bytes!("data/tls/token.p8");
const TOKEN_PUBLIC: &str = include_str!("data/tls/token.pub.pem");
const APPLE_CERTIFICATE: &[u8] = include_bytes!("data/tls/apple-rsa.crt.pem");
const APPLE_PKCS8: &[u8] = include_bytes!("data/tls/apple-rsa.pkcs8.pem");
const APPLE_PKCS1: &[u8] = include_bytes!("data/tls/apple-rsa.pkcs1.pem");
const APPLE_ENCRYPTED: &[u8] = include_bytes!("data/tls/apple-rsa.encrypted.pem");
const PLAIN_CERTIFICATE: &[u8] = include_bytes!("data/tls/plain-ec.crt.pem");
const PLAIN_SEC1: &[u8] = include_bytes!("data/tls/plain-ec.sec1.pem");
const P384: &[u8] = include_bytes!("data/tls/p384.p8");

fn signer() -> Signer {
    Signer::from_p8(TOKEN_KEY, "ABC123DEFG", "TEAM123456").expect("the fixture is a P-256 key")
}

fn base64url_decode(text: &str) -> Vec<u8> {
    let (mut word, mut bits, mut out) = (0u32, 0, Vec::new());
    for letter in text.bytes() {
        let sextet = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' => 62,
            b'_' => 63,
            other => panic!("{other} is not base64url"),
        };
        word = word << 6 | u32::from(sextet);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits) as u8);
        }
    }
    out
}

#[test]
fn a_provider_token_verifies_with_another_implementation() {
    let public = VerifyingKey::from_public_key_pem(TOKEN_PUBLIC).unwrap();
    let signer = signer();
    // Many, since r and s are short or have their top bit set by chance.
    for second in 0..600 {
        let token = signer
            .sign(Duration::new(1_700_000_000 + second, 999_999_999))
            .unwrap();
        assert_eq!(token.issued_at, Duration::from_secs(1_700_000_000 + second));
        let value = std::str::from_utf8(&token.value).unwrap();
        let jwt = value.strip_prefix("bearer ").unwrap();
        let (message, signature) = jwt.rsplit_once('.').unwrap();
        let raw = base64url_decode(signature);
        assert_eq!(raw.len(), 64);
        public
            .verify(message.as_bytes(), &Signature::from_slice(&raw).unwrap())
            .unwrap();

        let (header, claims) = message.split_once('.').unwrap();
        let header: serde_json::Value = serde_json::from_slice(&base64url_decode(header)).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&base64url_decode(claims)).unwrap();
        assert_eq!(
            header,
            serde_json::json!({"alg": "ES256", "kid": "ABC123DEFG"})
        );
        assert_eq!(
            claims,
            serde_json::json!({"iss": "TEAM123456", "iat": 1_700_000_000 + second})
        );
    }
}

#[test]
fn a_signing_key_must_be_on_p_256_and_in_the_clear() {
    let with = |pem: &[u8]| Signer::from_p8(pem, "ABC123DEFG", "TEAM123456").unwrap_err();
    assert_eq!(with(P384), CredentialError::NotP256);
    assert_eq!(with(APPLE_PKCS8), CredentialError::NotP256);
    assert!(matches!(
        with(APPLE_ENCRYPTED),
        CredentialError::EncryptedKey(_)
    ));
    assert!(matches!(with(APPLE_CERTIFICATE), CredentialError::NoKey(_)));
    assert!(matches!(with(b""), CredentialError::Pem(_)));
    assert!(matches!(with(b"not a key"), CredentialError::Pem(_)));
}

#[test]
fn an_id_of_the_wrong_form_is_refused() {
    let with = |key, team| Signer::from_p8(TOKEN_KEY, key, team).unwrap_err();
    assert_eq!(with("ABC", "TEAM123456"), CredentialError::KeyId(3));
    assert_eq!(
        with("ABC123DEFG", "TEAM 12345"),
        CredentialError::TeamId(10)
    );
}

#[test]
fn no_error_and_no_debug_output_shows_a_key() {
    // A key whose line breaks were lost is what the PEM parser would quote whole.
    let lost = String::from_utf8(TOKEN_KEY.to_vec())
        .unwrap()
        .replace('\n', "");
    let secret = &lost[40..60];
    let error = Signer::from_p8(lost.as_bytes(), "ABC123DEFG", "TEAM123456").unwrap_err();
    let identity = Identity::from_pem_pair(PLAIN_CERTIFICATE, lost.as_bytes()).unwrap_err();
    for text in [
        format!("{error} {error:?} {identity} {identity:?}"),
        format!("{:?} {:?}", signer(), signer().sign(Duration::from_secs(1))),
    ] {
        assert!(!text.contains(secret) && !text.contains("eyJ"), "{text}");
    }
    let identity = Identity::from_pem_pair(PLAIN_CERTIFICATE, PLAIN_SEC1).unwrap();
    let line = String::from_utf8(PLAIN_SEC1.to_vec())
        .unwrap()
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    assert!(!format!("{identity:?}").contains(&line));
}

#[test]
fn an_identity_is_read_from_every_form_of_pem() {
    let together = [APPLE_PKCS8, APPLE_CERTIFICATE].concat();
    for identity in [
        Identity::from_pem(&together),
        Identity::from_pem_pair(APPLE_CERTIFICATE, APPLE_PKCS8),
        Identity::from_pem_pair(APPLE_CERTIFICATE, APPLE_PKCS1),
        Identity::from_pem_pair(PLAIN_CERTIFICATE, PLAIN_SEC1),
    ] {
        let mut options = TlsOptions::default();
        options.roots = Roots::only_pem(PLAIN_CERTIFICATE).unwrap();
        options.identity = Some(identity.unwrap());
        let config = client_config(&options).unwrap();
        assert_eq!(config.alpn_protocols, [b"h2".to_vec()]);
        assert!(!config.enable_early_data);
        assert!(config.client_auth_cert_resolver.has_certs());
    }
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let mut options = TlsOptions::default();
    options.roots = Roots::only_pem(PLAIN_CERTIFICATE).unwrap();
    options.identity = Some(Identity::from_pem_pair(APPLE_CERTIFICATE, PLAIN_SEC1).unwrap());
    assert_eq!(
        client_config(&options).unwrap_err(),
        CredentialError::KeyMismatch
    );
}

#[test]
fn what_is_missing_from_an_identity_is_named() {
    let no_key = Identity::from_pem(APPLE_CERTIFICATE).unwrap_err();
    assert!(matches!(no_key, CredentialError::NoKey(_)));
    let no_certificate = Identity::from_pem(APPLE_PKCS8).unwrap_err();
    assert!(matches!(no_certificate, CredentialError::NoCertificate(_)));
    let encrypted = Identity::from_pem_pair(APPLE_CERTIFICATE, APPLE_ENCRYPTED).unwrap_err();
    assert!(matches!(encrypted, CredentialError::EncryptedKey(_)));
}

#[test]
fn nothing_to_trust_is_an_error() {
    assert_eq!(
        client_config(&TlsOptions::default()).unwrap_err(),
        CredentialError::NoRoots
    );
    let mut roots = Roots::default();
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert_eq!(
        roots.add_pem(broken.as_bytes()),
        Err(CredentialError::Root(1))
    );
    assert!(matches!(
        roots.add_pem(TOKEN_KEY),
        Err(CredentialError::NoCertificate(_))
    ));
}

#[test]
fn apples_extensions_tell_topics_environment_and_dates() {
    let identity = Identity::from_pem_pair(APPLE_CERTIFICATE, APPLE_PKCS8).unwrap();
    let info = identity.info();
    assert_eq!(info.user_id.as_deref(), Some("com.example.app"));
    assert_eq!(
        info.common_name.as_deref(),
        Some("Apple Push Services: com.example.app")
    );
    assert!(info.development && info.production);
    let topics: Vec<_> = info
        .topics
        .iter()
        .map(|t| (&*t.topic, &*t.kinds[0]))
        .collect();
    assert_eq!(
        topics,
        [
            ("com.example.app", "app"),
            ("com.example.app.voip", "voip"),
            ("com.example.app.complication", "complication"),
        ]
    );
    assert_eq!(info.allows_topic("com.example.app.voip"), Some(true));
    assert_eq!(info.allows_topic("com.example.other"), Some(false));
    assert!(info.remaining(info.not_before).is_some());
    assert_eq!(info.remaining(info.not_after), None);
}

#[test]
fn a_certificate_of_others_says_nothing_about_topics() {
    let identity = Identity::from_pem_pair(PLAIN_CERTIFICATE, PLAIN_SEC1).unwrap();
    assert!(!identity.info().development && !identity.info().production);
    assert_eq!(identity.info().allows_topic("com.example.app"), None);
}

#[cfg(feature = "p12")]
#[test]
fn pkcs12_files_old_and_new_are_read_with_their_password() {
    for file in [
        &include_bytes!("data/tls/apple-rsa.p12")[..],
        &include_bytes!("data/tls/apple-rsa.legacy.p12")[..],
    ] {
        let identity = Identity::from_pkcs12(file, "secret").unwrap();
        assert_eq!(identity.info().user_id.as_deref(), Some("com.example.app"));
        let mut options = TlsOptions::default();
        options.roots = Roots::only_pem(PLAIN_CERTIFICATE).unwrap();
        options.identity = Some(identity);
        client_config(&options).unwrap();
        let wrong = Identity::from_pkcs12(file, "guess").unwrap_err();
        assert_eq!(wrong, CredentialError::Pkcs12);
        let cut = Identity::from_pkcs12(&file[..file.len() / 2], "secret").unwrap_err();
        assert_eq!(cut, CredentialError::Pkcs12);
    }
}
