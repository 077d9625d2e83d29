//! What a provider certificate says of itself: topics, environment, dates.

use std::time::Duration;

use x509_parser::asn1_rs::{Any, FromDer as _, Oid, Tag, oid};
use x509_parser::certificate::X509Certificate;

use super::CredentialError;

/// Client of the development service. These three are known from certificates and the peers that read them.
const DEVELOPMENT: Oid<'static> = oid!(1.2.840.113635.100.6.3.1);
/// Client of the production service.
const PRODUCTION: Oid<'static> = oid!(1.2.840.113635.100.6.3.2);
/// All topics, each with its kinds.
const TOPICS: Oid<'static> = oid!(1.2.840.113635.100.6.3.6);
/// The subject's UID: the bundle ID.
const USER_ID: Oid<'static> = oid!(0.9.2342.19200300.100.1.1);

/// Topics that are kept of one certificate: Apple's list a handful.
const MAX_TOPICS: usize = 1024;

/// A topic that a certificate may send to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateTopic {
    /// The value for `apns-topic`.
    pub topic: String,
    /// Apple's labels: `app`, `voip`, `complication`, …
    pub kinds: Vec<String>,
}

/// A provider certificate, read. Certificates of others than Apple have no environment and no topics:
/// that is no evidence against them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateInfo {
    /// The subject's common name, for people.
    pub common_name: Option<String>,
    /// The subject's UID: the bundle ID, or the MDM topic.
    pub user_id: Option<String>,
    /// Marked for the development service (sandbox).
    pub development: bool,
    /// Marked for the production service.
    pub production: bool,
    /// The topics that the certificate lists; empty if it has no list.
    pub topics: Vec<CertificateTopic>,
    /// Valid from then: time since 1970.
    pub not_before: Duration,
    /// Valid until then: time since 1970.
    pub not_after: Duration,
}

impl CertificateInfo {
    /// Reads a DER certificate.
    ///
    /// # Errors
    /// [`CredentialError::Certificate`] if it is none.
    pub fn from_der(der: &[u8]) -> Result<Self, CredentialError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|_| CredentialError::Certificate)?;
        let subject = certificate.subject();
        let has = |oid: &Oid<'_>| certificate.iter_extensions().any(|e| e.oid == *oid);
        let topics = certificate
            .iter_extensions()
            .find(|extension| extension.oid == TOPICS)
            .map_or_else(Vec::new, |extension| topics(extension.value));
        let validity = certificate.validity();
        Ok(Self {
            common_name: text(subject.iter_common_name().next()),
            user_id: text(subject.iter_by_oid(&USER_ID).next()),
            development: has(&DEVELOPMENT),
            production: has(&PRODUCTION),
            topics,
            not_before: since_1970(validity.not_before.timestamp()),
            not_after: since_1970(validity.not_after.timestamp()),
        })
    }

    /// Whether it has one of the extensions by which Apple's authority says what a certificate is for.
    pub fn is_apples(&self) -> bool {
        self.development || self.production || !self.topics.is_empty()
    }

    /// Whether this certificate may send to `topic`; `None` if it doesn't say.
    pub fn allows_topic(&self, topic: &str) -> Option<bool> {
        if self.topics.is_empty() {
            return None;
        }
        Some(self.topics.iter().any(|allowed| allowed.topic == topic))
    }

    /// What is left of its validity at `unix`, time since 1970; `None` once it has expired.
    pub fn remaining(&self, unix: Duration) -> Option<Duration> {
        self.not_after
            .checked_sub(unix)
            .filter(|left| !left.is_zero())
    }
}

fn text(attribute: Option<&x509_parser::x509::AttributeTypeAndValue<'_>>) -> Option<String> {
    attribute.and_then(|a| a.as_str().ok()).map(str::to_owned)
}

fn since_1970(timestamp: i64) -> Duration {
    Duration::from_secs(u64::try_from(timestamp).unwrap_or(0))
}

/// `SEQUENCE { topic UTF8String, SEQUENCE { kind UTF8String … }, … }`: a topic, then its kinds. What is
/// otherwise is skipped: the layout is known from certificates, not from a document.
fn topics(value: &[u8]) -> Vec<CertificateTopic> {
    let mut topics: Vec<CertificateTopic> = Vec::new();
    let Ok((_, list)) = Any::from_der(value) else {
        return topics;
    };
    for element in elements(list.data) {
        if element.tag() == Tag::Sequence {
            if let Some(last) = topics.last_mut() {
                last.kinds = elements(element.data).filter_map(|e| string(&e)).collect();
            }
        } else if let Some(topic) = string(&element) {
            topics.push(CertificateTopic {
                topic,
                kinds: Vec::new(),
            });
        }
        if topics.len() == MAX_TOPICS {
            break;
        }
    }
    topics
}

/// The DER elements that follow each other in `der`, up to the first that is broken.
fn elements(mut der: &[u8]) -> impl Iterator<Item = Any<'_>> {
    std::iter::from_fn(move || {
        let (rest, element) = Any::from_der(der).ok()?;
        der = rest;
        Some(element)
    })
}

fn string(element: &Any<'_>) -> Option<String> {
    match element.tag() {
        Tag::Utf8String | Tag::Ia5String | Tag::PrintableString => {
            std::str::from_utf8(element.data).ok().map(str::to_owned)
        }
        _ => None,
    }
}
