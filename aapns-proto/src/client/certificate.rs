//! The client certificate, judged by what it says of itself, before anything is sent with it.
//!
//! Apple's certificates list their topics and name their environment ("Establishing a
//! certificate-based connection to APNs"). Only such evidence counts: what a certificate doesn't say, and
//! what other servers than Apple's take, is the server's to judge.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::limits::CERTIFICATE_WARNING;
use crate::request::{Head, Request};
use crate::tls::CertificateInfo;

use super::endpoint::Environment;
use super::handle::Client;
use super::pool::Pool;
use super::runtime::Runtime;

/// Why a client certificate can't do what it is to do, by its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It has expired.
    #[error("the client certificate expired {} ago; renew it on developer.apple.com", Days(*.since))]
    Expired {
        /// How long ago.
        since: Duration,
    },
    /// It is for the other one of Apple's services.
    #[error("the client certificate is for {certificate} only, and the server is {server}")]
    Environment {
        /// What the certificate is for.
        certificate: Environment,
        /// What the server is.
        server: Environment,
    },
    /// The topic isn't in its list.
    #[error("topic: the client certificate doesn't list {topic}; it lists {}", .listed.join(", "))]
    Topic {
        /// `apns-topic` of the notification.
        topic: String,
        /// The topics in the certificate.
        listed: Vec<String>,
    },
    /// It lists several topics, and the notification names none.
    #[error("topic: name one, since the client certificate lists several: {}", .listed.join(", "))]
    NoTopic {
        /// The topics in the certificate.
        listed: Vec<String>,
    },
}

/// A client certificate that expires within 30 days.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CertificateWarning {
    /// The subject's common name, for people.
    pub common_name: Option<String>,
    /// When it expires: time since 1970.
    pub not_after: Duration,
    /// What is left until then; zero if it has expired.
    pub remaining: Duration,
}

impl fmt::Display for CertificateWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client certificate")?;
        if let Some(name) = &self.common_name {
            write!(f, " ({name})")?;
        }
        if self.remaining.is_zero() {
            f.write_str(" has expired")
        } else {
            write!(f, " expires in {}", Days(self.remaining))
        }
    }
}

impl CertificateWarning {
    /// The warning that is due at `unix`, time since 1970.
    fn of(info: &CertificateInfo, unix: Duration) -> Option<Self> {
        let remaining = info.remaining(unix).unwrap_or_default();
        (remaining < CERTIFICATE_WARNING).then(|| Self {
            common_name: info.common_name.clone(),
            not_after: info.not_after,
            remaining,
        })
    }
}

/// A span of time in whole days, or in hours if it is less than two.
struct Days(Duration);

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.0.as_secs() / 3600;
        match hours {
            1 => f.write_str("1 hour"),
            0..48 => write!(f, "{hours} hours"),
            _ => write!(f, "{} days", hours / 24),
        }
    }
}

impl<R: Runtime> Pool<R> {
    /// The client certificate that servers see, if there is one.
    pub fn certificate(&self) -> Option<Arc<CertificateInfo>> {
        self.shared().trust.certificate.get()
    }

    /// A warning, if that certificate expires within 30 days.
    pub fn certificate_warning(&self) -> Option<CertificateWarning> {
        let info = self.certificate()?;
        CertificateWarning::of(&info, self.shared().runtime.unix())
    }

    /// Judges a push to a device by what the client certificate says: its topics, its dates. Without such a
    /// certificate, and for other servers than Apple's, everything passes. [`Client`]s do it by themselves.
    ///
    /// # Errors
    /// [`CertificateFault`]: Apple would not take it.
    pub fn judge(&self, request: &Request) -> Result<(), CertificateFault> {
        if !request.path().starts_with(b"/3/device/") {
            return Ok(());
        }
        let own = request.fields().get("apns-topic");
        match own.and_then(|topic| std::str::from_utf8(topic).ok()) {
            Some(topic) => self.judge_topic(Some(topic)),
            None => self.judge_head(request.head()),
        }
    }

    pub(super) fn judge_head(&self, head: &Head) -> Result<(), CertificateFault> {
        let present = &self.shared().trust.certificate;
        if !present.is_some.load(Ordering::Relaxed) {
            return Ok(());
        }
        let topic = head.fields().get("apns-topic");
        self.judge_topic(topic.and_then(|topic| std::str::from_utf8(topic).ok()))
    }

    /// Judges a request that has no topic: the dates alone.
    pub(super) fn judge_use(&self) -> Result<(), CertificateFault> {
        let shared = self.shared();
        let unix = || shared.runtime.unix();
        shared.trust.certificate.judge_use(unix).map(|_| ())
    }

    /// Whether a push type that needs a provider token would be refused.
    pub(super) fn has_apples_certificate(&self) -> bool {
        self.shared().trust.certificate.is_at_apple()
    }

