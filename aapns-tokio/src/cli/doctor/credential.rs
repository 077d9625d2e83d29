//! The credential: is it one, for which environment, for what, until when.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aapns_proto::client::Credential;
use aapns_proto::tls::CertificateInfo;

use super::DoctorArgs;
use super::report::Report;
use crate::cli::values::Server;

/// A certificate that expires sooner is worth a word.
const SOON: Duration = Duration::from_secs(30 * 86_400);

const CHECK: &str = "credential";

/// Whether there is a credential that can be used, or none is needed.
pub(super) fn check(args: &DoctorArgs, report: &mut Report) -> bool {
    let identity = match args.connect.identity() {
        Ok(identity) => identity,
        Err(fault) => {
            report.failed(CHECK, fault, "no push can be sent with it");
            return false;
        }
    };
    if let Some(identity) = identity {
        return check_certificate(args, identity.info(), report);
    }
    match args.connect.credential() {
        Ok(Credential::Token(_)) => {
            report.ok(CHECK, "a provider token can be made (P-256 key, key id and team id of 10 characters, or a ready JWT)");
            true
        }
        Ok(_) if matches!(args.connect.server, Server::Other(_)) => {
            report.not_checked(CHECK, "none was given");
            true
        }
        Ok(_) => {
            report.failed(
                CHECK,
                "none was given",
                "give --cert FILE, or --token-key FILE --key-id ID --team-id ID",
            );
            false
        }
        Err(fault) => {
            report.failed(CHECK, fault, "no push can be sent with it");
            false
        }
    }
}

fn check_certificate(args: &DoctorArgs, info: &CertificateInfo, report: &mut Report) -> bool {
    let name = info
        .common_name
        .as_deref()
        .unwrap_or("a certificate without a name");
    report.ok(CHECK, format_args!("{name}; the key belongs to it"));
    let is_valid = check_dates(info, report);
    check_environment(args, info, report);
    check_topics(args, info, report);
    is_valid
}

fn check_dates(info: &CertificateInfo, report: &mut Report) -> bool {
    const CHECK: &str = "expiry";
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let days = |span: Duration| span.as_secs() / 86_400;
    if now < info.not_before {
        report.failed(
            CHECK,
            "the certificate is not valid yet",
            "check this machine's clock",
        );
        return false;
    }
    match info.remaining(now) {
        None => {
            report.failed(
                CHECK,
                "the certificate has expired",
                "renew it on developer.apple.com",
            );
            false
        }
        Some(left) if left < SOON => {
            report.warning(
                CHECK,
                format_args!("{} days left", days(left)),
                "renew it on developer.apple.com",
            );
            true
        }
        Some(left) => {
            report.ok(CHECK, format_args!("{} days left", days(left)));
            true
        }
    }
}

fn check_environment(args: &DoctorArgs, info: &CertificateInfo, report: &mut Report) {
    const CHECK: &str = "environment";
    let marked = match (info.development, info.production) {
        (true, true) => "sandbox and production",
        (true, false) => "sandbox only",
        (false, true) => "production only",
        (false, false) => {
            return report.not_checked(
                CHECK,
                "the certificate names none: it is not one of Apple's",
            );
        }
    };
    let fits = match args.connect.server {
        Server::Production => info.production,
        Server::Sandbox => info.development,
        Server::Other(_) => true,
    };
    if fits {
        report.ok(CHECK, marked);
    } else {
        report.failed(
            CHECK,
            format_args!("the certificate is for {marked}"),
            "choose the other --server, or another certificate",
        );
    }
}

fn check_topics(args: &DoctorArgs, info: &CertificateInfo, report: &mut Report) {
    const CHECK: &str = "topics";
    let topics: Vec<&str> = info
        .topics
        .iter()
        .map(|topic| topic.topic.as_str())
        .collect();
    let listed = match (topics.is_empty(), &info.user_id) {
        (false, _) => topics.join(", "),
        (true, Some(user_id)) => user_id.clone(),
        (true, None) => return report.not_checked(CHECK, "the certificate names none"),
    };
    match &args.topic {
        Some(topic) if info.allows_topic(topic.as_str()) == Some(false) => report.failed(
            CHECK,
            format_args!("{topic} is not among {listed}"),
            "give one of these to --topic, or use another certificate",
        ),
        None if topics.len() > 1 => report.warning(
            CHECK,
            listed,
            "with several topics each push must name its --topic",
        ),
        _ => report.ok(CHECK, listed),
    }
}
