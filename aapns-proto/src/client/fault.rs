//! What a failed dial means, in words: shared by all adapters.

use std::io;

use rustls::{CertificateError, Error};

use crate::delivery::{DialError, DialStep, alert_text};

/// A dial that failed before TLS: name resolution, TCP, a proxy. Worth trying again.
pub fn dial_error(error: &io::Error) -> DialError {
    let message = match error.kind() {
        io::ErrorKind::ConnectionRefused => "connection refused".into(),
        io::ErrorKind::ConnectionReset => "connection reset".into(),
        io::ErrorKind::TimedOut => "timed out".into(),
        _ => error.to_string(),
    };
    DialError {
        step: DialStep::Connect,
        is_fatal: false,
        message: message.into(),
    }
}

/// A TLS handshake that failed, by the error of a TLS stream. Certificates that don't verify and alerts
/// are fatal; a handshake that was cut isn't.
pub fn tls_error(error: &io::Error) -> DialError {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    let (message, is_fatal) = match inner {
        Some(error) => (describe(error), is_fatal(error)),
        None if error.kind() == io::ErrorKind::UnexpectedEof => (
            "the server closed the connection during the handshake".to_owned(),
            false,
        ),
        None => (error.to_string(), false),
    };
    DialError {
        step: DialStep::Tls,
        is_fatal,
        message: message.into(),
    }
}

/// The alert that ended a TLS stream, if one did.
pub(super) fn alert(error: &io::Error) -> Option<u8> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => Some(u8::from(*alert)),
        _ => None,
    }
}

fn is_fatal(error: &Error) -> bool {
    matches!(
        error,
        Error::InvalidCertificate(_)
            | Error::AlertReceived(_)
            | Error::NoApplicationProtocol
            | Error::PeerIncompatible(_)
            | Error::NoCertificatesPresented
            | Error::UnsupportedNameType
    )
}

fn describe(error: &Error) -> String {
    match error {
        Error::InvalidCertificate(why) => certificate(why),
        Error::AlertReceived(alert) => alert_text(u8::from(*alert)).into_owned(),
        Error::NoApplicationProtocol => crate::pool::NotAdmitted::NotHttp2.to_string(),
        Error::InvalidMessage(_) => "the server does not speak TLS on this port".to_owned(),
        other => other.to_string(),
    }
}

fn certificate(why: &CertificateError) -> String {
    match why {
        // A bad signature: an authority of the same name with another key is trusted.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            "the server's certificate is signed by an authority that isn't trusted (wrong CA?)"
                .into()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "the server's certificate has expired".into()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "the server's certificate is not valid yet (is this machine's clock right?)".into()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "the server's certificate is for another host name".into()
        }
        other => format!("the server's certificate does not verify: {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tls(error: Error) -> DialError {
        tls_error(&io::Error::new(io::ErrorKind::InvalidData, error))
    }

    #[test]
    fn a_certificate_that_does_not_verify_is_fatal_and_named() {
        let expired = tls(Error::InvalidCertificate(CertificateError::Expired));
        assert!(expired.is_fatal);
        assert!(expired.message.contains("expired"));
        let issuer = tls(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        assert!(issuer.message.contains("authority"));
        let name = tls(Error::InvalidCertificate(CertificateError::NotValidForName));
        assert!(name.message.contains("host name"));
    }

    #[test]
    fn a_handshake_that_was_cut_is_worth_another_try() {
        let cut = tls_error(&io::ErrorKind::UnexpectedEof.into());
        assert!(!cut.is_fatal);
        assert_eq!(cut.step, DialStep::Tls);
    }
}