    pub(super) fn judge_topic(&self, topic: Option<&str>) -> Result<(), CertificateFault> {
        let shared = self.shared();
        let unix = || shared.runtime.unix();
        shared.trust.certificate.judge_topic(topic, unix)
    }
}

impl<R: Runtime> Client<R> {
    /// As [`Pool::certificate`].
    pub fn certificate(&self) -> Option<Arc<CertificateInfo>> {
        self.pool().certificate()
    }

    /// As [`Pool::certificate_warning`].
    pub fn certificate_warning(&self) -> Option<CertificateWarning> {
        self.pool().certificate_warning()
    }
}

/// What [`Builder::on_certificate_warning`](super::Builder::on_certificate_warning) is given.
pub(super) type OnWarning = Arc<dyn Fn(&CertificateWarning) + Send + Sync>;

/// The client certificate of a pool, as it is now.
#[derive(Default)]
pub(super) struct Present {
    /// Of Apple's services; `None`: the server is another, and nothing is judged.
    environment: Option<Environment>,
    on_warning: Option<OnWarning>,
    /// Whether there is one: sends look at nothing else while there is none.
    is_some: AtomicBool,
    info: Mutex<Option<Arc<CertificateInfo>>>,
    /// The day of the last warning, counted from 1970.
    warned: AtomicU64,
}

impl Present {
    pub(super) fn new(environment: Option<Environment>, on_warning: Option<OnWarning>) -> Self {
        Self {
            environment,
            on_warning,
            ..Self::default()
        }
    }

    /// Takes another certificate, unless it is of no use.
    pub(super) fn replace(
        &self,
        info: Option<CertificateInfo>,
        unix: Duration,
    ) -> Result<(), CertificateFault> {
        if let Some(info) = &info {
            self.judge(info, unix)?;
        }
        let info = info.map(Arc::new);
        self.is_some.store(info.is_some(), Ordering::Relaxed);
        *self.lock() = info;
        self.warned.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Warns of the present certificate, if a warning is due.
    pub(super) fn warn_of_present(&self, unix: Duration) {
        if let Some(info) = self.get() {
            self.warn(&info, unix);
        }
    }

    /// Whether Apple's service knows its clients by a certificate of Apple's.
    fn is_at_apple(&self) -> bool {
        self.is_some.load(Ordering::Relaxed)
            && self.environment.is_some()
            && self.get().is_some_and(|info| info.is_apples())
    }

    pub(super) fn get(&self) -> Option<Arc<CertificateInfo>> {
        self.lock().clone()
    }

    /// Judges anything sent, and warns if a warning is due; the certificate, if it is to be judged further.
    fn judge_use(
        &self,
        unix: impl FnOnce() -> Duration,
    ) -> Result<Option<Arc<CertificateInfo>>, CertificateFault> {
        if !self.is_some.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let Some(info) = self.get() else {
            return Ok(None);
        };
        let unix = unix();
        self.warn(&info, unix);
        self.judge(&info, unix)?;
        Ok(self.environment.is_some().then_some(info))
    }

    /// Judges a notification.
    fn judge_topic(
        &self,
        topic: Option<&str>,
        unix: impl FnOnce() -> Duration,
    ) -> Result<(), CertificateFault> {
        let Some(info) = self.judge_use(unix)? else {
            return Ok(());
        };
        let listed = || info.topics.iter().map(|t| t.topic.clone()).collect();
        match topic {
            Some(topic) if info.allows_topic(topic) == Some(false) => {
                Err(CertificateFault::Topic {
                    topic: topic.to_owned(),
                    listed: listed(),
                })
            }
            None if info.topics.len() > 1 => Err(CertificateFault::NoTopic { listed: listed() }),
            _ => Ok(()),
        }
    }

    /// Judges what holds for all notifications. Only Apple's certificates are, at Apple's servers.
    fn judge(&self, info: &CertificateInfo, unix: Duration) -> Result<(), CertificateFault> {
        let Some(server) = self.environment.filter(|_| info.is_apples()) else {
            return Ok(());
        };
        if info.remaining(unix).is_none() {
            let since = unix.saturating_sub(info.not_after);
            return Err(CertificateFault::Expired { since });
        }
        let certificate = match (info.production, info.development) {
            (true, false) => Environment::Production,
            (false, true) => Environment::Sandbox,
            _ => return Ok(()),
        };
        if certificate == server {
            return Ok(());
        }
        Err(CertificateFault::Environment {
            certificate,
            server,
        })
    }

    /// Calls the user's function, once a day.
    fn warn(&self, info: &CertificateInfo, unix: Duration) {
        const DAY: u64 = 86_400;
        let Some(on_warning) = &self.on_warning else {
            return;
        };
        let Some(warning) = CertificateWarning::of(info, unix) else {
            return;
        };
        let today = unix.as_secs() / DAY;
        if self.warned.swap(today, Ordering::Relaxed) != today {
            on_warning(&warning);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<CertificateInfo>>> {
        self.info.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Present {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Present").field(&self.get()).finish()
    }
}

#[cfg(test)]
mod tests;
